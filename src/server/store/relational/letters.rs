use super::super::Database;
use super::rows::DatabaseRow;
use super::{Pools, Relational, rows, unavailable};
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::email_request::OpenRequest;
use crate::server::model::outbox::{About, Claim, ClaimedEmail, EmailId};
use crate::server::model::{KnownBrowser, User, UserId};
use crate::server::secret::TokenHash;
use crate::server::store::{Letters, MOST_LISTED, MailboxEmail};
use async_trait::async_trait;
use sqlx::query;
use std::time::Duration;

/// How many letters the development mailbox keeps.
const MAILBOX_SIZE: u32 = 200;

impl Relational {
    async fn request(&self, text: &'static str, bind: &[u8]) -> Result<Option<OpenRequest>, Unavailable> {
        let row = query(text).bind(bind).fetch_optional(&self.pools.read).await.map_err(unavailable)?;
        row.map(|row| rows::request(&row)).transpose()
    }

    /// What a claimed letter is about.
    async fn about(&self, letter: &DatabaseRow) -> Result<Option<About>, Unavailable> {
        if let Some(request) = rows::get::<Option<uuid::Uuid>>(letter, "request_id")? {
            let row = query("select * from letter_requests where id = $1").bind(request);
            let row = row.fetch_optional(&self.pools.read).await.map_err(unavailable)?;
            return row.map(|row| Ok(About::Request(Box::new(rows::request(&row)?)))).transpose();
        }
        let row = query("select * from security_letters where id = $1")
            .bind(rows::get::<Option<uuid::Uuid>>(letter, "security_letter_id")?);
        let row = row.fetch_optional(&self.pools.read).await.map_err(unavailable)?;
        row.map(|row| Ok(About::Security(Box::new(rows::security_letter(&row)?)))).transpose()
    }
}

#[async_trait]
impl Letters for Relational {
    async fn request_by_link(&self, link: &TokenHash) -> Result<Option<OpenRequest>, Unavailable> {
        self.request("select * from letter_requests where link_hash = $1", &link.0).await
    }

    async fn request_of_browser(&self, browser: &TokenHash) -> Result<Option<OpenRequest>, Unavailable> {
        self.request(
            "select * from letter_requests where browser_hash = $1 and purpose in ('sign-in', 'sign-up') \
             order by created_at desc limit 1",
            &browser.0,
        )
        .await
    }

    async fn newest_request(&self, user: UserId, purpose: &str) -> Result<Option<OpenRequest>, Unavailable> {
        let row =
            query("select * from letter_requests where user_id = $1 and purpose = $2 order by created_at desc limit 1")
                .bind(user.0)
                .bind(purpose)
                .fetch_optional(&self.pools.read)
                .await
                .map_err(unavailable)?;
        row.map(|row| rows::request(&row)).transpose()
    }

    async fn requests_of_user(&self, user: UserId, now: Timestamp) -> Result<Vec<OpenRequest>, Unavailable> {
        let found = query(
            "select * from letter_requests where user_id = $1 and expires_at > $2 and tries_left > 0 \
             order by created_at desc, id limit $3",
        )
        .bind(user.0)
        .bind(now.unix_millis())
        .bind(i64::from(MOST_LISTED))
        .fetch_all(&self.pools.read)
        .await
        .map_err(unavailable)?;
        found.iter().map(rows::request).collect()
    }

    async fn claim_email(
        &self,
        now: Timestamp,
        claim: Claim,
        lease: Duration,
    ) -> Result<Option<ClaimedEmail>, Unavailable> {
        let claimed = query::<Database>(Pools::CLAIM_LETTER)
            .bind(now.unix_millis())
            .bind(claim.0)
            .bind(now.plus(lease).unix_millis())
            .fetch_optional(&mut *self.pools.writer().await?.connection)
            .await
            .map_err(unavailable)?;
        let Some(letter) = claimed else { return Ok(None) };
        // Voided between the two statements: the letter went with what it was about.
        let Some(about) = self.about(&letter).await? else { return Ok(None) };
        Ok(Some(rows::claimed(claim, &letter, about)?))
    }

