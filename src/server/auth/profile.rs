//! What people are called: their name, and the username that is theirs alone.

use super::authority::OwnersUnit;
use super::{Auth, CurrentUser, ManageError};
use crate::server::Unavailable;
use crate::server::keys::KeyedHash;
use crate::server::model::notification::Occasion;
use crate::server::model::user::USERNAME_HELD;
use crate::server::model::{EventKind, User, UserId};
use crate::server::store::{Insertion, Unit};
use crate::types::{DisplayName, Language, Username};

impl Auth {
    /// From now on letters to the visitor are written in this language.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn set_language(&self, current_user: &CurrentUser, language: Language) -> Result<(), Unavailable> {
        if current_user.user.language == language {
            return Ok(());
        }
        let mut unit = self.store.begin().await?;
        unit.set_language(current_user.user.id, language).await?;
        unit.commit().await
    }

    /// Changes what was given: the name at any time, the username once in 30 days. The way back to a name that is held for
    /// this user is always open. A new username is notified.
    ///
    /// # Errors
    /// When a name does not fit, the username is taken, held for somebody else or was changed lately, or the database is
    /// away.
    #[tracing::instrument(skip_all)]
    pub async fn update_profile(
        &self,
        current_user: &CurrentUser,
        display_name: Option<&str>,
        username: Option<&str>,
    ) -> Result<User, ManageError> {
        let display_name =
            display_name.map(DisplayName::parse).transpose().map_err(|_| ManageError::InvalidDisplayName)?;
        let username = username.map(Username::parse).transpose().map_err(|_| ManageError::InvalidUsername)?;
        let OwnersUnit { mut unit, user: former, .. } = self.begin_locked(current_user).await?;
        let client = &current_user.session.client;
        let mut user = former.clone();
        if let Some(name) = display_name.filter(|name| *name != former.display_name) {
            user.display_name = name;
            self.record(unit.as_mut(), user.id, EventKind::NameChanged, client, None).await?;
        }
        if let Some(name) = username.filter(|name| *name != former.username) {
            user.username = name;
        }
        if user.username.key() != former.username.key() {
            self.change_username(unit.as_mut(), &former, &mut user).await?;
            let change = format!("{} → {}", former.username, user.username);
            self.record(unit.as_mut(), user.id, EventKind::UsernameChanged, client, Some(change)).await?;
            let (occasion, detail) = (Occasion::UsernameChanged, Some(user.username.to_string()));
            self.tell_owner(unit.as_mut(), &user, occasion, client, detail).await?;
        }
        if user != former && unit.rename_user(&user).await? == Insertion::Conflict {
            return Err(ManageError::UsernameTaken);
        }
        // Afterwards: the name may have been given up while this waited for it.
        let hashes = self.username_hashes(&user.username);
        let is_new = user.username.key() != former.username.key();
        if is_new && unit.is_username_held(&hashes, Some(user.id), self.clock.now()).await? {
            return Err(ManageError::UsernameTaken);
        }
        unit.commit().await?;
        self.bell.notify_one();
        Ok(user)
    }

    async fn change_username(&self, unit: &mut dyn Unit, former: &User, user: &mut User) -> Result<(), ManageError> {
        let now = self.clock.now();
        let hashes = self.username_hashes(&user.username);
        if former.renamed_recently(now) && !unit.is_username_held_for(&hashes, user.id, now).await? {
            return Err(ManageError::RenamedRecently);
        }
        self.hold_username(unit, &former.username, user.id).await?;
        user.username_changed_at = Some(now);
        Ok(())
    }

    /// Keeps a name for whoever gave it up, for 30 days.
    pub(super) async fn hold_username(
        &self,
        unit: &mut dyn Unit,
        name: &Username,
        user: UserId,
    ) -> Result<(), Unavailable> {
        let hash = self.keys.hash(&[b"username"], name.key().as_bytes());
        unit.hold_username(&hash, user, self.clock.now().plus(USERNAME_HELD)).await
    }

    /// A name as it may be held: under the present key and the previous one.
    pub(super) fn username_hashes(&self, name: &Username) -> Vec<KeyedHash> {
        self.keys.hashes(&[b"username"], name.key().as_bytes())
    }

    /// Whether nobody new can have a name now: somebody bears it, or it is held for who bore it.
    pub(super) async fn is_taken(&self, name: &Username) -> Result<bool, Unavailable> {
        Ok(self.store.username_is_taken(name).await?
            || self.store.username_is_held(&self.username_hashes(name), self.clock.now()).await?)
    }

    /// Adds an account, unless its name is borne by somebody or held for somebody.
    pub(super) async fn add_account(&self, unit: &mut dyn Unit, user: &User) -> Result<Insertion, Unavailable> {
        if unit.add_user(user).await? == Insertion::Conflict {
            return Ok(Insertion::Conflict);
        }
        // Afterwards: the name may have been given up while this waited for it.
        let is_held = unit.is_username_held(&self.username_hashes(&user.username), None, self.clock.now()).await?;
        Ok(if is_held { Insertion::Conflict } else { Insertion::Done })
    }
}
