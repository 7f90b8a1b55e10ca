//! Builds the server's parts from the settings: the only place that chooses the backend behind a trait.

use crate::server::Unavailable;
use crate::server::clock::{Clock, SystemClock};
use crate::server::config::{Config, DatabaseUrl, Drivers, EmailPolicy, Problems, SignUp, Source};
use crate::server::core::{Core, Dependencies, Policy};
use crate::server::ephemeral::{Ephemeral, MemoryEphemeral, RedisEphemeral};
use crate::server::http::client_address::TrustedProxies;
use crate::server::http::{
    AppState, Shared, assets::SiteFiles, brand::BrandFiles, cookies::Cookies, mailbox_access::MailboxAccess,
    policy_report::PolicyReports,
};
use crate::server::jobs::{EmailWorker, LogoutWorker};
use crate::server::keys::{self, Keys};
use crate::server::mail::{Branding, Mailbox, Smtp, Transport};
use crate::server::outbound::OutboundClient;
use crate::server::secret::{Entropy, SystemEntropy};
use crate::server::services::Services;
use crate::server::store::{Maintenance, Store, postgres, sqlite};
use crate::types::{Site, paths};
use leptos::config::LeptosOptions;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How long a start waits for an unavailable database or a locked file.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Loads and validates the settings. The drivers check the URLs of the database and Redis.
///
/// # Errors
/// All [`Problems`] at once.
pub fn settings(source: &Source) -> Result<Config, Problems> {
    let drivers = Drivers { is_database_url: postgres::is_valid_url, is_redis_url: RedisEphemeral::is_valid_url };
    Config::load(source, drivers)
}

/// The parts of a running server.
pub struct ServerParts {
    pub state: AppState,
    /// Sends emails; `None` without a transport.
    pub email_worker: Option<Arc<EmailWorker>>,
    /// Notifies applications of ended sessions.
    pub logout_worker: Arc<LogoutWorker>,
}

/// Opens the backends and builds the state that all handlers share.
///
/// # Errors
/// When the data folder, the key, the database or the mail settings cannot be used.
pub async fn start(config: &Config, files: SiteFiles) -> Result<ServerParts, Unavailable> {
    // Leptos uses the executor that was set first; setting it again in the same process is not an error here.
    let _ = any_spawner::Executor::init_tokio();
    let store = open_store(&config.database).await?;
    warn_if_new(&*store, &config.database);
    let (services, transport) = assemble(config, store)?;
    let email_worker = transport.map(|transport| Arc::new(email_worker(&services, transport, config)));
    let state = app_state(services, config, files)?;
    // In the background: with a million accounts, counting takes a while.
    let core = Arc::clone(state.core());
    tokio::spawn(async move {
        if let Err(cause) = warn_of_locked_out_users(&core).await {
            tracing::warn!(%cause, "counting locked-out users failed");
        }
    });
    if email_worker.is_some() && state.mailbox.exists() {
        let mailbox = format!("{}{}", config.public_url.origin(), paths::MAILBOX);
        tracing::info!(mailbox, "emails are kept in the development mailbox");
    } else if email_worker.is_some() && config.smtp_url.is_none() {
        tracing::warn!("emails cannot be sent: set SMTP_URL, or DEV_MAILBOX=on");
    }
    let outbound = OutboundClient { allowed: config.outbound_allow.clone().into() };
    let logout_worker = Arc::new(LogoutWorker::new(Arc::clone(state.core()), outbound));
    Ok(ServerParts { state, email_worker, logout_worker })
}

/// Builds the services for a single command, beside a running server. The database must exist and have the schema of
/// this version.
///
/// # Errors
/// The same as [`start`].
pub async fn join(config: &Config) -> Result<Services, Unavailable> {
    Ok(assemble(config, open_existing_store(config).await?)?.0)
}

/// Opens an existing database.
///
/// # Errors
/// When it is unavailable, does not exist, or has another schema version.
pub async fn open_existing_store(config: &Config) -> Result<Arc<dyn Store>, Unavailable> {
    Ok(match &config.database {
        DatabaseUrl::Postgres(url) => Arc::new(postgres::join(url).await?),
        DatabaseUrl::Sqlite(file) => Arc::new(sqlite::join(file).await?),
    })
}

