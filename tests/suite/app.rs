//! The whole program without a socket: the real router on real backends, with a clock that tests can move.

pub use crate::browser::{Answer, Browser};
use axum::Router;
use base64::Engine;
use latchkey::bootstrap;
use latchkey::router::{router, router_with};
use latchkey::server::clock::{Clock, SystemClock, Timestamp};
use latchkey::server::config::Source;
use latchkey::server::core::Dependencies;
use latchkey::server::ephemeral::{Ephemeral, MemoryEphemeral, RedisEphemeral};
use latchkey::server::http::AppState;
use latchkey::server::http::assets::SiteFiles;
use latchkey::server::http::client_address::Peer;
use latchkey::server::jobs::EmailWorker;
use latchkey::server::jose::Algorithm;
use latchkey::server::keys::Keys;
use latchkey::server::mail::{Mailbox, Transport};
use latchkey::server::model::signing_key::{KeyTimes, Sealer, StoredKey};
use latchkey::server::secret::{Secret, SystemEntropy};
use latchkey::server::store::{MailboxEmail, Store, postgres, sqlite};
use sqlx::Connection;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tempfile::TempDir;

pub const ORIGIN: &str = "http://localhost:3000";

#[derive(Clone, Copy, Debug)]
pub enum Backends {
    Embedded,
    Servers,
}

impl Backends {
    pub const ALL: [Self; 2] = [Self::Embedded, Self::Servers];
}

/// The URL of a backend that `scripts/with-backends` started; panics if it is not set.
pub fn address(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run the tests by `make test` or `make suite`"))
}

/// The system clock plus an offset that tests set.
#[derive(Default)]
pub struct MovableClock {
    shift: AtomicI64,
    stopped_at: OnceLock<Timestamp>,
}

impl MovableClock {
    pub fn advance(&self, span: Duration) {
        self.shift.fetch_add(i64::try_from(span.as_millis()).unwrap(), Ordering::SeqCst);
    }

    /// Moves the clock by `minutes`, which may be negative.
    pub fn shift_minutes(&self, minutes: i64) {
        self.shift.fetch_add(minutes * 60_000, Ordering::SeqCst);
    }

    /// Freezes the clock at the current time, for tests that count requests within a rate-limit window.
    pub fn stop(&self) {
        self.stopped_at.get_or_init(|| SystemClock.now());
    }
}

impl Clock for MovableClock {
    fn now(&self) -> Timestamp {
        let machine = self.stopped_at.get().copied().unwrap_or_else(|| SystemClock.now());
        Timestamp::from_unix_millis(machine.unix_millis() + self.shift.load(Ordering::SeqCst))
    }
}

/// A database for one test, removed when dropped.
pub enum TestDatabase {
    File(TempDir),
    Server { admin: String, name: String },
}

impl TestDatabase {
    pub async fn create(backends: Backends) -> Self {
        match backends {
            Backends::Embedded => Self::File(tempfile::tempdir().unwrap()),
            Backends::Servers => {
                let admin = address("TEST_DATABASE_URL");
                let name = format!("latchkey_{}", uuid::Uuid::from_bytes(crate::authenticator::random()).simple());
                admin_statement(&admin, &format!("create database {name}")).await;
                Self::Server { admin, name }
            }
        }
    }

    /// The URL of the test database.
    pub fn url(&self) -> Secret<String> {
        let Self::Server { admin, name } = self else { panic!("a SQLite file has no URL") };
        let mut url = url::Url::parse(admin).unwrap();
        url.set_path(name);
        Secret::new(url.to_string())
    }

    pub async fn open(&self) -> Arc<dyn Store> {
        match self {
            Self::File(folder) => {
                Arc::new(sqlite::open(&folder.path().join("test.db"), Duration::from_secs(5)).await.unwrap())
            }
            Self::Server { .. } => Arc::new(postgres::open(&self.url(), Duration::from_secs(5)).await.unwrap()),
        }
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let Self::Server { admin, name } = self else { return };
        let (admin, statement) = (admin.clone(), format!("drop database if exists {name} with (force)"));
        let drop = move || tokio::runtime::Runtime::new().unwrap().block_on(admin_statement(&admin, &statement));
        std::thread::spawn(drop).join().unwrap();
    }
}

