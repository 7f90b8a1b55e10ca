//! No query of a person's life reads a whole table: with sequential reading made a last resort, PostgreSQL takes it only
//! where there is no index to go by, and counts how often it did.

use crate::app::{App, Backends, TestDatabase, cut_connections};
use latchkey::server::clock::Clock;
use latchkey::types::Section;
use serde_json::json;
use sqlx::Connection;
use std::time::Duration;

#[tokio::test]
async fn no_query_of_a_whole_life_reads_a_table_from_end_to_end() {
    let database = TestDatabase::create(Backends::Servers).await;
    let url = database.url();
    let name = url::Url::parse(url.expose()).unwrap().path().trim_start_matches('/').to_owned();
    let mut connection = sqlx::PgConnection::connect(url.expose()).await.unwrap();
    let statement = format!("alter database {name} set enable_seqscan = off");
    sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
    // Reads of migrations do not count; connections report what they counted when they end.
    drop(database.open().await);
    cut_connections(&url).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut connection = sqlx::PgConnection::connect(url.expose()).await.unwrap();
    sqlx::query("select pg_stat_reset()").execute(&mut connection).await.unwrap();
    let app = App::on(database).await;

    let mut own = app.browser();
    let passkey = own.sign_up_proven(&app, "ada").await;
    own.sign_in(&passkey).await;
    own.add_passkey().await;
    own.post("/api/recovery/codes", json!({})).await;
    let sections = Section::ALL.map(Section::path);
    let lists = ["/api/passkeys", "/api/sessions", "/api/account/events", "/api/account/export"];
    for path in sections.into_iter().chain(lists).chain(["/", "/sign-in"]) {
        let leads_on = matches!(path, "/" | "/sign-in");
        assert_eq!(own.get(path).await.status.as_u16() / 100, if leads_on { 3 } else { 2 }, "{path}");
    }
    own.form("/account", &[("action", "name"), ("name", "Ada Lovelace")]).await;
    own.post("/api/account/update", json!({ "username": "lovelace" })).await;
    own.post("/api/account/email", json!({ "email": "ada@example.net" })).await;
    let token = app.email_to("ada@example.net").await.token();
    own.post("/api/account/email/confirm", json!({ "token": token })).await;
    let mut other = app.browser();
    other.ask("lovelace").await;
    let code = app.email_to("ada@example.net").await.code();
    assert_eq!(other.answer_code(&code).await.status, 200);
    let told = app.email_about("ada@example.org", "Your email address was changed").await;
    own.post("/api/account/email/undo", json!({ "token": told.token_for("/email/undo") })).await;
    own.sign_in(&passkey).await;
    own.post("/api/account/delete", json!({ "username": "lovelace" })).await;
    let now = app.clock.now().plus(Duration::from_hours(24 * 365));
    app.store.remove_ended_sessions(now, 100).await.unwrap();
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
    // The development mailbox is read whole: it keeps 200 emails.
    let read: Vec<_> = read.into_iter().filter(|(table, _)| table != "mailbox").collect();
    assert_eq!(read, [], "these were read from end to end");
}
