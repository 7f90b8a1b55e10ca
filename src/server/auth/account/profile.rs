use super::current_user::CurrentUser;
use super::unit::{AccountUnit, OwnerUnit};
use crate::server::Unavailable;
use crate::server::auth::Error;
use crate::server::core::Core;
use crate::server::keys::KeyedHash;
use crate::server::model::notification::Occasion;
use crate::server::model::user::USERNAME_HOLD;
use crate::server::model::{EventKind, User, UserId};
use crate::server::store::{Insertion, Unit};
use crate::types::{ApiError, DisplayName, Language, Username};

/// Names and language of an account.
pub struct Profile<'a> {
    pub(in crate::server) core: &'a Core,
}

impl Profile<'_> {
    /// Sets the language of emails to the user.
    pub async fn set_language(&self, current: &CurrentUser, language: Language) -> Result<(), Unavailable> {
        if current.user.language == language {
            return Ok(());
        }
        let mut unit = self.core.store.begin().await?;
        unit.set_language(current.user.id, language).await?;
        unit.commit().await
    }

    /// Changes the given fields: the display name at any time, the username once in 30 days. A username that is held
    /// for this user can be taken back at any time. The user is notified of a new username.
    ///
    /// # Errors
    /// When a name is invalid, the username is taken, held for another user or was changed recently, or the database is
    /// unavailable.
    #[tracing::instrument(skip_all)]
    pub async fn update(
        &self,
        current: &CurrentUser,
        display_name: Option<&str>,
        username: Option<&str>,
    ) -> Result<User, Error> {
        let display_name =
            display_name.map(DisplayName::parse).transpose().map_err(|_| ApiError::InvalidDisplayName)?;
        let username = username.map(Username::parse).transpose().map_err(|_| ApiError::InvalidUsername)?;
        let OwnerUnit { mut unit, .. } = OwnerUnit::begin(self.core, current).await?;
        let former = unit.user.clone();
        if let Some(name) = display_name.filter(|name| *name != former.display_name) {
            unit.user.display_name = name;
            unit.record(EventKind::NameChanged, None).await?;
        }
        if let Some(name) = username.filter(|name| *name != former.username) {
            unit.user.username = name;
        }
        let is_new = unit.user.username.key() != former.username.key();
        if is_new {
            self.change_username(&mut unit, &former).await?;
        } else if unit.user.username != former.username {
            // Only letters changed between lower and upper case.
            let change = format!("{} → {}", former.username, unit.user.username);
            unit.record(EventKind::UsernameChanged, Some(change)).await?;
        }
        let user = unit.user.clone();
        if user != former && unit.rename_user(&user).await? == Insertion::Conflict {
            return Err(ApiError::UsernameTaken.into());
        }
        // Checked afterwards: the name may have been given up while this transaction waited for it.
        let hashes = self.username_hashes(&user.username);
        if is_new && unit.is_username_held(&hashes, Some(user.id), self.core.now()).await? {
            return Err(ApiError::UsernameTaken.into());
        }
        unit.commit().await?;
        Ok(user)
    }

    async fn change_username(&self, unit: &mut AccountUnit<'_>, former: &User) -> Result<(), Error> {
        let (now, new) = (self.core.now(), unit.user.username.clone());
        let hashes = self.username_hashes(&new);
        if former.renamed_recently(now) && !unit.is_username_held_for(&hashes, former.id, now).await? {
            return Err(ApiError::RenamedRecently.into());
        }
        self.hold_username(&mut **unit, &former.username, former.id).await?;
        self.extend_permanent_hold(&mut **unit, &new, former).await?;
        unit.user.username_changed_at = Some(now);
        unit.record(EventKind::UsernameChanged, Some(format!("{} → {new}", former.username))).await?;
        unit.notify(Occasion::UsernameChanged, Some(new.to_string())).await?;
        Ok(())
    }

    /// Holds a name for its former owner, for 30 days.
    pub(in crate::server::auth) async fn hold_username(
        &self,
        unit: &mut dyn Unit,
        name: &Username,
        user: UserId,
    ) -> Result<(), Unavailable> {
        let hash = self.core.keys.hash(&[b"username"], name.key().as_bytes());
        unit.hold_username(&hash, user, self.core.now().plus(USERNAME_HOLD)).await
    }

    /// Holds a name permanently, since an application learns it (docs/RULES.md, 19). Writes nothing if it is already
    /// held.
    ///
    /// # Errors
    /// While the permanent key is being created, or when the database is unavailable.
    pub async fn hold_permanently(&self, unit: &mut dyn Unit, user: &User) -> Result<(), Unavailable> {
        unit.hold_username_forever(&self.required_permanent_hash(&user.username)?, user.id).await
    }

    /// The hash under which a username is held permanently.
    ///
    /// # Errors
    /// While the permanent key is being created.
    pub fn required_permanent_hash(&self, name: &Username) -> Result<KeyedHash, Unavailable> {
        self.permanent_hash(name).ok_or_else(|| Unavailable::expected("permanent key", "not created yet"))
    }

    /// Holds a new name permanently if the former one is: applications request names at any time.
    async fn extend_permanent_hold(
        &self,
        unit: &mut dyn Unit,
        new: &Username,
        former: &User,
    ) -> Result<(), Unavailable> {
        let (Some(new), Some(old)) = (self.permanent_hash(new), self.permanent_hash(&former.username)) else {
            return Ok(());
        };
        if unit.is_username_held_for(&[old], former.id, self.core.now()).await? {
            unit.hold_username_forever(&new, former.id).await?;
        }
        Ok(())
    }

    /// `None` while there is no permanent key: until then, no name is held permanently.
    fn permanent_hash(&self, name: &Username) -> Option<KeyedHash> {
        Some(self.core.key_set.get()?.permanent_key().hash(&[b"username", name.key().as_bytes()]))
    }

    /// The hashes under which a name may be held: with the current and the previous key, and permanently with the
    /// permanent one.
    fn username_hashes(&self, name: &Username) -> Vec<KeyedHash> {
        let own = self.core.keys.hashes(&[b"username"], name.key().as_bytes());
        own.into_iter().chain(self.permanent_hash(name)).collect()
    }

    /// Whether a name is taken: an account has it, or it is held for its former owner.
    pub(in crate::server::auth) async fn is_taken(&self, name: &Username) -> Result<bool, Unavailable> {
        let store = &self.core.store;
        Ok(store.username_is_taken(name).await?
            || store.username_is_held(&self.username_hashes(name), self.core.now()).await?)
    }

    /// Adds an account, unless its name is taken or held.
    pub(in crate::server::auth) async fn add_account(
        &self,
        unit: &mut dyn Unit,
        user: &User,
    ) -> Result<Insertion, Unavailable> {
        if unit.add_user(user).await? == Insertion::Conflict {
            return Ok(Insertion::Conflict);
        }
        // Checked afterwards: the name may have been given up while this transaction waited for it.
        let is_held = unit.is_username_held(&self.username_hashes(&user.username), None, self.core.now()).await?;
        Ok(if is_held { Insertion::Conflict } else { Insertion::Done })
    }
}