/// Terminates all other connections to a database.
pub async fn cut_connections(url: &Secret<String>) {
    let mut connection = sqlx::PgConnection::connect(url.expose()).await.unwrap();
    let statement = "select pg_terminate_backend(pid) from pg_stat_activity \
                     where datname = current_database() and pid <> pg_backend_pid()";
    sqlx::query(statement).execute(&mut connection).await.unwrap();
}

async fn admin_statement(admin: &str, statement: &str) {
    let mut connection = sqlx::PgConnection::connect(admin).await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(statement.to_owned())).execute(&mut connection).await.unwrap();
}

pub fn open_ephemeral(backends: Backends, clock: &Arc<MovableClock>) -> Arc<dyn Ephemeral> {
    match backends {
        Backends::Embedded => Arc::new(MemoryEphemeral::new(Arc::clone(clock) as Arc<dyn Clock>, 10_000)),
        Backends::Servers => Arc::new(RedisEphemeral::open(&Secret::new(address("TEST_REDIS_URL"))).unwrap()),
    }
}

/// The backends of a node.
pub struct Parts {
    pub store: Arc<dyn Store>,
    pub ephemeral: Arc<dyn Ephemeral>,
    pub clock: Arc<MovableClock>,
    pub database: TestDatabase,
}

/// One node, with the backends that it shares with other nodes.
pub struct App {
    pub router: Router,
    pub state: AppState,
    pub store: Arc<dyn Store>,
    pub email_worker: EmailWorker,
    pub clock: Arc<MovableClock>,
    pub origin: String,
    ephemeral: Arc<dyn Ephemeral>,
    settings: BTreeMap<String, String>,
    database: Arc<TestDatabase>,
}

impl App {
    pub async fn start(backends: Backends) -> Self {
        Self::start_with(backends, ORIGIN).await
    }

    pub async fn start_with(backends: Backends, public_url: &str) -> Self {
        Self::start_with_settings(backends, &[("PUBLIC_URL", public_url)]).await
    }

    /// Starts with settings in addition to the test defaults.
    pub async fn start_with_settings(backends: Backends, settings: &[(&str, &str)]) -> Self {
        let database = TestDatabase::create(backends).await;
        let clock = Arc::new(MovableClock::default());
        let (store, ephemeral) = (database.open().await, open_ephemeral(backends, &clock));
        Self::from_parts(Parts { store, ephemeral, clock, database }, settings)
    }

    /// Starts on an existing database, with the matching ephemeral store.
    pub async fn start_on(database: TestDatabase) -> Self {
        let backends = if matches!(database, TestDatabase::File(_)) { Backends::Embedded } else { Backends::Servers };
        let clock = Arc::new(MovableClock::default());
        let (store, ephemeral) = (database.open().await, open_ephemeral(backends, &clock));
        Self::from_parts(Parts { store, ephemeral, clock, database }, &[])
    }

    pub fn from_parts(parts: Parts, settings: &[(&str, &str)]) -> Self {
        let Parts { store, ephemeral, clock, database } = parts;
        let _ = any_spawner::Executor::init_tokio();
        // A unique key per test: names in the shared Redis are derived from it.
        let key = format!("the key of one test: {}", uuid::Uuid::from_bytes(crate::authenticator::random()));
        let mut all = BTreeMap::from([("PUBLIC_URL", ORIGIN), ("SECRET_KEY", key.as_str())]);
        all.extend(settings.iter().copied());
        if all["PUBLIC_URL"].starts_with("https:") {
            all.entry("SMTP_URL").or_insert("smtps://mail.invalid");
        }
        all.entry("RATE_LIMITS").or_insert("off");
        let settings: BTreeMap<_, _> =
            all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let Node { state, email_worker, origin } = assemble(&settings, &store, &ephemeral, &clock);
        let router = router(state.clone());
        let database = Arc::new(database);
        Self { router, state, store, email_worker, clock, origin, ephemeral, settings, database }
    }

