use super::super::dialect::Dialect;
use super::queue::QueueRow;
use super::row::{DatabaseRow, get, get_u32, invalid, time};
use super::transaction::Transaction;
use super::{SqlStore, Statement};
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::email_queue::{About, ClaimedEmail, EmailId, Kind, OutgoingEmail};
use crate::server::model::email_request::RequestId;
use crate::server::model::notification::NotificationId;
use crate::server::model::queue::Claim;
use crate::server::store::{EmailQueueReads, EmailQueueWrites, EmailSecrets, MailboxEmail};
use async_trait::async_trait;
use sqlx::query;
use std::time::Duration;
use uuid::Uuid;

/// Removes the queued emails of an account; the notification of a deletion belongs to no account.
pub const REMOVE_OF_USER: &str = "delete from outbox where id in (select id from outbox where subject_id in \
     (select id from letter_requests where user_id = $1 union all select id from security_letters where user_id = $1) \
     limit $2)";

/// How many emails the development mailbox keeps.
const MAILBOX_SIZE: u32 = 200;

/// Queues an email about a request or notification.
pub fn queue(kind: Kind, subject: Uuid, email: &OutgoingEmail) -> Statement<'static> {
    let row = QueueRow {
        id: email.id.0,
        kind: kind.name(),
        subject: Some(subject),
        payload: None,
        created_at: email.created_at,
        not_after: email.not_after,
    };
    row.insert()
}

fn mailbox_email(row: &DatabaseRow) -> Result<MailboxEmail, Unavailable> {
    Ok(MailboxEmail {
        id: EmailId(get(row, "id")?),
        recipient: get(row, "recipient")?,
        subject: get(row, "subject")?,
        text: get(row, "text")?,
        html: get(row, "html")?,
        sent_at: time(row, "sent_at")?,
    })
}

impl SqlStore {
    /// The subject of a claimed email; `None` if it was voided.
    async fn about(&self, email: &DatabaseRow) -> Result<Option<About>, Unavailable> {
        let Some(subject) = get::<Option<Uuid>>(email, "subject_id")? else { return Ok(None) };
        Ok(match Kind::parse(get(email, "kind")?).ok_or_else(|| invalid("kind"))? {
            Kind::Request => self.request(RequestId(subject)).await?.map(|request| About::Request(Box::new(request))),
            Kind::Notification => {
                let about = self.notification(NotificationId(subject)).await?;
                about.map(|about| About::Notification(Box::new(about)))
            }
        })
    }
}

#[async_trait]
impl EmailQueueReads for SqlStore {
    async fn claim_email(
        &self,
        now: Timestamp,
        claim: Claim,
        lease: Duration,
    ) -> Result<Option<ClaimedEmail>, Unavailable> {
        // An email whose subject was voided is removed, and the next one is claimed instead.
        loop {
            let statement =
                query(Dialect::CLAIM_EMAIL).bind(now.unix_millis()).bind(claim.0).bind(now.plus(lease).unix_millis());
            let claimed = statement.fetch_optional(&mut *self.write_connection().await?.connection).await;
            let Some(row) = claimed.map_err(|cause| self.failed(cause))? else { return Ok(None) };
            let id = EmailId(get(&row, "id")?);
            let Some(about) = self.about(&row).await? else {
                self.finish_email(id, claim).await?;
                continue;
            };
            return Ok(Some(ClaimedEmail {
                id,
                claim,
                created_at: time(&row, "created_at")?,
                not_after: time(&row, "not_after")?,
                attempts: get_u32(&row, "attempts")?,
                about,
            }));
        }
    }

    async fn renew_claim(&self, id: EmailId, claim: Claim, until: Timestamp) -> Result<bool, Unavailable> {
        let statement = query("update outbox set claimed_until = $3 where id = $1 and claim = $2");
        Ok(self.run(statement.bind(id.0).bind(claim.0).bind(until.unix_millis())).await? == 1)
    }

    async fn release_email(&self, id: EmailId, claim: Claim, due_at: Timestamp) -> Result<(), Unavailable> {
        let statement = query(
            "update outbox set claim = null, claimed_until = null, handed_over_at = null, due_at = $3 \
             where id = $1 and claim = $2",
        );
        self.run(statement.bind(id.0).bind(claim.0).bind(due_at.unix_millis())).await.map(drop)
    }

    async fn finish_email(&self, id: EmailId, claim: Claim) -> Result<(), Unavailable> {
        // The notification of a deletion holds the last data of the account, so it is removed with its email.
        for text in [
            "delete from security_letters where user_id is null \
             and id = (select subject_id from outbox where id = $1 and claim = $2)",
            "delete from outbox where id = $1 and claim = $2",
        ] {
            self.run(query(text).bind(id.0).bind(claim.0)).await?;
        }
        Ok(())
    }

    async fn adopt_emails(&self, now: Timestamp) -> Result<u64, Unavailable> {
        self.run(query(Dialect::ADOPT_EMAILS).bind(now.unix_millis())).await
    }

    async fn remove_handed_over(&self, now: Timestamp, limit: u32) -> Result<u64, Unavailable> {
        let text = "delete from outbox where id in \
                    (select id from outbox where handed_over_at is not null and not_after <= $1 limit $2)";
        self.remove(text, now.unix_millis(), limit).await
    }

    async fn add_to_mailbox(&self, email: &MailboxEmail) -> Result<(), Unavailable> {
        let statement =
            query("insert into mailbox (id, recipient, subject, text, html, sent_at) values ($1, $2, $3, $4, $5, $6)")
                .bind(email.id.0)
                .bind(&email.recipient)
                .bind(&email.subject)
                .bind(&email.text)
                .bind(&email.html)
                .bind(email.sent_at.unix_millis());
        self.run(statement).await.map(drop)
    }

    async fn mailbox(&self, limit: u32) -> Result<Vec<MailboxEmail>, Unavailable> {
        let statement = query("select * from mailbox order by sent_at desc limit $1").bind(i64::from(limit));
        self.all(statement).await?.iter().map(mailbox_email).collect()
    }

    async fn trim_mailbox(&self) -> Result<(), Unavailable> {
        let text = "delete from mailbox where id not in (select id from mailbox order by sent_at desc limit $1)";
        self.run(query(text).bind(i64::from(MAILBOX_SIZE))).await.map(drop)
    }
}

#[async_trait]
impl EmailQueueWrites for Transaction {
    async fn hand_over(
        &mut self,
        email: &ClaimedEmail,
        secrets: &EmailSecrets,
        now: Timestamp,
    ) -> Result<bool, Unavailable> {
        let link = &secrets.link_hash.0[..];
        let statement = match &email.about {
            About::Request(open) => {
                let code = secrets.code_hash.as_ref().map(|hash| &hash[..]);
                query("update letter_requests set link_hash = $2, code_hash = $3 where id = $1")
                    .bind(open.request.id.0)
                    .bind(link)
                    .bind(code)
            }
            About::Notification(about) => {
                query("update security_letters set link_hash = $2 where id = $1").bind(about.id.0).bind(link)
            }
        };
        let has_stored_secrets = self.run(statement).await? == 1;
        // From here on, the email is never sent again.
        let statement =
            query("update outbox set handed_over_at = $3 where id = $1 and claim = $2 and handed_over_at is null");
        let marked = self.run(statement.bind(email.id.0).bind(email.claim.0).bind(now.unix_millis())).await?;
        Ok(has_stored_secrets && marked == 1)
    }
}
