//! List 6: back-channel logout when a session ends, and the HTTP client for such requests.

use super::relying_party::{RelyingParty, change, provider, published_keys, register};
use crate::app::{App, Backends, Browser};
use latchkey::server::admin::{ApplicationChange, ApplicationsFile, ClientChange};
use latchkey::server::jobs::LogoutWorker;
use latchkey::server::jose::{Members, VerifyingKey, verify};
use latchkey::server::model::application::Audience;
use latchkey::server::model::{ApplicationId, GroupName};
use latchkey::server::outbound::{OutboundClient, OutboundError, Reach};
use latchkey::types::Identifier;
use serde_json::json;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// An application's back-channel logout endpoint.
struct Listener {
    uri: String,
    posted: Receiver<String>,
    /// The responses to send; the last one repeats.
    answers: Arc<Mutex<Vec<Vec<u8>>>>,
}

fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// Reads one request and returns its body.
fn read_body(stream: &mut TcpStream) -> String {
    let (mut read, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let count = stream.read(&mut buffer).unwrap_or_default();
        read.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&read).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            assert!(count > 0, "{text}");
            continue;
        };
        let length =
            head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ").map(str::to_owned));
        if count == 0 || length.is_none_or(|length| body.len() >= length.parse().unwrap()) {
            return body.to_owned();
        }
    }
}

fn listen(answers: Vec<Vec<u8>>) -> Listener {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("http://127.0.0.1:{}/logout", listener.local_addr().unwrap().port());
    let (sender, posted) = channel();
    let answers = Arc::new(Mutex::new(answers));
    let queue = Arc::clone(&answers);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let body = read_body(&mut stream);
            let mut queue = queue.lock().unwrap();
            let answer = if queue.len() > 1 { queue.remove(0) } else { queue[0].clone() };
            drop(queue);
            let _ = stream.write_all(&answer);
            if sender.send(body).is_err() {
                break;
            }
        }
    });
    Listener { uri, posted, answers }
}

struct Fixture {
    app: App,
    browser: Browser,
    party: RelyingParty,
    listener: Listener,
    sid: String,
}

async fn fixture(backends: Backends) -> Fixture {
    let app = provider(backends).await;
    let listener = listen(vec![answer("200 OK", "", b"")]);
    let mut browser = app.browser();
    browser.sign_up_verified(&app, "ada").await;
    let client = ClientChange { backchannel_logout_uri: Some(listener.uri.clone()), ..change() };
    let party = register(&app, "photos", client).await;
    let sid = party.sign_in(&app, &mut browser, &[]).await.claims.text("sid").unwrap().to_owned();
    Fixture { app, browser, party, listener, sid }
}

fn worker(app: &App) -> LogoutWorker {
    LogoutWorker::new(Arc::clone(app.state.core()), OutboundClient { allowed: Arc::default() })
}

async fn deliver(app: &App) -> usize {
    let (worker, mut count) = (worker(app), 0);
    while worker.deliver_next().await.unwrap() {
        count += 1;
    }
    count
}

/// The claims of a logout token that was posted.
async fn claims(app: &App, body: &str) -> Members {
    let token =
        url::form_urlencoded::parse(body.as_bytes()).find(|(name, _)| name == "logout_token").unwrap().1.into_owned();
    let keys = published_keys(app).await;
    let known: Vec<_> = keys.iter().map(|(id, key)| VerifyingKey { id, key }).collect();
    verify(&token, &["logout+jwt"], &known).unwrap()
}

#[tokio::test]
async fn oidcc_backchannel_rp_initiated_logout() {
    for backends in Backends::ALL {
        let Fixture { app, mut browser, party, listener, sid } = fixture(backends).await;
        // Several sign-ins in one session cause one logout token.
        party.sign_in(&app, &mut browser, &[]).await;
        browser.form("/sign-out", &[]).await;
        assert_eq!(deliver(&app).await, 1);
        let claims = claims(&app, &listener.posted.recv().unwrap()).await;
        let names = ["aud", "events", "exp", "iat", "iss", "jti", "sid", "sub"];
        for name in names {
            assert!(claims.get(name).is_some(), "{name}");
        }
        assert_eq!((claims.get("nonce"), claims.text("sid")), (None, Some(sid.as_str())));
        assert_eq!((claims.text("aud"), claims.text("iss")), (Some("photos"), Some(app.origin.as_str())));
        assert_eq!(claims.number("exp").unwrap() - claims.number("iat").unwrap(), 120);
        let event = "http://schemas.openid.net/event/backchannel-logout";
        assert_eq!(claims.get("events").unwrap(), &json!({ event: {} }));
        let none =
            party.authorize(&mut browser, &[("prompt", "none")]).await.unwrap_or_else(|page| panic!("{}", page.text()));
        assert_eq!(none.parameters["error"], "login_required");
        let results = app.store.logout_results_at(&ApplicationId::parse("photos").unwrap()).await.unwrap();
        assert_eq!((results.len(), results[0].failure.clone()), (1, None));
    }
}

