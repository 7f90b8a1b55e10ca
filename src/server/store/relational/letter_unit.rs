use super::unit::Transaction;
use super::{Pools, rows, unavailable};
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::email_request::{EmailRequest, Purpose, RequestId, TRIES};
use crate::server::model::notification::NotificationId;
use crate::server::model::outbox::{ClaimedEmail, OutgoingEmail};
use crate::server::model::user::email_key;
use crate::server::model::{KnownBrowser, User, UserId};
use crate::server::secret::TokenHash;
use crate::server::store::{EmailSecrets, LetterWrites};
use crate::types::{DisplayName, EmailAddress, Identifier, Username};
use async_trait::async_trait;
use sqlx::{query, query_scalar};

#[async_trait]
impl LetterWrites for Transaction {
    async fn add_email(&mut self, request: &EmailRequest, letter: &OutgoingEmail) -> Result<(), Unavailable> {
        self.add_request(request, None).await?;
        query("insert into letters (id, request_id, created_at, not_after, due_at) values ($1, $2, $3, $4, $3)")
            .bind(letter.id.0)
            .bind(request.id.0)
            .bind(letter.created_at.unix_millis())
            .bind(letter.not_after.unix_millis())
            .execute(&mut *self.inner)
            .await
            .map_err(unavailable)?;
        Ok(())
    }

    async fn add_open_link(&mut self, request: &EmailRequest, link: &TokenHash) -> Result<(), Unavailable> {
        self.add_request(request, Some(link)).await
    }

    async fn void_requests_of_browser(&mut self, browser: &TokenHash) -> Result<(), Unavailable> {
        let number = browser.0.iter().take(8).fold(0_i64, |number, byte| (number << 8) | i64::from(*byte));
        query(Pools::LOCK_BROWSER).bind(number).execute(&mut *self.inner).await.map_err(unavailable)?;
        self.remove_requests_of_browser(browser).await
    }

    async fn remove_requests_of_browser(&mut self, browser: &TokenHash) -> Result<(), Unavailable> {
        query("delete from letter_requests where browser_hash = $1 and purpose in ('sign-in', 'sign-up')")
            .bind(&browser.0[..])
            .execute(&mut *self.inner)
            .await
            .map_err(unavailable)?;
        Ok(())
    }

    async fn void_requests(&mut self, user: UserId, purpose: &str) -> Result<(), Unavailable> {
        query("delete from letter_requests where user_id = $1 and purpose = $2")
            .bind(user.0)
            .bind(purpose)
            .execute(&mut *self.inner)
            .await
            .map_err(unavailable)?;
        Ok(())
    }

    async fn use_try(&mut self, id: RequestId) -> Result<Option<u32>, Unavailable> {
        let left = query_scalar::<_, i64>(
            "update letter_requests set tries_left = tries_left - 1 where id = $1 and tries_left > 0 returning tries_left",
        )
        .bind(id.0)
        .fetch_optional(&mut *self.inner)
        .await
        .map_err(unavailable)?;
        Ok(left.and_then(|left| u32::try_from(left).ok()))
    }

    async fn take_request(&mut self, id: RequestId) -> Result<bool, Unavailable> {
        let done = query("delete from letter_requests where id = $1")
            .bind(id.0)
            .execute(&mut *self.inner)
            .await
            .map_err(unavailable)?;
        Ok(done.rows_affected() == 1)
    }

    async fn lock_user(&mut self, id: UserId) -> Result<Option<User>, Unavailable> {
        let row = query(Pools::LOCK_USER).bind(id.0).fetch_optional(&mut *self.inner).await.map_err(unavailable)?;
        row.map(|row| rows::user(&row)).transpose()
    }

    async fn lock_owner(&mut self, address: &EmailAddress) -> Result<Option<User>, Unavailable> {
        let row = query(Pools::LOCK_OWNER)
            .bind(email_key(address))
            .fetch_optional(&mut *self.inner)
            .await
            .map_err(unavailable)?;
        row.map(|row| rows::user(&row)).transpose()
    }

