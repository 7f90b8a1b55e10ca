use super::super::redemption::RECORD;
use super::application::who_of;
use super::held_username::FOR_EVER;
use super::row::get;
use super::{SqlStore, grant};
use crate::server::Unavailable;
use crate::server::model::GroupName;
use crate::server::model::oauth::Grant;
use crate::server::model::oauth::grant::MOST_GRANTS;
use crate::server::store::{RedemptionRecord, RedemptionRecords, Store};
use async_trait::async_trait;
use sqlx::query;

#[async_trait]
impl RedemptionRecords for SqlStore {
    async fn record_redemption(&self, record: RedemptionRecord<'_>) -> Result<bool, Unavailable> {
        let RedemptionRecord { grant, session, token, refresh_token, user, application, member_of, name } = record;
        let statement = grant::bind(query(RECORD.alone), grant)
            .bind(session.0)
            .bind(&token.hash.0[..])
            .bind(token.scopes.to_string())
            .bind(token.created_at.unix_millis())
            .bind(token.expires_at.unix_millis())
            .bind(refresh_token.map(|token| &token.hash.0[..]))
            .bind(user.username.as_str())
            .bind(who_of(&application.policy.who))
            .bind(application.policy.method.name())
            .bind(member_of.map(GroupName::as_str))
            .bind(name.as_ref().map(|name| &name[..]))
            .bind(FOR_EVER);
        let row = self.pools.steps.run(&RECORD, statement).await.map_err(|cause| self.failed(cause))?;
        let Some(row) = row else { return Ok(false) };
        let (is_added, grants): (bool, i64) = (get(&row, "is_added")?, get(&row, "grants")?);
        // Those at the same moment may have added to it: the count is as old as the statement.
        if is_added && refresh_token.is_some() && grants >= i64::from(MOST_GRANTS) - AHEAD {
            self.trim(grant).await;
        }
        Ok(is_added)
    }
}

/// How far below its bound the number of grants is looked at.
const AHEAD: i64 = 2;

impl SqlStore {
    /// Best effort: the next redemption tries again.
    async fn trim(&self, grant: &Grant) {
        let trimmed = async {
            let mut unit = self.begin().await?;
            unit.lock_user(grant.user_id).await?;
            unit.trim_grants(grant.user_id, &grant.application).await?;
            unit.commit().await
        };
        if let Err(cause) = trimmed.await {
            tracing::warn!(%cause, "trimming grants failed");
        }
    }
}
