use super::server::{Behaviour, Encryption, MailServer};
use latchkey::server::mail::{DeliveryError, Email, HandOverError, Smtp, Transport};
use latchkey::server::model::email_queue::EmailId;
use lettre::transport::smtp::client::Certificate;
use std::time::Duration;

fn email() -> Email {
    Email {
        id: EmailId(uuid::Uuid::from_u128(7)),
        recipient: "ada@example.org".to_owned(),
        subject: "Sign in to Latchkey".to_owned(),
        text: "Hello Ünal,\n\n.\nhttps://id.example/email/link?token=abc\n".to_owned(),
        html: "<p>Hello Ünal</p>".to_owned(),
    }
}

fn smtp(server: &MailServer, login: &str, trusted: bool) -> Smtp {
    let root = trusted.then(|| Certificate::from_pem(server.certificate_pem.as_bytes()).unwrap());
    let url = server.url(login).parse().unwrap();
    Smtp::new(&url, "Latchkey <no-reply@id.example>", "id.example", root).unwrap()
}

async fn send(smtp: &Smtp) -> Result<(), String> {
    let ready = smtp.prepare(email()).await.map_err(|error| format!("{error:?}"))?;
    ready.finish().await.map_err(|error| format!("{error:?}"))
}

#[tokio::test]
async fn an_email_is_sent_encrypted_and_authenticated_with_both_parts() {
    for encryption in [Encryption::StartTls, Encryption::Implicit] {
        let server = MailServer::start(encryption, &[]).await;
        send(&smtp(&server, "post%40id:se%2Fcret@", true)).await.unwrap();
        let received = server.received();
        assert_eq!(received.commands.iter().any(|line| line == "STARTTLS"), encryption == Encryption::StartTls);
        // base64 of "\0post@id\0se/cret" (RFC 4616)
        assert!(
            received.commands.contains(&"AUTH PLAIN AHBvc3RAaWQAc2UvY3JldA==".to_owned()),
            "{:?}",
            received.commands
        );
        assert!(received.commands.contains(&"MAIL FROM:<no-reply@id.example>".to_owned()), "{:?}", received.commands);
        assert!(received.commands.contains(&"RCPT TO:<ada@example.org>".to_owned()), "{:?}", received.commands);
        // A display name of several words, as a fork may have, is quoted (RFC 5322, section 3.4).
        let email = received.emails[0].replace('"', "");
        for part in [
            "From: Latchkey <no-reply@id.example>\r\n",
            "To: ada@example.org\r\n",
            "Subject: Sign in to Latchkey\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "Message-ID: <00000000000000000000000000000007@id.example>\r\n",
            "multipart/alternative",
            "Content-Type: text/plain; charset=utf-8",
            "Content-Type: text/html; charset=utf-8",
        ] {
            assert!(email.contains(part), "{part}: {email}");
        }
    }
}

#[tokio::test]
async fn a_server_without_encryption_gets_neither_credentials_nor_email() {
    let server = MailServer::start(Encryption::None, &[]).await;
    let error = send(&smtp(&server, "post:secret@", true)).await.unwrap_err();
    assert!(error.contains("STARTTLS is not supported"), "{error}");
    let received = server.received();
    assert!(received.emails.is_empty());
    assert!(!received.commands.iter().any(|line| line.starts_with("AUTH") || line.starts_with("MAIL")), "{received:?}");
}

#[tokio::test]
async fn a_local_mail_catcher_needs_neither_login_nor_encryption() {
    let server = MailServer::start(Encryption::None, &[]).await;
    send(&smtp(&server, "", true)).await.unwrap();
    assert_eq!(server.received().emails.len(), 1);
}

