use super::Refused;
use super::clients::{self, ClientChange};
use super::lost_access::{self, Change};
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::core::Core;
use crate::server::model::application::{AccessPolicy, Audience, RequiredMethod};
use crate::server::model::logo::Logo;
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

/// A change of an optional value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Setting<T> {
    #[default]
    Keep,
    Clear,
    Set(T),
}

impl<T> Setting<T> {
    /// The value after the change.
    #[must_use]
    pub fn over(self, known: Option<T>) -> Option<T> {
        match self {
            Self::Keep => known,
            Self::Clear => None,
            Self::Set(value) => Some(value),
        }
    }
}

impl<T> From<Option<T>> for Setting<T> {
    fn from(given: Option<T>) -> Self {
        given.map_or(Self::Keep, Self::Set)
    }
}

/// A change of an application; `None` keeps a value, or takes the default for a new one.
#[derive(Clone, Debug, Default)]
pub struct ApplicationChange {
    pub name: Option<DisplayName>,
    pub url: Setting<String>,
    pub logo: Setting<Logo>,
    pub who: Option<Audience>,
    pub method: Option<RequiredMethod>,
    pub max_age: Setting<Duration>,
    /// If any of it is set, the application signs users in with OpenID Connect.
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

/// An application with all defaults: closed to everyone.
pub(super) fn new_application(id: ApplicationId, name: DisplayName, created_at: Timestamp) -> Application {
    let policy = AccessPolicy { who: Audience::default(), method: RequiredMethod::default(), max_age: None };
    Application { id, name, url: None, logo: None, policy, from_file: false, disabled_at: None, created_at }
}

impl ApplicationChange {
    pub(super) fn apply_to(&self, application: Application) -> Application {
        let Self { name, url, logo, who, method, max_age, client: _ } = self.clone();
        let policy = application.policy;
        let logo = match logo {
            Setting::Keep => application.logo,
            Setting::Clear => None,
            Setting::Set(logo) => Some(logo.version()),
        };
        Application {
            name: name.unwrap_or(application.name),
            url: url.over(application.url),
            logo,
            policy: AccessPolicy {
                who: who.unwrap_or(policy.who),
                method: method.unwrap_or(policy.method),
                max_age: max_age.over(policy.max_age),
            },
            ..application
        }
    }
}

impl Applications<'_> {
    /// At most `limit` applications, sorted by id; only those after `after`, if it is given.
    pub async fn page(&self, after: Option<&ApplicationId>, limit: u32) -> Result<Vec<Application>, Unavailable> {
        self.core.store.applications(after, limit).await
    }

    /// The application with this id.
    ///
    /// # Errors
    /// When it does not exist.
    pub async fn get(&self, id: &ApplicationId) -> Result<Application, Refused> {
        self.core.store.application(id).await?.ok_or_else(|| Refused::UnknownApplication(id.clone()))
    }

    /// The logo of an application.
    ///
    /// `version`: the one in the URL of the logo; `None` for any other version.
    pub async fn logo(&self, id: &ApplicationId, version: &str) -> Result<Option<Logo>, Unavailable> {
        self.core.store.logo(id, version).await
    }

    /// Adds an application. No one may use it until its policy names them (docs/RULES.md, 18).
    ///
    /// # Errors
    /// When the id is taken, or a group does not exist.
    pub async fn add(
        &self,
        id: ApplicationId,
        name: DisplayName,
        change: ApplicationChange,
    ) -> Result<Changed, Refused> {
        let application = change.apply_to(new_application(id, name, self.core.now()));
        let mut unit = self.core.store.begin().await?;
        if unit.add_application(&application).await? == Insertion::Conflict {
            return Err(Refused::ApplicationExists(application.id));
        }
        finish(self.core, unit, (application, change), "application_added").await
    }

    /// Changes an application.
    ///
    /// # Errors
    /// When the application does not exist, is defined in the file, or one of the groups does not exist.
    pub async fn edit(&self, id: &ApplicationId, change: ApplicationChange) -> Result<Changed, Refused> {
        let mut unit = self.core.store.begin().await?;
        let application = change.apply_to(own(unit.as_mut(), id).await?);
        unit.change_application(&application).await?;
        finish(self.core, unit, (application, change), "application_changed").await
    }

    /// Removes an application: its users lose access at their next request.
    ///
    /// # Errors
    /// When it does not exist, or is defined in the file.
    pub async fn remove(&self, id: &ApplicationId) -> Result<(), Refused> {
        let mut unit = self.core.store.begin().await?;
        own(unit.as_mut(), id).await?;
        unit.remove_application(id).await?;
        unit.commit().await?;
        tracing::info!(target: AUDIT, application = %id, event = "application_removed", "application_removed");
        Ok(())
    }
}

/// Locks and reads an application that is not defined in the file.
async fn own(unit: &mut dyn Unit, id: &ApplicationId) -> Result<Application, Refused> {
    match unit.lock_application(id).await? {
        None => Err(Refused::UnknownApplication(id.clone())),
        Some(application) if application.from_file => Err(Refused::DefinedInFile(id.to_string())),
        Some(application) => Ok(application),
    }
}

/// Writes the groups, the logo and the client of an application, and commits.
async fn finish(
    core: &Core,
    mut unit: Box<dyn Unit>,
    (application, change): (Application, ApplicationChange),
    event: &'static str,
) -> Result<Changed, Refused> {
    put_groups_and_logo(unit.as_mut(), &application, change.logo).await?;
    let known = unit.client_within(&application.id).await?;
    let (client, secret) = if change.client.is_set() {
        let (client, secret) = clients::put(core, unit.as_mut(), &application, (known, change.client)).await?;
        (Some(client), secret)
    } else {
        (known, None)
    };
    unit.commit().await?;
    lost_access::end(core, Change::OfApplication(&application.id)).await?;
    let (id, who) = (&application.id, &application.policy.who);
    tracing::info!(target: AUDIT, application = %id, %who, event, "{event}");
    Ok(Changed { application, client, secret })
}

/// Writes the groups and the logo of an application.
///
/// # Errors
/// When a group does not exist; the unit of work must then be dropped.
pub(super) async fn put_groups_and_logo(
    unit: &mut dyn Unit,
    application: &Application,
    logo: Setting<Logo>,
) -> Result<(), Refused> {
    if let Some(unknown) = unit.set_application_groups(application).await? {
        return Err(Refused::UnknownGroup(unknown));
    }
    match logo {
        Setting::Keep => {}
        Setting::Clear => unit.put_logo(&application.id, None).await?,
        Setting::Set(logo) => unit.put_logo(&application.id, Some(&logo)).await?,
    }
    Ok(())
}
