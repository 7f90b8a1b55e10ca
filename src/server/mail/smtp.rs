//! Sends emails over SMTP (RFC 5321), encrypted (RFC 8314), with a login if `SMTP_URL` has one.

use super::{DeliveryError, Email, HandOverError, PreparedEmail, Transport};
use async_trait::async_trait;
use lettre::message::{Mailbox, MultiPart, SinglePart, header};
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, Message};
use std::error::Error;
use std::net::IpAddr;
use std::time::Duration;
use tokio::time::timeout;
use url::Url;

/// Timeout for a connection, and for the whole session up to the email itself.
const CONNECT: Duration = Duration::from_secs(10);
const CONVERSATION: Duration = Duration::from_secs(90);
/// Timeout for the reply after the email was sent (RFC 5321, section 4.5.3.2.6, asks for ten minutes, but by then the
/// email would be useless).
const ACCEPTANCE: Duration = Duration::from_mins(2);

/// Why the mail settings are invalid.
#[derive(Debug)]
pub struct InvalidSmtpSettings(Box<dyn Error + Send + Sync>);

impl std::fmt::Display for InvalidSmtpSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the mail settings cannot be used: {}", self.0)
    }
}

impl Error for InvalidSmtpSettings {}

/// Encryption of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encryption {
    /// From the first byte (`smtps://`).
    Implicit,
    /// STARTTLS, without which nothing is sent.
    Required,
    /// STARTTLS if the server offers it: only for a server on this machine, and only without a login.
    Offered,
}

/// The client of a mail server.
pub struct Smtp {
    host: String,
    port: u16,
    encryption: Encryption,
    tls: TlsParameters,
    login: Option<Credentials>,
    from: Mailbox,
    hello: ClientId,
}

impl Smtp {
    /// Reads `SMTP_URL` and `MAIL_FROM`. `site` is our host name in `EHLO`. `root` is trusted in addition to the
    /// system's certificates.
    ///
    /// # Errors
    /// [`InvalidSmtpSettings`] when the address, the sender or the certificates cannot be used.
    pub fn new(url: &Url, from: &str, site: &str, root: Option<Certificate>) -> Result<Self, InvalidSmtpSettings> {
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let login = (!url.username().is_empty()).then(|| {
            Credentials::new(percent_decoded(url.username()), percent_decoded(url.password().unwrap_or_default()))
        });
        let implicit = url.scheme() == "smtps";
        let encryption = match (implicit, is_this_machine(&host) && login.is_none()) {
            (true, _) => Encryption::Implicit,
            (false, false) => Encryption::Required,
            (false, true) => Encryption::Offered,
        };
        let mut tls = TlsParameters::builder(host.clone());
        if is_this_machine(&host) {
            // Mail servers come with a self-signed certificate, and the connection never leaves this machine.
            tls = tls.dangerous_accept_invalid_certs(true).dangerous_accept_invalid_hostnames(true);
        }
        if let Some(root) = root {
            tls = tls.add_root_certificate(root);
        }
        Ok(Self {
            port: url.port().unwrap_or(if implicit { 465 } else { 587 }),
            host,
            encryption,
            tls: tls.build().map_err(|cause| InvalidSmtpSettings(cause.into()))?,
            login,
            from: from.parse().map_err(|cause: lettre::address::AddressError| InvalidSmtpSettings(cause.into()))?,
            hello: ClientId::Domain(site.to_owned()),
        })
    }

    /// Connects, logs in and disconnects, with the same timeouts as for an email.
    ///
    /// # Errors
    /// When the server cannot be reached, its certificate is not valid, or the login is refused.
    pub async fn check(&self) -> Result<(), Box<dyn Error + Send + Sync>> {
        let mut connection = timeout(CONVERSATION, self.connect()).await?.map_err(loggable)?;
        let _ = timeout(CONNECT, connection.quit()).await;
        Ok(())
    }

