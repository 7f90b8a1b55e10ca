use super::row::{DatabaseRow, get, hash, maybe_time, time};
use super::transaction::Transaction;
use super::{SqlStore, user};
use crate::server::Unavailable;
use crate::server::clock::Timestamp;
use crate::server::model::browser::MAX_BROWSERS;
use crate::server::model::{KnownBrowser, User, UserId};
use crate::server::secret::TokenHash;
use crate::server::store::{BrowserReads, BrowserWrites};
use async_trait::async_trait;
use sqlx::query;

pub const REMOVE_OF_USER: &str = "delete from known_browsers where token_hash in (select token_hash from known_browsers where user_id = $1 limit $2)";

fn browser(row: &DatabaseRow) -> Result<KnownBrowser, Unavailable> {
    Ok(KnownBrowser {
        token_hash: hash(row, "token_hash")?,
        user_id: UserId(get(row, "user_id")?),
        expires_at: time(row, "expires_at")?,
        declined_until: maybe_time(row, "declined_until")?,
        recognised: get(row, "recognised")?,
    })
}

#[async_trait]
impl BrowserReads for SqlStore {
    async fn known_browser(&self, token: &TokenHash) -> Result<Option<(KnownBrowser, User)>, Unavailable> {
        let statement = query(concat!(
            "select ",
            browser_columns!("b."),
            ", ",
            user_columns!(),
            " from known_browsers b join users u on u.id = b.user_id where b.token_hash = $1 and u.deleted_at is null"
        ));
        let row = self.one(statement.bind(&token.0[..])).await?;
        row.map(|row| Ok((browser(&row)?, user::user(&row)?))).transpose()
    }

    async fn known_browsers(&self, user: UserId) -> Result<Vec<KnownBrowser>, Unavailable> {
        let statement = query(concat!(
            "select ",
            browser_columns!(""),
            " from known_browsers where user_id = $1 order by expires_at desc limit $2"
        ));
        let found = self.all(statement.bind(user.0).bind(i64::from(MAX_BROWSERS))).await?;
        found.iter().map(browser).collect()
    }

    async fn remove_expired_browsers(&self, now: Timestamp, limit: u32) -> Result<u64, Unavailable> {
        let text = "delete from known_browsers where token_hash in \
                    (select token_hash from known_browsers where expires_at <= $1 order by expires_at limit $2)";
        self.remove(text, now.unix_millis(), limit).await
    }
}

#[async_trait]
impl BrowserWrites for Transaction {
    async fn remember_browser(&mut self, browser: &KnownBrowser) -> Result<(), Unavailable> {
        let statement = query(concat!(
            "insert into known_browsers (",
            browser_columns!(""),
            ") values (",
            browser_values!(
                token_hash = "$1",
                user_id = "$2",
                expires_at = "$3",
                declined_until = "$4",
                recognised = "$5"
            ),
            ")"
        ))
        .bind(&browser.token_hash.0[..])
        .bind(browser.user_id.0)
        .bind(browser.expires_at.unix_millis())
        .bind(browser.declined_until.map(Timestamp::unix_millis))
        .bind(browser.recognised);
        self.run(statement).await.map(drop)
    }

    async fn renew_browser(&mut self, former: &TokenHash, browser: &KnownBrowser) -> Result<Option<bool>, Unavailable> {
        let statement = query("select recognised from known_browsers where token_hash = $1 and user_id = $2");
        let row = self.one(statement.bind(&former.0[..]).bind(browser.user_id.0)).await?;
        let Some(recognised) = row.map(|row| get::<bool>(&row, "recognised")).transpose()? else { return Ok(None) };
        let statement = query(
            "update known_browsers set token_hash = $3, expires_at = $4, recognised = true \
             where token_hash = $1 and user_id = $2",
        )
        .bind(&former.0[..])
        .bind(browser.user_id.0)
        .bind(&browser.token_hash.0[..])
        .bind(browser.expires_at.unix_millis());
        Ok((self.run(statement).await? == 1).then_some(recognised))
    }

    async fn forget_browser(&mut self, token: &TokenHash) -> Result<(), Unavailable> {
        self.run(query("delete from known_browsers where token_hash = $1").bind(&token.0[..])).await.map(drop)
    }

    async fn decline_offer(&mut self, token: &TokenHash, user: UserId, until: Timestamp) -> Result<(), Unavailable> {
        let statement = query("update known_browsers set declined_until = $3 where token_hash = $1 and user_id = $2");
        self.run(statement.bind(&token.0[..]).bind(user.0).bind(until.unix_millis())).await.map(drop)
    }

    async fn void_recognition(&mut self, user: UserId) -> Result<(), Unavailable> {
        self.run(query("update known_browsers set recognised = false where user_id = $1").bind(user.0)).await.map(drop)
    }

    async fn trim_browsers(&mut self, user: UserId) -> Result<(), Unavailable> {
        let statement = query(
            "delete from known_browsers where token_hash in (select token_hash from known_browsers where user_id = $1 \
             order by expires_at desc, token_hash limit 1000 offset $2)",
        );
        self.run(statement.bind(user.0).bind(i64::from(MAX_BROWSERS))).await.map(drop)
    }
}
