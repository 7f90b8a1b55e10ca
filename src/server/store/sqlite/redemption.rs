//! The redemption of an authorization code, as one insert into a view.

use super::atomic_write::{AtomicWrite, atomic_write};

/// A temporary view and trigger on the writer's connection.
pub const PREPARE: &str = concat!(
    "create temp view redemptions as \
     select 0 as id, 0 as user_id, 0 as application_id, 0 as session_id, 0 as code_hash, 0 as sid, 0 as scopes, 0 as claims, \
            0 as method, 0 as credential_id, 0 as user_verified, 0 as authenticated_at, 0 as created_at, 0 as ends_at, \
            0 as visit_session_id, 0 as token_hash, 0 as token_scopes, 0 as token_created_at, 0 as token_expires_at, \
            0 as refresh_hash, 0 as username, 0 as who, 0 as required_method, 0 as member_of, 0 as name_hash, 0 as held_until; \
     create temp trigger record_redemption instead of insert on redemptions begin \
       insert into grants (",
    grant_columns!(""),
    ") select ",
    grant_values!(
        id = "new.id",
        user_id = "new.user_id",
        application_id = "new.application_id",
        session_id = "new.session_id",
        code_hash = "new.code_hash",
        sid = "new.sid",
        scopes = "new.scopes",
        claims = "new.claims",
        method = "new.method",
        credential_id = "new.credential_id",
        user_verified = "new.user_verified",
        authenticated_at = "new.authenticated_at",
        created_at = "new.created_at",
        ends_at = "new.ends_at"
    ),
    " from sessions s where s.id = new.visit_session_id \
         and exists (select 1 from users where id = new.user_id and username = new.username \
                     and disabled_at is null and deleted_at is null) \
         and exists (select 1 from applications where id = new.application_id and who = new.who \
                     and method = new.required_method and disabled_at is null) \
         and (new.member_of is null \
              or exists (select 1 from application_groups g join group_members m on m.group_name = g.group_name \
                         where g.application_id = new.application_id and g.group_name = new.member_of \
                         and m.user_id = new.user_id)) \
       on conflict (code_hash) do nothing; \
       select raise(ignore) where changes() <> 1; \
       insert into visits (",
    visit_columns!(""),
    ") values (",
    visit_values!(
        session_id = "new.visit_session_id",
        application_id = "new.application_id",
        user_id = "new.user_id",
        sid = "new.sid",
        first_at = "new.created_at",
        last_at = "new.created_at"
    ),
    ") on conflict (session_id, application_id) do update set last_at = new.created_at; \
       insert into access_tokens (",
    access_token_columns!(""),
    ") values (",
    access_token_values!(
        token_hash = "new.token_hash",
        grant_id = "new.id",
        scopes = "new.token_scopes",
        created_at = "new.token_created_at",
        expires_at = "new.token_expires_at"
    ),
    "); \
       insert into refresh_tokens (",
    refresh_token_columns!(""),
    ") select ",
    refresh_token_values!(
        token_hash = "new.refresh_hash",
        grant_id = "new.id",
        created_at = "new.created_at",
        used_at = "null"
    ),
    " where new.refresh_hash is not null; \
       insert into held_usernames (",
    held_columns!(""),
    ") select ",
    held_values!(name_hash = "new.name_hash", user_id = "new.user_id", held_until = "new.held_until"),
    " where new.name_hash is not null on conflict (name_hash) do nothing; \
     end"
);

macro_rules! record {
    () => {
        "insert into redemptions values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, \
                                         $19, $20, $21, $22, $23, $24, $25, $26); \
         select exists (select 1 from grants where id = $1) as is_added, \
           (select count(*) from grants where user_id = $2 and application_id = $3) as grants"
    };
}

pub static RECORD: AtomicWrite = atomic_write!(record);
