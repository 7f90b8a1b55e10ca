//! From settings to running parts: the only place that decides which backend stands behind a trait.

use crate::server::Unavailable;
use crate::server::auth::{Auth, RelyingParty};
use crate::server::clock::{Clock, SystemClock};
use crate::server::config::{Config, DatabaseUrl, EmailSignIn};
use crate::server::ephemeral::{Ephemeral, MemoryEphemeral, RedisEphemeral};
use crate::server::http::client_address::TrustedProxies;
use crate::server::http::{
    AppState, Shared, assets, cookies::Cookies, mailbox_door::MailboxDoor, policy_report::PolicyReports,
};
use crate::server::keys::{self, Keys};
use crate::server::limiter::Limiter;
use crate::server::mail::{Mailbox, Postman, Smtp, Transport};
use crate::server::secret::{Entropy, SystemEntropy};
use crate::server::store::{Store, postgres, sqlite};
use crate::types::paths;
use leptos::config::LeptosOptions;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// How long a database that is away is waited for at start (contract, "Settings").
const PATIENCE: Duration = Duration::from_secs(30);

/// The parts of a running server.
pub struct Started {
    pub state: AppState,
    /// Sends letters, where there is a way for them to go.
    pub postman: Option<Arc<Postman>>,
}

/// Opens the backends and puts the state together that every handler shares.
///
/// # Errors
/// When the data folder, the key, the database or the mail settings cannot be used.
pub async fn start(config: &Config) -> Result<Started, Unavailable> {
    // Leptos renders on whichever executor was chosen first; a second choice in one process is not an error for us.
    let _ = any_spawner::Executor::init_tokio();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let keys = keys(config, &*entropy)?;
    let store = open_store(&config.database).await?;
    let transport = transport(config, &store, &clock)?;
    let ephemeral = open_ephemeral(config, &clock)?;
    let limiter = limiter(config, &ephemeral, &clock, &keys);
    let auth = Auth {
        ephemeral,
        limiter,
        relying_party: RelyingParty::new(&config.public_url)?,
        lifetimes: config.sessions,
        email_sign_in: config.email_sign_in,
        sends_letters: transport.is_some(),
        needs_address: needs_address(config),
        bell: Arc::new(Notify::new()),
        store,
        clock,
        entropy,
        keys,
    };
    let postman = transport.map(|transport| Arc::new(postman(&auth, transport, config)));
    let state = app_state(auth, config);
    // Beside everything else: with a million accounts it takes a while.
    let auth = Arc::clone(&state.auth);
    tokio::spawn(async move {
        if let Err(cause) = warn_of_the_locked_out(&auth).await {
            tracing::warn!(%cause, "who is locked out was not counted");
        }
    });
    if postman.is_some() && state.mailbox.exists() {
        tracing::info!("letters are not sent; read them at {}{}", config.public_url.origin(), paths::MAILBOX);
    } else if postman.is_some() && config.smtp_url.is_none() {
        tracing::warn!("letters are not sent, and nobody can read them: set SMTP_URL, or DEV_MAILBOX=on");
    }
    Ok(Started { state, postman })
}

/// The worker that sends what these parts write.
#[must_use]
pub fn postman(auth: &Auth, transport: Arc<dyn Transport>, config: &Config) -> Postman {
    Postman {
        store: Arc::clone(&auth.store),
        transport,
        clock: Arc::clone(&auth.clock),
        entropy: Arc::clone(&auth.entropy),
        keys: auth.keys.clone(),
        limiter: auth.limiter.clone(),
        origin: config.public_url.origin().to_owned(),
        bell: Arc::clone(&auth.bell),
    }
}

/// What counts, and refuses what is too much.
#[must_use]
pub fn limiter(config: &Config, ephemeral: &Arc<dyn Ephemeral>, clock: &Arc<dyn Clock>, keys: &Keys) -> Limiter {
    let (ephemeral, clock) = (Arc::clone(ephemeral), Arc::clone(clock));
    Limiter { ephemeral, clock, keys: keys.clone(), is_on: config.rate_limits }
}

