//! PostgreSQL and Redis processes of a test's own, to be stopped, frozen and killed.

use crate::ports::free_port;
use latchkey::server::secret::Secret;
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
        assert!(began.elapsed() < Duration::from_secs(20), "nothing answers at {port}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// One Redis.
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

    /// Asks it something, as an operator would.
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

    /// Starts it again where it was, empty.
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

/// One PostgreSQL.
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
        let folder = tempfile::tempdir().unwrap();
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
            .args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="])
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

    /// Freezes or thaws it with all its processes.
    pub fn signal_all(&self, name: &str) {
        for pid in self.pids() {
            let _ = Command::new("sh").args(["-c", &format!("kill -{name} {pid} 2>/dev/null")]).status();
        }
    }

    /// Ends it at once, as a crash does.
    pub fn crash(&mut self) {
        signal(&self.child, "QUIT");
        self.child.wait().unwrap();
    }

    pub fn start_again(&mut self) {
        self.child = Self::spawn(self.port, self.folder.path(), &self.arguments);
    }

    /// All its processes, the one that started the others first.
    pub fn pids(&self) -> Vec<u32> {
        let mut all = vec![self.child.id()];
        all.extend(children_of(self.child.id()));
        all
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        self.signal_all("CONT");
        signal(&self.child, "QUIT");
        let _ = self.child.wait();
    }
}

/// The processes that a process has started, as `/proc` tells.
fn children_of(parent: u32) -> Vec<u32> {
    let is_child = |pid: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // The name in parentheses may hold anything; the state and the parent follow it.
        let after_name = stat.rsplit_once(") ").map(|(_, rest)| rest.to_owned()).unwrap_or_default();
        after_name.split(' ').nth(1).and_then(|pid| pid.parse().ok()) == Some(parent)
    };
    let all = std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    all.filter(is_child).collect()
}

/// The program on PATH, or where Debian keeps it.
fn program(name: &str) -> PathBuf {
    let on_path = std::env::split_paths(&std::env::var_os("PATH").unwrap())
        .map(|folder| folder.join(name))
        .find(|path| path.exists());
    let debian = || {
        let versions = std::fs::read_dir("/usr/lib/postgresql").unwrap();
        versions.map(|version| version.unwrap().path().join("bin").join(name)).find(|path| path.exists())
    };
    on_path.or_else(debian).unwrap_or_else(|| panic!("{name} is missing"))
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

/// User and group of `postgres`, where we are root.
fn postgres_ids() -> Option<(u32, u32)> {
    let number = |arguments: &[&str]| -> u32 {
        let output = Command::new("id").args(arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
    };
    (number(&["-u"]) == 0).then(|| (number(&["-u", "postgres"]), number(&["-g", "postgres"])))
}
