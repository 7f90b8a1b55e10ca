//! Tests that kill, freeze, fill or lock real servers while the app runs: nothing is left half done or used twice,
//! every request is answered within two seconds, and the app recovers by itself.

use crate::app::{Answer, App, Backends, MovableClock, Parts, TestDatabase, open_ephemeral};
use crate::servers::{PostgresServer, RedisServer};
use latchkey::server::ephemeral::RedisEphemeral;
use latchkey::server::store::postgres;
use serde_json::json;
use sqlx::Connection;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The contract's two seconds, plus half a second for a machine that runs many tests at once.
const MAX_RESPONSE_TIME: Duration = Duration::from_millis(2_500);
/// The maximum time until the app has recovered.
const RECOVERED: Duration = Duration::from_secs(10);

async fn app_with_redis(server: &RedisServer) -> App {
    let database = TestDatabase::create(Backends::Servers).await;
    let ephemeral = Arc::new(RedisEphemeral::open(&server.url()).unwrap());
    let settings = [("RATE_LIMITS", "on")];
    App::from_parts(
        Parts { store: database.open().await, ephemeral, clock: Arc::new(MovableClock::default()), database },
        &settings,
    )
}

async fn app_with_postgres(server: &PostgresServer) -> App {
    let clock = Arc::new(MovableClock::default());
    let store = Arc::new(postgres::open(&server.url(), Duration::from_secs(10)).await.unwrap());
    let ephemeral = open_ephemeral(Backends::Servers, &clock);
    App::from_parts(Parts { store, ephemeral, clock, database: TestDatabase::create(Backends::Embedded).await }, &[])
}

fn assert_unavailable(answer: &Answer, since: Instant) {
    assert_eq!(answer.refusal(), (503, "unavailable".to_owned()), "{}", answer.text());
    assert!(since.elapsed() < MAX_RESPONSE_TIME, "it took {:?}", since.elapsed());
}

