use super::email_queue::queue;
use super::row::{DatabaseRow, client, get, get_u32, invalid, language, maybe_time, maybe_user, time};
use super::transaction::Transaction;
use super::{SqlStore, Statement};
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::UserId;
use crate::server::model::email_queue::{Kind, OutgoingEmail};
use crate::server::model::notification::{Notification, NotificationId, Occasion, SentNotification};
use crate::server::model::user::email_key;
use crate::server::secret::TokenHash;
use crate::server::store::{MAX_LISTED, NotificationCounts, NotificationReads, NotificationWrites};
use crate::types::{DisplayName, EmailAddress};
use async_trait::async_trait;
use sqlx::query;

pub const REMOVE_OF_USER: &str =
    "delete from security_letters where id in (select id from security_letters where user_id = $1 limit $2)";

/// Reads the notifications that match a condition.
macro_rules! select_notification {
    ($condition:literal) => {
        concat!("select ", notification_columns!(""), " from security_letters where ", $condition)
    };
}

fn notification(row: &DatabaseRow) -> Result<Notification, Unavailable> {
    Ok(Notification {
        id: NotificationId(get(row, "id")?),
        user_id: maybe_user(row, "user_id")?,
        occasion: Occasion::parse(get(row, "occasion")?).ok_or_else(|| invalid("occasion"))?,
        detail: get(row, "detail")?,
        address: EmailAddress::parse(get(row, "address")?).map_err(|_| invalid("address"))?,
        name: DisplayName::parse(get(row, "name")?).map_err(|_| invalid("name"))?,
        language: language(row, "language")?,
        can_undo: get(row, "can_undo")?,
        client: client(row)?,
        happened_at: time(row, "happened_at")?,
        expires_at: time(row, "expires_at")?,
    })
}

fn sent(row: &DatabaseRow) -> Result<SentNotification, Unavailable> {
    Ok(SentNotification {
        notification: notification(row)?,
        answered_at: maybe_time(row, "answered_at")?,
        undone_at: maybe_time(row, "undone_at")?,
    })
}

fn count(row: &DatabaseRow) -> Result<(Occasion, bool, u32), Unavailable> {
    let occasion = Occasion::parse(get(row, "occasion")?).ok_or_else(|| invalid("occasion"))?;
    Ok((occasion, get(row, "can_undo")?, get_u32(row, "sent")?))
}

fn insert(about: &Notification) -> Statement<'_> {
    query(concat!(
        "insert into security_letters (",
        notification_columns!(""),
        ") values (",
        notification_values!(
            id = "$1",
            user_id = "$2",
            occasion = "$3",
            detail = "$4",
            address = "$5",
            address_key = "$6",
            name = "$7",
            can_undo = "$8",
            browser = "$9",
            system = "$10",
            link_hash = "null",
            happened_at = "$11",
            expires_at = "$12",
            answered_at = "null",
            undone_at = "null",
            language = "$13",
        ),
        ")"
    ))
    .bind(about.id.0)
    .bind(about.user_id.map(|user| user.0))
    .bind(about.occasion.name())
    .bind(about.detail.as_deref())
    .bind(about.address.as_str())
    .bind(email_key(&about.address).unwrap_or_default())
    .bind(about.name.as_str())
    .bind(about.can_undo)
    .bind(about.client.browser.as_deref())
    .bind(about.client.system.as_deref())
    .bind(about.happened_at.unix_millis())
    .bind(about.expires_at.unix_millis())
    .bind(about.language.tag())
}

impl SqlStore {
    pub(super) async fn notification(&self, id: NotificationId) -> Result<Option<Notification>, Unavailable> {
        let row = self.one(query(select_notification!("id = $1")).bind(id.0)).await?;
        row.map(|row| notification(&row)).transpose()
    }
}

#[async_trait]
impl NotificationReads for SqlStore {
    async fn notification_by_link(&self, link: &TokenHash) -> Result<Option<SentNotification>, Unavailable> {
        let row = self.one(query(select_notification!("link_hash = $1")).bind(&link.0[..])).await?;
        row.map(|row| sent(&row)).transpose()
    }

    async fn notifications(&self, user: UserId, now: Timestamp) -> Result<Vec<Notification>, Unavailable> {
        let text = select_notification!(
            "user_id = $1 and expires_at > $2 and answered_at is null order by happened_at desc, id limit $3"
        );
        let statement = query(text).bind(user.0).bind(now.unix_millis()).bind(i64::from(MAX_LISTED));
        self.all(statement).await?.iter().map(notification).collect()
    }

    async fn remove_expired_notifications(&self, now: Timestamp, limit: u32) -> Result<u64, Unavailable> {
        let text = "delete from security_letters where id in \
                    (select id from security_letters where expires_at <= $1 order by expires_at limit $2)";
        self.remove(text, now.unix_millis(), limit).await
    }
}

#[async_trait]
impl NotificationWrites for Transaction {
    async fn add_notification(&mut self, about: &Notification, email: &OutgoingEmail) -> Result<(), Unavailable> {
        self.run(insert(about)).await?;
        self.has_queued = true;
        self.run(queue(Kind::Notification, about.id.0, email)).await.map(drop)
    }

    async fn count_notifications(
        &mut self,
        user: UserId,
        address: &EmailAddress,
        since: Timestamp,
    ) -> Result<NotificationCounts, Unavailable> {
        let statement = query(
            "select occasion, can_undo, count(*) as sent from security_letters \
             where user_id = $1 and address_key = $2 and happened_at > $3 group by occasion, can_undo",
        );
        let found = self.all(statement.bind(user.0).bind(email_key(address)).bind(since.unix_millis())).await?;
        found.iter().map(count).collect::<Result<_, _>>().map(NotificationCounts)
    }

    async fn report_notification(&mut self, id: NotificationId, now: Timestamp) -> Result<bool, Unavailable> {
        let statement = query("update security_letters set answered_at = $2 where id = $1 and answered_at is null");
        Ok(self.run(statement.bind(id.0).bind(now.unix_millis())).await? == 1)
    }

    async fn undo_notification(&mut self, id: NotificationId, now: Timestamp) -> Result<bool, Unavailable> {
        let statement =
            query("update security_letters set undone_at = $2 where id = $1 and can_undo and undone_at is null");
        Ok(self.run(statement.bind(id.0).bind(now.unix_millis())).await? == 1)
    }

    async fn void_later_undo_links(
        &mut self,
        user: UserId,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<(), Unavailable> {
        let statement = query(
            "update security_letters set undone_at = $3 \
             where user_id = $1 and can_undo and undone_at is null and happened_at >= $2",
        );
        self.run(statement.bind(user.0).bind(since.unix_millis()).bind(now.unix_millis())).await.map(drop)
    }
}
