use super::{ApplicationEntry, ApplicationsFile, GroupEntry, Mistake, Mistakes};
use crate::server::admin::Refused;
use crate::server::admin::applications::{Applications, Setting, end_lost_access, new_application, put_parts};
use crate::server::core::Core;
use crate::server::model::oauth::{Client, ClientSecret};
use crate::server::model::{Application, Group};
use crate::server::store::{Insertion, Unit};
use crate::server::telemetry::AUDIT;
use std::collections::BTreeSet;

/// The outcome of applying a file, for one application.
#[derive(Debug)]
pub struct Applied {
    pub application: Application,
    pub client: Option<Client>,
    pub outcome: Outcome,
    /// Whether it is a confidential client without a secret that is valid.
    pub needs_secret: bool,
}

/// The change that a file made to an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Added,
    Changed,
    Unchanged,
    /// The file no longer names it.
    Disabled,
}

impl Outcome {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Unchanged => "unchanged",
            Self::Disabled => "disabled",
        }
    }
}

/// A file on its way into the database: one transaction, all of it or nothing.
struct Applying<'a> {
    core: &'a Core,
    unit: Box<dyn Unit>,
    mistakes: Vec<Mistake>,
    changed_groups: Vec<Group>,
}

impl Applications<'_> {
    /// Brings groups and applications to what a file says.
    ///
    /// # Errors
    /// Every mistake that only the database could show, such as an unknown group.
    pub async fn apply(&self, file: &ApplicationsFile) -> Result<Vec<Applied>, Refused> {
        let mut unit = self.core.store.begin().await?;
        // Of several nodes that start at once, one goes after the other.
        let known = unit.lock_applications().await?;
        let mut applying = Applying { core: self.core, unit, mistakes: Vec::new(), changed_groups: Vec::new() };
        applying.groups(&file.groups).await?;
        applying.check_groups(file).await?;
        let mut applied = Vec::new();
        for entry in &file.applications {
            let former = known.iter().find(|known| known.id == entry.id);
            applied.extend(applying.application(entry, former).await?);
        }
        let named: BTreeSet<_> = file.applications.iter().map(|entry| &entry.id).collect();
        for gone in known.into_iter().filter(|known| known.from_file && !named.contains(&known.id)) {
            applied.push(applying.disable(gone).await?);
        }
        let Applying { unit, mistakes, changed_groups, .. } = applying;
        if !mistakes.is_empty() {
            return Err(Mistakes::new(&file.path, mistakes).into());
        }
        unit.commit().await?;
        for Group { name, is_default, from_file, .. } in &changed_groups {
            tracing::info!(target: AUDIT, group = %name, is_default, from_file, event = "group_changed", "group_changed");
        }
        for Applied { application, outcome, .. } in applied.iter().filter(|one| one.outcome != Outcome::Unchanged) {
            let (id, who, from_file) = (&application.id, &application.policy.who, application.from_file);
            let event = format!("application_{}", outcome.name());
            tracing::info!(target: AUDIT, application = %id, %who, from_file, event, "{event}");
        }
        Ok(applied)
    }
}