    /// Adds a fork's own routes.
    pub fn with_routes(self, routes: Router<AppState>) -> Self {
        Self { router: router_with(self.state.clone(), routes), ..self }
    }

    /// The router of a second node on the same database and Redis, with its own connections.
    pub async fn second_router(&self) -> Router {
        let store = self.database.open().await;
        let ephemeral = match *self.database {
            TestDatabase::Server { .. } => open_ephemeral(Backends::Servers, &self.clock),
            TestDatabase::File(_) => Arc::clone(&self.ephemeral),
        };
        router(assemble(&self.settings, &store, &ephemeral, &self.clock).state)
    }

    /// A second node with the same settings, with its own connections if the backends are servers.
    pub async fn second(&self) -> Self {
        self.another_node_with(&[]).await
    }

    /// A second node on the same database, with these settings in addition.
    pub async fn another_node_with(&self, settings: &[(&str, &str)]) -> Self {
        let store = self.database.open().await;
        let ephemeral = match *self.database {
            TestDatabase::Server { .. } => open_ephemeral(Backends::Servers, &self.clock),
            TestDatabase::File(_) => Arc::clone(&self.ephemeral),
        };
        let mut all = self.settings.clone();
        all.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let Node { state, email_worker, origin } = assemble(&all, &store, &ephemeral, &self.clock);
        state.signing_keys().read().await.ok();
        let (router, clock, database) = (router(state.clone()), Arc::clone(&self.clock), Arc::clone(&self.database));
        Self { router, state, store, email_worker, clock, origin, ephemeral, settings: all, database }
    }

