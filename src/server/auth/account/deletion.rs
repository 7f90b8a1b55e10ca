use super::current_user::CurrentUser;
use super::unit::OwnerUnit;
use crate::server::auth::{Error, account::Profile};
use crate::server::core::Core;
use crate::server::model::User;
use crate::server::model::notification::Occasion;
use crate::types::ApiError;

/// Deleting an account.
pub struct Deletion<'a> {
    pub(in crate::server) core: &'a Core,
}

/// Whether the text is the username, so that the user means this account.
fn is_named(user: &User, typed: &str) -> bool {
    typed.trim() == user.username.as_str()
}

impl Deletion<'_> {
    /// Whether the user typed the username, without which [`Deletion::delete`] is refused.
    #[must_use]
    pub fn is_confirmed_by(&self, current: &CurrentUser, typed: &str) -> bool {
        is_named(&current.user, typed)
    }

    /// Deletes the account: it is unusable at once, and a job removes its rows in small batches, so that an account of
    /// any size does not block other requests. Its username is held for 30 days.
    ///
    /// # Errors
    /// When `typed` is not the username, the session may not delete the account, or the database is unavailable.
    #[tracing::instrument(skip_all)]
    pub async fn delete(&self, current: &CurrentUser, typed: &str) -> Result<(), Error> {
        let OwnerUnit { mut unit, .. } = OwnerUnit::begin_fresh(self.core, current).await?;
        let user = unit.user.clone();
        if !is_named(&user, typed) {
            return Err(ApiError::WrongUsername.into());
        }
        Profile { core: self.core }.hold_username(&mut *unit, &user.username, user.id).await?;
        unit.notify(Occasion::Deleted, None).await?;
        let now = self.core.now();
        unit.end_all_sessions(user.id, now).await?;
        unit.end_grants(user.id, None).await?;
        unit.delete_user(user.id, now).await?;
        unit.commit().await?;
        tracing::info!(user = %user.id.0, "account deleted");
        Ok(())
    }
}