/// Whether the database has a schema already. This changes nothing.
///
/// # Errors
/// When the database is unavailable.
pub async fn has_schema(database: &DatabaseUrl) -> Result<bool, Unavailable> {
    let version = match database {
        DatabaseUrl::Postgres(url) => postgres::look(url).await?.schema_version().await?,
        DatabaseUrl::Sqlite(file) if file.exists() => sqlite::look(file).await?.schema_version().await?,
        DatabaseUrl::Sqlite(_) => None,
    };
    Ok(version.is_some())
}

/// Builds the services on top of the store, and the email transport, if there is one.
fn assemble(config: &Config, store: Arc<dyn Store>) -> Result<(Services, Option<Arc<dyn Transport>>), Unavailable> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let keys = keys(config, &*entropy)?;
    let transport = transport(config, &store, &clock)?;
    let ephemeral = open_ephemeral(config, &clock)?;
    let backing = Dependencies { store, ephemeral, clock, entropy, keys };
    Ok((services(config, backing, transport.is_some())?, transport))
}

/// Builds the services from the settings. `can_send`: there is an email transport.
///
/// # Errors
/// When the host of `PUBLIC_URL` cannot be a relying party ID.
pub fn services(config: &Config, backing: Dependencies, can_send: bool) -> Result<Services, Unavailable> {
    let policy = Policy {
        issuer: config.public_url.origin().to_owned(),
        rp_id: config.public_url.host().to_owned(),
        sessions: config.sessions,
        email: EmailPolicy::new(config.email_sign_in, can_send, config.smtp_url.is_some()),
        sign_up: config.sign_up,
        rate_limits: config.rate_limits,
    };
    Services::new(Core::new(backing, policy), &config.public_url, &config.brand.name)
}

/// The worker that sends the emails that these services queue.
#[must_use]
pub fn email_worker(services: &Services, transport: Arc<dyn Transport>, config: &Config) -> EmailWorker {
    EmailWorker::new(Arc::clone(services.core()), transport, Branding::new(config))
}

/// The key in the settings, or else the key file in the data folder, which is created if it is missing.
///
/// # Errors
/// When the key file cannot be read or created.
pub fn keys(config: &Config, entropy: &dyn Entropy) -> Result<Keys, Unavailable> {
    let previous = config.secret_key_previous.as_ref();
    if let Some(key) = &config.secret_key {
        return Ok(Keys::new(key, previous));
    }
    create_folder(Some(&config.data_dir))?;
    let file = key_file(config);
    let key = keys::file::read_or_create(&file, entropy)?;
    let rotated = keys::file::previous_file(&file);
    let before = rotated.exists().then(|| keys::file::read(&rotated)).transpose()?;
    Ok(Keys::new(&key, previous.into_iter().chain(&before)))
}

/// Where a generated key is stored.
#[must_use]
pub fn key_file(config: &Config) -> PathBuf {
    config.data_dir.join("secret.key")
}

/// SMTP if `SMTP_URL` is set, otherwise the development mailbox on localhost, otherwise none.
fn transport(
    config: &Config,
    store: &Arc<dyn Store>,
    clock: &Arc<dyn Clock>,
) -> Result<Option<Arc<dyn Transport>>, Unavailable> {
    if let Some(smtp) = smtp(config)? {
        return Ok(Some(Arc::new(smtp)));
    }
    let is_local = config.public_url.is_localhost();
    Ok(is_local.then(|| Arc::new(Mailbox { store: Arc::clone(store), clock: Arc::clone(clock) }) as Arc<dyn Transport>))
}

/// Warns about users who cannot sign in under the current settings.
async fn warn_of_locked_out_users(core: &Core) -> Result<(), Unavailable> {
    let (count, stranded) = core.count_locked_out().await?;
    if count > 0 {
        tracing::warn!(count, "accounts without a sign-in method under these settings");
    }
    if stranded > 0 {
        let host = core.rp_id();
        tracing::warn!(count = stranded, host, "passkeys of another PUBLIC_URL do not work here");
    }
    Ok(())
}

