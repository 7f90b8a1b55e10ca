//! PostgreSQL and Redis processes that a test can stop, freeze and kill.

use crate::ports::free_port;
use latchkey::server::secret::Secret;
use sqlx::Connection;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Sends a signal to a process that a test started.
pub fn signal(child: &Child, name: &str) {
    let pid = child.id().to_string();
    assert!(Command::new("sh").args(["-c", &format!("kill -{name} {pid}")]).status().unwrap().success());
}

fn wait_for(port: u16) {
    let began = Instant::now();
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(began.elapsed() < Duration::from_secs(20), "nothing responds on port {port}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A Redis server.
pub struct RedisServer {
    pub port: u16,
    arguments: Vec<String>,
    folder: TempDir,
    child: Child,
}

impl RedisServer {
    pub fn start(arguments: &[&str]) -> Self {
        let (port, folder) = (free_port(), tempfile::tempdir().unwrap());
        let arguments: Vec<_> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let child = Self::spawn(port, folder.path(), &arguments);
        Self { port, arguments, folder, child }
    }

    fn spawn(port: u16, folder: &Path, arguments: &[String]) -> Child {
        let child = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir"])
            .arg(folder)
            .args(arguments)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        wait_for(port);
        child
    }

    pub fn url(&self) -> Secret<String> {
        Secret::new(format!("redis://127.0.0.1:{}", self.port))
    }

    pub fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    /// Runs a Redis command; returns the response in debug format.
    pub fn command(&self, words: &[&str]) -> String {
        let client = redis::Client::open(self.url().expose().as_str()).unwrap();
        let mut connection = client.get_connection().unwrap();
        let mut command = redis::cmd(words[0]);
        for word in &words[1..] {
            command.arg(*word);
        }
        format!("{:?}", command.query::<redis::Value>(&mut connection).unwrap())
    }

    pub fn kill(&mut self) {
        signal(&self.child, "KILL");
        self.child.wait().unwrap();
    }

    /// Restarts the server on the same port, empty.
    pub fn start_again(&mut self) {
        self.child = Self::spawn(self.port, self.folder.path(), &self.arguments);
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        signal(&self.child, "CONT");
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A PostgreSQL server.
pub struct PostgresServer {
    pub port: u16,
    arguments: Vec<String>,
    folder: TempDir,
    child: Child,
}

impl PostgresServer {
    pub fn start() -> Self {
        Self::start_with(&["-c", "fsync=off"])
    }

    pub fn start_with(arguments: &[&str]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), arguments)
    }

    /// Starts a server that speaks TLS, with this certificate and key.
    pub fn start_with_tls(certificate: &str, key: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [("server.crt", certificate), ("server.key", key)] {
            let file = folder.path().join(name);
            std::fs::write(&file, text).unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
            if let Some((user, group)) = postgres_ids() {
                chown(&file, Some(user), Some(group)).unwrap();
            }
        }
        let of = |name: &str| format!("{}", folder.path().join(name).display());
        let (certificate, key) =
            (format!("ssl_cert_file={}", of("server.crt")), format!("ssl_key_file={}", of("server.key")));
        Self::start_in(folder, &["-c", "fsync=off", "-c", "ssl=on", "-c", &certificate, "-c", &key])
    }

    /// Starts a server that also listens on a Unix socket in this folder.
    pub fn start_with_socket(folder: &Path) -> Self {
        if let Some((user, group)) = postgres_ids() {
            chown(folder, Some(user), Some(group)).unwrap();
        }
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o777)).unwrap();
        Self::start_with(&["-c", "fsync=off", "-c", &format!("unix_socket_directories={}", folder.display())])
    }

    /// Creates a role that can log in only with a password.
    pub async fn add_role_with_password(&self, role: &str, password: &str) {
        let file = self.folder.path().join("data/pg_hba.conf");
        let rules = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, format!("host all {role} 127.0.0.1/32 scram-sha-256\n{rules}")).unwrap();
        self.run(&format!("create role {role} login password '{password}'")).await;
        self.run("select pg_reload_conf()").await;
    }

    /// Runs a statement as the superuser.
    pub async fn run(&self, statement: &str) {
        let began = Instant::now();
        let mut connection = loop {
            match sqlx::PgConnection::connect(self.url().expose()).await {
                Ok(connection) => break connection,
                // The server listens before it accepts connections.
                Err(cause) => assert!(began.elapsed() < Duration::from_secs(20), "{cause}"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned())).execute(&mut connection).await.unwrap();
    }

    fn start_in(folder: TempDir, arguments: &[&str]) -> Self {
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        if let Some((user, group)) = postgres_ids() {
            chown(&data, Some(user), Some(group)).unwrap();
        }
        let made = as_postgres(&program("initdb"), folder.path())
            .args(["-U", "latchkey", "--auth=trust", "--encoding=UTF8", "--no-sync", "-D"])
            .arg(&data)
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(made.success());
        let port = free_port();
        let arguments: Vec<_> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let child = Self::spawn(port, folder.path(), &arguments);
        Self { port, arguments, folder, child }
    }

    fn spawn(port: u16, folder: &Path, arguments: &[String]) -> Child {
        let child = as_postgres(&program("postgres"), folder)
            .arg("-D")
            .arg(folder.join("data"))
            .args([
                "-p",
                &port.to_string(),
                "-c",
                "listen_addresses=127.0.0.1",
                "-c",
                "deadlock_timeout=100ms",
                "-c",
                "unix_socket_directories=",
            ])
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        wait_for(port);
        child
    }

    pub fn url(&self) -> Secret<String> {
        Secret::new(format!("postgres://latchkey@127.0.0.1:{}/postgres", self.port))
    }

    /// Sends a signal to all processes of the server, to freeze or resume it.
    pub fn signal_all(&self, name: &str) {
        for pid in self.pids() {
            let _ = Command::new("sh").args(["-c", &format!("kill -{name} {pid} 2>/dev/null")]).status();
        }
    }

    /// Stops the server immediately, like a crash.
    pub fn crash(&mut self) {
        signal(&self.child, "QUIT");
        self.child.wait().unwrap();
    }

    pub fn start_again(&mut self) {
        self.child = Self::spawn(self.port, self.folder.path(), &self.arguments);
    }

    /// All processes of the server, the parent first.
    pub fn pids(&self) -> Vec<u32> {
        let mut all = vec![self.child.id()];
        all.extend(children_of(self.child.id()));
        all
    }
}

