use super::super::dialect::Dialect;
use super::row::{DatabaseRow, get, invalid, maybe_time, time};
use super::transaction::Transaction;
use super::{SqlStore, Statement};
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::jose::KeyId;
use crate::server::model::signing_key::{SealedKey, StoredKey};
use crate::server::store::{SigningKeyReads, SigningKeyWrites};
use async_trait::async_trait;
use sqlx::query;

const ALL: &str = concat!("select ", signing_key_columns!(""), " from signing_keys order by signs_from, kid");

const PERMANENT_KEY: &str = "select sealed, sealed_by from lasting_keys where name = $1";

/// The number that units of work lock before they change signing keys.
const LOCK: i64 = 0x6c6b_6579;

fn stored(row: &DatabaseRow) -> Result<StoredKey, Unavailable> {
    let by: String = get(row, "sealed_by")?;
    let sealed: Option<Vec<u8>> = get(row, "sealed")?;
    Ok(StoredKey {
        id: KeyId::from_text(get(row, "kid")?),
        public: serde_json::from_str(get(row, "public_key")?).map_err(|_| invalid("public_key"))?,
        private: sealed.map(|bytes| SealedKey { bytes, by }),
        created_at: time(row, "created_at")?,
        signs_from: time(row, "signs_from")?,
        revoked_at: maybe_time(row, "revoked_at")?,
    })
}

fn sealed_key(row: &DatabaseRow) -> Result<SealedKey, Unavailable> {
    Ok(SealedKey { bytes: get(row, "sealed")?, by: get(row, "sealed_by")? })
}

fn sealed<'q>(statement: Statement<'q>, private: Option<&'q SealedKey>) -> Statement<'q> {
    statement.bind(private.map(|key| key.bytes.as_slice())).bind(private.map_or("", |key| key.by.as_str()))
}

#[async_trait]
impl SigningKeyReads for SqlStore {
    async fn signing_keys(&self) -> Result<Vec<StoredKey>, Unavailable> {
        self.all(query(ALL)).await?.iter().map(stored).collect()
    }

    async fn permanent_key(&self, name: &str) -> Result<Option<SealedKey>, Unavailable> {
        self.one(query(PERMANENT_KEY).bind(name)).await?.map(|row| sealed_key(&row)).transpose()
    }
}

#[async_trait]
impl SigningKeyWrites for Transaction {
    async fn lock_signing_keys(&mut self) -> Result<Vec<StoredKey>, Unavailable> {
        self.all(query(Dialect::LOCK_NUMBER_WITHOUT_TIMEOUT).bind(LOCK)).await?;
        self.all(query(ALL)).await?.iter().map(stored).collect()
    }

    async fn add_signing_key(&mut self, key: &StoredKey) -> Result<(), Unavailable> {
        let statement = query(concat!(
            "insert into signing_keys (",
            signing_key_columns!(""),
            ") values (",
            signing_key_values!(
                kid = "$1",
                algorithm = "$2",
                public_key = "$3",
                sealed = "$4",
                sealed_by = "$5",
                created_at = "$6",
                signs_from = "$7",
                revoked_at = "$8"
            ),
            ")"
        ));
        let public = serde_json::to_string(&key.public).map_err(|cause| Unavailable::new("signing keys", cause))?;
        let statement = statement.bind(key.id.as_str()).bind(key.algorithm().name()).bind(public);
        let statement = sealed(statement, key.private.as_ref())
            .bind(key.created_at.unix_millis())
            .bind(key.signs_from.unix_millis())
            .bind(key.revoked_at.map(Timestamp::unix_millis));
        self.run(statement).await.map(drop)
    }

    async fn seal_signing_key(&mut self, id: &KeyId, private: Option<&SealedKey>) -> Result<(), Unavailable> {
        let statement = query("update signing_keys set sealed = $2, sealed_by = $3 where kid = $1").bind(id.as_str());
        self.run(sealed(statement, private)).await.map(drop)
    }

    async fn start_signing_key(&mut self, id: &KeyId, from: Timestamp) -> Result<(), Unavailable> {
        let statement = query("update signing_keys set signs_from = $2 where kid = $1");
        self.run(statement.bind(id.as_str()).bind(from.unix_millis())).await.map(drop)
    }

    async fn revoke_signing_key(&mut self, id: &KeyId, at: Timestamp) -> Result<(), Unavailable> {
        let statement =
            query("update signing_keys set revoked_at = $2, sealed = null where kid = $1 and revoked_at is null");
        self.run(statement.bind(id.as_str()).bind(at.unix_millis())).await.map(drop)
    }

    async fn remove_signing_key(&mut self, id: &KeyId) -> Result<(), Unavailable> {
        self.run(query("delete from signing_keys where kid = $1").bind(id.as_str())).await.map(drop)
    }

    async fn permanent_key_within(&mut self, name: &str) -> Result<Option<SealedKey>, Unavailable> {
        self.one(query(PERMANENT_KEY).bind(name)).await?.map(|row| sealed_key(&row)).transpose()
    }

    async fn put_permanent_key(&mut self, name: &str, key: &SealedKey, at: Timestamp) -> Result<(), Unavailable> {
        let statement = query(concat!(
            "insert into lasting_keys (",
            lasting_key_columns!(""),
            ") values (",
            lasting_key_values!(name = "$1", sealed = "$2", sealed_by = "$3", created_at = "$4"),
            ") on conflict (name) do update set sealed = $2, sealed_by = $3"
        ));
        let statement = sealed(statement.bind(name), Some(key)).bind(at.unix_millis());
        self.run(statement).await.map(drop)
    }
}
