use super::SqlStore;
use super::row::get;
use super::transaction::Transaction;
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::keys::KeyedHash;
use crate::server::model::UserId;
use crate::server::store::{HeldUsernameReads, HeldUsernameWrites};
use async_trait::async_trait;
use sqlx::query;
use uuid::Uuid;

/// The end time of a name that is held forever: the last second of the year 9999, in milliseconds.
pub const FOR_EVER: i64 = 253_402_300_799_000;

#[async_trait]
impl HeldUsernameReads for SqlStore {
    async fn username_is_held(&self, names: &[KeyedHash], now: Timestamp) -> Result<bool, Unavailable> {
        let text = "select count(*) from held_usernames where name_hash = $1 and held_until > $2";
        for name in names {
            if self.count(query(text).bind(&name[..]).bind(now.unix_millis())).await? > 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn remove_expired_names(&self, now: Timestamp, limit: u32) -> Result<u64, Unavailable> {
        let text = "delete from held_usernames where name_hash in \
                    (select name_hash from held_usernames where held_until <= $1 order by held_until limit $2)";
        self.remove(text, now.unix_millis(), limit).await
    }
}

impl Transaction {
    /// The users for whom these names are held.
    async fn holders(&mut self, names: &[KeyedHash], now: Timestamp) -> Result<Vec<UserId>, Unavailable> {
        const TEXT: &str = "select user_id from held_usernames where name_hash = $1 and held_until > $2";
        let mut holders = Vec::new();
        for name in names {
            if let Some(row) = self.one(query(TEXT).bind(&name[..]).bind(now.unix_millis())).await? {
                holders.push(UserId(get::<Uuid>(&row, "user_id")?));
            }
        }
        Ok(holders)
    }

    /// Removes a deleted user's id from the usernames that are held forever.
    pub(super) async fn forget_holder(&mut self, user: UserId) -> Result<(), Unavailable> {
        let statement = query("update held_usernames set user_id = $2 where user_id = $1 and held_until = $3");
        self.run(statement.bind(user.0).bind(Uuid::nil()).bind(FOR_EVER)).await.map(drop)
    }
}

#[async_trait]
impl HeldUsernameWrites for Transaction {
    async fn hold_username(&mut self, name: &KeyedHash, user: UserId, until: Timestamp) -> Result<(), Unavailable> {
        let statement = query(concat!(
            "insert into held_usernames (",
            held_columns!(""),
            ") values (",
            held_values!(name_hash = "$1", user_id = "$2", held_until = "$3"),
            ") on conflict (name_hash) do update set user_id = $2, held_until = $3"
        ));
        self.run(statement.bind(&name[..]).bind(user.0).bind(until.unix_millis())).await.map(drop)
    }

    async fn hold_username_forever(&mut self, name: &KeyedHash, user: UserId) -> Result<(), Unavailable> {
        let statement = query(concat!(
            "insert into held_usernames (",
            held_columns!(""),
            ") values (",
            held_values!(name_hash = "$1", user_id = "$2", held_until = "$3"),
            ") on conflict (name_hash) do nothing"
        ));
        self.run(statement.bind(&name[..]).bind(user.0).bind(FOR_EVER)).await.map(drop)
    }

    async fn is_username_held(
        &mut self,
        names: &[KeyedHash],
        user: Option<UserId>,
        now: Timestamp,
    ) -> Result<bool, Unavailable> {
        Ok(self.holders(names, now).await?.into_iter().any(|holder| Some(holder) != user))
    }

    async fn is_username_held_for(
        &mut self,
        names: &[KeyedHash],
        user: UserId,
        now: Timestamp,
    ) -> Result<bool, Unavailable> {
        Ok(self.holders(names, now).await?.contains(&user))
    }
}