/// A connection pooler in front of a PostgreSQL server.
pub struct PgBouncer {
    pub port: u16,
    _folder: TempDir,
    child: Child,
}

impl PgBouncer {
    /// Starts a pooler with this `pool_mode` and default settings.
    pub fn start(server: &PostgresServer, mode: &str) -> Self {
        let (port, folder) = (free_port(), tempfile::tempdir().unwrap());
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={} user=latchkey\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nauth_type = any\npool_mode = {mode}\nunix_socket_dir =\n",
            server.port
        );
        std::fs::write(folder.path().join("pgbouncer.ini"), settings).unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let child = as_postgres(&program("pgbouncer"), folder.path())
            .arg("pgbouncer.ini")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        wait_for(port);
        Self { port, _folder: folder, child }
    }

    pub fn url(&self) -> String {
        format!("postgres://latchkey@127.0.0.1:{}/postgres", self.port)
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        self.signal_all("CONT");
        signal(&self.child, "QUIT");
        let _ = self.child.wait();
    }
}

/// The child processes of a process, from `/proc`.
fn children_of(parent: u32) -> Vec<u32> {
    let is_child = |pid: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // The name in parentheses may contain anything; the state and the parent follow it.
        let after_name = stat.rsplit_once(") ").map(|(_, rest)| rest.to_owned()).unwrap_or_default();
        after_name.split(' ').nth(1).and_then(|pid| pid.parse().ok()) == Some(parent)
    };
    let all = std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    all.filter(is_child).collect()
}

/// The program on `PATH`, or where Debian installs it.
fn program(name: &str) -> PathBuf {
    let on_path = std::env::split_paths(&std::env::var_os("PATH").unwrap())
        .map(|folder| folder.join(name))
        .find(|path| path.exists());
    let system = || Some(PathBuf::from("/usr/sbin").join(name)).filter(|path| path.exists());
    let debian = || {
        let versions = std::fs::read_dir("/usr/lib/postgresql").unwrap();
        versions.map(|version| version.unwrap().path().join("bin").join(name)).find(|path| path.exists())
    };
    on_path.or_else(system).or_else(debian).unwrap_or_else(|| panic!("{name} is missing"))
}

/// PostgreSQL refuses to run as root.
fn as_postgres(program: &Path, folder: &Path) -> Command {
    let mut command = if postgres_ids().is_some() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--init-groups", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.current_dir(folder);
    command
}

/// The user and group ids of `postgres`, if this process runs as root.
fn postgres_ids() -> Option<(u32, u32)> {
    let number = |arguments: &[&str]| -> u32 {
        let output = Command::new("id").args(arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
    };
    (number(&["-u"]) == 0).then(|| (number(&["-u", "postgres"]), number(&["-g", "postgres"])))
}
