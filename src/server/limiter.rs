//! Limits, shared by all that share the ephemeral store. What is counted under is hashed with the key, so that nobody reads
//! addresses out of the store.

use crate::server::Unavailable;
use crate::server::clock::Clock;
use crate::server::ephemeral::{Ephemeral, Kept};
use crate::server::keys::Keys;
use crate::server::model::UserId;
use crate::server::model::limit::{COUNTED_ONCE, FAILURE_WINDOW, Limit, MOST_FAILURES, Verdict};
use crate::server::telemetry::meters;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::sync::Arc;
use std::time::Duration;

/// Draws from the buckets. When the store is away nothing is allowed: limits never fail open.
#[derive(Clone)]
pub struct Limiter {
    pub ephemeral: Arc<dyn Ephemeral>,
    pub clock: Arc<dyn Clock>,
    pub keys: Keys,
    /// Setting `RATE_LIMITS`; where it is off, the store is only asked for a sign of life.
    pub is_on: bool,
}

/// Why something may not be done now.
#[derive(Debug)]
pub enum Limited {
    TooMany(TooMany),
    Unavailable(Unavailable),
}

/// It was done too often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany {
    /// After this span it may be tried again.
    pub retry_after: Duration,
}

impl From<Unavailable> for Limited {
    fn from(cause: Unavailable) -> Self {
        Self::Unavailable(cause)
    }
}

/// Whose letters: a stranger who asks or types for an account uses up nothing of its owner's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// A browser that the account knows, or a session of it.
    Known,
    Stranger,
}

impl Side {
    #[must_use]
    pub fn of(is_known: bool) -> Self {
        if is_known { Self::Known } else { Self::Stranger }
    }

    /// What it is counted under.
    #[must_use]
    pub fn key(self) -> &'static [u8] {
        match self {
            Self::Known => b"known",
            Self::Stranger => b"stranger",
        }
    }
}

impl Limiter {
    /// Counts one more of what is limited, under `subject`.
    ///
    /// # Errors
    /// When that is one too many, or the store is away.
    pub async fn draw(&self, limit: &Limit, subject: &[&[u8]]) -> Result<(), Limited> {
        if !self.is_on {
            return Ok(self.ephemeral.ping().await?);
        }
        let now = self.clock.now();
        refused(limit, self.ephemeral.draw(&self.key(limit.name, subject), limit, now).await?)
    }

    /// What [`Limiter::draw`] would say, without counting.
    ///
    /// # Errors
    /// As [`Limiter::draw`].
    pub async fn look(&self, limit: &Limit, subject: &[&[u8]]) -> Result<(), Limited> {
        if !self.is_on {
            return Ok(self.ephemeral.ping().await?);
        }
        let now = self.clock.now();
        refused(limit, self.ephemeral.look(&self.key(limit.name, subject), limit, now).await?)
    }

    /// As [`Limiter::draw`] for all of these. What is refused counts for none of them, unless others draw at the same moment.
    ///
    /// # Errors
    /// As [`Limiter::draw`].
    pub async fn draw_all(&self, all: &[(&Limit, &[&[u8]])]) -> Result<(), Limited> {
        for (limit, subject) in all {
            self.look(limit, subject).await?;
        }
        for (limit, subject) in all {
            self.draw(limit, subject).await?;
        }
        Ok(())
    }

    /// As [`Limiter::draw`], but what has this name is counted once, however often it is tried.
    ///
    /// # Errors
    /// As [`Limiter::draw`].
    pub async fn draw_once(&self, limit: &Limit, subject: &[&[u8]], name: &[u8]) -> Result<(), Limited> {
        let drawn = self.key("drawn", &[limit.name.as_bytes(), name]);
        if self.is_on && self.ephemeral.counted(&drawn).await? > 0 {
            return Ok(());
        }
        self.draw(limit, subject).await?;
        if self.is_on {
            self.ephemeral.count(&drawn, COUNTED_ONCE).await?;
        }
        Ok(())
    }

    /// As [`Limiter::draw`]; keeps a value when it is allowed.
    ///
    /// # Errors
    /// As [`Limiter::draw`].
    pub async fn draw_and_put(&self, limit: &Limit, subject: &[&[u8]], kept: Kept<'_>) -> Result<(), Limited> {
        if !self.is_on {
            return Ok(self.ephemeral.put(kept.key, kept.value, kept.ttl).await?);
        }
        let now = self.clock.now();
        refused(limit, self.ephemeral.draw_and_put(&self.key(limit.name, subject), limit, now, kept).await?)
    }

    /// Counts a code that was typed wrong. Where nobody was meant it is counted under nobody, which takes as long.
    ///
    /// # Errors
    /// When the store is away.
    pub async fn count_failure(&self, user: Option<UserId>, side: Side) -> Result<(), Unavailable> {
        if self.is_on {
            self.ephemeral.count(&self.failures(user, side), FAILURE_WINDOW).await?;
        }
        Ok(())
    }

    /// Whether so many codes of an account were typed wrong that no more letters go to it for now.
    ///
    /// # Errors
    /// When the store is away.
    pub async fn is_paused(&self, user: UserId, side: Side) -> Result<bool, Unavailable> {
        Ok(self.is_on && self.ephemeral.counted(&self.failures(Some(user), side)).await? >= MOST_FAILURES)
    }

    fn failures(&self, user: Option<UserId>, side: Side) -> String {
        let user = user.unwrap_or(UserId::NOBODY);
        self.key("failures", &[user.0.as_bytes(), side.key()])
    }

    fn key(&self, name: &str, subject: &[&[u8]]) -> String {
        let context: Vec<&[u8]> = [b"limit", name.as_bytes()].into_iter().chain(subject.iter().copied()).collect();
        let hash = self.keys.hash(&context, b"");
        format!("limit:{name}:{}", URL_SAFE_NO_PAD.encode(&hash[..16]))
    }
}

fn refused(limit: &Limit, verdict: Verdict) -> Result<(), Limited> {
    match verdict {
        Verdict::Within => Ok(()),
        Verdict::Beyond(retry_after) => {
            meters::limited(limit.name);
            tracing::info!(limit = limit.name, "more than is allowed");
            Err(Limited::TooMany(TooMany { retry_after }))
        }
    }
}
