//! A database of the previous version is opened, migrated and used. The dumps in `fixtures/` were written by that
//! version: one account with a passkey, a session, recovery codes, and a queued email.

use crate::app::{App, Backends, MovableClock, Parts, TestDatabase, open_ephemeral};
use crate::authenticator::{BE, BS, SoftPasskey, UP, UV, decode};
use crate::browser::Browser;
use latchkey::server::clock::{Clock, SystemClock};
use latchkey::server::jobs::cleanup;
use p256::ecdsa::SigningKey;
use serde::Deserialize;
use serde_json::json;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection, raw_sql};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// When the dumps were written, in milliseconds since 1970.
const WRITTEN_AT: i64 = 1_795_716_785_000;
const SECRET_KEY: &str = "the key of the database that version 0.1.0 made";

/// The credentials of the users in the dump.
#[derive(Deserialize)]
struct Credentials {
    passkey: [String; 3],
    cookies: BTreeMap<String, String>,
    /// The cookies of the browser that requested the email.
    asker: BTreeMap<String, String>,
    recovery_code: String,
}

/// A passkey from its private key, id and user handle in base64url.
fn passkey([key, credential_id, user_handle]: &[String; 3]) -> SoftPasskey {
    let key = SigningKey::from_slice(&decode(key)).unwrap();
    let (credential_id, user_handle) = (decode(credential_id), decode(user_handle));
    SoftPasskey { key, credential_id, user_handle, counter: 0, flags: UP | UV | BE | BS }
}

/// Restores a database from the dump.
async fn restore_dump(backends: Backends) -> (TestDatabase, Credentials) {
    let database = TestDatabase::create(backends).await;
    let (dump, credentials) = match &database {
        TestDatabase::File(folder) => {
            let options = SqliteConnectOptions::new().filename(folder.path().join("test.db")).create_if_missing(true);
            let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
            raw_sql(include_str!("fixtures/version-7.sqlite.sql")).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
            ("", include_str!("fixtures/version-7.sqlite.json"))
        }
        TestDatabase::Server { .. } => {
            (include_str!("fixtures/version-7.postgres.sql"), include_str!("fixtures/version-7.postgres.json"))
        }
    };
    if matches!(backends, Backends::Servers) {
        let mut connection = PgConnection::connect(database.url().expose()).await.unwrap();
        raw_sql(AssertSqlSafe(dump)).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
    (database, serde_json::from_str(credentials).unwrap())
}

/// Starts this version on the restored database, at the time of the dump.
async fn start_upgraded(backends: Backends) -> (App, Credentials) {
    let (database, credentials) = restore_dump(backends).await;
    let clock = Arc::new(MovableClock::default());
    clock.stop();
    clock.shift_minutes((WRITTEN_AT - SystemClock.now().unix_millis()) / 60_000);
    let (store, ephemeral) = (database.open().await, open_ephemeral(backends, &clock));
    let parts = Parts { store, ephemeral, clock, database };
    (App::from_parts(parts, &[("SECRET_KEY", SECRET_KEY)]), credentials)
}

fn browser(app: &App, cookies: &BTreeMap<String, String>) -> Browser {
    Browser { cookies: cookies.clone(), ..app.browser() }
}

#[tokio::test]
async fn a_session_and_a_passkey_of_the_previous_version_still_work() {
    for backends in Backends::ALL {
        let (app, credentials) = start_upgraded(backends).await;
        assert!(!app.store.is_new());
        let mut own = browser(&app, &credentials.cookies);
        let session = own.get("/api/session").await;
        assert_eq!((session.status.as_u16(), session.json()["user"]["username"].as_str()), (200, Some("ada")));
        assert_eq!(own.get("/account").await.status, 200);
        let passkey = passkey(&credentials.passkey);
        assert_eq!(app.browser().sign_in(&passkey).await.status, 200, "in a new browser");
        assert_eq!(own.reauthenticate(&passkey).await.status, 200);
        own.add_passkey().await;
        let kinds: Vec<_> = own.get("/api/account/events").await.json()["events"]
            .as_array()
            .unwrap()
            .iter()
            .map(|event| event["kind"].as_str().unwrap().to_owned())
            .collect();
        for kind in ["signed_up", "address_confirmed", "recovery_codes_made", "passkey_added"] {
            assert!(kinds.iter().any(|found| found == kind), "{backends:?}: {kinds:?}");
        }
        let code = json!({ "identifier": "ada", "code": credentials.recovery_code });
        assert_eq!(app.browser().post("/api/recovery/use", code).await.status, 200);
    }
}

#[tokio::test]
async fn an_email_that_the_previous_version_queued_is_sent_once() {
    for backends in Backends::ALL {
        let (app, credentials) = start_upgraded(backends).await;
        let before = app.emails().await.len();
        let now = Clock::now(&*app.clock);
        cleanup::clean(&*app.store, now, Duration::ZERO).await.unwrap();
        assert_eq!(app.store.levels(now).await.unwrap().queued_emails, 1, "{backends:?}");
        assert_eq!(app.store.adopt_emails(now).await.unwrap(), 0, "{backends:?}: it was already moved");
        let email = app.email_to("ada@example.org").await;
        assert_eq!(app.emails().await.len(), before + 1);
        assert_eq!(browser(&app, &credentials.asker).redeem_code(&email.code()).await.status, 200);
    }
}
