use super::super::dialect::Dialect;
use super::queue::QueueRow;
use super::row::{DatabaseRow, application_id, get, get_u32, invalid, time};
use super::transaction::Transaction;
use super::{SqlStore, Statement};
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::email_queue::EmailId;
use crate::server::model::logout::{ClaimedLogout, LogoutNotice, LogoutResult, MAX_RESULTS, RETRY_PERIOD};
use crate::server::model::queue::Claim;
use crate::server::model::{ApplicationId, UserId};
use crate::server::secret::SystemEntropy;
use crate::server::store::LogoutReads;
use async_trait::async_trait;
use sqlx::query;
use std::time::Duration;
use uuid::Uuid;

/// The kind of a notice in `outbox`. `CLAIM_LOGOUT` repeats it.
const KIND: &str = "logout";

pub const REMOVE_RESULTS_OF_USER: &str = "delete from logout_deliveries where id in \
     (select id from logout_deliveries where user_id = $1 limit $2)";

impl Transaction {
    /// Queues a logout notice for each visit that `visits` reads. The sessions of the visits are about to end.
    pub(super) async fn queue_logouts(&mut self, visits: Statement<'_>, now: Timestamp) -> Result<(), Unavailable> {
        for row in self.all(visits).await? {
            let notice = LogoutNotice {
                uri: get(&row, "backchannel_logout_uri")?,
                client_id: get(&row, "client_id")?,
                application: get(&row, "application_id")?,
                user: UserId(get(&row, "user_id")?),
                sid: get(&row, "sid")?,
            };
            self.queue_logout(&notice, now).await?;
        }
        Ok(())
    }

    async fn queue_logout(&mut self, notice: &LogoutNotice, now: Timestamp) -> Result<(), Unavailable> {
        let payload = serde_json::to_string(notice).map_err(|cause| Unavailable::new("logout", cause))?;
        let row = QueueRow {
            id: EmailId::random(&SystemEntropy).0,
            kind: KIND,
            subject: None,
            payload: Some(payload),
            created_at: now,
            not_after: now.plus(RETRY_PERIOD),
        };
        self.run(row.insert()).await?;
        self.has_logouts = true;
        Ok(())
    }
}

fn result(row: &DatabaseRow) -> Result<LogoutResult, Unavailable> {
    Ok(LogoutResult {
        user: UserId(get(row, "user_id")?),
        application: application_id(row)?,
        happened_at: time(row, "happened_at")?,
        failure: get(row, "failure")?,
    })
}

#[async_trait]
impl LogoutReads for SqlStore {
    async fn claim_logout(
        &self,
        now: Timestamp,
        claim: Claim,
        lease: Duration,
    ) -> Result<Option<ClaimedLogout>, Unavailable> {
        let statement =
            query(Dialect::CLAIM_LOGOUT).bind(now.unix_millis()).bind(claim.0).bind(now.plus(lease).unix_millis());
        let claimed = statement.fetch_optional(&mut *self.write_connection().await?.connection).await;
        let Some(row) = claimed.map_err(|cause| self.failed(cause))? else { return Ok(None) };
        let payload: &str = get(&row, "payload")?;
        Ok(Some(ClaimedLogout {
            id: get(&row, "id")?,
            claim,
            created_at: time(&row, "created_at")?,
            not_after: time(&row, "not_after")?,
            attempts: get_u32(&row, "attempts")?,
            notice: serde_json::from_str(payload).map_err(|_| invalid("payload"))?,
        }))
    }

    async fn release_logout(&self, id: Uuid, claim: Claim, due_at: Timestamp) -> Result<(), Unavailable> {
        let statement =
            query("update outbox set claim = null, claimed_until = null, due_at = $3 where id = $1 and claim = $2");
        self.run(statement.bind(id).bind(claim.0).bind(due_at.unix_millis())).await.map(drop)
    }

    async fn finish_logout(&self, id: Uuid, claim: Claim) -> Result<(), Unavailable> {
        self.run(query("delete from outbox where id = $1 and claim = $2").bind(id).bind(claim.0)).await.map(drop)
    }

    async fn record_logout_result(&self, id: Uuid, result: &LogoutResult) -> Result<(), Unavailable> {
        let statement = query(concat!(
            "insert into logout_deliveries (",
            delivery_columns!(""),
            ") select ",
            delivery_values!(
                id = "$1",
                user_id = "u.id",
                application_id = "c.application_id",
                happened_at = "$4",
                failure = "$5"
            ),
            " from users u, oauth_clients c where u.id = $2 and u.deleted_at is null and c.application_id = $3 \
             on conflict (id) do update set happened_at = $4, failure = $5"
        ))
        .bind(id)
        .bind(result.user.0)
        .bind(result.application.as_str())
        .bind(result.happened_at.unix_millis())
        .bind(result.failure.as_deref());
        self.run(statement).await.map(drop)
    }

    async fn logout_results_of(&self, user: UserId) -> Result<Vec<LogoutResult>, Unavailable> {
        let statement = query(concat!(
            "select ",
            delivery_columns!(""),
            " from logout_deliveries where user_id = $1 order by happened_at desc limit $2"
        ));
        self.all(statement.bind(user.0).bind(i64::from(MAX_RESULTS))).await?.iter().map(result).collect()
    }

    async fn logout_results_at(&self, application: &ApplicationId) -> Result<Vec<LogoutResult>, Unavailable> {
        let statement = query(concat!(
            "select ",
            delivery_columns!(""),
            " from logout_deliveries where application_id = $1 order by happened_at desc limit $2"
        ));
        let statement = statement.bind(application.as_str()).bind(i64::from(MAX_RESULTS));
        self.all(statement).await?.iter().map(result).collect()
    }

    async fn remove_old_logout_results(&self, before: Timestamp, limit: u32) -> Result<u64, Unavailable> {
        let text = "delete from logout_deliveries where id in \
                    (select id from logout_deliveries where happened_at < $1 limit $2)";
        self.remove(text, before.unix_millis(), limit).await
    }
}
