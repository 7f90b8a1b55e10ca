//! OpenID Connect clients of applications: their settings and secrets.

use super::Refused;
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::core::Core;
use crate::server::jose::Algorithm;
use crate::server::model::logout::LogoutResult;
use crate::server::model::oauth::client::{MAX_SECRETS, MAX_URIS, is_client_id};
use crate::server::model::oauth::code_count::{CodeCount, day};
use crate::server::model::oauth::{ClaimRule, Client, ClientSecret, ConsentRule, Mismatch, RedirectUri};
use crate::server::model::{Application, ApplicationId};
use crate::server::secret::Secret;
use crate::server::store::{Insertion, Unit};
use crate::server::telemetry::AUDIT;
use std::time::Duration;
use url::Url;

/// Clients and their secrets.
pub struct Clients<'a> {
    pub(in crate::server) core: &'a Core,
}

/// A client with its secrets, refused redirect URIs and recent logouts.
#[derive(Clone, Debug)]
pub struct ClientRecord {
    pub client: Client,
    pub secrets: Vec<ClientSecret>,
    /// Refused redirect URIs, the newest first.
    pub mismatches: Vec<Mismatch>,
    /// The most recent back-channel logouts, the newest first.
    pub logouts: Vec<LogoutResult>,
}

/// A change of a client; `None` keeps a value, or takes the default for a new one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientChange {
    pub client_id: Option<String>,
    pub is_public: Option<bool>,
    pub requires_pkce: Option<bool>,
    pub algorithm: Option<Algorithm>,
    pub claims_in_id_token: Option<bool>,
    pub consent: Option<ConsentRule>,
    pub refreshes: Option<bool>,
    pub redirect_uris: Option<Vec<String>>,
    pub post_logout_redirect_uris: Option<Vec<String>>,
    pub backchannel_logout_uri: Option<String>,
    pub claim_rules: Option<Vec<ClaimRule>>,
}

impl ClientChange {
    /// Whether anything is set: then the application signs users in with OpenID Connect.
    #[must_use]
    pub fn is_set(&self) -> bool {
        *self != Self::default()
    }

    pub(super) fn apply_to(self, known: Option<Client>, id: &ApplicationId) -> Result<Client, Refused> {
        let is_public = self.is_public.or(known.as_ref().map(|known| known.is_public)).unwrap_or(false);
        // Each rule applies to the changed client: one that becomes public keeps no URI that a public client may not
        // have.
        let uris = |own: fn(&Client) -> &Vec<RedirectUri>, changed: Option<Vec<String>>| {
            let kept = || known.as_ref().map(own).into_iter().flatten().map(|uri| uri.as_str().to_owned()).collect();
            registered(&changed.unwrap_or_else(kept), is_public)
        };
        let redirect_uris = uris(|client| &client.redirect_uris, self.redirect_uris)?;
        let post_logout_redirect_uris =
            uris(|client| &client.post_logout_redirect_uris, self.post_logout_redirect_uris)?;
        let has_type_changed = known.as_ref().is_none_or(|known| known.is_public != is_public);
        let base = known.unwrap_or_else(|| Client {
            application: id.clone(),
            client_id: id.to_string(),
            is_public,
            requires_pkce: true,
            algorithm: Algorithm::Rs256,
            claims_in_id_token: false,
            consent: ConsentRule::Never,
            refreshes: false,
            redirect_uris: Vec::new(),
            post_logout_redirect_uris: Vec::new(),
            backchannel_logout_uri: None,
            claim_rules: Vec::new(),
        });
        let logout = self.backchannel_logout_uri.or(base.backchannel_logout_uri);
        let client = Client {
            client_id: self.client_id.unwrap_or(base.client_id),
            is_public,
            requires_pkce: self.requires_pkce.unwrap_or(base.requires_pkce),
            algorithm: self.algorithm.unwrap_or(base.algorithm),
            claims_in_id_token: self.claims_in_id_token.unwrap_or(base.claims_in_id_token),
            refreshes: self.refreshes.unwrap_or(base.refreshes),
            redirect_uris,
            post_logout_redirect_uris,
            backchannel_logout_uri: logout.filter(|uri| !uri.is_empty()),
            claim_rules: self.claim_rules.unwrap_or(base.claim_rules),
            ..base
        };
        // Native apps cannot keep a secret, so anyone can impersonate them (RFC 8252, section 8.6).
        let usual = match (client.is_native(), is_public) {
            (true, _) => ConsentRule::Always,
            (false, true) => ConsentRule::Once,
            (false, false) => ConsentRule::Never,
        };
        let consent = self.consent.unwrap_or(if has_type_changed { usual } else { client.consent });
        check(Client { consent, ..client })
    }
}

/// Parses URIs and skips empty ones.
fn registered(uris: &[String], is_public: bool) -> Result<Vec<RedirectUri>, Refused> {
    if uris.len() > MAX_URIS {
        return Err(Refused::WrongClient("at most 50 URIs of each kind can be registered"));
    }
    let register =
        |uri: &String| RedirectUri::register(uri, is_public).map_err(|why| Refused::RedirectUriError(uri.clone(), why));
    uris.iter().filter(|uri| !uri.is_empty()).map(register).collect()
}