impl Applying<'_> {
    async fn groups(&mut self, entries: &[GroupEntry]) -> Result<(), Refused> {
        let now = self.core.now();
        for GroupEntry { name, title, is_default, .. } in entries {
            let known = self.unit.lock_group(name).await?;
            let title = title.clone().or_else(|| name.as_title()).ok_or(Refused::NoTitle)?;
            let created_at = known.as_ref().map_or(now, |known| known.created_at);
            let group = Group { name: name.clone(), title, is_default: *is_default, from_file: true, created_at };
            if known.as_ref() != Some(&group) {
                self.unit.put_group(&group).await?;
                self.changed_groups.push(group);
            }
        }
        let named: BTreeSet<_> = entries.iter().map(|entry| &entry.name).collect();
        for gone in self.unit.groups_from_file().await? {
            if !named.contains(&gone.name) {
                // Its members stay: applications may be open to them.
                let group = Group { is_default: false, from_file: false, ..gone };
                self.unit.put_group(&group).await?;
                self.changed_groups.push(group);
            }
        }
        Ok(())
    }

    /// Notes every group that an application names and that does not exist.
    async fn check_groups(&mut self, file: &ApplicationsFile) -> Result<(), Refused> {
        for entry in &file.applications {
            for name in entry.groups() {
                if self.unit.lock_group(name).await?.is_none() {
                    let what = format!("application {}: there is no group {name}; [[group]] makes one", entry.id);
                    self.mistakes.push(Mistake { line: entry.line, what });
                }
            }
        }
        Ok(())
    }

    /// `None` where there is a mistake.
    async fn application(
        &mut self,
        entry: &ApplicationEntry,
        former: Option<&Application>,
    ) -> Result<Option<Applied>, Refused> {
        let created_at = former.map_or_else(|| self.core.now(), |former| former.created_at);
        let new = Application { from_file: true, ..new_application(entry.id.clone(), entry.name.clone(), created_at) };
        let application = entry.change.apply_to(new);
        let change = entry.change.client.clone();
        let client = match change.is_set().then(|| change.apply_to(None, &entry.id)).transpose() {
            Ok(client) => client,
            Err(why) => return Ok(self.mistake(entry, &why)),
        };
        let unit = self.unit.as_mut();
        match former {
            None if unit.add_application(&application).await? == Insertion::Conflict => {
                return Ok(self.mistake(entry, &Refused::ApplicationExists(application.id)));
            }
            Some(former) if *former != application => unit.change_application(&application).await?,
            _ => {}
        }
        // The logo is the same where its version is.
        let is_known = former.is_some_and(|former| former.logo == application.logo);
        let logo = if is_known { Setting::Keep } else { entry.change.logo.clone() };
        match put_parts(unit, &application, logo).await {
            Ok(()) => {}
            Err(Refused::Unavailable(cause)) => return Err(cause.into()),
            // Noted already, with all others.
            Err(Refused::UnknownGroup(_)) if self.mistakes.iter().any(|one| one.line == entry.line) => return Ok(None),
            Err(why) => return Ok(self.mistake(entry, &why)),
        }
        // First of all: the client may change where it is told of logouts.
        end_lost_access(self.core, unit, &application.id).await?;
        let known = unit.client_within(&application.id).await?;
        match &client {
            Some(client) if unit.is_client_id_taken(client).await? => {
                return Ok(self.mistake(entry, &Refused::ClientIdTaken(client.client_id.clone())));
            }
            // Taken at this very moment. The unit of work has ended with that.
            Some(client) if unit.put_client(client).await? == Insertion::Conflict => {
                return Err(Refused::ClientIdTaken(client.client_id.clone()));
            }
            None if known.is_some() => unit.remove_client(&application.id).await?,
            _ => {}
        }
        let (has_new_secrets, needs_secret) = match self.secrets(entry, client.as_ref()).await {
            Ok(secrets) => secrets,
            Err(Refused::Unavailable(cause)) => return Err(cause.into()),
            Err(why) => return Ok(self.mistake(entry, &why)),
        };
        let is_same = former == Some(&application) && known == client && !has_new_secrets;
        let outcome = match former {
            None => Outcome::Added,
            Some(_) if is_same => Outcome::Unchanged,
            Some(_) => Outcome::Changed,
        };
        Ok(Some(Applied { application, client, outcome, needs_secret }))
    }

    /// Writes the secrets that the file names, and leaves those that a command added. Tells whether something changed, and
    /// whether a secret is still needed.
    async fn secrets(&mut self, entry: &ApplicationEntry, client: Option<&Client>) -> Result<(bool, bool), Refused> {
        let Some(client) = client else { return Ok((false, false)) };
        let wanted = entry.secrets.as_deref().unwrap_or_default();
        if client.is_public && !wanted.is_empty() {
            return Err(Refused::WrongClient("a public client has no secret: client_secret_file"));
        }
        let now = self.core.now();
        let own = |text| ClientSecret { from_file: true, ..ClientSecret::of(text, now, None) };
        let wanted: Vec<_> = wanted.iter().map(|text| own(text.expose().as_str())).collect();
        let known = self.unit.client_secrets_within(&entry.id).await?;
        let is_among = |list: &[ClientSecret], one: &ClientSecret| list.iter().any(|other| other.hash == one.hash);
        let mut has_changed = false;
        for gone in known.iter().filter(|known| known.from_file && !is_among(&wanted, known)) {
            self.unit.remove_client_secret(&entry.id, &gone.hash).await?;
            has_changed = true;
        }
        let kept: Vec<_> = known.iter().filter(|known| known.from_file).cloned().collect();
        for new in wanted.iter().filter(|wanted| !is_among(&kept, wanted)) {
            self.unit.add_client_secret(&entry.id, new).await?;
            has_changed = true;
        }
        let is_valid = |secret: &ClientSecret| !secret.from_file && secret.expires_at.is_none_or(|end| now < end);
        let needs_secret = !client.is_public && wanted.is_empty() && !known.iter().any(is_valid);
        Ok((has_changed, needs_secret))
    }

    /// Disables an application that the file no longer names. Commands may change it again.
    async fn disable(&mut self, gone: Application) -> Result<Applied, Refused> {
        let disabled_at = Some(gone.disabled_at.unwrap_or_else(|| self.core.now()));
        let application = Application { from_file: false, disabled_at, ..gone };
        self.unit.change_application(&application).await?;
        end_lost_access(self.core, self.unit.as_mut(), &application.id).await?;
        Ok(Applied { application, client: None, outcome: Outcome::Disabled, needs_secret: false })
    }

    fn mistake(&mut self, entry: &ApplicationEntry, why: &Refused) -> Option<Applied> {
        self.mistakes.push(Mistake { line: entry.line, what: format!("application {}: {why}", entry.id) });
        None
    }
}
