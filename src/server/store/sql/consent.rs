use super::row::get;
use super::transaction::Transaction;
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::oauth::Scopes;
use crate::server::model::{ApplicationId, UserId};
use crate::server::store::ConsentWrites;
use async_trait::async_trait;
use sqlx::query;

pub const REMOVE_OF_USER: &str = "delete from consents where (user_id, application_id) in \
     (select user_id, application_id from consents where user_id = $1 limit $2)";

const CONSENT: &str = "select scopes from consents where user_id = $1 and application_id = $2";

#[async_trait]
impl ConsentWrites for Transaction {
    async fn reread_consent(
        &mut self,
        user: UserId,
        application: &ApplicationId,
    ) -> Result<Option<Scopes>, Unavailable> {
        let row = self.one(query(CONSENT).bind(user.0).bind(application.as_str())).await?;
        row.map(|row| Ok(Scopes::parse(get(&row, "scopes")?))).transpose()
    }

    async fn put_consent(
        &mut self,
        user: UserId,
        application: &ApplicationId,
        (scopes, at): (&Scopes, Timestamp),
    ) -> Result<(), Unavailable> {
        let statement = query(concat!(
            "insert into consents (",
            consent_columns!(""),
            ") values (",
            consent_values!(user_id = "$1", application_id = "$2", scopes = "$3", given_at = "$4"),
            ") on conflict (user_id, application_id) do update set scopes = $3, given_at = $4"
        ));
        let statement = statement.bind(user.0).bind(application.as_str()).bind(scopes.to_string());
        self.run(statement.bind(at.unix_millis())).await.map(drop)
    }

    async fn withdraw_consent(&mut self, user: UserId, application: &ApplicationId) -> Result<bool, Unavailable> {
        let statement = query("delete from consents where user_id = $1 and application_id = $2");
        Ok(self.run(statement.bind(user.0).bind(application.as_str())).await? == 1)
    }
}