#[tokio::test]
async fn oidcc_backchannel_logout_discovery_endpoint_verification() {
    let app = provider(Backends::Embedded).await;
    let document = app.browser().get("/.well-known/openid-configuration").await.json();
    assert_eq!(document["backchannel_logout_supported"], true);
    assert_eq!(document["backchannel_logout_session_supported"], true);
    assert!(document["end_session_endpoint"].is_string());
}

/// Everything that ends a session or a user's access, and expiry.
const EVENTS: [&str; 11] = [
    "left",
    "group removed",
    "narrowed",
    "file",
    "revoked",
    "others",
    "disabled",
    "ended",
    "not me",
    "deleted",
    "expired",
];

#[tokio::test]
async fn ending_a_session_notifies_its_applications_and_expiry_does_not() {
    for backends in Backends::ALL {
        for event in EVENTS {
            let Fixture { app, mut browser, listener, sid, .. } = fixture(backends).await;
            let family = GroupName::parse("family").unwrap();
            app.state.groups().put(&family, None, None).await.unwrap();
            let ada = app.store.account_by_identifier(&Identifier::parse("ada").unwrap()).await.unwrap().unwrap();
            match event {
                "revoked" | "others" => {
                    let session = browser.get("/api/session").await.json()["session"]["id"].clone();
                    let mut other = app.browser();
                    other.sign_in_by_email(&app, "ada").await;
                    let body = if event == "others" { json!({ "others": true }) } else { json!({ "id": session }) };
                    assert_eq!(other.post("/api/sessions/revoke", body).await.json()["revoked"], 1);
                }
                "narrowed" => {
                    let photos = ApplicationId::parse("photos").unwrap();
                    let closed = ApplicationChange { who: Some(Audience::Closed), ..ApplicationChange::default() };
                    app.state.applications().edit(&photos, closed).await.unwrap();
                }
                "file" => {
                    let folder = tempfile::tempdir().unwrap();
                    let path = folder.path().join("applications.toml");
                    let uri = &listener.uri;
                    let closed = "[[application]]\nid = 'photos'\n\
                                  [application.oidc]\nredirect_uris = ['https://photos.example/cb']\n";
                    std::fs::write(&path, format!("{closed}backchannel_logout_uri = '{uri}'\n")).unwrap();
                    app.state.applications().apply(&ApplicationsFile::read(&path).unwrap()).await.unwrap();
                }
                "left" | "group removed" => {
                    app.state.groups().join(&ada, &family).await.unwrap();
                    let family_only =
                        ApplicationChange { who: Audience::parse("family"), ..ApplicationChange::default() };
                    let photos = ApplicationId::parse("photos").unwrap();
                    app.state.applications().edit(&photos, family_only).await.unwrap();
                    if event == "left" {
                        assert!(app.state.groups().leave(&ada, &family).await.unwrap());
                    } else {
                        app.state.groups().remove(&family).await.unwrap();
                    }
                }
                "disabled" => drop(app.state.administration().set_disabled(ada.id, true).await.unwrap()),
                "ended" => drop(app.state.administration().end_sessions(ada.id).await.unwrap()),
                "not me" => {
                    browser.add_passkey().await;
                    let email = app.email_about("ada@example.org", "A passkey was added to your account").await;
                    let body = json!({ "token": email.token_for("/not-me") });
                    assert_eq!(app.browser().post("/api/account/not-me", body).await.status, 200);
                }
                "deleted" => {
                    assert_eq!(browser.post("/api/account/delete", json!({ "username": "ada" })).await.status, 200);
                }
                _ => {
                    app.clock.advance(Duration::from_hours(48));
                    assert!(!browser.is_signed_in().await);
                }
            }
            let expected = usize::from(event != "expired");
            assert_eq!(deliver(&app).await, expected, "{event}");
            if expected == 1 {
                assert_eq!(
                    claims(&app, &listener.posted.recv().unwrap()).await.text("sid"),
                    Some(sid.as_str()),
                    "{event}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_failed_logout_request_is_retried_for_an_hour_with_a_new_token() {
    for backends in Backends::ALL {
        let Fixture { app, mut browser, listener, .. } = fixture(backends).await;
        *listener.answers.lock().unwrap() = vec![answer("503 Busy", "", b""), answer("204 No Content", "", b"")];
        browser.form("/sign-out", &[]).await;
        assert_eq!(deliver(&app).await, 1);
        let first = claims(&app, &listener.posted.recv().unwrap()).await;
        assert_eq!(deliver(&app).await, 0, "not at once");
        app.clock.advance(Duration::from_secs(5));
        assert_eq!(deliver(&app).await, 1);
        let second = claims(&app, &listener.posted.recv().unwrap()).await;
        assert_ne!(second.text("jti"), first.text("jti"));
        assert_eq!(deliver(&app).await, 0);
        let id = ApplicationId::parse("photos").unwrap();
        assert_eq!(app.store.logout_results_at(&id).await.unwrap()[0].failure, None);

        let Fixture { app, mut browser, listener, .. } = fixture(backends).await;
        *listener.answers.lock().unwrap() = vec![answer("400 Bad Request", "", b"")];
        browser.form("/sign-out", &[]).await;
        let mut tries = 0;
        for _ in 0..70 {
            tries += deliver(&app).await;
            app.clock.shift_minutes(1);
        }
        assert!((5..20).contains(&tries), "{tries}");
        let ada = app.store.account_by_identifier(&Identifier::parse("ada").unwrap()).await.unwrap().unwrap();
        let results = app.store.logout_results_of(ada.id).await.unwrap();
        assert_eq!((results.len(), results[0].failure.as_deref()), (1, Some("HTTP status 400")));
        assert_eq!(app.store.remove_old_logout_results(app.now(), 100).await.unwrap(), 1);
    }
}

#[tokio::test]
async fn outbound_requests_follow_no_redirect_and_are_limited_in_time_and_size() {
    let outbound = OutboundClient { allowed: Arc::default() };
    let inner = listen(vec![answer("200 OK", "", b"secret")]);
    let redirects = listen(vec![answer("302 Found", &format!("location: {}\r\n", inner.uri), b"")]);
    let reply = outbound.post_form(&redirects.uri, Vec::new(), Reach::Registered).await.unwrap();
    assert_eq!(reply.status, 302);
    assert!(inner.posted.try_recv().is_err(), "the redirect is not followed");
    let large = listen(vec![answer("200 OK", "", &vec![b'x'; 1_000_000])]);
    assert_eq!(outbound.post_form(&large.uri, Vec::new(), Reach::Registered).await.unwrap().body.len(), 64 * 1024);
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("http://{}/", silent.local_addr().unwrap());
    let started = std::time::Instant::now();
    let refused = outbound.post_form(&uri, Vec::new(), Reach::Registered).await;
    assert!(matches!(refused, Err(OutboundError::NoAnswer(_))), "{refused:?}");
    assert!(started.elapsed() < Duration::from_secs(8));
}

#[tokio::test]
async fn outbound_requests_reach_allowed_addresses_only() {
    let own = listen(vec![answer("200 OK", "", b"")]);
    let port = own.uri.rsplit(':').next().unwrap().to_owned();
    let outbound = OutboundClient { allowed: Arc::default() };
    for (uri, reach, expected) in [
        (format!("https://127.0.0.1:{port}"), Reach::Public, OutboundError::Forbidden),
        (format!("https://localhost:{port}"), Reach::Public, OutboundError::Forbidden),
        (format!("https://[::ffff:127.0.0.1]:{port}"), Reach::Public, OutboundError::Forbidden),
        ("https://10.0.0.1/".to_owned(), Reach::Public, OutboundError::Forbidden),
        ("http://93.184.216.34/".to_owned(), Reach::Public, OutboundError::Scheme),
        ("http://169.254.169.254/latest".to_owned(), Reach::Registered, OutboundError::Forbidden),
        ("http://[fe80::1]/".to_owned(), Reach::Registered, OutboundError::Forbidden),
        ("https://user@example.org/".to_owned(), Reach::Registered, OutboundError::UserInfo),
        ("ftp://example.org/".to_owned(), Reach::Registered, OutboundError::Scheme),
    ] {
        assert_eq!(outbound.post_form(&uri, Vec::new(), reach).await, Err(expected), "{uri}");
    }
    assert!(own.posted.try_recv().is_err(), "nothing arrived");
    let open = OutboundClient { allowed: Arc::from(["127.0.0.0/8".parse().unwrap()]) };
    assert_eq!(open.post_form(&own.uri, Vec::new(), Reach::Public).await.unwrap().status, 200, "OUTBOUND_ALLOW");
}
