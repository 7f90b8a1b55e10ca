use super::super::redemption::RECORD;
use super::application::audience_column;
use super::held_username::FOR_EVER;
use super::row::get;
use super::sign_in::log_failed_trim;
use super::{SqlStore, grant};
use crate::server::Unavailable;
use crate::server::model::GroupName;
use crate::server::model::oauth::Grant;
use crate::server::model::oauth::grant::MAX_GRANTS;
use crate::server::store::{RedemptionRecord, RedemptionRecords};
use async_trait::async_trait;
use sqlx::query;

#[async_trait]
impl RedemptionRecords for SqlStore {
    async fn record_redemption(&self, record: RedemptionRecord<'_>) -> Result<bool, Unavailable> {
        let RedemptionRecord { grant, session, token, refresh_token, user, application, member_of, username_hash } =
            record;
        let statement = grant::bind(query(RECORD.text), grant)
            .bind(session.0)
            .bind(&token.hash.0[..])
            .bind(token.scopes.to_string())
            .bind(token.created_at.unix_millis())
            .bind(token.expires_at.unix_millis())
            .bind(refresh_token.map(|token| &token.hash.0[..]))
            .bind(user.username.as_str())
            .bind(audience_column(&application.policy.who))
            .bind(application.policy.method.name())
            .bind(member_of.map(GroupName::as_str))
            .bind(username_hash.as_ref().map(|hash| &hash[..]))
            .bind(FOR_EVER);
        let row = self.pools.atomic.run(&RECORD, statement).await.map_err(|cause| self.failed(cause))?;
        let Some(row) = row else { return Ok(false) };
        let (is_added, grants): (bool, i64) = (get(&row, "is_added")?, get(&row, "grants")?);
        if is_added && refresh_token.is_some() && grants >= i64::from(MAX_GRANTS) - TRIM_MARGIN {
            self.trim_grants_of(grant).await;
        }
        Ok(is_added)
    }
}

/// Trimming starts this far below [`MAX_GRANTS`], since concurrent redemptions may be missing from the count.
const TRIM_MARGIN: i64 = 2;

impl SqlStore {
    async fn trim_grants_of(&self, grant: &Grant) {
        let trimmed = async {
            let mut unit = self.begin_with(grant.user_id).await?;
            unit.trim_grants(grant.user_id, &grant.application).await?;
            unit.commit().await
        };
        log_failed_trim(trimmed.await);
    }
}
