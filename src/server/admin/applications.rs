use super::Refused;
use super::clients::{self, ClientChange};
use crate::server::Unavailable;
use crate::server::core::Core;
use crate::server::model::application::{AccessPolicy, Audience, RequiredMethod};
use crate::server::model::oauth::Client;
use crate::server::model::{Application, ApplicationId};
use crate::server::secret::Secret;
use crate::server::store::{Insertion, Unit};
use crate::server::telemetry::AUDIT;
use crate::types::DisplayName;
use std::time::Duration;

/// Applications and who may use them.
pub struct Applications<'a> {
    pub(in crate::server) core: &'a Core,
}

/// A change of an application; what is `None` stays, or has its default in a new one.
#[derive(Clone, Debug, Default)]
pub struct ApplicationChange {
    pub name: Option<DisplayName>,
    pub url: Option<String>,
    pub who: Option<Audience>,
    pub method: Option<RequiredMethod>,
    pub max_age: Option<Duration>,
    /// Where anything of it is set, the application signs users in by OpenID Connect.
    pub client: ClientChange,
}

/// An application that was added or changed.
#[derive(Debug)]
pub struct Changed {
    pub application: Application,
    pub client: Option<Client>,
    /// The secret of a new confidential client, which is shown once.
    pub secret: Option<Secret<String>>,
}

impl ApplicationChange {
    fn apply_to(self, application: Application) -> (Application, ClientChange) {
        let policy = application.policy;
        let application = Application {
            name: self.name.unwrap_or(application.name),
            url: self.url.or(application.url),
            policy: AccessPolicy {
                who: self.who.unwrap_or(policy.who),
                method: self.method.unwrap_or(policy.method),
                max_age: self.max_age.or(policy.max_age),
            },
            ..application
        };
        (application, self.client)
    }
}

impl Applications<'_> {
    /// At most `limit` applications in the order of their ids: those behind `after`.
    pub async fn page(&self, after: Option<&ApplicationId>, limit: u32) -> Result<Vec<Application>, Unavailable> {
        self.core.store.applications(after, limit).await
    }

    /// An application.
    ///
    /// # Errors
    /// When there is none of that id.
    pub async fn get(&self, id: &ApplicationId) -> Result<Application, Refused> {
        self.core.store.application(id).await?.ok_or_else(|| Refused::UnknownApplication(id.clone()))
    }

    /// Adds an application. No one may use it until its policy names them (docs/RULES.md, 18).
    ///
    /// # Errors
    /// When there is one of that id, or a group does not exist.
    pub async fn add(
        &self,
        id: ApplicationId,
        name: DisplayName,
        change: ApplicationChange,
    ) -> Result<Changed, Refused> {
        let policy = AccessPolicy { who: Audience::default(), method: RequiredMethod::default(), max_age: None };
        let new = Application {
            id,
            name,
            url: None,
            policy,
            from_file: false,
            disabled_at: None,
            created_at: self.core.now(),
        };
        let (application, client) = change.apply_to(new);
        let mut unit = self.core.store.begin().await?;
        if unit.add_application(&application).await? == Insertion::Conflict {
            return Err(Refused::ApplicationExists(application.id));
        }
        finish(self.core, unit, (application, client), "application_added").await
    }

    /// Changes an application.
    ///
    /// # Errors
    /// When there is none of that id, the file names it, or a group does not exist.
    pub async fn edit(&self, id: &ApplicationId, change: ApplicationChange) -> Result<Changed, Refused> {
        let mut unit = self.core.store.begin().await?;
        let (application, client) = change.apply_to(own(unit.as_mut(), id).await?);
        unit.change_application(&application).await?;
        finish(self.core, unit, (application, client), "application_changed").await
    }

    /// Removes an application: its users lose it at their next request.
    ///
    /// # Errors
    /// When there is none of that id, or the file names it.
    pub async fn remove(&self, id: &ApplicationId) -> Result<(), Refused> {
        let mut unit = self.core.store.begin().await?;
        own(unit.as_mut(), id).await?;
        unit.remove_application(id).await?;
        unit.commit().await?;
        tracing::info!(target: AUDIT, application = %id, event = "application_removed", "application_removed");
        Ok(())
    }
}

/// Locks and reads an application that the file does not name.
async fn own(unit: &mut dyn Unit, id: &ApplicationId) -> Result<Application, Refused> {
    match unit.lock_application(id).await? {
        None => Err(Refused::UnknownApplication(id.clone())),
        Some(application) if application.from_file => Err(Refused::FromFile(id.to_string())),
        Some(application) => Ok(application),
    }
}

/// Writes the groups and the client of an application, and commits.
async fn finish(
    core: &Core,
    mut unit: Box<dyn Unit>,
    (application, change): (Application, ClientChange),
    event: &'static str,
) -> Result<Changed, Refused> {
    if let Some(unknown) = unit.set_application_groups(&application).await? {
        return Err(Refused::UnknownGroup(unknown));
    }
    let known = unit.client_within(&application.id).await?;
    let (client, secret) = if change.is_set() {
        let (client, secret) = clients::put(core, unit.as_mut(), &application, (known, change)).await?;
        (Some(client), secret)
    } else {
        (known, None)
    };
    unit.commit().await?;
    let (id, who) = (&application.id, &application.policy.who);
    tracing::info!(target: AUDIT, application = %id, %who, event, "{event}");
    Ok(Changed { application, client, secret })
}
