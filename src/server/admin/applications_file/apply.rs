use super::{ApplicationEntry, ApplicationsFile, GroupEntry, Mistake, Mistakes};
use crate::server::admin::Refused;
use crate::server::admin::applications::{Applications, Setting, new_application, put_groups_and_logo};
use crate::server::admin::clients::log_secret;
use crate::server::admin::lost_access::{self, Change};
use crate::server::core::Core;
use crate::server::model::oauth::{Client, ClientSecret};
use crate::server::model::{Application, ApplicationId, Group};
use crate::server::store::{Insertion, Unit};
use crate::server::telemetry::AUDIT;
use std::collections::BTreeSet;

/// The outcome of applying a file, for one application.
#[derive(Debug)]
pub struct Applied {
    pub application: Application,
    pub client: Option<Client>,
    pub outcome: Outcome,
    /// Whether it is a confidential client without a valid secret.
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

/// The outcome of applying a file.
#[derive(Debug)]
pub struct ApplyReport {
    /// Groups that were added, changed, or are no longer in the file.
    pub groups: Vec<Group>,
    /// All applications in the file, and those that are no longer in it.
    pub applications: Vec<Applied>,
}

/// One run of [`Applications::apply`], in a single transaction.
struct Run<'a> {
    core: &'a Core,
    unit: Box<dyn Unit>,
    mistakes: Vec<Mistake>,
    changed_groups: Vec<Group>,
    /// The prefixes of secrets that were added and removed.
    changed_secrets: Vec<(ApplicationId, String, &'static str)>,
}

impl Applications<'_> {
    /// Updates groups and applications to match a file.
    ///
    /// # Errors
    /// Every mistake that only the database can reveal, such as an unknown group.
    pub async fn apply(&self, file: &ApplicationsFile) -> Result<ApplyReport, Refused> {
        let mut unit = self.core.store.begin().await?;
        // With this lock, nodes that start together apply their files one after another.
        let known = unit.lock_applications().await?;
        let (changed_groups, changed_secrets) = (Vec::new(), Vec::new());
        let mut run = Run { core: self.core, unit, mistakes: Vec::new(), changed_groups, changed_secrets };
        run.groups(&file.groups).await?;
        run.check_groups(file).await?;
        let mut applied = Vec::new();
        // These come first: another application may take over their client ids.
        let named: BTreeSet<_> = file.applications.iter().map(|entry| &entry.id).collect();
        for gone in known.iter().filter(|known| known.from_file && !named.contains(&known.id)) {
            applied.push(run.disable(gone.clone(), file).await?);
        }
        for entry in &file.applications {
            let former = known.iter().find(|known| known.id == entry.id);
            applied.extend(run.application(entry, former).await?);
        }
        let Run { unit, mistakes, changed_groups, changed_secrets, .. } = run;
        if !mistakes.is_empty() {
            return Err(Mistakes::new(&file.path, mistakes).into());
        }
        unit.commit().await?;
        for Group { name, is_default, from_file, .. } in &changed_groups {
            tracing::info!(target: AUDIT, group = %name, is_default, from_file, event = "group_changed", "group_changed");
        }
        for (id, prefix, event) in &changed_secrets {
            log_secret(id, prefix, event, None);
        }
        for Applied { application, outcome, .. } in applied.iter().filter(|one| one.outcome != Outcome::Unchanged) {
            let (id, who, from_file) = (&application.id, &application.policy.who, application.from_file);
            let event = format!("application_{}", outcome.name());
            tracing::info!(target: AUDIT, application = %id, %who, from_file, event, "{event}");
            lost_access::end(self.core, Change::OfApplication(id)).await?;
        }
        Ok(ApplyReport { groups: changed_groups, applications: applied })
    }
}

