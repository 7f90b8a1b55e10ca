use super::row::{DatabaseRow, get, get_u32, invalid, maybe_time, time};
use super::transaction::Transaction;
use super::{SqlStore, Statement, user};
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::passkey::PasskeyUse;
use crate::server::model::{AddedWith, Client, CredentialId, Passkey, User, UserId};
use crate::server::store::{Insertion, PasskeyReads, PasskeyWrites};
use crate::types::DisplayName;
use async_trait::async_trait;
use sqlx::query;

pub const REMOVE_OF_USER: &str =
    "delete from passkeys where credential_id in (select credential_id from passkeys where user_id = $1 limit $2)";

/// All passkeys of an account, oldest first.
const OF_USER: &str = concat!(
    "select ",
    passkey_columns!("p." as "passkey_"),
    " from passkeys p where p.user_id = $1 order by p.created_at, p.credential_id"
);

/// Reads a passkey from its aliased columns.
pub fn passkey(row: &DatabaseRow) -> Result<Passkey, Unavailable> {
    Ok(Passkey {
        credential_id: CredentialId::new(get(row, "passkey_credential_id")?).ok_or_else(|| invalid("credential_id"))?,
        user_id: UserId(get(row, "passkey_user_id")?),
        rp_id: get(row, "passkey_rp_id")?,
        name: get(row, "passkey_name")?,
        record: get(row, "passkey_record")?,
        record_version: get(row, "passkey_record_version")?,
        aaguid: get(row, "passkey_aaguid")?,
        transports: get(row, "passkey_transports")?,
        backup_eligible: get(row, "passkey_backup_eligible")?,
        backed_up: get(row, "passkey_backed_up")?,
        sign_count: get_u32(row, "passkey_sign_count")?,
        created_at: time(row, "passkey_created_at")?,
        last_used_at: maybe_time(row, "passkey_last_used_at")?,
        last_used_on: Client {
            browser: get(row, "passkey_last_used_browser")?,
            system: get(row, "passkey_last_used_system")?,
        },
        added_with: AddedWith::parse(get(row, "passkey_added_with")?).ok_or_else(|| invalid("added_with"))?,
        suspended_at: maybe_time(row, "passkey_suspended_at")?,
    })
}

/// A statement whose first nine values are a passkey, its owner and a use of it.
pub fn query_of_use<'q>(text: &'static str, passkey: &'q Passkey, used: &'q PasskeyUse) -> Statement<'q> {
    query(text)
        .bind(passkey.credential_id.as_bytes())
        .bind(passkey.user_id.0)
        .bind(&used.record)
        .bind(used.backup_eligible)
        .bind(used.backed_up)
        .bind(i64::from(used.sign_count))
        .bind(used.at.unix_millis())
        .bind(used.on.browser.as_deref())
        .bind(used.on.system.as_deref())
}

#[async_trait]
impl PasskeyReads for SqlStore {
    async fn passkey(&self, id: &CredentialId) -> Result<Option<(Passkey, User)>, Unavailable> {
        const TEXT: &str = concat!(
            "select ",
            passkey_columns!("p." as "passkey_"),
            ", ",
            user_columns!(),
            " from passkeys p join users u on u.id = p.user_id where p.credential_id = $1 and u.deleted_at is null"
        );
        let row = self.pools.cache.look_up(|| query(TEXT).bind(id.as_bytes())).await;
        let row = row.map_err(|cause| self.failed(cause))?;
        row.map(|row| Ok((passkey(&row)?, user::user(&row)?))).transpose()
    }

    async fn passkeys(&self, user: UserId) -> Result<Vec<Passkey>, Unavailable> {
        self.all(query(OF_USER).bind(user.0)).await?.iter().map(passkey).collect()
    }

    async fn count_passkeys_of_other_rps(&self, rp_id: &str) -> Result<u64, Unavailable> {
        self.count(query("select count(*) from passkeys where rp_id < $1 or rp_id > $1").bind(rp_id)).await
    }
}

#[async_trait]
impl PasskeyWrites for Transaction {
    async fn passkeys_of(&mut self, user: UserId) -> Result<Vec<Passkey>, Unavailable> {
        self.all(query(OF_USER).bind(user.0)).await?.iter().map(passkey).collect()
    }

    async fn add_passkey(&mut self, passkey: &Passkey) -> Result<Insertion, Unavailable> {
        let statement = query(concat!(
            "insert into passkeys (",
            passkey_columns!(""),
            ") values (",
            passkey_values!(
                credential_id = "$1",
                user_id = "$2",
                rp_id = "$3",
                record = "$4",
                record_version = "$5",
                aaguid = "$6",
                transports = "$7",
                backup_eligible = "$8",
                backed_up = "$9",
                sign_count = "$10",
                created_at = "$11",
                last_used_at = "$12",
                name = "$13",
                added_with = "$14",
                suspended_at = "null",
                last_used_browser = "null",
                last_used_system = "null",
            ),
            ") on conflict (credential_id) do nothing"
        ))
        .bind(passkey.credential_id.as_bytes())
        .bind(passkey.user_id.0)
        .bind(&passkey.rp_id)
        .bind(&passkey.record)
        .bind(passkey.record_version)
        .bind(passkey.aaguid)
        .bind(&passkey.transports)
        .bind(passkey.backup_eligible)
        .bind(passkey.backed_up)
        .bind(i64::from(passkey.sign_count))
        .bind(passkey.created_at.unix_millis())
        .bind(passkey.last_used_at.map(Timestamp::unix_millis))
        .bind(&passkey.name)
        .bind(passkey.added_with.name());
        self.run_unique(statement).await
    }

    async fn record_passkey_use(&mut self, passkey: &Passkey, used: &PasskeyUse) -> Result<bool, Unavailable> {
        let text = concat!(
            "update passkeys set record = $3, backup_eligible = $4, backed_up = $5, sign_count = $6, last_used_at = $7, \
                                 last_used_browser = $8, last_used_system = $9 \
             where credential_id = $1 and user_id = $2 and ",
            may_be_used!("$6", "$4")
        );
        Ok(self.run(query_of_use(text, passkey, used)).await? == 1)
    }

    async fn rename_passkey(
        &mut self,
        user: UserId,
        id: &CredentialId,
        name: &DisplayName,
    ) -> Result<bool, Unavailable> {
        let statement = query("update passkeys set name = $3 where credential_id = $1 and user_id = $2");
        Ok(self.run(statement.bind(id.as_bytes()).bind(user.0).bind(name.as_str())).await? == 1)
    }

    async fn remove_passkey(&mut self, user: UserId, id: &CredentialId) -> Result<bool, Unavailable> {
        let statement = query("delete from passkeys where credential_id = $1 and user_id = $2");
        Ok(self.run(statement.bind(id.as_bytes()).bind(user.0)).await? == 1)
    }

    async fn suspend_passkeys(&mut self, user: UserId, since: Timestamp, now: Timestamp) -> Result<u64, Unavailable> {
        let statement = query(
            "update passkeys set suspended_at = $3 where user_id = $1 and created_at >= $2 \
             and added_with <> 'sign-up' and suspended_at is null",
        );
        self.run(statement.bind(user.0).bind(since.unix_millis()).bind(now.unix_millis())).await
    }
}