#[tokio::test]
async fn a_certificate_is_verified_unless_the_server_is_local() {
    for encryption in [Encryption::StartTls, Encryption::Implicit] {
        let server = MailServer::start(encryption, &[]).await;
        // Linux routes this address to loopback, too, but it is not a loopback address.
        let url = server.url("post:secret@").replace("localhost", "0.0.0.0").parse().unwrap();
        let elsewhere = Smtp::new(&url, "Latchkey <no-reply@id.example>", "id.example", None).unwrap();
        let error = send(&elsewhere).await.unwrap_err();
        assert!(error.contains("InvalidCertificate"), "{error}");
        assert!(server.received().emails.is_empty());
        assert!(!server.received().commands.iter().any(|line| line.starts_with("AUTH")));
    }
    for encryption in [Encryption::StartTls, Encryption::Implicit] {
        for (login, host) in [("post:secret@", "localhost"), ("", "localhost"), ("", "127.0.0.1")] {
            let server = MailServer::start(encryption, &[]).await;
            let url = server.url(login).replace("localhost", host).parse().unwrap();
            let here = Smtp::new(&url, "Latchkey <no-reply@id.example>", "id.example", None).unwrap();
            send(&here).await.unwrap();
            here.check().await.unwrap();
            assert_eq!(server.received().emails.len(), 1);
            assert_eq!(
                server.received().commands.iter().any(|line| line == "STARTTLS"),
                encryption == Encryption::StartTls,
                "offered encryption is used"
            );
        }
    }
}

#[tokio::test]
async fn the_status_of_a_rejection_says_whether_it_is_permanent() {
    for (behaviour, is_final) in [
        (Behaviour::RefuseRecipient("550 5.1.1 <ada@example.org> no such person"), true),
        (Behaviour::RefuseRecipient("451 4.7.1 greylisted, ada@example.org"), false),
        (Behaviour::RefuseLogin, false),
        (Behaviour::DropAtData, false),
    ] {
        let server = MailServer::start(Encryption::StartTls, &[behaviour]).await;
        let error = smtp(&server, "post:secret@", true).prepare(email()).await.err().unwrap();
        assert_eq!(matches!(error, DeliveryError::Never(_)), is_final, "{behaviour:?}");
        assert!(!format!("{error:?}").contains("ada@example.org"), "no address in the log: {error:?}");
    }
}

#[tokio::test]
async fn in_the_last_step_a_rejection_is_certain_and_silence_is_not() {
    let behaviours = [
        Behaviour::RefuseMessage("452 4.3.1 full"),
        Behaviour::RefuseMessage("554 5.6.0 no"),
        Behaviour::DropAfterMessage,
    ];
    let server = MailServer::start(Encryption::StartTls, &behaviours).await;
    let smtp = smtp(&server, "post:secret@", true);
    let mut outcomes = Vec::new();
    for _ in behaviours {
        let ready = smtp.prepare(email()).await.unwrap();
        outcomes.push(match ready.finish().await.unwrap_err() {
            HandOverError::Refused(DeliveryError::Later(_)) => "later",
            HandOverError::Refused(DeliveryError::Never(_)) => "never",
            HandOverError::Refused(DeliveryError::ClaimLost) => "not ours",
            HandOverError::Unknown(_) => "unknown",
        });
    }
    assert_eq!(outcomes, ["later", "never", "unknown"]);
}

#[tokio::test]
async fn a_prepared_email_that_is_dropped_is_not_sent() {
    let server = MailServer::start(Encryption::StartTls, &[]).await;
    drop(smtp(&server, "post:secret@", true).prepare(email()).await.unwrap());
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    assert!(server.received().emails.is_empty());
}

#[tokio::test]
async fn the_doctor_waits_for_a_slow_greeting_as_long_as_the_sender_does() {
    let server = MailServer::start(Encryption::StartTls, &[Behaviour::Slow(Duration::from_secs(15)); 2]).await;
    let smtp = smtp(&server, "post:secret@", true);
    let (checked, sent) = tokio::join!(smtp.check(), send(&smtp));
    checked.unwrap();
    sent.unwrap();
}