    /// The value of a setting.
    pub fn setting(&self, name: &str) -> String {
        self.settings[name].clone()
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Adds signing keys: a pregenerated RSA key, and new keys for the other algorithms.
    pub async fn add_signing_keys(&self) {
        self.add_rsa_key().await;
        self.state.signing_keys().maintain().await.unwrap();
    }

    /// Adds a pregenerated RSA key that signs from now on, because generating one is slow.
    pub async fn add_rsa_key(&self) {
        self.add_key(include_str!("fixtures/rsa-2048.pkcs8.txt"), Duration::ZERO).await;
    }

    /// Adds the next pregenerated RSA key, which starts to sign in 24 hours.
    pub async fn add_next_rsa_key(&self) {
        self.add_key(include_str!("fixtures/rsa-2048-next.pkcs8.txt"), Duration::from_hours(24)).await;
    }

    async fn add_key(&self, base64: &str, ahead: Duration) {
        let keys = Keys::new(&Secret::new(self.setting("SECRET_KEY")), None);
        let text: String = base64.split_whitespace().collect();
        let pkcs8 = base64::engine::general_purpose::STANDARD.decode(text).unwrap();
        let times = KeyTimes { created_at: self.now(), signs_from: self.now().plus(ahead) };
        let sealer = Sealer { keys: &keys, entropy: &SystemEntropy };
        let key = StoredKey::new(&pkcs8, Algorithm::Rs256, times, sealer).unwrap();
        let mut unit = self.store.begin().await.unwrap();
        unit.add_signing_key(&key).await.unwrap();
        unit.commit().await.unwrap();
    }

    /// The email worker with a different transport.
    pub fn email_worker_with(&self, transport: Arc<dyn Transport>) -> EmailWorker {
        self.email_worker.with_transport(transport)
    }

    /// Sends every email that is due.
    pub async fn deliver(&self) {
        while self.email_worker.deliver_next().await.unwrap() {}
    }

    /// All emails so far, the newest first.
    pub async fn emails(&self) -> Vec<Email> {
        self.deliver().await;
        self.store.mailbox(1_000).await.unwrap().into_iter().map(Email).collect()
    }

    /// The newest email to an address.
    pub async fn email_to(&self, address: &str) -> Email {
        self.emails().await.into_iter().find(|email| email.0.recipient == address).unwrap()
    }

    /// The newest email to an address with this subject.
    pub async fn email_about(&self, address: &str, subject: &str) -> Email {
        let emails = self.emails().await;
        let found = emails.into_iter().find(|email| email.0.recipient == address && email.0.subject == subject);
        found.unwrap_or_else(|| panic!("no email to {address}: {subject}"))
    }

    /// The number of deadlocks that PostgreSQL has resolved; always 0 for SQLite.
    pub async fn deadlocks(&self) -> i64 {
        let TestDatabase::Server { .. } = &*self.database else { return 0 };
        // Idle connections report their statistics within a second.
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        let mut connection = sqlx::PgConnection::connect(self.database.url().expose()).await.unwrap();
        sqlx::query_scalar("select deadlocks from pg_stat_database where datname = current_database()")
            .fetch_one(&mut connection)
            .await
            .unwrap()
    }

    pub fn browser(&self) -> Browser {
        Browser { router: self.router.clone(), origin: self.origin.clone(), cookies: BTreeMap::new(), from: None }
    }

    /// A browser that connects from `address`.
    pub fn browser_at(&self, address: &str) -> Browser {
        Browser { from: Some(Peer(address.parse().unwrap())), ..self.browser() }
    }
}

/// The parts of one server process.
struct Node {
    state: AppState,
    email_worker: EmailWorker,
    origin: String,
}

fn assemble(
    settings: &BTreeMap<String, String>,
    store: &Arc<dyn Store>,
    ephemeral: &Arc<dyn Ephemeral>,
    clock: &Arc<MovableClock>,
) -> Node {
    let config = bootstrap::settings(&Source::from_pairs(settings.clone())).unwrap();
    let clock = Arc::clone(clock) as Arc<dyn Clock>;
    let backing = Dependencies {
        store: Arc::clone(store),
        ephemeral: Arc::clone(ephemeral),
        clock: Arc::clone(&clock),
        entropy: Arc::new(SystemEntropy),
        keys: Keys::new(config.secret_key.as_ref().unwrap(), config.secret_key_previous.as_ref()),
    };
    let sends_email = config.smtp_url.is_some() || config.public_url.is_localhost();
    let services = bootstrap::services(&config, backing, sends_email).unwrap();
    let mailbox = Mailbox { store: Arc::clone(store), clock };
    let email_worker = bootstrap::email_worker(&services, Arc::new(mailbox), &config);
    let state = bootstrap::app_state(services, &config, SiteFiles::in_folder()).unwrap();
    Node { state, email_worker, origin: config.public_url.origin().to_owned() }
}

/// An email as its recipient sees it.
pub struct Email(pub MailboxEmail);

impl Email {
    /// The token of the email's link.
    pub fn token(&self) -> String {
        let rest = self.0.text.split("?token=").nth(1).unwrap();
        rest.split_whitespace().next().unwrap().to_owned()
    }

    /// The token of the link to `path` on this site.
    pub fn token_for(&self, path: &str) -> String {
        let rest = self.0.text.split(&format!("{path}?token=")).nth(1).unwrap_or_else(|| panic!("{}", self.0.text));
        rest.split_whitespace().next().unwrap().to_owned()
    }

    /// The six-digit code.
    pub fn code(&self) -> String {
        let is_code = |line: &&str| line.len() == 6 && line.bytes().all(|byte| byte.is_ascii_digit());
        self.0.text.lines().find(is_code).unwrap().to_owned()
    }

    pub fn has_code(&self) -> bool {
        self.0.text.lines().any(|line| line.len() == 6 && line.bytes().all(|byte| byte.is_ascii_digit()))
    }

    /// A six-digit code that is wrong.
    pub fn wrong_code(&self) -> String {
        if self.code() == "000000" { "000001".to_owned() } else { "000000".to_owned() }
    }
}
