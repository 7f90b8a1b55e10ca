use super::SqlStore;
use super::row::{DatabaseRow, client, get, invalid, time};
use super::transaction::Transaction;
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::event::{MAX_EVENTS, TRIM_AHEAD};
use crate::server::model::{Event, EventId, EventKind, UserId};
use crate::server::store::{EventReads, EventWrites};
use async_trait::async_trait;
use sqlx::query;
use uuid::Uuid;

pub const REMOVE_OF_USER: &str = "delete from events where id in (select id from events where user_id = $1 limit $2)";

fn event(row: &DatabaseRow) -> Result<Event, Unavailable> {
    Ok(Event {
        id: EventId(get(row, "id")?),
        user_id: UserId(get(row, "user_id")?),
        kind: EventKind::parse(get(row, "kind")?).ok_or_else(|| invalid("kind"))?,
        at: time(row, "at")?,
        client: client(row)?,
        detail: get(row, "detail")?,
    })
}

#[async_trait]
impl EventReads for SqlStore {
    async fn events(
        &self,
        user: UserId,
        before: Option<EventId>,
        limit: u32,
    ) -> Result<Option<Vec<Event>>, Unavailable> {
        let mut from = (i64::MAX, Uuid::max());
        if let Some(before) = before {
            let statement = query("select at from events where id = $1 and user_id = $2");
            let Some(row) = self.one(statement.bind(before.0).bind(user.0)).await? else { return Ok(None) };
            from = (get(&row, "at")?, before.0);
        }
        let statement = query(concat!(
            "select ",
            event_columns!(""),
            " from events where user_id = $1 and (at < $2 or (at = $2 and id < $3)) order by at desc, id desc limit $4"
        ));
        let found = self.all(statement.bind(user.0).bind(from.0).bind(from.1).bind(i64::from(limit))).await?;
        found.iter().map(event).collect::<Result<_, _>>().map(Some)
    }

    async fn remove_old_events(&self, oldest: Timestamp, limit: u32) -> Result<u64, Unavailable> {
        let text = "delete from events where id in (select id from events where at < $1 order by at limit $2)";
        self.remove(text, oldest.unix_millis(), limit).await
    }
}

#[async_trait]
impl EventWrites for Transaction {
    async fn record(&mut self, event: &Event) -> Result<(), Unavailable> {
        let statement = query(concat!(
            "insert into events (",
            event_columns!(""),
            ") select ",
            event_values!(
                id = "$1",
                user_id = "id",
                kind = "$3",
                at = "$4",
                browser = "$5",
                system = "$6",
                detail = "$7"
            ),
            " from users where id = $2 and deleted_at is null on conflict (id) do nothing"
        ))
        .bind(event.id.0)
        .bind(event.user_id.0)
        .bind(event.kind.name())
        .bind(event.at.unix_millis())
        .bind(event.client.browser.as_deref())
        .bind(event.client.system.as_deref())
        .bind(event.detail.as_deref());
        if self.run(statement).await? == 1 {
            self.recorded.push(event.clone());
            self.trim_events(event.user_id).await?;
        }
        Ok(())
    }

    async fn trim_events(&mut self, user: UserId) -> Result<(), Unavailable> {
        // Removes more than one, so that an account with too many events gets back to the maximum.
        let statement = query(
            "delete from events where id in \
             (select id from events where user_id = $1 order by at desc, id desc limit 200 offset $2)",
        );
        self.run(statement.bind(user.0).bind(i64::from(MAX_EVENTS - TRIM_AHEAD))).await.map(drop)
    }
}
