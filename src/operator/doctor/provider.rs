//! Checks of the OpenID Connect provider: its keys and its applications.

use super::{Finding, advice, fault, good};
use crate::bootstrap;
use crate::server::Unavailable;
use crate::server::admin::ApplicationsFile;
use crate::server::clock::{Clock, SystemClock};
use crate::server::config::Config;
use crate::server::model::ApplicationId;
use crate::server::model::oauth::RedirectUri;
use crate::server::model::oauth::code_count::CodeCount;
use crate::server::model::signing_key::{Phase, phase};
use crate::server::services::Services;
use std::time::Duration;

const KEYS: &str = "signing keys";
const APPLICATIONS: &str = "applications";
const CODES: &str = "authorization codes";
const CODES_SINCE: Duration = Duration::from_hours(24 * 7);
const FILE: &str = "APPLICATIONS_FILE";
/// How many applications are read at a time.
const PAGE: u32 = 500;

/// Checks keys and applications. Returns nothing if the database is unavailable or has another schema: another check
/// reports that.
pub(super) async fn provider(config: &Config) -> Vec<Finding> {
    // Joining would create a missing key.
    let has_key = config.secret_key.is_some() || bootstrap::key_file(config).exists();
    let is_ready = has_key && bootstrap::has_schema(&config.database).await.unwrap_or_default();
    if !is_ready {
        return Vec::new();
    }
    let Ok(services) = bootstrap::join(config).await else { return Vec::new() };
    let (keys, applications) = (keys(&services).await, applications(&services).await);
    let codes = codes(&services).await;
    keys.into_iter().chain(applications).chain(codes).flatten().collect()
}

async fn keys(services: &Services) -> Result<Vec<Finding>, Unavailable> {
    let core = services.core();
    let (stored, now) = (services.signing_keys().stored().await?, SystemClock.now());
    if let Err(cause) = services.signing_keys().read().await {
        return Ok(vec![fault(KEYS, format!("{cause}; if it is lost, run `latchkey signing-keys rotate --force`"))]);
    }
    if stored.is_empty() {
        return Ok(vec![good(KEYS, "the server creates them at its next start")]);
    }
    let current = stored.iter().filter(|key| phase(key, &stored, now) == Phase::Current).count();
    let needs_previous_key =
        stored.iter().filter_map(|key| key.private.as_ref()).any(|private| private.by != core.key_name());
    Ok(vec![if needs_previous_key {
        advice(KEYS, "some are encrypted with SECRET_KEY_PREVIOUS; a running server re-encrypts them within a minute")
    } else {
        good(KEYS, format!("{current} active; none needs SECRET_KEY_PREVIOUS"))
    }])
}

/// Checks the file for mistakes that would keep the server from starting.
pub(super) fn file(config: &Config) -> Option<Finding> {
    let path = config.applications_file.as_deref()?;
    Some(match ApplicationsFile::read(path) {
        Ok(_) => good(FILE, format!("{} can be read", path.display())),
        Err(mistakes) => fault(FILE, mistakes.to_string().replace('\n', ";")),
    })
}

/// Applications that get codes and never send one to the token endpoint.
async fn codes(services: &Services) -> Result<Vec<Finding>, Unavailable> {
    let counts = services.clients().code_counts(SystemClock.now().minus(CODES_SINCE)).await?;
    let never_sent = counts.into_iter().filter(|(_, count)| count.is_never_presented());
    let finding = |(id, count): (ApplicationId, CodeCount)| {
        advice(
            CODES,
            format!(
                "{} codes were issued for {id} in the last 7 days and none came back to the token endpoint: in the \
                 application, check the client secret, the address of the token endpoint and the log",
                count.issued
            ),
        )
    };
    Ok(never_sent.map(finding).collect())
}

async fn has_secret(services: &Services, id: &ApplicationId) -> Result<bool, Unavailable> {
    let now = SystemClock.now();
    let secrets = services.core().secrets_of(id).await?;
    Ok(secrets.iter().any(|secret| secret.expires_at.is_none_or(|end| now < end)))
}

async fn applications(services: &Services) -> Result<Vec<Finding>, Unavailable> {
    let (mut findings, mut after, mut count): (Vec<Finding>, Option<ApplicationId>, usize) = (Vec::new(), None, 0);
    loop {
        let page = services.applications().page(after.as_ref(), PAGE).await?;
        for application in &page {
            count += 1;
            let id = &application.id;
            if application.disabled_at.is_none() && application.policy.who.is_closed() {
                findings
                    .push(advice(APPLICATIONS, format!("no one may use {id}: `latchkey apps edit {id} --who GROUP`")));
            }
            let client = services.core().client_of(id).await?;
            if client.as_ref().is_some_and(|client| !client.is_public) && !has_secret(services, id).await? {
                let message = format!("{id} has no valid secret: run `latchkey apps secret add {id}`");
                findings.push(advice(APPLICATIONS, message));
            }
            for rule in client.iter().flat_map(|client| &client.claim_rules) {
                if services.groups().get(&rule.group).await?.is_none() {
                    let message = format!("a claim of {id} is for the group {}, which does not exist", rule.group);
                    findings.push(advice(APPLICATIONS, message));
                }
            }
            let unprotected = client.iter().flat_map(|client| &client.redirect_uris).find(|uri| uri.is_unprotected());
            findings.extend(unprotected.map(|uri: &RedirectUri| {
                advice(APPLICATIONS, format!("codes for {id} are sent to {uri} and can be intercepted; use https"))
            }));
        }
        match page.into_iter().next_back() {
            Some(last) => after = Some(last.id),
            None => break,
        }
    }
    if findings.is_empty() && count > 0 {
        findings.push(good(APPLICATIONS, format!("{count}; all have users and use https")));
    }
    Ok(findings)
}