fn check(client: Client) -> Result<Client, Refused> {
    if client.redirect_uris.is_empty() {
        return Err(Refused::WrongClient("at least one redirect URI is required"));
    }
    if !is_client_id(&client.client_id) {
        return Err(Refused::WrongClient(
            "a client id must be 1 to 128 characters from A-Z, a-z, 0-9, dot, hyphen, underscore and ~",
        ));
    }
    if client.is_public && !client.requires_pkce {
        return Err(Refused::WrongClient("a public client must use PKCE"));
    }
    if client.claim_rules.len() > ClaimRule::MAX_COUNT {
        return Err(Refused::WrongClient("at most 50 claim rules can be set"));
    }
    if let Some(uri) = &client.backchannel_logout_uri {
        let is_web = Url::parse(uri).is_ok_and(|url| {
            matches!(url.scheme(), "https" | "http")
                && url.has_host()
                && url.fragment().is_none()
                && url.username().is_empty()
                && url.password().is_none()
        });
        if !is_web {
            return Err(Refused::WrongClient(
                "a back-channel logout URI must start with https:// or http://, without fragment, username or password",
            ));
        }
    }
    Ok(client)
}

/// Writes the client of an application; returns it, with the secret of a new confidential client.
pub(super) async fn put(
    core: &Core,
    unit: &mut dyn Unit,
    application: &Application,
    (known, change): (Option<Client>, ClientChange),
) -> Result<(Client, Option<Secret<String>>), Refused> {
    let was_confidential = known.as_ref().is_some_and(|known| !known.is_public);
    let client = change.apply_to(known, &application.id)?;
    if unit.put_client(&client).await? == Insertion::Conflict {
        return Err(Refused::ClientIdTaken(client.client_id));
    }
    if client.is_public && was_confidential {
        // A former secret would become valid again if the client became confidential.
        for secret in unit.client_secrets_within(&application.id).await? {
            unit.remove_client_secret(&application.id, &secret.hash).await?;
        }
    }
    if client.is_public || was_confidential {
        return Ok((client, None));
    }
    let (secret, text) = ClientSecret::random(core.entropy(), core.now(), None);
    unit.add_client_secret(&application.id, &secret).await?;
    Ok((client, Some(text)))
}

impl Clients<'_> {
    /// The client of an application with its secrets, refused redirect URIs and recent logouts; `None` if it has no
    /// client.
    pub async fn get(&self, id: &ApplicationId) -> Result<Option<ClientRecord>, Refused> {
        let store = &self.core.store;
        let Some(client) = store.client_of(id).await? else { return Ok(None) };
        Ok(Some(ClientRecord {
            client,
            secrets: store.client_secrets(id).await?,
            mismatches: store.mismatches(id).await?,
            logouts: store.logout_results_at(id).await?,
        }))
    }

    /// The number of authorization codes of each application, from the day of `since` on.
    pub async fn code_counts(&self, since: Timestamp) -> Result<Vec<(ApplicationId, CodeCount)>, Unavailable> {
        self.core.store.code_counts(day(since)).await
    }

    /// Adds a secret; the text is shown once. `life`: how long it is valid.
    ///
    /// # Errors
    /// When the application has no client, a public one, or too many secrets.
    pub async fn add_secret(
        &self,
        id: &ApplicationId,
        life: Option<Duration>,
    ) -> Result<(ClientSecret, Secret<String>), Refused> {
        let mut unit = self.core.store.begin().await?;
        // Serializes concurrent additions, so that each of them sees the limit.
        unit.lock_application(id).await?;
        let client = unit.client_within(id).await?.ok_or_else(|| Refused::NoClient(id.clone()))?;
        if client.is_public {
            return Err(Refused::WrongClient("a public client has no secret"));
        }
        let (secrets, now) = (unit.client_secrets_within(id).await?, self.core.now());
        let is_alive = |secret: &&ClientSecret| secret.expires_at.is_none_or(|end| now < end);
        if secrets.iter().filter(is_alive).count() >= MAX_SECRETS {
            return Err(Refused::WrongClient("the application has 10 secrets; remove one first"));
        }
        let ends = life.map(|life| now.plus(life));
        let (secret, text) = ClientSecret::random(self.core.entropy(), now, ends);
        unit.add_client_secret(id, &secret).await?;
        unit.commit().await?;
        log_secret(id, &secret.prefix, "client_secret_added", ends);
        Ok((secret, text))
    }

    /// Removes the secrets that begin with `prefix`; they stop working at once.
    ///
    /// # Errors
    /// When there is none, or it is defined in the file.
    pub async fn remove_secret(&self, id: &ApplicationId, prefix: &str) -> Result<(), Refused> {
        let known = self.core.store.client_secrets(id).await?;
        if known.iter().any(|secret| secret.from_file && secret.prefix == prefix) {
            return Err(Refused::DefinedInFile(format!("secret {prefix}…")));
        }
        let mut unit = self.core.store.begin().await?;
        if unit.remove_client_secrets(id, prefix).await? == 0 {
            return Err(Refused::NoSecret(prefix.to_owned()));
        }
        unit.commit().await?;
        log_secret(id, prefix, "client_secret_removed", None);
        Ok(())
    }
}

/// Logs that a secret was added or removed.
pub(super) fn log_secret(id: &ApplicationId, prefix: &str, event: &str, ends: Option<Timestamp>) {
    let expires_at = ends.map(Timestamp::to_rfc3339).unwrap_or_default();
    tracing::info!(target: AUDIT, application = %id, prefix, expires_at, event, "{event}");
}
