//! A sign-in with a passkey: statements that SQLite is handed together.

use super::relational::Pools;

impl Pools {
    pub const ADMITS_IN_ONE_STATEMENT: bool = false;

    /// Each statement but the first goes on only where the session is there that the second opens.
    pub const ADMIT: &'static str = concat!(
        "update passkeys set record = $3, backup_eligible = $4, backed_up = $5, sign_count = $6, last_used_at = $7, \
                             last_used_browser = $8, last_used_system = $9 \
         where credential_id = $1 and user_id = $2 and suspended_at is null \
           and (sign_count < $6 or (sign_count = 0 and $6 = 0)) and ($4 or not backup_eligible) \
           and exists (select 1 from users where id = $2 and guarded_since is null); \
         insert into sessions (id, user_id, token_hash, method, credential_id, user_verified, authenticated_at, \
                               created_at, last_seen_at, ends_at, idle_millis, browser, system, offers_passkey, kept) \
         select $10, $2, $11, $12, $13, $14, $7, $7, $7, $15, $16, $8, $9, $17, $18 where changes() = 1; \
         insert into events (id, user_id, kind, at, browser, system, detail) \
         select $19, $2, $20, $7, $8, $9, $21 where exists (select 1 from sessions where id = $10); \
         update known_browsers set expires_at = $24, recognised = true \
         where token_hash = $22 and user_id = $2 and exists (select 1 from sessions where id = $10); \
         delete from known_browsers \
         where token_hash = $22 and user_id <> $2 and exists (select 1 from sessions where id = $10); \
         insert into known_browsers (token_hash, user_id, expires_at) \
         select $23, $2, $24 where exists (select 1 from sessions where id = $10) \
           and not exists (select 1 from known_browsers where token_hash = $22); \
         delete from sessions where token_hash = $25 and exists (select 1 from sessions where id = $10); \
         select u.id as user_id, ",
        user_columns!(),
        ", exists (select 1 from sessions where id = $10) as is_in, \
           exists (select 1 from known_browsers where token_hash = $22) as kept_name \
         from users u where u.id = $2"
    );
}