    async fn renew_claim(&self, id: EmailId, claim: Claim, until: Timestamp) -> Result<bool, Unavailable> {
        let done = query("update letters set claimed_until = $3 where id = $1 and claim = $2")
            .bind(id.0)
            .bind(claim.0)
            .bind(until.unix_millis())
            .execute(&mut *self.pools.writer().await?.connection)
            .await
            .map_err(unavailable)?;
        Ok(done.rows_affected() == 1)
    }

    async fn release_email(&self, id: EmailId, claim: Claim, due_at: Timestamp) -> Result<(), Unavailable> {
        query(
            "update letters set claim = null, claimed_until = null, handed_over_at = null, due_at = $3 \
             where id = $1 and claim = $2",
        )
        .bind(id.0)
        .bind(claim.0)
        .bind(due_at.unix_millis())
        .execute(&mut *self.pools.writer().await?.connection)
        .await
        .map_err(unavailable)?;
        Ok(())
    }

    async fn finish_email(&self, id: EmailId, claim: Claim) -> Result<(), Unavailable> {
        // With the letter about the end of an account goes the last that was kept of it.
        for text in [
            "delete from security_letters where user_id is null \
             and id = (select security_letter_id from letters where id = $1 and claim = $2)",
            "delete from letters where id = $1 and claim = $2",
        ] {
            query(text)
                .bind(id.0)
                .bind(claim.0)
                .execute(&mut *self.pools.writer().await?.connection)
                .await
                .map_err(unavailable)?;
        }
        Ok(())
    }

    async fn add_to_mailbox(&self, letter: &MailboxEmail) -> Result<(), Unavailable> {
        query("insert into mailbox (id, recipient, subject, text, html, sent_at) values ($1, $2, $3, $4, $5, $6)")
            .bind(letter.id.0)
            .bind(&letter.recipient)
            .bind(&letter.subject)
            .bind(&letter.text)
            .bind(&letter.html)
            .bind(letter.sent_at.unix_millis())
            .execute(&mut *self.pools.writer().await?.connection)
            .await
            .map_err(unavailable)?;
        Ok(())
    }

    async fn mailbox(&self, limit: u32) -> Result<Vec<MailboxEmail>, Unavailable> {
        let letters = query("select * from mailbox order by sent_at desc limit $1")
            .bind(i64::from(limit))
            .fetch_all(&self.pools.read)
            .await
            .map_err(unavailable)?;
        letters.iter().map(rows::mailbox_email).collect()
    }

    async fn known_browser(&self, token: &TokenHash) -> Result<Option<(KnownBrowser, User)>, Unavailable> {
        let row = query(concat!(
            "select b.user_id, b.expires_at, b.declined_until, b.recognised, ",
            user_columns!(),
            " from known_browsers b join users u on u.id = b.user_id where b.token_hash = $1 and u.deleted_at is null"
        ))
        .bind(&token.0[..])
        .fetch_optional(&self.pools.read)
        .await
        .map_err(unavailable)?;
        row.map(|row| Ok((rows::known_browser(*token, &row)?, rows::user(&row)?))).transpose()
    }

    async fn remove_expired_emails(&self, now: Timestamp, limit: u32) -> Result<u64, Unavailable> {
        let mut most = 0;
        for text in [
            "delete from letter_requests where id in \
             (select id from letter_requests where expires_at <= $1 order by expires_at limit $2)",
            "delete from known_browsers where token_hash in \
             (select token_hash from known_browsers where expires_at <= $1 order by expires_at limit $2)",
        ] {
            let removed = query(text)
                .bind(now.unix_millis())
                .bind(i64::from(limit))
                .execute(&mut *self.pools.writer().await?.connection)
                .await
                .map_err(unavailable)?
                .rows_affected();
            most = removed.max(most);
        }
        query("delete from mailbox where id not in (select id from mailbox order by sent_at desc limit $1)")
            .bind(i64::from(MAILBOX_SIZE))
            .execute(&mut *self.pools.writer().await?.connection)
            .await
            .map_err(unavailable)?;
        Ok(most)
    }
}
