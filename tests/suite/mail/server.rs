//! A test mail server: STARTTLS and implicit TLS, login, and many ways to fail.

use rcgen::{CertifiedKey, generate_simple_self_signed};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// How the server behaves towards one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    Normal,
    /// Sends this reply to `RCPT TO`.
    RefuseRecipient(&'static str),
    /// Sends this reply to the email itself.
    RefuseMessage(&'static str),
    /// Rejects the login.
    RefuseLogin,
    /// Disconnects at `DATA`.
    DropAtData,
    /// Receives the email and disconnects without a reply.
    DropAfterMessage,
    /// Accepts the connection and sends nothing.
    Silent,
    /// Sends the greeting after this delay.
    Slow(Duration),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    None,
    StartTls,
    Implicit,
}

/// The commands and emails that reached the server.
#[derive(Clone, Debug, Default)]
pub struct Received {
    /// Every command, in order, over all connections.
    pub commands: Vec<String>,
    /// Emails that were accepted, or received without a reply.
    pub emails: Vec<String>,
}

pub struct MailServer {
    pub address: SocketAddr,
    pub certificate_pem: String,
    shared: Arc<Shared>,
}

struct Shared {
    received: Mutex<Received>,
    behaviours: Mutex<Vec<Behaviour>>,
    encryption: Encryption,
    tls: TlsAcceptor,
}

/// A TLS acceptor for `localhost`, and its self-signed certificate as PEM.
pub fn acceptor() -> (TlsAcceptor, String) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), cert.pem())
}

impl MailServer {
    /// Each connection uses up one of `behaviours`; after that, the server behaves normally.
    pub async fn start(encryption: Encryption, behaviours: &[Behaviour]) -> Self {
        let (tls, certificate_pem) = acceptor();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            received: Mutex::default(),
            behaviours: Mutex::new(behaviours.iter().rev().copied().collect()),
            encryption,
            tls,
        });
        let serving = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let behaviour = serving.behaviours.lock().unwrap().pop().unwrap_or(Behaviour::Normal);
                let shared = Arc::clone(&serving);
                tokio::spawn(async move { shared.serve(client, behaviour).await });
            }
        });
        Self { address, certificate_pem, shared }
    }

    /// The setting `SMTP_URL` for this server.
    pub fn url(&self, login: &str) -> String {
        let scheme = if self.shared.encryption == Encryption::Implicit { "smtps" } else { "smtp" };
        format!("{scheme}://{login}localhost:{}", self.address.port())
    }

    pub fn received(&self) -> Received {
        self.shared.received.lock().unwrap().clone()
    }

    /// From now on, the server behaves normally for new connections.
    pub fn behave_normally(&self) {
        self.shared.behaviours.lock().unwrap().clear();
    }

    /// Waits until `count` emails have arrived.
    pub async fn wait_for_emails(&self, count: usize, patience: Duration) {
        let waiting = async {
            while self.received().emails.len() < count {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(patience, waiting).await.unwrap_or_else(|_| panic!("only {:?}", self.received()));
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// How an SMTP conversation begins.
struct ConversationStart {
    encrypted: bool,
    greet: bool,
}

impl Shared {
    async fn serve(&self, client: TcpStream, behaviour: Behaviour) {
        match behaviour {
            Behaviour::Silent => return std::future::pending().await,
            Behaviour::Slow(pause) => tokio::time::sleep(pause).await,
            _ => {}
        }
        if self.encryption == Encryption::Implicit {
            let Ok(client) = self.tls.accept(client).await else { return };
            let _ =
                self.converse(Box::new(client), behaviour, ConversationStart { encrypted: true, greet: true }).await;
            return;
        }
        let Ok(Some(client)) =
            self.converse(Box::new(client), behaviour, ConversationStart { encrypted: false, greet: true }).await
        else {
            return;
        };
        let Ok(client) = self.tls.accept(client).await else { return };
        let _ = self.converse(Box::new(client), behaviour, ConversationStart { encrypted: true, greet: false }).await;
    }

    /// One SMTP conversation; returns the stream if it has to be encrypted next.
    async fn converse(
        &self,
        stream: Box<dyn Stream>,
        behaviour: Behaviour,
        ConversationStart { encrypted, greet }: ConversationStart,
    ) -> std::io::Result<Option<Box<dyn Stream>>> {
        let mut stream = BufReader::new(stream);
        if greet {
            stream.write_all(b"220 mail.test\r\n").await?;
        }
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(None);
            }
            let line = line.trim_end().to_owned();
            self.received.lock().unwrap().commands.push(line.clone());
            let word = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
            let reply = match word.as_str() {
                "EHLO" if encrypted => "250-mail.test\r\n250-AUTH PLAIN LOGIN\r\n250 8BITMIME",
                "EHLO" if self.encryption == Encryption::StartTls => "250-mail.test\r\n250 STARTTLS",
                "EHLO" => "250-mail.test\r\n250 AUTH PLAIN LOGIN",
                "STARTTLS" => {
                    stream.write_all(b"220 go on\r\n").await?;
                    return Ok(Some(stream.into_inner()));
                }
                "AUTH" if behaviour == Behaviour::RefuseLogin => "535 5.7.8 no",
                "AUTH" => "235 welcome",
                "RCPT" => match behaviour {
                    Behaviour::RefuseRecipient(reply) => reply,
                    _ => "250 ok",
                },
                "DATA" if behaviour == Behaviour::DropAtData => return Ok(None),
                "DATA" => {
                    stream.write_all(b"354 go on\r\n").await?;
                    let email = read_email(&mut stream).await?;
                    match behaviour {
                        Behaviour::RefuseMessage(reply) => reply,
                        Behaviour::DropAfterMessage => {
                            self.received.lock().unwrap().emails.push(email);
                            return Ok(None);
                        }
                        _ => {
                            self.received.lock().unwrap().emails.push(email);
                            "250 taken"
                        }
                    }
                }
                "QUIT" => {
                    stream.write_all(b"221 bye\r\n").await?;
                    return Ok(None);
                }
                _ => "250 ok",
            };
            stream.write_all(format!("{reply}\r\n").as_bytes()).await?;
        }
    }
}

async fn read_email(stream: &mut BufReader<Box<dyn Stream>>) -> std::io::Result<String> {
    let mut email = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if line == ".\r\n" {
            return Ok(email);
        }
        email.push_str(&line);
    }
}
