//! Certificates of a private authority, and a proxy that reports the wrong scheme.

use crate::mail::server::acceptor;
use crate::ports::free_port;
use crate::program::{latchkey, wait_until_ready};
use crate::servers::{PostgresServer, RedisServer};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use std::path::Path;
use std::process::{Child, Stdio};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

/// A proxy that terminates TLS.
struct TlsProxy {
    port: u16,
    certificate: String,
}

impl TlsProxy {
    /// Forwards to a port. With `header`, inserts that line into each request and sends one request per connection.
    async fn start(port: u16, upstream: u16, header: Option<&'static str>) -> Self {
        let (tls, certificate) = acceptor();
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let tls = tls.clone();
                tokio::spawn(async move {
                    let (Ok(mut client), Ok(mut server)) =
                        (tls.accept(client).await, TcpStream::connect(("127.0.0.1", upstream)).await)
                    else {
                        return;
                    };
                    if let Some(header) = header {
                        let mut head = Vec::new();
                        while !head.ends_with(b"\r\n\r\n") {
                            let Ok(byte) = client.read_u8().await else { return };
                            head.push(byte);
                        }
                        head.truncate(head.len() - 2);
                        head.extend(format!("{header}\r\nConnection: close\r\n\r\n").into_bytes());
                        server.write_all(&head).await.unwrap();
                    }
                    let _ = copy_bidirectional(&mut client, &mut server).await;
                });
            }
        });
        Self { port, certificate }
    }
}

fn start(folder: &Path, settings: &[(&str, &str)]) -> (Child, u16) {
    let port = free_port();
    let (listen, origin) = (format!("127.0.0.1:{port}"), format!("http://localhost:{port}"));
    let all = [("LISTEN_ADDR", listen.as_str()), ("PUBLIC_URL", &origin), ("RUST_LOG", "error")];
    let all: Vec<_> = all.into_iter().chain(settings.iter().copied()).collect();
    (latchkey(folder, &all).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap(), port)
}

/// Whether `doctor` succeeds, and its output.
async fn doctor(folder: &Path, settings: &[(&str, &str)]) -> (bool, String) {
    let mut command = latchkey(folder, settings);
    let output = tokio::task::spawn_blocking(move || command.arg("doctor").output().unwrap()).await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (output.status.success(), text)
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_and_postgresql_with_a_private_authority_are_reached_if_it_is_configured() {
    let folder = tempfile::tempdir().unwrap();
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let postgres = PostgresServer::start_with_tls(&cert.pem(), &signing_key.serialize_pem());
    let redis = RedisServer::start(&[]);
    let terminator = TlsProxy::start(0, redis.port, None).await;
    let certificates = folder.path().join("private.pem");
    std::fs::write(&certificates, format!("{}{}", cert.pem(), terminator.certificate)).unwrap();
    let certificates = certificates.display().to_string();
    let database = format!("postgres://latchkey@localhost:{}/postgres?sslmode=verify-full", postgres.port);
    let redis = format!("rediss://localhost:{}", terminator.port);
    for (name, value) in [("DATABASE_URL", &database), ("REDIS_URL", &redis)] {
        let settings = [(name, value.as_str()), ("LISTEN_ADDR", "127.0.0.1:1")];
        let (is_ok, text) = doctor(folder.path(), &settings).await;
        assert!(!is_ok && text.contains("FAULT"), "its certificate is not trusted: {text}");
        let settings = [settings[0], settings[1], ("SSL_CERT_FILE", certificates.as_str())];
        let (is_ok, text) = doctor(folder.path(), &settings).await;
        assert!(is_ok, "{text}");
    }
    let settings =
        [("DATABASE_URL", database.as_str()), ("REDIS_URL", redis.as_str()), ("SSL_CERT_FILE", certificates.as_str())];
    let (mut child, port) = start(folder.path(), &settings);
    let ready = tokio::task::spawn_blocking(move || {
        wait_until_ready(&mut child, port);
        let (_, outcome) =
            crate::remote::Remote::new(port, &format!("http://localhost:{port}")).sign_up("ada").unwrap();
        let _ = child.kill();
        let _ = child.wait();
        outcome.unwrap().0
    });
    assert_eq!(ready.await.unwrap(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_detects_a_redirect_loop_and_names_the_setting() {
    let folder = tempfile::tempdir().unwrap();
    let (port, public) = (free_port(), free_port());
    let (listen, origin) = (format!("127.0.0.1:{port}"), format!("https://localhost:{public}"));
    let wrong = TlsProxy::start(public, port, Some("X-Forwarded-Proto: http")).await;
    let right_port = free_port();
    let right_origin = format!("https://localhost:{right_port}");
    let right = TlsProxy::start(right_port, port, Some("X-Forwarded-Proto: https")).await;
    let certificates = folder.path().join("proxies.pem");
    std::fs::write(&certificates, format!("{}{}", wrong.certificate, right.certificate)).unwrap();
    let certificates = certificates.display().to_string();
    for (origin, is_right) in [(origin, false), (right_origin, true)] {
        let settings = [
            ("LISTEN_ADDR", listen.as_str()),
            ("PUBLIC_URL", origin.as_str()),
            ("TRUSTED_PROXIES", "127.0.0.1"),
            ("SECRET_KEY", "the key of this test, and of no other"),
            ("EMAIL_SIGN_IN", "off"),
            ("SSL_CERT_FILE", certificates.as_str()),
            ("RUST_LOG", "warn"),
        ];
        let mut child = latchkey(folder.path(), &settings).stdout(Stdio::null()).spawn().unwrap();
        let stderr = child.stderr.take().unwrap();
        let mut child = tokio::task::spawn_blocking(move || {
            wait_until_ready(&mut child, port);
            child
        })
        .await
        .unwrap();
        let (is_ok, text) = doctor(folder.path(), &settings).await;
        let (again, _) = doctor(folder.path(), &settings).await;
        assert_eq!((is_ok, again), (is_right, is_right), "{text}");
        assert_eq!(
            text.contains("redirects in a loop") && text.contains("X-Forwarded-Proto $scheme"),
            !is_right,
            "{text}"
        );
        let _ = child.kill();
        let _ = child.wait();
        let stderr = std::io::read_to_string(stderr).unwrap();
        let times = stderr.lines().filter(|line| line.contains("redirected to https")).count();
        assert_eq!(times, usize::from(!is_right), "once: {stderr}");
    }
}
