use super::SqlStore;
use super::row::{get, time};
use super::transaction::Transaction;
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::UserId;
use crate::server::model::recovery::RecoveryCodeHash;
use crate::server::model::user::email_key;
use crate::server::store::{RecoveryReads, RecoveryWrites};
use crate::types::Identifier;
use async_trait::async_trait;
use sqlx::query;

pub const REMOVE_OF_USER: &str =
    "delete from recovery_codes where code_hash in (select code_hash from recovery_codes where user_id = $1 limit $2)";

#[async_trait]
impl RecoveryReads for SqlStore {
    async fn count_recovery_codes(&self, user: UserId) -> Result<u32, Unavailable> {
        let count = self.count(query("select count(*) from recovery_codes where user_id = $1").bind(user.0)).await?;
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }
}

#[async_trait]
impl RecoveryWrites for Transaction {
    async fn count_recovery_codes_before(&mut self, user: UserId, before: Timestamp) -> Result<u32, Unavailable> {
        let statement = query("select count(*) from recovery_codes where user_id = $1 and created_at < $2");
        self.count(statement.bind(user.0).bind(before.unix_millis())).await
    }

    async fn replace_recovery_codes(
        &mut self,
        user: UserId,
        codes: &[RecoveryCodeHash],
        now: Timestamp,
    ) -> Result<(), Unavailable> {
        self.run(query("delete from recovery_codes where user_id = $1").bind(user.0)).await?;
        for code in codes {
            let statement = query(concat!(
                "insert into recovery_codes (",
                recovery_columns!(""),
                ") values (",
                recovery_values!(code_hash = "$1", user_id = "$2", created_at = "$3"),
                ")"
            ));
            self.run(statement.bind(&code.0[..]).bind(user.0).bind(now.unix_millis())).await?;
        }
        Ok(())
    }

    async fn use_recovery_code(&mut self, code: &RecoveryCodeHash) -> Result<Option<Timestamp>, Unavailable> {
        let statement = query("delete from recovery_codes where code_hash = $1 returning created_at");
        self.one(statement.bind(&code.0[..])).await?.map(|row| time(&row, "created_at")).transpose()
    }

    async fn remove_recovery_codes(&mut self, user: UserId, since: Timestamp) -> Result<u64, Unavailable> {
        let statement = query("delete from recovery_codes where user_id = $1 and created_at >= $2");
        self.run(statement.bind(user.0).bind(since.unix_millis())).await
    }

    async fn owner_of_recovery_code(
        &mut self,
        code: &RecoveryCodeHash,
        identifier: &Identifier,
    ) -> Result<Option<UserId>, Unavailable> {
        let (text, key) = match identifier {
            Identifier::Username(name) => (
                "select user_id from recovery_codes where code_hash = $1 \
                 and user_id in (select id from users where username_key = $2)",
                Some(name.key()),
            ),
            Identifier::Address(address) => (
                "select user_id from recovery_codes where code_hash = $1 \
                 and user_id in (select id from users where email_key = $2 and email_verified)",
                email_key(address),
            ),
        };
        let row = self.one(query(text).bind(&code.0[..]).bind(key)).await?;
        row.map(|row| get(&row, "user_id").map(UserId)).transpose()
    }
}
