//! The measured program as a process, and measurements from `/proc`.

use crate::client::{Client, Target};
use crate::counting_proxy::{CountingProxy, Protocol};
use crate::ports::free_port;
use crate::report::millis;
use crate::servers::{PostgresServer, RedisServer, signal};
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The backends of the program.
pub enum Backends {
    Embedded,
    Servers { postgres: PostgresServer, redis: RedisServer },
}

impl Backends {
    /// Servers as in production: commits are synced to disk.
    pub fn servers() -> Self {
        Self::Servers { postgres: PostgresServer::start_with(&["-c", "fsync=on"]), redis: RedisServer::start(&[]) }
    }

    pub fn name(&self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Servers { .. } => "PostgreSQL + Redis",
        }
    }

    /// The URL of the database, for a program whose data folder is `folder`.
    pub fn database(&self, folder: &Path) -> String {
        match self {
            Self::Embedded => format!("sqlite://{}", folder.join("latchkey.db").display()),
            Self::Servers { postgres, .. } => postgres.url().expose().clone(),
        }
    }

    fn settings(&self, folder: &Path) -> Vec<(&'static str, String)> {
        let redis = match self {
            Self::Embedded => String::new(),
            Self::Servers { redis, .. } => redis.url().expose().clone(),
        };
        vec![("DATABASE_URL", self.database(folder)), ("REDIS_URL", redis)]
    }
}

/// The program behind proxies that count its round trips.
pub struct WiredNode {
    pub node: Node,
    pub sql: CountingProxy,
    pub cache: CountingProxy,
    _folder: TempDir,
}

impl WiredNode {
    pub async fn start(program: &Path, (postgres, redis): (u16, u16)) -> Self {
        let sql = CountingProxy::start(format!("127.0.0.1:{postgres}"), Protocol::Postgres).await;
        let cache = CountingProxy::start(format!("127.0.0.1:{redis}"), Protocol::Redis).await;
        let settings = [
            ("DATABASE_URL", format!("postgres://latchkey@{}/postgres", sql.address)),
            ("REDIS_URL", format!("redis://{}", cache.address)),
        ];
        let folder = scratch();
        let node = Node::start_with_settings(program, &settings, folder.path()).await;
        Self { node, sql, cache, _folder: folder }
    }
}

/// A running program, stopped on drop.
pub struct Node {
    child: Child,
    environment: Vec<(&'static str, String)>,
    pub target: Target,
    /// Time from the start of the process until both backends are ready.
    pub started_in: Duration,
}

impl Node {
    /// Starts the program with rate limits on; each address in `X-Forwarded-For` is a separate client.
    pub async fn start(program: &Path, backends: &Backends, folder: &Path) -> Self {
        Self::start_with_settings(program, &backends.settings(folder), folder).await
    }

    pub async fn start_with_settings(program: &Path, settings: &[(&'static str, String)], folder: &Path) -> Self {
        let program = std::path::absolute(program).unwrap();
        assert!(program.exists(), "{} is missing: make build", program.display());
        let port = free_port();
        let began = Instant::now();
        let own = [
            ("LISTEN_ADDR", format!("127.0.0.1:{port}")),
            ("PUBLIC_URL", format!("http://localhost:{port}")),
            ("DATA_DIR", folder.to_str().unwrap().to_owned()),
            ("TRUSTED_PROXIES", "127.0.0.1".to_owned()),
            ("SECRET_KEY", "the key of a measurement, of 32 bytes or more".to_owned()),
        ];
        let environment: Vec<_> = own.into_iter().chain(settings.iter().cloned()).collect();
        let child = Command::new(program)
            .env_clear()
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .current_dir(std::env::current_dir().unwrap())
            .stdout(File::create(folder.join("out.log")).unwrap())
            .stderr(File::create(folder.join("err.log")).unwrap())
            .spawn()
            .unwrap();
        let target = Target { authority: format!("127.0.0.1:{port}"), origin: format!("http://localhost:{port}") };
        let mut node = Self { child, environment, target, started_in: Duration::ZERO };
        while tokio::net::TcpStream::connect(&node.target.authority).await.is_err() {
            assert!(node.child.try_wait().unwrap().is_none(), "it ended: {}", read_log(folder));
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // The program listens before its schema is migrated, and responds afterwards.
        assert_eq!(Client::new(&node.target).get("/readyz").await.status, 200, "{}", read_log(folder));
        node.started_in = began.elapsed();
        node
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Runs a command with the same settings, and returns its standard output.
    pub fn command(&self, program: &Path, arguments: &[&str]) -> String {
        let mut command = Command::new(std::path::absolute(program).unwrap());
        command.env_clear().envs(self.environment.iter().map(|(name, value)| (name, value))).args(arguments);
        let done = command.output().unwrap();
        assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    }

    /// Starts measuring its processor time.
    pub fn meter(&self) -> Meter {
        Meter::start(vec![self.pid()])
    }

    /// Its peak memory, in MiB.
    pub fn peak_memory(&self) -> f64 {
        memory(self.pid(), "VmHWM:")
    }

    /// Its current memory, in MiB.
    pub fn memory(&self) -> f64 {
        memory(self.pid(), "VmRSS:")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        signal(&self.child, "TERM");
        let _ = self.child.wait();
    }
}

fn read_log(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("err.log")).unwrap_or_default()
}

/// The processor time of processes, user and system.
pub struct Meter {
    pids: Vec<u32>,
    before: Duration,
}

impl Meter {
    pub fn start(pids: Vec<u32>) -> Self {
        let before = pids.iter().copied().map(cpu).sum();
        Self { pids, before }
    }

    /// The processor time per operation, in milliseconds.
    pub fn millis_each(&self, count: usize) -> f64 {
        let now: Duration = self.pids.iter().copied().map(cpu).sum();
        #[expect(clippy::cast_precision_loss, reason = "some thousands")]
        let count = count as f64;
        millis(now.saturating_sub(self.before)) / count
    }
}

/// User and system time of a process, all its threads included (`proc_pid_stat(5)`, fields 14 and 15, in ticks of 10 ms).
fn cpu(pid: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let after_name = stat.rsplit_once(") ").unwrap().1;
    let ticks: u64 = after_name.split(' ').skip(11).take(2).map(|field| field.parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 10)
}

fn memory(pid: u32, field: &str) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
    line.trim().split(' ').next().unwrap().parse::<f64>().unwrap() / 1_024.0
}

/// A folder for a program's files on a real disk, so that commits wait for the disk.
pub fn scratch() -> TempDir {
    let target = Path::new("target");
    if target.exists() { TempDir::new_in(target).unwrap() } else { TempDir::new().unwrap() }
}
