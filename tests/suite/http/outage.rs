use crate::app::{Answer, App, Backends, MovableClock, Parts, TestDatabase, address, open_ephemeral};
use crate::browser::{Browser, hidden_fields};
use crate::proxy::Proxy;
use latchkey::server::ephemeral::RedisEphemeral;
use latchkey::server::secret::Secret;
use latchkey::server::store::postgres;
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};
use url::Url;

/// The contract's two seconds, plus half a second for a machine that runs many tests at once.
const MAX_RESPONSE_TIME: Duration = Duration::from_millis(2_500);

/// Starts a proxy in front of a server; returns the proxy and its URL.
async fn through_proxy(url: &str) -> (Proxy, Secret<String>) {
    let mut url = Url::parse(url).unwrap();
    let upstream = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap());
    let proxy = Proxy::start(upstream).await;
    url.set_host(Some("127.0.0.1")).unwrap();
    url.set_port(Some(proxy.address.port())).unwrap();
    (proxy, Secret::new(url.to_string()))
}

async fn app_with_proxied_database() -> (App, Proxy) {
    let database = TestDatabase::create(Backends::Servers).await;
    let (proxy, url) = through_proxy(database.url().expose()).await;
    let clock = Arc::new(MovableClock::default());
    let store = Arc::new(postgres::open(&url, Duration::from_secs(5)).await.unwrap());
    let ephemeral = open_ephemeral(Backends::Servers, &clock);
    (App::from_parts(Parts { store, ephemeral, clock, database }, &[]), proxy)
}

async fn app_with_proxied_redis() -> (App, Proxy) {
    let database = TestDatabase::create(Backends::Servers).await;
    let (proxy, url) = through_proxy(&address("TEST_REDIS_URL")).await;
    let clock = Arc::new(MovableClock::default());
    let ephemeral = Arc::new(RedisEphemeral::open(&url).unwrap());
    (App::from_parts(Parts { store: database.open().await, ephemeral, clock, database }, &[]), proxy)
}

fn assert_unavailable(answer: &Answer, since: Instant) {
    assert_eq!(answer.refusal(), (503, "unavailable".to_owned()));
    assert_eq!(answer.header("retry-after"), "2");
    assert_eq!(answer.json()["error"]["retry_after"], 2);
    assert!(since.elapsed() < MAX_RESPONSE_TIME, "it took {:?}", since.elapsed());
}