/// Builds the state from the given services; tests pass their own.
///
/// # Errors
/// When the logo cannot be read.
pub fn app_state(services: Services, config: &Config, files: SiteFiles) -> Result<AppState, Unavailable> {
    let leptos = LeptosOptions::builder().output_name("latchkey").site_pkg_dir(files.versioned_folder()).build();
    let brand = BrandFiles::new(&config.brand)?;
    Ok(AppState::new(Shared {
        site: Arc::new(site(config, &brand)),
        brand,
        services,
        cookies: Cookies::new(config.public_url.is_https()),
        public_url: config.public_url.clone(),
        mailbox: MailboxAccess::new(config),
        proxies: TrustedProxies::new(&config.trusted_proxies),
        reports: PolicyReports::default(),
        readiness: Arc::default(),
        security_contact: config.security_contact.as_deref().map(Arc::from),
        leptos,
        files,
    }))
}

/// The name, logo, colours and links that pages show.
fn site(config: &Config, brand: &BrandFiles) -> Site {
    Site {
        name: config.brand.name.clone(),
        logo: if brand.has_logo() { paths::BRAND_LOGO } else { paths::LOGO },
        colours: brand.has_colours().then_some(paths::BRAND_COLOURS),
        support: config.brand.support.clone(),
        links: config.brand.links.clone(),
        is_open: config.sign_up == SignUp::Open,
    }
}

/// The SMTP client for `SMTP_URL`; `None` if it is not set.
///
/// # Errors
/// When the mail settings are invalid.
pub fn smtp(config: &Config) -> Result<Option<Smtp>, Unavailable> {
    let Some(url) = &config.smtp_url else { return Ok(None) };
    let smtp = Smtp::new(url.expose(), &config.mail_from, config.public_url.host(), None);
    smtp.map(Some).map_err(|cause| Unavailable::new("mail", cause))
}

/// Opens the database, creates a missing SQLite file, and migrates the schema.
///
/// # Errors
/// When it is unavailable for too long, or its schema is newer than this program.
pub async fn open_store(database: &DatabaseUrl) -> Result<Arc<dyn Store>, Unavailable> {
    Ok(match database {
        DatabaseUrl::Postgres(url) => Arc::new(postgres::open(url, TIMEOUT).await?),
        DatabaseUrl::Sqlite(file) => {
            create_folder(file.parent())?;
            Arc::new(sqlite::open(file, TIMEOUT).await?)
        }
    })
}

/// Warns that a database was empty. If accounts were expected, a setting names the wrong place, and users' devices hold
/// passkeys that this database does not know.
pub fn warn_if_new(store: &dyn Store, database: &DatabaseUrl) {
    if !store.is_new() {
        return;
    }
    let place = match database {
        DatabaseUrl::Sqlite(file) => std::path::absolute(file).unwrap_or_else(|_| file.clone()).display().to_string(),
        DatabaseUrl::Postgres(_) => "the database of DATABASE_URL".to_owned(),
    };
    let hint = "it has no accounts; if you expected some, check DATA_DIR and DATABASE_URL";
    tracing::warn!(place, hint, "new database created");
}

/// Removes all open ceremonies from Redis; those in a server's memory end with its process. Returns `false` if Redis
/// cannot list its keys (a cluster).
pub async fn forget_ceremonies(config: &Config) -> Result<bool, Unavailable> {
    match &config.redis_url {
        Some(url) => RedisEphemeral::open(url)?.forget_ceremonies().await,
        None => Ok(true),
    }
}

fn open_ephemeral(config: &Config, clock: &Arc<dyn Clock>) -> Result<Arc<dyn Ephemeral>, Unavailable> {
    Ok(match &config.redis_url {
        Some(url) => Arc::new(RedisEphemeral::open(url)?),
        None => Arc::new(MemoryEphemeral::new(Arc::clone(clock), MemoryEphemeral::CAPACITY)),
    })
}

/// Creates a missing folder that only its owner can read, because it holds addresses and a key.
///
/// # Errors
/// When it cannot be created; the error names the path.
pub fn create_folder(folder: Option<&Path>) -> Result<(), Unavailable> {
    let Some(folder) = folder else { return Ok(()) };
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|cause| Unavailable::new("data folder", format!("{}: {cause}", folder.display())))
}
