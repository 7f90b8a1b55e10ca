use super::row::{DatabaseRow, get, hash, invalid, maybe_time, time};
use super::transaction::Transaction;
use super::{SqlStore, Statement};
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::jose::Algorithm;
use crate::server::model::ApplicationId;
use crate::server::model::oauth::client::MAX_MISMATCHES;
use crate::server::model::oauth::{ClaimRule, Client, ClientSecret, ConsentRule, Mismatch, RedirectUri};
use crate::server::secret::TokenHash;
use crate::server::store::{Insertion, OauthClientReads, OauthClientWrites};
use async_trait::async_trait;
use sqlx::query;

const OF_APPLICATION: &str = concat!("select ", client_columns!(""), " from oauth_clients where application_id = $1");

const SECRETS: &str = concat!(
    "select ",
    client_secret_columns!("k." as "secret_"),
    " from client_secrets k where k.application_id = $1 order by k.created_at, k.prefix"
);

/// Reads a secret.
pub fn secret(row: &DatabaseRow) -> Result<ClientSecret, Unavailable> {
    Ok(ClientSecret {
        hash: hash(row, "secret_secret_hash")?,
        prefix: get(row, "secret_prefix")?,
        created_at: time(row, "secret_created_at")?,
        expires_at: maybe_time(row, "secret_expires_at")?,
        from_file: get(row, "secret_from_file")?,
    })
}

fn uris(row: &DatabaseRow, column: &'static str) -> Result<Vec<RedirectUri>, Unavailable> {
    Ok(get::<&str>(row, column)?.lines().map(RedirectUri::from_stored).collect())
}

fn lines(uris: &[RedirectUri]) -> String {
    uris.iter().map(RedirectUri::as_str).collect::<Vec<_>>().join("\n")
}

pub fn client(row: &DatabaseRow) -> Result<Client, Unavailable> {
    let application = ApplicationId::parse(get(row, "application_id")?);
    Ok(Client {
        application: application.ok_or_else(|| invalid("application_id"))?,
        client_id: get(row, "client_id")?,
        is_public: get(row, "is_public")?,
        requires_pkce: get(row, "requires_pkce")?,
        algorithm: Algorithm::parse(get(row, "algorithm")?).ok_or_else(|| invalid("algorithm"))?,
        claims_in_id_token: get(row, "claims_in_id_token")?,
        consent: ConsentRule::parse(get(row, "consent")?).ok_or_else(|| invalid("consent"))?,
        refreshes: get(row, "refreshes")?,
        redirect_uris: uris(row, "redirect_uris")?,
        post_logout_redirect_uris: uris(row, "post_logout_redirect_uris")?,
        backchannel_logout_uri: get(row, "backchannel_logout_uri")?,
        claim_rules: ClaimRule::read(get(row, "claim_rules")?).ok_or_else(|| invalid("claim_rules"))?,
    })
}

#[async_trait]
impl OauthClientReads for SqlStore {
    async fn client_of(&self, application: &ApplicationId) -> Result<Option<Client>, Unavailable> {
        self.one(query(OF_APPLICATION).bind(application.as_str())).await?.map(|row| client(&row)).transpose()
    }

    async fn client_secrets(&self, application: &ApplicationId) -> Result<Vec<ClientSecret>, Unavailable> {
        self.all(query(SECRETS).bind(application.as_str())).await?.iter().map(secret).collect()
    }

    async fn mismatches(&self, application: &ApplicationId) -> Result<Vec<Mismatch>, Unavailable> {
        let statement = query(concat!(
            "select ",
            mismatch_columns!(""),
            " from redirect_mismatches where application_id = $1 order by happened_at desc, uri limit $2"
        ));
        let mismatch = |row: &DatabaseRow| {
            let (uri, reference) = (get(row, "uri")?, get(row, "reference")?);
            Ok(Mismatch { uri, reference, happened_at: time(row, "happened_at")? })
        };
        let statement = statement.bind(application.as_str()).bind(i64::from(MAX_MISMATCHES));
        self.all(statement).await?.iter().map(mismatch).collect()
    }

    async fn record_mismatch(&self, application: &ApplicationId, mismatch: &Mismatch) -> Result<(), Unavailable> {
        let statement = query(concat!(
            "insert into redirect_mismatches (",
            mismatch_columns!(""),
            ") values (",
            mismatch_values!(application_id = "$1", uri = "$2", reference = "$3", happened_at = "$4"),
            ") on conflict (application_id, uri) do update set reference = $3, happened_at = $4"
        ));
        let (id, at) = (application.as_str(), mismatch.happened_at.unix_millis());
        self.run(statement.bind(id).bind(&mismatch.uri).bind(&mismatch.reference).bind(at)).await?;
        let surplus = query(
            "delete from redirect_mismatches where application_id = $1 and uri in \
             (select uri from redirect_mismatches where application_id = $1 order by happened_at desc, uri \
             limit 1000 offset $2)",
        );
        self.run(surplus.bind(id).bind(i64::from(MAX_MISMATCHES))).await.map(drop)
    }