async fn eventually_ready(app: &App) {
    for _ in 0..100 {
        if app.browser().get("/readyz").await.status == 200 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it did not recover by itself");
}

#[tokio::test]
async fn without_the_database_no_request_hangs_and_the_app_recovers_by_itself() {
    let (app, proxy) = app_with_proxied_database().await;
    let mut browser = app.browser();
    let passkey = browser.sign_up("ada").await;
    let mut mid_ceremony = app.browser();
    let options = mid_ceremony.start_sign_in().await;
    let credential = json!({ "credential": passkey.assertion(&options, &app.origin).json() });
    proxy.cut();

    let began = Instant::now();
    assert_unavailable(&browser.get("/api/session").await, began);
    let began = Instant::now();
    let form = json!({ "username": "eve", "email": "eve@example.org" });
    assert_unavailable(&app.browser().post("/api/sign-up/start", form).await, began);
    let began = Instant::now();
    assert_unavailable(&mid_ceremony.post("/api/sign-in/finish", credential.clone()).await, began);
    let page = browser.get("/account").await;
    assert_eq!(page.status, 503);
    assert!(page.text().contains("Temporarily unavailable"));
    let readiness = app.browser().get("/readyz").await;
    assert_eq!((readiness.status.as_u16(), readiness.json()), (503, json!({ "database": "away", "ephemeral": "ok" })));
    assert_eq!(app.browser().get("/healthz").await.status, 200);

    proxy.restore();
    eventually_ready(&app).await;
    assert!(browser.is_signed_in().await, "no user was signed out");
    let spent = mid_ceremony.post("/api/sign-in/finish", credential).await;
    assert_eq!(spent.refusal(), (401, "ceremony_expired".to_owned()), "the failed request has spent the ceremony");
    assert_eq!(app.browser().sign_in(&passkey).await.status, 200);
}

#[tokio::test]
async fn a_form_that_met_an_outage_can_be_sent_again_from_its_error_page() {
    let (app, proxy) = app_with_proxied_database().await;
    let mut browser = app.browser();
    browser.sign_up("ada").await;
    let fields = [("action", "name"), ("name", "Ada \"&amp;\" <b>Lovelace</b>")];
    proxy.cut();
    let page = browser.form("/account", &fields).await;
    let foreign =
        Browser { origin: "https://evil.example".to_owned(), ..browser.clone() }.form("/account", &fields).await;
    let provider = browser.form("/oauth/authorize", &[("client_id", "sent-by-any-site")]).await;
    proxy.restore();
    eventually_ready(&app).await;

    assert_eq!(page.status, 503);
    assert!(page.text().contains("method=\"post\" action=\"/account\""), "{}", page.text());
    assert!(page.text().contains("Try again<"), "{}", page.text());
    let kept = hidden_fields(page.text().split_once("<main").unwrap().1.split_once("</main>").unwrap().0);
    let kept: Vec<_> = kept.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(kept, fields);
    assert_eq!(browser.form("/account", &kept).await.status, 303);
    assert_eq!(browser.get("/api/session").await.json()["user"]["display_name"], fields[1].1);

    assert_eq!((foreign.status.as_u16(), provider.status.as_u16()), (403, 503));
    for page in [foreign.text(), provider.text()] {
        assert!(
            !page.contains("Try again<") && !page.contains("Lovelace") && !page.contains("sent-by-any-site"),
            "{page}"
        );
    }
}

#[tokio::test]
async fn without_redis_sign_in_fails_and_signed_in_users_are_unaffected() {
    let (app, proxy) = app_with_proxied_redis().await;
    let mut browser = app.browser();
    let passkey = browser.sign_up("ada").await;
    proxy.cut();

    assert!(browser.is_signed_in().await);
    assert_eq!(browser.get("/account").await.status, 200);
    let began = Instant::now();
    assert_unavailable(&app.browser().post("/api/sign-in/start", json!({})).await, began);
    let form = json!({ "username": "eve", "email": "eve@example.org" });
    let began = Instant::now();
    assert_unavailable(&app.browser().post("/api/sign-up/start", form).await, began);
    let email = json!({ "identifier": "ada" });
    let began = Instant::now();
    assert_unavailable(&app.browser().post("/api/email/start", email).await, began);
    let readiness = app.browser().get("/readyz").await;
    assert_eq!((readiness.status.as_u16(), readiness.json()), (503, json!({ "database": "ok", "ephemeral": "away" })));
    let began = Instant::now();
    assert_eq!(browser.post("/api/account/update", json!({ "display_name": "Ada" })).await.status, 200, "still works");
    assert_eq!(browser.post("/api/sessions/revoke", json!({ "others": true })).await.status, 200);
    assert_eq!(app.browser().post("/api/account/not-me", json!({ "token": "x" })).await.status, 401);
    assert_eq!(app.browser().form("/sign-in", &[("action", "forget")]).await.status, 303);
    assert!(began.elapsed() < MAX_RESPONSE_TIME * 2, "{:?}", began.elapsed());
    assert_eq!(browser.post("/api/sign-out", json!({})).await.status, 200, "signing out still works");

    proxy.restore();
    eventually_ready(&app).await;
    assert_eq!(app.browser().sign_in(&passkey).await.status, 200);
}

#[tokio::test]
async fn an_unresponsive_database_is_reported_as_unavailable_within_two_seconds() {
    let (app, proxy) = app_with_proxied_database().await;
    let mut browser = app.browser();
    browser.sign_up("ada").await;
    proxy.stall();
    let began = Instant::now();
    assert_unavailable(&browser.get("/api/session").await, began);
    let began = Instant::now();
    let page = browser.get("/account").await;
    assert_eq!((page.status.as_u16(), page.header("retry-after")), (503, "2"));
    assert!(page.text().contains("Temporarily unavailable") && began.elapsed() < MAX_RESPONSE_TIME);
    let readiness = app.browser().get("/readyz").await;
    assert_eq!((readiness.status.as_u16(), readiness.json()), (503, json!({ "database": "away", "ephemeral": "ok" })));
    proxy.restore();
    eventually_ready(&app).await;
    assert!(browser.is_signed_in().await);
}

#[tokio::test]
async fn an_unresponsive_redis_is_reported_as_unavailable_within_two_seconds() {
    let (app, proxy) = app_with_proxied_redis().await;
    let mut browser = app.browser();
    browser.sign_up("ada").await;
    proxy.stall();
    let began = Instant::now();
    assert_unavailable(&app.browser().post("/api/sign-in/start", json!({})).await, began);
    assert!(browser.is_signed_in().await);
    let readiness = app.browser().get("/readyz").await;
    assert_eq!((readiness.status.as_u16(), readiness.json()), (503, json!({ "database": "ok", "ephemeral": "away" })));
    proxy.restore();
    eventually_ready(&app).await;
}

#[tokio::test]
async fn requests_succeed_after_the_database_closes_its_connections() {
    let database = TestDatabase::create(Backends::Servers).await;
    let (url, store) = (database.url(), database.open().await);
    let clock = Arc::new(MovableClock::default());
    let ephemeral = open_ephemeral(Backends::Servers, &clock);
    let app = App::from_parts(Parts { store, ephemeral, clock, database }, &[]);
    let mut browser = app.browser();
    browser.sign_up("ada").await;
    let many = (0..16).map(|_| {
        let mut browser = browser.clone();
        tokio::spawn(async move { browser.is_signed_in().await })
    });
    for one in many.collect::<Vec<_>>() {
        assert!(one.await.unwrap());
    }
    crate::app::cut_connections(&url).await;
    for number in 0..20 {
        assert_eq!(browser.get("/api/session").await.status, 200, "{number}: the server is reachable");
    }
}

#[tokio::test]
async fn a_stalled_database_leaves_no_transaction_open() {
    let (app, proxy) = app_with_proxied_database().await;
    let mut browser = app.browser();
    browser.sign_up("ada").await;
    for _ in 0..3 {
        proxy.stall();
        let asks = (0..12).map(|number| {
            let (mut asker, body) = (app.browser(), json!({ "identifier": format!("ada{number}") }));
            tokio::spawn(async move { asker.post("/api/email/start", body).await.status.as_u16() })
        });
        for task in asks.collect::<Vec<_>>() {
            assert_eq!(task.await.unwrap(), 503);
        }
        proxy.restore();
        eventually_ready(&app).await;
        for _ in 0..20 {
            let email = json!({ "identifier": "ada" });
            assert_eq!(app.browser().post("/api/email/start", email).await.status, 202);
        }
        // If an abandoned transaction still held a lock, waiting for it would end in a database error.
        app.deliver().await;
    }
}

#[tokio::test]
async fn a_closed_connection_to_redis_fails_no_request() {
    let database = TestDatabase::create(Backends::Servers).await;
    let (proxy, url) = through_proxy(&address("TEST_REDIS_URL")).await;
    let clock = Arc::new(MovableClock::default());
    let ephemeral = Arc::new(RedisEphemeral::open(&url).unwrap());
    let app =
        App::from_parts(Parts { store: database.open().await, ephemeral, clock, database }, &[("RATE_LIMITS", "on")]);
    let mut own = app.browser_at("192.0.2.1");
    let passkey = own.sign_up_verified(&app, "ada").await;
    for round in 0..3 {
        let from = format!("192.0.2.{}", round + 2);
        let mut browser = app.browser_at(&from);
        let options = browser.start_sign_in().await;
        let credential = json!({ "credential": passkey.assertion(&options, &app.origin).json() });
        let cut = || {
            proxy.cut();
            proxy.restore();
        };
        cut();
        let finished = browser.post("/api/sign-in/finish", credential).await;
        assert_eq!(finished.status, 200, "taking a ceremony: {}", finished.text());
        cut();
        assert_eq!(app.browser_at(&from).post("/api/sign-in/start", json!({})).await.status, 200, "drawing a limit");
        cut();
        assert_eq!(app.browser().get("/readyz").await.status, 200, "a ping");
        cut();
        assert_eq!(browser.post("/api/email/code", json!({ "code": "123456" })).await.status, 401, "drawing a limit");
        app.browser_at(&from).request_sign_in_email("ada").await;
        cut();
        assert!(app.emails().await.iter().any(|email| email.0.subject.starts_with("Sign in")), "reading a count");
    }
}