    async fn count_open_requests(
        &mut self,
        user: UserId,
        except: RequestId,
        now: Timestamp,
    ) -> Result<u32, Unavailable> {
        let count = query_scalar::<_, i64>(
            "select count(*) from letter_requests where user_id = $1 and id <> $2 and expires_at > $3 and tries_left > 0 \
             and purpose in ('sign-in', 'sign-up') and (known_user_id is null or known_user_id <> $1)",
        )
        .bind(user.0)
        .bind(except.0)
        .bind(now.unix_millis())
        .fetch_one(&mut *self.inner)
        .await
        .map_err(unavailable)?;
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    async fn assign_request(&mut self, id: RequestId, user: UserId, address: &EmailAddress) -> Result<(), Unavailable> {
        query("update letter_requests set user_id = $2, address = $3, address_key = $4 where id = $1")
            .bind(id.0)
            .bind(user.0)
            .bind(address.as_str())
            .bind(email_key(address))
            .execute(&mut *self.inner)
            .await
            .map_err(unavailable)?;
        Ok(())
    }

    async fn hand_over(
        &mut self,
        letter: &ClaimedEmail,
        request: RequestId,
        secrets: &EmailSecrets,
        now: Timestamp,
    ) -> Result<bool, Unavailable> {
        // In the order in which a voided request takes its letter with it, so that the two cannot wait for each other.
        let armed = query("update letter_requests set link_hash = $2, code_hash = $3 where id = $1")
            .bind(request.0)
            .bind(&secrets.link_hash.0[..])
            .bind(secrets.code_hash.as_ref().map(|hash| &hash[..]))
            .execute(&mut *self.inner)
            .await
            .map_err(unavailable)?;
        Ok(self.mark_handed_over(letter, now).await? && armed.rows_affected() == 1)
    }

    async fn hand_over_notification(
        &mut self,
        letter: &ClaimedEmail,
        about: NotificationId,
        link: &TokenHash,
        now: Timestamp,
    ) -> Result<bool, Unavailable> {
        let armed = query("update security_letters set link_hash = $2 where id = $1")
            .bind(about.0)
            .bind(&link.0[..])
            .execute(&mut *self.inner)
            .await
            .map_err(unavailable)?;
        Ok(self.mark_handed_over(letter, now).await? && armed.rows_affected() == 1)
    }

    async fn prove_address(&mut self, user: UserId, address: &EmailAddress) -> Result<bool, Unavailable> {
        let done = query(
            "update users set email = $2, email_key = $3, email_verified = true where id = $1 and not exists \
             (select 1 from users other where other.email_key = $3 and other.email_verified and other.id <> $1)",
        )
        .bind(user.0)
        .bind(address.as_str())
        .bind(email_key(address))
        .execute(&mut *self.inner)
        .await;
        match done {
            Ok(done) => Ok(done.rows_affected() == 1),
            // Somebody proved it between the look and the write: the index is the judge.
            Err(sqlx::Error::Database(cause)) if cause.is_unique_violation() => Ok(false),
            Err(cause) => Err(unavailable(cause)),
        }
    }

    async fn renew_browser(&mut self, former: &TokenHash, browser: &KnownBrowser) -> Result<Option<bool>, Unavailable> {
        let recognised =
            query_scalar::<_, bool>("select recognised from known_browsers where token_hash = $1 and user_id = $2")
                .bind(&former.0[..])
                .bind(browser.user_id.0)
                .fetch_optional(&mut *self.inner)
                .await
                .map_err(unavailable)?;
        let done = query(
            "update known_browsers set token_hash = $3, expires_at = $4, recognised = true \
             where token_hash = $1 and user_id = $2",
        )
        .bind(&former.0[..])
        .bind(browser.user_id.0)
        .bind(&browser.token_hash.0[..])
        .bind(browser.expires_at.unix_millis())
        .execute(&mut *self.inner)
        .await
        .map_err(unavailable)?;
        Ok(recognised.filter(|_| done.rows_affected() == 1))
    }

    async fn remember_browser(&mut self, browser: &KnownBrowser) -> Result<(), Unavailable> {
        query("insert into known_browsers (token_hash, user_id, expires_at) values ($1, $2, $3)")
            .bind(&browser.token_hash.0[..])
            .bind(browser.user_id.0)
            .bind(browser.expires_at.unix_millis())
            .execute(&mut *self.inner)
            .await
            .map_err(unavailable)?;
        Ok(())
    }

    async fn forget_browser(&mut self, token: &TokenHash) -> Result<(), Unavailable> {
        query("delete from known_browsers where token_hash = $1")
            .bind(&token.0[..])
            .execute(&mut *self.inner)
            .await
            .map_err(unavailable)?;
        Ok(())
    }

    async fn decline_offer(&mut self, token: &TokenHash, user: UserId, until: Timestamp) -> Result<(), Unavailable> {
        query("update known_browsers set declined_until = $3 where token_hash = $1 and user_id = $2")
            .bind(&token.0[..])
            .bind(user.0)
            .bind(until.unix_millis())
            .execute(&mut *self.inner)
            .await
            .map_err(unavailable)?;
        Ok(())
    }
}

impl Transaction {
    /// Writes what a letter or a link is for.
    async fn add_request(&mut self, request: &EmailRequest, link: Option<&TokenHash>) -> Result<(), Unavailable> {
        let columns = Columns::of(&request.purpose);
        query(
            "insert into letter_requests (id, purpose, browser_hash, session_id, user_id, known_user_id, identifier, \
                                          username, display_name, address, address_key, next, browser, system, \
                                          tries_left, created_at, expires_at, invitation_hash, link_hash, \
                                          language) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)",
        )
        .bind(request.id.0)
        .bind(request.purpose.name())
        .bind(&request.browser.0[..])
        .bind(columns.session)
        .bind(columns.user)
        .bind(columns.known)
        .bind(columns.identifier.map(Identifier::as_str))
        .bind(columns.username.map(Username::as_str))
        .bind(columns.display_name.map(DisplayName::as_str))
        .bind(columns.address.map(EmailAddress::as_str))
        .bind(columns.address.and_then(email_key))
        .bind(request.next.as_str())
        .bind(request.client.browser.as_deref())
        .bind(request.client.system.as_deref())
        .bind(i64::from(TRIES))
        .bind(request.created_at.unix_millis())
        .bind(request.expires_at.unix_millis())
        .bind(columns.invitation.map(|hash| &hash.0[..]))
        .bind(link.map(|hash| &hash.0[..]))
        .bind(request.language.tag())
        .execute(&mut *self.inner)
        .await
        .map_err(unavailable)?;
        Ok(())
    }

