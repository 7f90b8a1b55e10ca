use super::store::{NOW, add_account, on_both};
use crate::app::{Backends, TestDatabase};
use latchkey::server::Unavailable;
use latchkey::server::model::Invitation;
use latchkey::server::model::Issuer;
use latchkey::server::secret::SystemEntropy;
use latchkey::server::store::{Line, Store, TABLES};
use latchkey::types::Identifier;
use sqlx::{Connection, Row};
use std::collections::BTreeMap;
use std::time::Duration;

#[tokio::test]
async fn accounts_are_listed_by_username_page_by_page() {
    on_both(async |store| {
        for name in ["Eve", "ada", "bob"] {
            add_account(&*store, name).await;
        }
        let names = async |after: Option<&str>, limit| {
            let page = store.accounts(after, limit).await.unwrap();
            page.iter().map(|one| one.user.username.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(names(None, 2).await, ["ada", "bob"]);
        assert_eq!(names(Some("bob"), 2).await, ["Eve"]);
        assert!(names(Some("eve"), 2).await.is_empty());
        let ada = store.account_by_identifier(&Identifier::parse("ADA").unwrap()).await.unwrap().unwrap();
        let summary = store.account(ada.id).await.unwrap().unwrap();
        assert_eq!((summary.passkeys, summary.sessions), (1, 1));
        assert_eq!(summary.last_seen_at, store.sessions(ada.id).await.unwrap().first().map(|one| one.last_seen_at));
        let address = Identifier::parse("ada+x@bücher.example").unwrap();
        assert_eq!(
            store.account_by_identifier(&address).await.unwrap(),
            None,
            "an unconfirmed address belongs to no account"
        );
    })
    .await;
}

#[tokio::test]
async fn each_use_of_an_invitation_counts_until_it_expires() {
    on_both(async |store| {
        let (invitation, _) = Invitation::new(
            Some("Ada".to_owned()),
            2,
            Duration::from_hours(1),
            Issuer { now: NOW, entropy: &SystemEntropy },
        );
        let mut unit = store.begin().await.unwrap();
        unit.add_invitation(&invitation).await.unwrap();
        unit.commit().await.unwrap();
        assert_eq!(store.invitation(&invitation.link_hash).await.unwrap().as_ref(), Some(&invitation));
        for (at, may) in [(invitation.expires_at, false), (NOW, true), (NOW, true), (NOW, false)] {
            let mut unit = store.begin().await.unwrap();
            assert_eq!(unit.use_invitation(&invitation.link_hash, at).await.unwrap(), may);
            unit.commit().await.unwrap();
        }
        let mut unit = store.begin().await.unwrap();
        assert!(unit.remove_invitation(invitation.id).await.unwrap());
        assert!(!unit.remove_invitation(invitation.id).await.unwrap());
        unit.commit().await.unwrap();
        assert!(store.invitations(None, 10).await.unwrap().is_empty());
    })
    .await;
}

/// The actual columns of a database, by table.
async fn columns(database: &TestDatabase) -> BTreeMap<String, Vec<String>> {
    let text = "select table_name as t, column_name as c from information_schema.columns where table_schema = 'public'";
    let pairs: Vec<(String, String)> = match database {
        TestDatabase::Server { .. } => {
            let mut connection = sqlx::PgConnection::connect(database.url().expose()).await.unwrap();
            let rows = sqlx::query(text).fetch_all(&mut connection).await.unwrap();
            rows.iter().map(|row| (row.get("t"), row.get("c"))).collect()
        }
        TestDatabase::File(folder) => {
            let file = format!("sqlite://{}", folder.path().join("test.db").display());
            let mut connection = sqlx::SqliteConnection::connect(&file).await.unwrap();
            let text = "select m.name as t, c.name as c from sqlite_master m, pragma_table_info(m.name) c \
                        where m.type = 'table'";
            let rows = sqlx::query(text).fetch_all(&mut connection).await.unwrap();
            rows.iter().map(|row| (row.get("t"), row.get("c"))).collect()
        }
    };
    let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (table, column) in pairs {
        tables.entry(table).or_default().push(column);
    }
    for columns in tables.values_mut() {
        columns.sort();
    }
    tables
}

#[tokio::test]
async fn a_transfer_includes_every_column_of_every_table() {
    for backends in Backends::ALL {
        let database = TestDatabase::create(backends).await;
        database.open().await;
        let mut real = columns(&database).await;
        // `letters` is the queue of the previous version; its remaining rows are moved at startup.
        for left_out in ["_sqlx_migrations", "mailbox", "letters"] {
            assert!(real.remove(left_out).is_some(), "{left_out}");
        }
        let named: BTreeMap<_, _> = TABLES
            .iter()
            .map(|table| {
                let mut columns: Vec<_> = table.columns.iter().map(|column| column.name.to_owned()).collect();
                columns.sort();
                (table.name.to_owned(), columns)
            })
            .collect();
        assert_eq!(named, real, "{backends:?}");
    }
}

async fn export_all(store: &dyn Store) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut keep = |line| {
        lines.push(line);
        Ok(())
    };
    assert_eq!(store.export_rows(&mut keep).await.unwrap(), store.count_rows().await.unwrap());
    lines.sort_by_key(|line| format!("{line:?}"));
    lines
}

#[tokio::test]
async fn every_database_can_be_transferred_to_every_other() {
    for (from, to) in Backends::ALL.into_iter().flat_map(|from| Backends::ALL.map(|to| (from, to))) {
        let (one, other) = (TestDatabase::create(from).await, TestDatabase::create(to).await);
        let (one, other) = (one.open().await, other.open().await);
        let (user, passkey, session) = add_account(&*one, "ada").await;
        let lines = export_all(&*one).await;
        assert!(lines.len() >= 3);
        let mut left = lines.clone();
        // Accounts come before the rows that belong to them.
        left.sort_by_key(|line| TABLES.iter().rev().position(|table| table.name == line.table.name));
        assert_eq!(other.import_rows(&mut || Ok(left.pop())).await.unwrap(), lines.len() as u64, "{from:?} {to:?}");
        assert_eq!(export_all(&*other).await, lines);
        assert_eq!(other.session(&session.token_hash).await.unwrap(), Some((session, user.clone())));
        assert_eq!(other.passkey(&passkey.credential_id).await.unwrap(), Some((passkey, user)));
    }
}

#[tokio::test]
async fn an_interrupted_transfer_writes_nothing() {
    on_both(async |store| {
        let source = TestDatabase::create(Backends::Embedded).await;
        let source = source.open().await;
        add_account(&*source, "ada").await;
        let mut lines = export_all(&*source).await;
        lines.retain(|line| line.table.name == "users");
        let mut next_line = || lines.pop().map(Some).ok_or_else(|| Unavailable::new("file", "cut"));
        assert!(store.import_rows(&mut next_line).await.is_err());
        assert_eq!(store.count_rows().await.unwrap(), 0);
    })
    .await;
}