impl Run<'_> {
    async fn groups(&mut self, entries: &[GroupEntry]) -> Result<(), Refused> {
        let now = self.core.now();
        for GroupEntry { name, title, is_default } in entries {
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

    /// Records a mistake for every group that an application names and that does not exist.
    async fn check_groups(&mut self, file: &ApplicationsFile) -> Result<(), Refused> {
        let mut known = BTreeSet::new();
        for entry in &file.applications {
            for name in entry.groups() {
                if known.contains(name) {
                    continue;
                }
                if self.unit.lock_group(name).await?.is_some() {
                    known.insert(name);
                } else {
                    let what = format!("application {}: unknown group {name}: add a [[group]] entry", entry.id);
                    self.mistakes.push(Mistake { line: entry.line, what });
                }
            }
        }
        Ok(())
    }

    /// Adds or changes an application; `None` if there is a mistake.
    async fn application(
        &mut self,
        entry: &ApplicationEntry,
        former: Option<&Application>,
    ) -> Result<Option<Applied>, Refused> {
        let created_at = former.map_or_else(|| self.core.now(), |former| former.created_at);
        let new = Application { from_file: true, ..new_application(entry.id.clone(), entry.name.clone(), created_at) };
        let application = entry.change.apply_to(new);
        let change = entry.change.client.clone();
        let client = change.is_set().then(|| change.apply_to(None, &entry.id)).transpose()?;
        if let Some(client) = &client
            && self.unit.is_client_id_taken(client).await?
        {
            let why = Refused::ClientIdTaken(client.client_id.clone());
            self.mistakes.push(Mistake { line: entry.line, what: format!("application {}: {why}", entry.id) });
        }
        // Nothing will be committed, and an unknown group would abort the transaction.
        if !self.mistakes.is_empty() {
            return Ok(None);
        }
        let unit = self.unit.as_mut();
        let known = if former.is_some() { unit.client_within(&application.id).await? } else { None };
        let is_same = former == Some(&application) && known == client;
        if !is_same {
            match former {
                None if unit.add_application(&application).await? == Insertion::Conflict => {
                    return Err(Refused::ApplicationExists(application.id));
                }
                None => {}
                Some(_) => unit.change_application(&application).await?,
            }
            // Logos with the same version are equal.
            let is_known = former.is_some_and(|former| former.logo == application.logo);
            let logo = if is_known { Setting::Keep } else { entry.change.logo.clone() };
            put_groups_and_logo(unit, &application, logo).await?;
            match &client {
                Some(client) if unit.put_client(client).await? == Insertion::Conflict => {
                    return Err(Refused::ClientIdTaken(client.client_id.clone()));
                }
                None if known.is_some() => unit.remove_client(&application.id).await?,
                _ => {}
            }
        }
        let secrets = self.changed_secrets.len();
        let needs_secret = self.secrets(entry, client.as_ref()).await?;
        let has_same_secrets = self.changed_secrets.len() == secrets;
        let outcome = match former {
            None => Outcome::Added,
            Some(_) if is_same && has_same_secrets => Outcome::Unchanged,
            Some(_) => Outcome::Changed,
        };
        Ok(Some(Applied { application, client, outcome, needs_secret }))
    }

    /// Writes the secrets that the file names, and leaves those that a command added to a confidential client. Returns
    /// whether a secret is still needed.
    async fn secrets(&mut self, entry: &ApplicationEntry, client: Option<&Client>) -> Result<bool, Refused> {
        let Some(client) = client else { return Ok(false) };
        let now = self.core.now();
        let wanted = entry.secrets.iter().flatten();
        let wanted: Vec<_> = wanted
            .map(|text| ClientSecret { from_file: true, ..ClientSecret::of(text.expose().as_str(), now, None) })
            .collect();
        let known = self.unit.client_secrets_within(&entry.id).await?;
        let is_among = |list: &[ClientSecret], one: &ClientSecret| list.iter().any(|other| other.hash == one.hash);
        let (kept, own): (Vec<_>, Vec<_>) = known.into_iter().partition(|known| known.from_file);
        // A former secret would become valid again if the client became confidential.
        let surplus = own.iter().filter(|_| client.is_public);
        for gone in kept.iter().filter(|kept| !is_among(&wanted, kept)).chain(surplus) {
            self.unit.remove_client_secret(&entry.id, &gone.hash).await?;
            self.changed_secrets.push((entry.id.clone(), gone.prefix.clone(), "client_secret_removed"));
        }
        for new in wanted.iter().filter(|wanted| !is_among(&kept, wanted)) {
            self.unit.add_client_secret(&entry.id, new).await?;
            self.changed_secrets.push((entry.id.clone(), new.prefix.clone(), "client_secret_added"));
        }
        let has_own = own.iter().any(|secret| secret.expires_at.is_none_or(|end| now < end));
        Ok(!client.is_public && wanted.is_empty() && !has_own)
    }

    /// Disables an application that the file no longer names. Commands may change it again. Removes its client if the
    /// file gives the client id to another application.
    async fn disable(&mut self, gone: Application, file: &ApplicationsFile) -> Result<Applied, Refused> {
        let disabled_at = Some(gone.disabled_at.unwrap_or_else(|| self.core.now()));
        let application = Application { from_file: false, disabled_at, ..gone };
        self.unit.change_application(&application).await?;
        self.unit.release_client_secrets(&application.id).await?;
        let client = self.unit.client_within(&application.id).await?;
        let is_wanted = |client: &Client| file.applications.iter().any(|entry| entry.client_id() == client.client_id);
        if client.as_ref().is_some_and(is_wanted) {
            self.unit.remove_client(&application.id).await?;
        }
        Ok(Applied { application, client: None, outcome: Outcome::Disabled, needs_secret: false })
    }
}