/// The key that was set, else the one in the data folder.
fn keys(config: &Config, entropy: &dyn Entropy) -> Result<Keys, Unavailable> {
    let previous = config.secret_key_previous.as_ref();
    if let Some(key) = &config.secret_key {
        return Ok(Keys::new(key, previous));
    }
    make_folder(Some(&config.data_dir))?;
    Ok(Keys::new(&keys::read_or_make(&config.data_dir.join("secret.key"), entropy)?, previous))
}

/// An address is needed unless letters neither sign in nor go by mail (contract, `EMAIL_SIGN_IN`).
#[must_use]
pub fn needs_address(config: &Config) -> bool {
    config.email_sign_in != EmailSignIn::Off || config.smtp_url.is_some()
}

/// Over SMTP where a server is set; into the development mailbox on localhost; else not at all.
fn transport(
    config: &Config,
    store: &Arc<dyn Store>,
    clock: &Arc<dyn Clock>,
) -> Result<Option<Arc<dyn Transport>>, Unavailable> {
    if let Some(smtp) = smtp(config)? {
        return Ok(Some(Arc::new(smtp)));
    }
    let is_here = config.public_url.is_localhost();
    Ok(is_here.then(|| Arc::new(Mailbox { store: Arc::clone(store), clock: Arc::clone(clock) }) as Arc<dyn Transport>))
}

/// Tells the operator how many people cannot sign in under the chosen settings.
async fn warn_of_the_locked_out(auth: &Auth) -> Result<(), Unavailable> {
    let letters = auth.email_sign_in != EmailSignIn::Off;
    let count = auth.store.count_without_way_in(auth.relying_party.id(), letters).await?;
    if count > 0 {
        tracing::warn!("accounts without a way to sign in under these settings: {count}");
    }
    let stranded = auth.store.count_passkeys_elsewhere(auth.relying_party.id()).await?;
    if stranded > 0 {
        let host = auth.relying_party.id();
        tracing::warn!("passkeys that were made under another PUBLIC_URL and do not work at {host}: {stranded}");
    }
    Ok(())
}

/// The state around a given set of parts; tests hand in their own.
#[must_use]
pub fn app_state(auth: Auth, config: &Config) -> AppState {
    let site_root = assets::site_root();
    let leptos = LeptosOptions::builder()
        .output_name("latchkey")
        .site_pkg_dir(assets::versioned_folder(&site_root))
        .site_root(site_root.to_string_lossy().into_owned())
        .build();
    AppState::new(Shared {
        auth: Arc::new(auth),
        cookies: Cookies::new(config.public_url.is_https()),
        public_url: config.public_url.clone(),
        mailbox: MailboxDoor::new(config),
        proxies: TrustedProxies::new(&config.trusted_proxies),
        reports: PolicyReports::default(),
        security_contact: config.security_contact.as_deref().map(Arc::from),
        leptos,
    })
}

/// The mail server that was set.
///
/// # Errors
/// When the settings make no client.
pub fn smtp(config: &Config) -> Result<Option<Smtp>, Unavailable> {
    let Some(url) = &config.smtp_url else { return Ok(None) };
    let smtp = Smtp::new(url.expose(), &config.mail_from, config.public_url.host(), None);
    smtp.map(Some).map_err(|cause| Unavailable::new("mail", cause))
}

async fn open_store(database: &DatabaseUrl) -> Result<Arc<dyn Store>, Unavailable> {
    Ok(match database {
        DatabaseUrl::Postgres(url) => Arc::new(postgres::open(url, PATIENCE).await?),
        DatabaseUrl::Sqlite(file) => {
            make_folder(file.parent())?;
            Arc::new(sqlite::open(file).await?)
        }
    })
}

fn open_ephemeral(config: &Config, clock: &Arc<dyn Clock>) -> Result<Arc<dyn Ephemeral>, Unavailable> {
    Ok(match &config.redis_url {
        Some(url) => Arc::new(RedisEphemeral::open(url)?),
        None => Arc::new(MemoryEphemeral::new(Arc::clone(clock), MemoryEphemeral::CAPACITY)),
    })
}

/// Makes a missing folder, closed to everybody else: it holds addresses and a key.
fn make_folder(folder: Option<&Path>) -> Result<(), Unavailable> {
    let Some(folder) = folder else { return Ok(()) };
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|cause| Unavailable::new("data folder", format!("{}: {cause}", folder.display())))
}
