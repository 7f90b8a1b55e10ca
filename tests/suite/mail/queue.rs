use super::server::{Behaviour, Encryption, MailServer};
use crate::app::{App, Backends};
use latchkey::server::jobs::EmailWorker;
use latchkey::server::mail::Smtp;
use lettre::transport::smtp::client::Certificate;
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};

fn email_worker(app: &App, server: &MailServer) -> Arc<EmailWorker> {
    let root = Certificate::from_pem(server.certificate_pem.as_bytes()).unwrap();
    let url = server.url("post:secret@").parse().unwrap();
    let smtp = Smtp::new(&url, "Latchkey <no-reply@id.example>", "id.example", Some(root)).unwrap();
    Arc::new(app.email_worker_with(Arc::new(smtp)))
}

async fn deliver(email_worker: &EmailWorker) {
    while email_worker.deliver_next().await.unwrap() {}
}

/// The number of `RCPT TO` commands that the server received.
fn recipients(server: &MailServer) -> usize {
    server.received().commands.iter().filter(|line| line.starts_with("RCPT TO:")).count()
}

async fn sign_up_by_email(app: &App, name: &str) {
    let body = json!({ "username": name, "email": format!("{name}@example.org") });
    assert_eq!(app.browser().post("/api/sign-up/email", body).await.status, 202);
}

#[tokio::test]
async fn a_deferred_email_is_sent_later_and_once() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let behaviours = [
            Behaviour::RefuseRecipient("451 4.7.1 later"),
            Behaviour::RefuseMessage("452 4.3.1 full"),
            Behaviour::DropAtData,
        ];
        let server = MailServer::start(Encryption::StartTls, &behaviours).await;
        let email_worker = email_worker(&app, &server);
        sign_up_by_email(&app, "ada").await;
        for pause in [5, 15, 45] {
            deliver(&email_worker).await;
            assert!(server.received().emails.is_empty());
            app.clock.advance(Duration::from_secs(pause - 1));
            assert!(!email_worker.deliver_next().await.unwrap(), "not before {pause} s have passed");
            app.clock.advance(Duration::from_secs(1));
        }
        deliver(&email_worker).await;
        app.clock.advance(Duration::from_mins(9));
        deliver(&email_worker).await;
        assert_eq!(server.received().emails.len(), 1, "{backends:?}");
    }
}

#[tokio::test]
async fn a_permanently_rejected_email_is_not_retried() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let behaviours = [Behaviour::RefuseRecipient("550 5.1.1 unknown"), Behaviour::Normal];
        let server = MailServer::start(Encryption::StartTls, &behaviours).await;
        let email_worker = email_worker(&app, &server);
        sign_up_by_email(&app, "ada").await;
        deliver(&email_worker).await;
        app.clock.advance(Duration::from_mins(5));
        assert!(!email_worker.deliver_next().await.unwrap());
        assert_eq!(recipients(&server), 1);
        assert!(server.received().emails.is_empty());
    }
}

#[tokio::test]
async fn an_expired_email_is_not_retried() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let server = MailServer::start(Encryption::StartTls, &[Behaviour::RefuseRecipient("451 4.7.1 later")]).await;
        let email_worker = email_worker(&app, &server);
        sign_up_by_email(&app, "ada").await;
        deliver(&email_worker).await;
        app.clock.advance(Duration::from_mins(10));
        deliver(&email_worker).await;
        assert!(server.received().emails.is_empty() && recipients(&server) == 1);
    }
}

#[tokio::test]
async fn an_email_that_may_have_arrived_is_not_sent_again() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let server = MailServer::start(Encryption::StartTls, &[Behaviour::DropAfterMessage]).await;
        let email_worker = email_worker(&app, &server);
        sign_up_by_email(&app, "ada").await;
        for _ in 0..5 {
            deliver(&email_worker).await;
            app.clock.advance(Duration::from_mins(1));
        }
        assert_eq!(server.received().emails.len(), 1);
    }
}

#[tokio::test]
async fn a_hanging_server_delays_no_request_and_keeps_its_email() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let server = MailServer::start(Encryption::StartTls, &[Behaviour::Slow(Duration::from_secs(8))]).await;
        let email_worker = email_worker(&app, &server);
        sign_up_by_email(&app, "ada").await;
        let stuck = tokio::spawn({
            let email_worker = Arc::clone(&email_worker);
            async move { email_worker.deliver_next().await.unwrap() }
        });
        tokio::time::sleep(Duration::from_millis(300)).await;
        let began = Instant::now();
        app.browser().request_sign_in_email("ada").await;
        assert!(began.elapsed() < Duration::from_secs(1), "the request took {:?}", began.elapsed());
        tokio::time::sleep(Duration::from_secs(6)).await;
        app.clock.advance(Duration::from_secs(10));
        // Without renewal the claim would have expired by now; the other due email is the one just requested.
        while email_worker.deliver_next().await.unwrap() {}
        assert_eq!(recipients(&server), 0, "no other worker took it");
        assert!(stuck.await.unwrap());
        assert_eq!((server.received().emails.len(), recipients(&server)), (1, 1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_workers_send_every_email_once() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let server = MailServer::start(Encryption::StartTls, &[]).await;
        for number in 0..20 {
            sign_up_by_email(&app, &format!("ada{number}")).await;
        }
        let email_worker = email_worker(&app, &server);
        let workers = (0..4).map(|_| {
            let email_worker = Arc::clone(&email_worker);
            tokio::spawn(async move { deliver(&email_worker).await })
        });
        for worker in workers.collect::<Vec<_>>() {
            worker.await.unwrap();
        }
        let emails = server.received().emails;
        for number in 0..20 {
            let to = format!("To: ada{number}@example.org\r\n");
            assert_eq!(emails.iter().filter(|email| email.contains(&to)).count(), 1, "{backends:?}");
        }
        assert_eq!(emails.len(), 20);
    }
}

#[tokio::test]
async fn an_email_of_a_killed_worker_is_sent_by_another() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let server = MailServer::start(Encryption::StartTls, &[Behaviour::Silent]).await;
        let email_worker = email_worker(&app, &server);
        sign_up_by_email(&app, "ada").await;
        let killed = tokio::spawn({
            let email_worker = Arc::clone(&email_worker);
            async move { email_worker.deliver_next().await }
        });
        tokio::time::sleep(Duration::from_millis(500)).await;
        killed.abort();
        assert!(!email_worker.deliver_next().await.unwrap(), "it is still claimed");
        app.clock.advance(Duration::from_secs(15));
        deliver(&email_worker).await;
        assert_eq!(server.received().emails.len(), 1, "{backends:?}");
    }
}

#[tokio::test]
async fn a_server_that_greylists_for_five_minutes_gets_the_email_before_it_expires() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        // As many attempts as fit into five minutes.
        let server =
            MailServer::start(Encryption::StartTls, &[Behaviour::RefuseRecipient("451 4.7.1 greylisted"); 5]).await;
        let email_worker = email_worker(&app, &server);
        sign_up_by_email(&app, "ada").await;
        let mut sent_after = None;
        for second in 0..600 {
            deliver(&email_worker).await;
            if server.received().emails.len() == 1 {
                sent_after = Some(second);
                break;
            }
            app.clock.advance(Duration::from_secs(1));
        }
        let sent_after = sent_after.unwrap();
        assert!((300..=360).contains(&sent_after), "{backends:?}: {sent_after} s");
        assert_eq!(recipients(&server), 6);
    }
}
