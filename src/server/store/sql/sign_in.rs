use super::super::sign_in::RECORD;
use super::row::{DatabaseRow, get, millis};
use super::session::method_columns;
use super::transaction::audit;
use super::{SqlStore, passkey, user};
use crate::server::Unavailable;
use crate::server::model::browser::MAX_BROWSERS;
use crate::server::model::session::MAX_SESSIONS;
use crate::server::model::{Event, UserId};
use crate::server::store::{SignInOutcome, SignInRecord, SignInRecords, Store, Unit};
use async_trait::async_trait;
use sqlx::query;
use std::time::{Duration, Instant};
use tokio::time::sleep;

#[async_trait]
impl SignInRecords for SqlStore {
    async fn record_sign_in(&self, record: SignInRecord<'_>) -> Result<SignInOutcome, Unavailable> {
        let since = Instant::now();
        loop {
            let row = self.run_record(&record).await?;
            match row {
                Some(row) => return self.outcome(&record, &row).await,
                None if !self.has_user(record.passkey.user_id).await? => return Ok(SignInOutcome::AccountDeleted),
                None if since.elapsed() >= LOCK_TIMEOUT => {
                    return Err(Unavailable::new("database", "another transaction has locked the account"));
                }
                None => sleep(LOCK_PAUSE).await,
            }
        }
    }
}

/// How long a sign-in waits for an account that another transaction has locked. It holds no connection while it waits, and
/// fails before the deadline of its request.
const LOCK_TIMEOUT: Duration = Duration::from_millis(700);
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// Trimming starts this far below the maximum, since this many sign-ins of an account may be concurrent.
const AHEAD: u32 = 15;

impl SqlStore {
    /// No row means that the account does not exist or is locked.
    async fn run_record(&self, record: &SignInRecord<'_>) -> Result<Option<DatabaseRow>, Unavailable> {
        let SignInRecord { passkey, used, session, event, known, browser, requires_recognised_browser, previous } =
            *record;
        let (method, credential_id) = method_columns(&session.method);
        let known = known.as_ref().map(|token| &token.0[..]);
        let statement = passkey::query_of_use(RECORD.text, passkey, used)
            .bind(session.id.0)
            .bind(&session.token_hash.0[..])
            .bind(method)
            .bind(credential_id)
            .bind(session.user_verified)
            .bind(session.ends_at.unix_millis())
            .bind(millis(session.idle))
            .bind(session.offers_passkey)
            .bind(session.kept)
            .bind(event.id.0)
            .bind(event.kind.name())
            .bind(event.detail.as_deref())
            .bind(known)
            .bind(&browser.token_hash.0[..])
            .bind(browser.expires_at.unix_millis())
            .bind(previous.as_ref().map(|token| &token.0[..]))
            .bind(requires_recognised_browser);
        self.pools.atomic.run(&RECORD, statement).await.map_err(|cause| self.failed(cause))
    }

    async fn outcome(&self, record: &SignInRecord<'_>, row: &DatabaseRow) -> Result<SignInOutcome, Unavailable> {
        let user = user::user(row)?;
        if get(row, "is_in")? {
            audit(record.event);
            let (sessions, browsers) = (get(row, "sessions")?, get(row, "browsers")?);
            self.trim_if_needed(record.event, sessions, browsers).await;
            return Ok(SignInOutcome::Recorded(user));
        }
        let is_known = !record.requires_recognised_browser || get(row, "is_known")?;
        let is_plain = user.lockdown.is_none() && user.disabled_at.is_none() && is_known;
        Ok(if is_plain { SignInOutcome::Refused(user) } else { SignInOutcome::NeedsUnitOfWork })
    }

    async fn has_user(&self, user: UserId) -> Result<bool, Unavailable> {
        Ok(self.one(query("select 1 from users where id = $1 and deleted_at is null").bind(user.0)).await?.is_some())
    }

    /// Trims the sessions, known browsers and events of an account. There is rarely anything to do, and then no query
    /// runs. Concurrent sign-ins may be missing from the counts, so trimming starts slightly below the maximum. Events
    /// are trimmed only occasionally, since counting reads them.
    ///
    /// Best effort: the next sign-in tries again.
    async fn trim_if_needed(&self, event: &Event, sessions: i64, browsers: i64) {
        let trims_events = event.id.0.as_bytes()[15].is_multiple_of(64);
        let is_near_maximum =
            sessions >= i64::from(MAX_SESSIONS - AHEAD) || browsers >= i64::from(MAX_BROWSERS - AHEAD);
        if !is_near_maximum && !trims_events {
            return;
        }
        let trimmed = async {
            let mut unit = self.begin_with(event.user_id).await?;
            unit.trim_sessions(event.user_id, event.at).await?;
            unit.trim_browsers(event.user_id).await?;
            unit.trim_events(event.user_id).await?;
            unit.commit().await
        };
        log_failed_trim(trimmed.await);
    }

    /// A unit of work that has locked a user.
    pub(super) async fn begin_with(&self, user: UserId) -> Result<Box<dyn Unit>, Unavailable> {
        let mut unit = self.begin().await?;
        unit.lock_user(user).await?;
        Ok(unit)
    }
}

/// Logs that an account was not trimmed; the next operation of the same kind tries again.
pub(super) fn log_failed_trim(trimmed: Result<(), Unavailable>) {
    if let Err(cause) = trimmed {
        tracing::warn!(%cause, "trimming an account failed");
    }
}