    async fn remove_old_mismatches(&self, before: Timestamp, limit: u32) -> Result<u64, Unavailable> {
        let text = "delete from redirect_mismatches where (application_id, uri) in \
                    (select application_id, uri from redirect_mismatches where happened_at < $1 limit $2)";
        self.remove(text, before.unix_millis(), limit).await
    }
}

/// Binds the values of a client, in the order of its columns.
fn bind<'q>(statement: Statement<'q>, client: &'q Client) -> Result<Statement<'q>, Unavailable> {
    let rules = ClaimRule::write(&client.claim_rules).map_err(|cause| Unavailable::new("claim rules", cause))?;
    Ok(statement
        .bind(client.application.as_str())
        .bind(client.client_id.as_str())
        .bind(client.is_public)
        .bind(client.requires_pkce)
        .bind(client.algorithm.name())
        .bind(client.claims_in_id_token)
        .bind(client.consent.name())
        .bind(client.refreshes)
        .bind(lines(&client.redirect_uris))
        .bind(lines(&client.post_logout_redirect_uris))
        .bind(client.backchannel_logout_uri.as_deref())
        .bind(rules))
}

#[async_trait]
impl OauthClientWrites for Transaction {
    async fn client_within(&mut self, application: &ApplicationId) -> Result<Option<Client>, Unavailable> {
        self.one(query(OF_APPLICATION).bind(application.as_str())).await?.map(|row| client(&row)).transpose()
    }

    async fn is_client_id_taken(&mut self, client: &Client) -> Result<bool, Unavailable> {
        let statement = query("select count(*) from oauth_clients where client_id = $1 and application_id <> $2");
        Ok(self.count(statement.bind(client.client_id.as_str()).bind(client.application.as_str())).await? > 0)
    }

    async fn put_client(&mut self, client: &Client) -> Result<Insertion, Unavailable> {
        let statement = query(concat!(
            "insert into oauth_clients (",
            client_columns!(""),
            ") values (",
            client_values!(
                application_id = "$1",
                client_id = "$2",
                is_public = "$3",
                requires_pkce = "$4",
                algorithm = "$5",
                claims_in_id_token = "$6",
                consent = "$7",
                refreshes = "$8",
                redirect_uris = "$9",
                post_logout_redirect_uris = "$10",
                backchannel_logout_uri = "$11",
                claim_rules = "$12"
            ),
            ") on conflict (application_id) do update set client_id = $2, is_public = $3, requires_pkce = $4, \
               algorithm = $5, claims_in_id_token = $6, consent = $7, refreshes = $8, redirect_uris = $9, \
               post_logout_redirect_uris = $10, backchannel_logout_uri = $11, claim_rules = $12"
        ));
        self.run_unique(bind(statement, client)?).await
    }

    async fn remove_client(&mut self, application: &ApplicationId) -> Result<(), Unavailable> {
        self.run(query("delete from oauth_clients where application_id = $1").bind(application.as_str()))
            .await
            .map(drop)
    }

    async fn client_secrets_within(&mut self, application: &ApplicationId) -> Result<Vec<ClientSecret>, Unavailable> {
        self.all(query(SECRETS).bind(application.as_str())).await?.iter().map(secret).collect()
    }

    async fn add_client_secret(
        &mut self,
        application: &ApplicationId,
        secret: &ClientSecret,
    ) -> Result<(), Unavailable> {
        let statement = query(concat!(
            "insert into client_secrets (",
            client_secret_columns!(""),
            ") values (",
            client_secret_values!(
                application_id = "$1",
                secret_hash = "$2",
                prefix = "$3",
                created_at = "$4",
                expires_at = "$5",
                from_file = "$6"
            ),
            ") on conflict (application_id, secret_hash) do update set expires_at = $5, from_file = $6"
        ))
        .bind(application.as_str())
        .bind(&secret.hash.0[..])
        .bind(secret.prefix.as_str())
        .bind(secret.created_at.unix_millis())
        .bind(secret.expires_at.map(Timestamp::unix_millis))
        .bind(secret.from_file);
        self.run(statement).await.map(drop)
    }

    async fn remove_client_secret(&mut self, application: &ApplicationId, hash: &TokenHash) -> Result<(), Unavailable> {
        let statement = query("delete from client_secrets where application_id = $1 and secret_hash = $2");
        self.run(statement.bind(application.as_str()).bind(&hash.0[..])).await.map(drop)
    }

    async fn release_client_secrets(&mut self, application: &ApplicationId) -> Result<(), Unavailable> {
        let statement = query("update client_secrets set from_file = false where application_id = $1 and from_file");
        self.run(statement.bind(application.as_str())).await.map(drop)
    }

    async fn remove_client_secrets(&mut self, application: &ApplicationId, prefix: &str) -> Result<u64, Unavailable> {
        let statement = query("delete from client_secrets where application_id = $1 and prefix = $2 and not from_file");
        self.run(statement.bind(application.as_str()).bind(prefix)).await
    }
}