    fn message(&self, email: Email) -> Result<(Address, Vec<u8>), Box<dyn Error + Send + Sync>> {
        let address: Address = email.recipient.parse()?;
        let domain = self.from.email.domain();
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, address.clone()))
            .subject(email.subject)
            .message_id(Some(format!("<{}@{domain}>", email.id.0.simple())))
            .header(AutoSubmitted)
            .multipart(
                MultiPart::alternative()
                    .singlepart(SinglePart::plain(email.text))
                    .singlepart(SinglePart::html(email.html)),
            )?;
        Ok((address, message.formatted()))
    }

    /// Connects and logs in. A refused login is retried: an administrator may correct the credentials before the email
    /// expires.
    async fn connect(&self) -> Result<AsyncSmtpConnection, SmtpError> {
        let from_the_start = (self.encryption == Encryption::Implicit).then(|| self.tls.clone());
        let server = (self.host.as_str(), self.port);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(server, Some(CONNECT), &self.hello, from_the_start, None).await?;
        let upgrades = match self.encryption {
            Encryption::Implicit => false,
            Encryption::Required => true,
            Encryption::Offered => connection.can_starttls(),
        };
        if upgrades {
            connection.starttls(self.tls.clone(), &self.hello).await?;
        }
        if let Some(login) = &self.login {
            connection.auth(&[Mechanism::Plain, Mechanism::Login], login).await?;
        }
        Ok(connection)
    }
}

/// "Auto-Submitted: auto-generated" (RFC 3834, section 5) prevents out-of-office replies.
#[derive(Clone)]
struct AutoSubmitted;

impl header::Header for AutoSubmitted {
    fn name() -> header::HeaderName {
        header::HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> header::HeaderValue {
        header::HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

struct Conversation {
    connection: AsyncSmtpConnection,
    message: Vec<u8>,
}

#[async_trait]
impl Transport for Smtp {
    async fn prepare(&self, email: Email) -> Result<Box<dyn PreparedEmail>, DeliveryError> {
        let (address, message) = self.message(email).map_err(DeliveryError::Never)?;
        let conversation = async {
            let mut connection = self.connect().await.map_err(|cause| DeliveryError::Later(loggable(cause)))?;
            connection.command(Mail::new(Some(self.from.email.clone()), vec![])).await.map_err(refused)?;
            connection.command(Rcpt::new(address, vec![])).await.map_err(refused)?;
            connection.command(Data).await.map_err(refused)?;
            Ok(connection)
        };
        let connection =
            timeout(CONVERSATION, conversation).await.map_err(|elapsed| DeliveryError::Later(elapsed.into()))??;
        Ok(Box::new(Conversation { connection, message }))
    }
}

#[async_trait]
impl PreparedEmail for Conversation {
    async fn finish(mut self: Box<Self>) -> Result<(), HandOverError> {
        match timeout(ACCEPTANCE, self.connection.message(&self.message)).await {
            Ok(Ok(_)) => {
                let _ = timeout(CONNECT, self.connection.quit()).await;
                Ok(())
            }
            Ok(Err(cause)) if cause.status().is_some() => Err(HandOverError::Refused(refused(cause))),
            Ok(Err(cause)) => Err(HandOverError::Unknown(loggable(cause))),
            Err(elapsed) => Err(HandOverError::Unknown(elapsed.into())),
        }
    }
}

/// A 5xx reply is permanent, everything else is temporary (RFC 5321, section 4.2.1).
fn refused(cause: SmtpError) -> DeliveryError {
    let is_final = cause.is_permanent();
    if is_final { DeliveryError::Never(loggable(cause)) } else { DeliveryError::Later(loggable(cause)) }
}

/// The cause for the log. The text of a reply often repeats the address, so only the status is kept.
fn loggable(cause: SmtpError) -> Box<dyn Error + Send + Sync> {
    match cause.status() {
        Some(status) => format!("the mail server answered {status}").into(),
        None => cause.into(),
    }
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn percent_decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}
