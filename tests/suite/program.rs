//! The program as a process that a test starts.

use crate::ports::free_port;
use crate::servers::signal;
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How many rounds a long test runs: few among all other tests, many with `make soak`.
pub fn rounds(short: usize, long: usize) -> usize {
    if std::env::var_os("LATCHKEY_SOAK").is_some() { long } else { short }
}

/// A command that inherits only `PATH` from this process's environment.
pub fn latchkey(folder: &Path, settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey"));
    command.arg0("latchkey").current_dir(folder).env_clear().env("PATH", std::env::var("PATH").unwrap());
    command.envs(settings.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Sends `text` and returns the response, read until the connection closes; `None` after two seconds of silence.
pub fn exchange(port: u16, text: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    stream.write_all(text.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

/// Whether the server at this port reports that both backends are available.
pub fn is_ready(port: u16) -> bool {
    exchange(port, "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .is_some_and(|answer| answer.starts_with("HTTP/1.1 200"))
}

pub fn wait_until_ready(child: &mut Child, port: u16) {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(20) {
        if is_ready(port) {
            return;
        }
        assert!(child.try_wait().unwrap().is_none(), "it exited");
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("it does not respond");
}

/// A running process, killed when the test ends. If the test fails, its log is printed.
pub struct Program {
    pub port: u16,
    pub child: Child,
    log: File,
}

impl Program {
    /// Starts on a free port; its public URL is `origin` if given, else its own address.
    pub fn start(folder: &Path, origin: Option<&str>, settings: &[(&str, &str)]) -> Self {
        Self::start_at(free_port(), folder, origin, settings)
    }

    pub fn start_at(port: u16, folder: &Path, origin: Option<&str>, settings: &[(&str, &str)]) -> Self {
        let (listen, own) = (format!("127.0.0.1:{port}"), format!("http://localhost:{port}"));
        let all = [("LISTEN_ADDR", listen.as_str()), ("PUBLIC_URL", origin.unwrap_or(&own)), ("RUST_LOG", "error")];
        let all: Vec<_> = all.into_iter().chain(settings.iter().copied()).collect();
        Self::spawn(port, &mut latchkey(folder, &all))
    }

    /// Starts with SIGXFSZ ignored, so that a write beyond the file size limit fails instead of killing the process.
    pub fn start_ignoring_sigxfsz(folder: &Path, settings: &[(&str, &str)]) -> Self {
        let port = free_port();
        let (listen, origin) = (format!("127.0.0.1:{port}"), format!("http://localhost:{port}"));
        let mut command = Command::new("sh");
        command
            .args(["-c", "trap '' XFSZ; exec \"$0\"", env!("CARGO_BIN_EXE_latchkey")])
            .current_dir(folder)
            .env_clear()
            .env("PATH", std::env::var("PATH").unwrap())
            .envs([("LISTEN_ADDR", listen.as_str()), ("PUBLIC_URL", origin.as_str()), ("RUST_LOG", "off")])
            .envs(settings.iter().copied());
        Self::spawn(port, &mut command)
    }

    fn spawn(port: u16, command: &mut Command) -> Self {
        let log = tempfile::tempfile().unwrap();
        let child = command.stdout(log.try_clone().unwrap()).stderr(log.try_clone().unwrap()).spawn().unwrap();
        let mut program = Self { port, child, log };
        wait_until_ready(&mut program.child, port);
        program
    }

    pub fn origin(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    pub fn kill(&mut self) {
        signal(&self.child, "KILL");
        self.child.wait().unwrap();
    }

    /// Stops the process with SIGTERM; returns its exit code.
    pub fn stop(&mut self) -> Option<i32> {
        signal(&self.child, "TERM");
        self.child.wait().unwrap().code()
    }

    /// The resident memory of the process, in bytes.
    pub fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().split(' ').next().unwrap().parse::<u64>().unwrap() * 1024
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() && self.log.rewind().is_ok() {
            let log = std::io::read_to_string(&self.log).unwrap_or_default();
            eprintln!("log of the program on port {}:\n{log}", self.port);
        }
    }
}
