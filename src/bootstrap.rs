//! From settings to running parts: the only place that decides which backend stands behind a trait.

use crate::server::Unavailable;
use crate::server::auth::{Auth, RelyingParty};
use crate::server::clock::{Clock, SystemClock};
use crate::server::config::{Config, DatabaseUrl};
use crate::server::ephemeral::{Ephemeral, MemoryEphemeral, RedisEphemeral};
use crate::server::http::{AppState, assets, cookies::Cookies};
use crate::server::secret::SystemEntropy;
use crate::server::store::{Store, postgres, sqlite};
use leptos::config::LeptosOptions;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How long a database that is away is waited for at start (contract, "Settings").
const PATIENCE: Duration = Duration::from_secs(30);

/// Opens the backends and puts the state together that every handler shares.
///
/// # Errors
/// When the data folder or the database cannot be opened.
pub async fn start(config: &Config) -> Result<AppState, Unavailable> {
    // Leptos renders on whichever executor was chosen first; a second choice in one process is not an error for us.
    let _ = any_spawner::Executor::init_tokio();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let auth = Auth {
        store: open_store(&config.database).await?,
        ephemeral: open_ephemeral(config, &clock)?,
        clock,
        entropy: Arc::new(SystemEntropy),
        relying_party: RelyingParty::new(&config.public_url)?,
        lifetimes: config.sessions,
    };
    Ok(app_state(auth, config))
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
    AppState {
        auth: Arc::new(auth),
        cookies: Cookies::new(config.public_url.is_https()),
        public_url: Arc::new(config.public_url.clone()),
        leptos,
    }
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

fn make_folder(folder: Option<&Path>) -> Result<(), Unavailable> {
    let Some(folder) = folder else { return Ok(()) };
    std::fs::create_dir_all(folder)
        .map_err(|cause| Unavailable::new("data folder", format!("{}: {cause}", folder.display())))
}
