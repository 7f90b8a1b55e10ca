use super::unit::{audit, query_of_use};
use super::{Pools, Relational, rows, unavailable};
use crate::server::Unavailable;
use crate::server::model::Event;
use crate::server::model::browser::MOST_BROWSERS;
use crate::server::model::session::MOST_SESSIONS;
use crate::server::store::{Admission, Admissions, Admitted, Store};
use async_trait::async_trait;

#[async_trait]
impl Admissions for Relational {
    async fn admit(&self, admission: Admission<'_>) -> Result<Admitted, Unavailable> {
        let Admission { passkey, used, session, event, known, browser, only_recognised, previous } = admission;
        let (method, credential_id) = rows::method_columns(&session.method);
        let known = known.as_ref().map(|token| &token.0[..]);
        let query = query_of_use(Pools::ADMIT, passkey, used)
            .bind(session.id.0)
            .bind(&session.token_hash.0[..])
            .bind(method)
            .bind(credential_id)
            .bind(session.user_verified)
            .bind(session.ends_at.unix_millis())
            .bind(rows::millis(session.idle))
            .bind(session.offers_passkey)
            .bind(session.kept)
            .bind(event.id.0)
            .bind(event.kind.name())
            .bind(event.detail.as_deref())
            .bind(known)
            .bind(&browser.token_hash.0[..])
            .bind(browser.expires_at.unix_millis())
            .bind(previous.as_ref().map(|token| &token.0[..]))
            .bind(only_recognised);
        let row = self.pools.admitter.run(query).await.map_err(unavailable)?;
        let Some(row) = row else { return Ok(Admitted::Gone) };
        let user = rows::user(&row)?;
        if rows::get(&row, "is_in")? {
            audit(event);
            let (sessions, browsers) = (rows::get(&row, "sessions")?, rows::get(&row, "browsers")?);
            self.keep_bounds(event, sessions, browsers).await;
            return Ok(Admitted::In(user));
        }
        let is_known = !only_recognised || rows::get(&row, "is_known")?;
        let is_plain = user.lockdown.is_none() && user.disabled_at.is_none() && is_known;
        Ok(if is_plain { Admitted::Refused(user) } else { Admitted::NotPlain })
    }
}

/// How far below a bound an account is looked at: as many of its sign-ins may come at the same moment.
const AHEAD: u32 = 15;

impl Relational {
    /// Ends what an account has too much of. Nearly always there is nothing to do, and nothing is asked: the counts are as
    /// old as the statement that gave them, and sign-ins at the same moment may have added to them, so it begins a little
    /// below the bounds. Events are counted now and then, since counting reads them.
    ///
    /// Best effort: the next sign-in tries again.
    async fn keep_bounds(&self, event: &Event, sessions: i64, browsers: i64) {
        let is_turn_of_events = event.id.0.as_bytes()[15].is_multiple_of(64);
        let is_near = sessions >= i64::from(MOST_SESSIONS - AHEAD) || browsers >= i64::from(MOST_BROWSERS - AHEAD);
        if !is_near && !is_turn_of_events {
            return;
        }
        let trimmed = async {
            let mut unit = self.begin().await?;
            unit.lock_user(event.user_id).await?;
            unit.trim(event.user_id).await?;
            unit.trim_events(event.user_id).await?;
            unit.commit().await
        };
        if let Err(cause) = trimmed.await {
            tracing::warn!(%cause, "trimming an account failed");
        }
    }
}