async fn recovers(app: &App) {
    let began = Instant::now();
    while app.browser().get("/readyz").await.status != 200 {
        assert!(began.elapsed() < RECOVERED, "it did not recover by itself");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Asserts that new sign-ins fail within two seconds, signed-in users are unaffected and `/readyz` names the cause.
async fn assert_sign_in_fails(app: &App, signed_in: &mut crate::app::Browser) {
    let form = json!({ "username": "eve", "email": "eve@example.org" });
    for (path, body) in [
        ("/api/sign-in/start", json!({})),
        ("/api/sign-up/start", form.clone()),
        ("/api/sign-up/email", form),
        ("/api/email/start", json!({ "identifier": "ada" })),
        ("/api/email/code", json!({ "code": "123456" })),
        ("/api/recovery/use", json!({ "identifier": "ada", "code": "AAAAA-AAAAA-AAAAA-AAAAA" })),
    ] {
        let began = Instant::now();
        assert_unavailable(&app.browser().post(path, body).await, began);
    }
    assert!(signed_in.is_signed_in().await);
    assert_eq!(signed_in.get("/account").await.status, 200);
    assert_eq!(app.browser().get("/healthz").await.status, 200);
    let readiness = app.browser().get("/readyz").await;
    assert_eq!((readiness.status.as_u16(), readiness.json()), (503, json!({ "database": "ok", "ephemeral": "away" })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_app_recovers_after_redis_is_killed_and_restarted() {
    let mut server = RedisServer::start(&[]);
    let app = app_with_redis(&server).await;
    let mut own = app.browser();
    let passkey = own.sign_up("ada").await;
    let mut mid_ceremony = app.browser();
    let options = mid_ceremony.start_sign_in().await;
    server.kill();
    assert_sign_in_fails(&app, &mut own).await;
    server.start_again();
    recovers(&app).await;
    let credential = json!({ "credential": passkey.assertion(&options, &app.origin).json() });
    let lost = mid_ceremony.post("/api/sign-in/finish", credential).await;
    assert_eq!(lost.refusal(), (401, "ceremony_expired".to_owned()), "pending ceremonies are lost");
    assert_eq!(app.browser().sign_in(&passkey).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_app_recovers_after_redis_freezes() {
    let server = RedisServer::start(&[]);
    let app = app_with_redis(&server).await;
    let mut own = app.browser();
    let passkey = own.sign_up("ada").await;
    server.signal("STOP");
    assert_sign_in_fails(&app, &mut own).await;
    server.signal("CONT");
    recovers(&app).await;
    assert_eq!(app.browser().sign_in(&passkey).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_app_recovers_after_redis_is_read_only_or_full() {
    let server = RedisServer::start(&["--maxmemory-policy", "noeviction"]);
    let app = app_with_redis(&server).await;
    let mut own = app.browser();
    let passkey = own.sign_up("ada").await;
    server.command(&["REPLICAOF", "127.0.0.1", "1"]);
    assert_sign_in_fails(&app, &mut own).await;
    server.command(&["REPLICAOF", "NO", "ONE"]);
    recovers(&app).await;
    assert_eq!(app.browser().sign_in(&passkey).await.status, 200);
    server.command(&["CONFIG", "SET", "maxmemory", "1"]);
    assert_sign_in_fails(&app, &mut own).await;
    server.command(&["CONFIG", "SET", "maxmemory", "0"]);
    recovers(&app).await;
    assert_eq!(app.browser().sign_in(&passkey).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_app_recovers_after_the_database_crashes_during_a_sign_up() {
    let mut server = PostgresServer::start();
    let app = app_with_postgres(&server).await;
    let mut own = app.browser();
    let passkey = own.sign_up("ada").await;
    let mut mid_ceremony = app.browser();
    let options = mid_ceremony.start_sign_up("eve").await;
    let new = crate::authenticator::SoftPasskey::new(&options);
    let credential = json!({ "credential": new.registration(&options, &app.origin).json() });
    server.crash();
    let began = Instant::now();
    assert_unavailable(&mid_ceremony.post("/api/sign-up/finish", credential.clone()).await, began);
    let began = Instant::now();
    assert_unavailable(&own.get("/api/session").await, began);
    let readiness = app.browser().get("/readyz").await;
    assert_eq!((readiness.status.as_u16(), readiness.json()), (503, json!({ "database": "away", "ephemeral": "ok" })));
    server.start_again();
    recovers(&app).await;
    assert!(own.is_signed_in().await, "no user was signed out");
    assert_eq!(mid_ceremony.post("/api/sign-up/finish", credential).await.refusal().1, "ceremony_expired");
    assert_eq!(app.browser().sign_in(&passkey).await.status, 200);
    app.browser().sign_up("eve").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_app_recovers_after_the_database_freezes() {
    let server = PostgresServer::start();
    let app = app_with_postgres(&server).await;
    let mut own = app.browser();
    own.sign_up("ada").await;
    server.signal_all("STOP");
    let began = Instant::now();
    assert_unavailable(&own.get("/api/session").await, began);
    let began = Instant::now();
    let form = json!({ "username": "eve", "email": "eve@example.org" });
    assert_unavailable(&app.browser().post("/api/sign-up/start", form).await, began);
    let began = Instant::now();
    assert_eq!(own.get("/nothing").await.status, 404, "the page is served without the user's name");
    assert!(began.elapsed() < MAX_RESPONSE_TIME, "it took {:?}", began.elapsed());
    server.signal_all("CONT");
    recovers(&app).await;
    assert!(own.is_signed_in().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_app_recovers_after_the_database_is_read_only() {
    let server = PostgresServer::start();
    let app = app_with_postgres(&server).await;
    let mut own = app.browser();
    let passkey = own.sign_up("ada").await;
    let set = |value: &'static str| {
        let url = server.url();
        async move {
            let mut connection = sqlx::PgConnection::connect(url.expose()).await.unwrap();
            let statement = format!("alter database postgres set default_transaction_read_only = {value}");
            let statement = format!("set default_transaction_read_only = off; {statement}");
            for part in statement.split("; ") {
                sqlx::query(sqlx::AssertSqlSafe(part.to_owned())).execute(&mut connection).await.unwrap();
            }
        }
    };
    set("on").await;
    crate::app::cut_connections(&server.url()).await;
    // The first request may still get a connection that was cut.
    let _ = own.get("/api/session").await;
    // After a minute the server updates when the session was last seen, which a read-only database refuses.
    app.clock.shift_minutes(2);
    assert!(own.is_signed_in().await, "reads still work");
    assert_eq!(own.get("/account").await.status, 200);
    let mut browser = app.browser();
    let options = browser.start_sign_in().await;
    let credential = json!({ "credential": passkey.assertion(&options, &app.origin).json() });
    let began = Instant::now();
    assert_unavailable(&browser.post("/api/sign-in/finish", credential).await, began);
    set("off").await;
    crate::app::cut_connections(&server.url()).await;
    let _ = own.get("/api/session").await;
    recovers(&app).await;
    assert_eq!(app.browser().sign_in(&passkey).await.status, 200);
}

#[tokio::test]
async fn moving_the_clock_by_ten_minutes_signs_no_user_out() {
    for backends in Backends::ALL {
        let app = App::start_with_settings(backends, &[("RATE_LIMITS", "on")]).await;
        let mut own = app.browser();
        let passkey = own.sign_up_verified(&app, "ada").await;
        for minutes in [-10_i64, 20, -10] {
            app.clock.shift_minutes(minutes);
            assert!(own.is_signed_in().await, "{minutes}");
            assert_eq!(app.browser().sign_in(&passkey).await.status, 200, "{minutes}");
        }
        let mut requester = app.browser();
        requester.request_sign_in_email("ada").await;
        let email = app.email_to("ada@example.org").await;
        app.clock.shift_minutes(-10);
        assert_eq!(requester.redeem_link(&email.token()).await.status, 200, "an email from the future is valid");
        assert_eq!(requester.redeem_link(&email.token()).await.refusal().1, "link_expired");
    }
}