    /// From here on a letter is never tried again.
    async fn mark_handed_over(&mut self, letter: &ClaimedEmail, now: Timestamp) -> Result<bool, Unavailable> {
        let marked =
            query("update letters set handed_over_at = $3 where id = $1 and claim = $2 and handed_over_at is null")
                .bind(letter.id.0)
                .bind(letter.claim.0)
                .bind(now.unix_millis())
                .execute(&mut *self.inner)
                .await
                .map_err(unavailable)?;
        Ok(marked.rows_affected() == 1)
    }
}

/// A purpose, spread over the columns of its table.
#[derive(Default)]
struct Columns<'a> {
    session: Option<uuid::Uuid>,
    user: Option<uuid::Uuid>,
    known: Option<uuid::Uuid>,
    identifier: Option<&'a Identifier>,
    username: Option<&'a Username>,
    display_name: Option<&'a DisplayName>,
    address: Option<&'a EmailAddress>,
    invitation: Option<&'a TokenHash>,
}

impl<'a> Columns<'a> {
    fn of(purpose: &'a Purpose) -> Self {
        match purpose {
            Purpose::SignIn { identifier, known } => {
                Self { identifier: Some(identifier), known: known.map(|user| user.0), ..Self::default() }
            }
            Purpose::BreakGlass { user } => Self { user: Some(user.0), ..Self::default() },
            Purpose::SignUp { username, display_name, address, invitation } => Self {
                invitation: invitation.as_ref(),
                username: Some(username),
                display_name: Some(display_name),
                address: Some(address),
                ..Self::default()
            },
            Purpose::Confirm { user, session, address } | Purpose::Reauthenticate { user, session, address } => {
                Self { user: Some(user.0), session: Some(session.0), address: Some(address), ..Self::default() }
            }
        }
    }
}
