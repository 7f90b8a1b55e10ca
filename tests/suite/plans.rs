//! No query in an account's lifetime scans a whole table: with sequential scans disabled as far as possible, PostgreSQL
//! uses one only if no index applies, and counts them.

use crate::app::{App, Backends, TestDatabase, cut_connections};
use latchkey::server::clock::Clock;
use latchkey::types::Section;
use serde_json::json;
use sqlx::Connection;
use std::time::Duration;

#[tokio::test]
async fn no_query_in_an_accounts_lifetime_scans_a_whole_table() {
    let database = TestDatabase::create(Backends::Servers).await;
    let url = database.url();
    let name = url::Url::parse(url.expose()).unwrap().path().trim_start_matches('/').to_owned();
    let mut connection = sqlx::PgConnection::connect(url.expose()).await.unwrap();
    let statement = format!("alter database {name} set enable_seqscan = off");
    sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
    // Scans by migrations do not count; connections report their statistics when they close.
    drop(database.open().await);
    cut_connections(&url).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut connection = sqlx::PgConnection::connect(url.expose()).await.unwrap();
    sqlx::query("select pg_stat_reset()").execute(&mut connection).await.unwrap();
    let app = App::start_on(database).await;

    let mut own = app.browser();
    let passkey = own.sign_up_verified(&app, "ada").await;
    own.sign_in(&passkey).await;
    own.add_passkey().await;
    own.post("/api/recovery/codes", json!({})).await;
    let sections = Section::ALL.map(Section::path);
    let lists = ["/api/passkeys", "/api/sessions", "/api/account/events", "/api/account/export"];
    for path in sections.into_iter().chain(lists).chain(["/", "/sign-in"]) {
        let redirects = matches!(path, "/" | "/sign-in");
        assert_eq!(own.get(path).await.status.as_u16() / 100, if redirects { 3 } else { 2 }, "{path}");
    }
    own.form("/account", &[("action", "name"), ("name", "Ada Lovelace")]).await;
    own.post("/api/account/update", json!({ "username": "lovelace" })).await;
    own.post("/api/account/email", json!({ "email": "ada@example.net" })).await;
    let token = app.email_to("ada@example.net").await.token();
    own.post("/api/account/email/confirm", json!({ "token": token })).await;
    let mut other = app.browser();
    other.request_sign_in_email("lovelace").await;
    let code = app.email_to("ada@example.net").await.code();
    assert_eq!(other.redeem_code(&code).await.status, 200);
    let notification = app.email_about("ada@example.org", "Your email address was changed").await;
    own.post("/api/account/email/undo", json!({ "token": notification.token_for("/email/undo") })).await;
    own.sign_in(&passkey).await;
    own.post("/api/account/delete", json!({ "username": "lovelace" })).await;
    let now = app.clock.now().plus(Duration::from_hours(24 * 365));
    app.store.remove_expired_sessions(now, 100).await.unwrap();
    app.store.remove_expired_requests(now, 100).await.unwrap();
    app.store.remove_expired_browsers(now, 100).await.unwrap();
    app.store.remove_handed_over(now, 100).await.unwrap();
    app.store.remove_expired_notifications(now, 100).await.unwrap();
    app.store.remove_expired_names(now, 100).await.unwrap();
    app.store.remove_expired_invitations(now, 100).await.unwrap();
    app.store.remove_old_events(now, 100).await.unwrap();

    cut_connections(&url).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut connection = sqlx::PgConnection::connect(url.expose()).await.unwrap();
    let read: Vec<(String, i64)> = sqlx::query_as(
        "select relname::text, seq_scan from pg_stat_user_tables where seq_scan > 0 and relname <> '_sqlx_migrations'",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    let used: i64 = sqlx::query_scalar("select sum(idx_scan)::bigint from pg_stat_user_tables")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert!(used > 30, "nothing was counted: {used}");
    // The development mailbox is read in full: it keeps 200 emails.
    let read: Vec<_> = read.into_iter().filter(|(table, _)| table != "mailbox").collect();
    assert_eq!(read, [], "sequentially scanned tables");
}
