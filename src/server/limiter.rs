//! Rate limits, shared by all nodes that use the same ephemeral store. Keys are hashed with the secret key, so that the
//! store does not reveal addresses.

use crate::server::Unavailable;
use crate::server::clock::Clock;
use crate::server::ephemeral::{Entry, Ephemeral};
use crate::server::keys::Keys;
use crate::server::model::limit::{Bucket, COUNT_ONCE_WINDOW, Exceeded, FAILURE_WINDOW, Limit, MAX_FAILURES};
use crate::server::model::{ClientAddress, UserId};
use crate::server::telemetry::meters;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::sync::Arc;
use std::time::Duration;

/// Enforces rate limits. If the store is unavailable, nothing is allowed: limits never fail open.
#[derive(Clone)]
pub struct Limiter {
    pub ephemeral: Arc<dyn Ephemeral>,
    pub clock: Arc<dyn Clock>,
    pub keys: Keys,
    /// Setting `RATE_LIMITS`; if it is off, the store is only pinged.
    pub is_on: bool,
}

/// Why a request is refused.
#[derive(Debug, thiserror::Error)]
pub enum LimitError {
    #[error("rate limit exceeded; try again in {} s", .0.retry_after.as_secs())]
    TooMany(TooMany),
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// A limit was exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany {
    /// How long to wait before the next attempt.
    pub retry_after: Duration,
}

/// Whether the account recognises the caller. Requests of an unknown caller do not count against the owner's limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// A browser that the account recognises, or one of its sessions.
    Known,
    Stranger,
}

impl Side {
    #[must_use]
    pub fn of(is_known: bool) -> Self {
        if is_known { Self::Known } else { Self::Stranger }
    }

    /// The part of a limit's key that names the side.
    #[must_use]
    pub fn key(self) -> &'static [u8] {
        match self {
            Self::Known => b"known",
            Self::Stranger => b"stranger",
        }
    }
}

/// The key that wrong codes are counted under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeTarget<'a> {
    Account(UserId, Side),
    /// The entered identifier, if it belongs to no account.
    Typed(&'a str),
}

/// The subject of a limit.
#[derive(Clone, Copy, Debug)]
pub enum Subject<'a> {
    /// The client, under each of its networks.
    Client(ClientAddress),
    /// Anything else, by the parts of its name.
    Named(&'a [&'a [u8]]),
}

impl Limiter {
    /// Counts one use.
    ///
    /// # Errors
    /// When this use exceeds the limit, or the store is unavailable.
    pub async fn draw(&self, limit: &Limit, subject: Subject<'_>) -> Result<(), LimitError> {
        self.draw_all(&[(limit, subject)]).await
    }

    /// Counts one use of each limit, or of none if one limit is exceeded.
    ///
    /// # Errors
    /// The same as [`Limiter::draw`].
    pub async fn draw_all(&self, all: &[(&Limit, Subject<'_>)]) -> Result<(), LimitError> {
        if !self.is_on {
            return Ok(self.ephemeral.ping().await?);
        }
        let buckets = self.buckets(all);
        refused(&buckets, self.ephemeral.draw(&buckets, self.clock.now(), None).await?)
    }

    /// Checks a limit without counting.
    ///
    /// # Errors
    /// The same as [`Limiter::draw`].
    pub async fn peek(&self, limit: &Limit, subject: Subject<'_>) -> Result<(), LimitError> {
        if !self.is_on {
            return Ok(self.ephemeral.ping().await?);
        }
        let buckets = self.buckets(&[(limit, subject)]);
        refused(&buckets, self.ephemeral.peek(&buckets, self.clock.now()).await?)
    }

    /// Counts one use; retries under the same name count only once.
    ///
    /// # Errors
    /// The same as [`Limiter::draw`].
    pub async fn draw_once(&self, limit: &Limit, subject: Subject<'_>, name: &[u8]) -> Result<(), LimitError> {
        let drawn = self.key("drawn", &[limit.name.as_bytes(), name]);
        if self.is_on && self.ephemeral.counted(&drawn).await? > 0 {
            return Ok(());
        }
        self.draw(limit, subject).await?;
        if self.is_on {
            self.ephemeral.count(&drawn, COUNT_ONCE_WINDOW).await?;
        }
        Ok(())
    }

    /// Counts one use, and stores a value if the use is allowed.
    ///
    /// # Errors
    /// The same as [`Limiter::draw`].
    pub async fn draw_and_store(
        &self,
        limit: &Limit,
        subject: Subject<'_>,
        entry: Entry<'_>,
    ) -> Result<(), LimitError> {
        if !self.is_on {
            return Ok(self.ephemeral.put(entry.key, entry.value, entry.ttl).await?);
        }
        let buckets = self.buckets(&[(limit, subject)]);
        refused(&buckets, self.ephemeral.draw(&buckets, self.clock.now(), Some(entry)).await?)
    }

    /// Counts a wrong code.
    ///
    /// # Errors
    /// When the store is unavailable.
    pub async fn count_failure(&self, guessed: CodeTarget<'_>) -> Result<(), Unavailable> {
        if self.is_on {
            self.ephemeral.count(&self.failures(guessed), FAILURE_WINDOW).await?;
        }
        Ok(())
    }

    /// Whether emails contain no code for now, because too many wrong codes were entered.
    ///
    /// # Errors
    /// When the store is unavailable.
    pub async fn pauses_codes(&self, guessed: CodeTarget<'_>) -> Result<bool, Unavailable> {
        Ok(self.is_on && self.ephemeral.counted(&self.failures(guessed)).await? >= MAX_FAILURES)
    }

    fn failures(&self, guessed: CodeTarget<'_>) -> String {
        match guessed {
            CodeTarget::Account(user, side) => self.key("failures", &[user.0.as_bytes(), side.key()]),
            CodeTarget::Typed(key) => self.key("failures", &[b"typed", key.as_bytes()]),
        }
    }

    fn buckets(&self, all: &[(&Limit, Subject<'_>)]) -> Vec<Bucket> {
        let of = |(limit, subject): &(&Limit, Subject<'_>)| match subject {
            Subject::Named(parts) => vec![Bucket { key: self.key(limit.name, parts), limit: **limit }],
            Subject::Client(address) => {
                let bucket = |((bytes, bits), factor): (([u8; 16], u8), u32)| Bucket {
                    key: self.key(limit.name, &[&bytes, &[bits]]),
                    limit: limit.times(factor),
                };
                address.networks().into_iter().map(bucket).collect()
            }
        };
        all.iter().flat_map(of).collect()
    }

    fn key(&self, name: &str, subject: &[&[u8]]) -> String {
        let context: Vec<&[u8]> = [b"limit", name.as_bytes()].into_iter().chain(subject.iter().copied()).collect();
        let hash = self.keys.hash(&context, b"");
        format!("limit:{name}:{}", URL_SAFE_NO_PAD.encode(&hash[..16]))
    }
}

fn refused(buckets: &[Bucket], exceeded: Option<Exceeded>) -> Result<(), LimitError> {
    let Some(Exceeded { index, wait }) = exceeded else { return Ok(()) };
    let name = buckets.get(index).map_or("unknown", |bucket| bucket.limit.name);
    meters::limited(name);
    tracing::info!(limit = name, "rate limit exceeded");
    Err(LimitError::TooMany(TooMany { retry_after: wait }))
}
