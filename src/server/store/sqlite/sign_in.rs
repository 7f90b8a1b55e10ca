//! A sign-in with a passkey, as one insert into a view.

use super::atomic_write::{AtomicWrite, atomic_write};

/// A temporary view and trigger on the writer's connection.
pub const PREPARE: &str = concat!(
    "create temp view sign_ins as \
    select 0 as credential_id, 0 as user_id, 0 as record, 0 as backup_eligible, 0 as backed_up, 0 as sign_count, \
           0 as at, 0 as browser, 0 as system, 0 as session_id, 0 as token_hash, 0 as method, \
           0 as session_credential_id, 0 as user_verified, 0 as ends_at, 0 as idle_millis, 0 as offers_passkey, \
           0 as kept, 0 as event_id, 0 as kind, 0 as detail, 0 as known, 0 as name, 0 as name_expires_at, \
           0 as previous, 0 as requires_recognised_browser; \
    create temp trigger record_sign_in instead of insert on sign_ins begin \
      update passkeys \
      set record = new.record, backup_eligible = new.backup_eligible, backed_up = new.backed_up, \
          sign_count = new.sign_count, last_used_at = new.at, last_used_browser = new.browser, \
          last_used_system = new.system \
      where credential_id = new.credential_id and user_id = new.user_id \
        and exists (select 1 from users where id = new.user_id and guarded_since is null and disabled_at is null \
                    and deleted_at is null) \
        and (not new.requires_recognised_browser \
             or exists (select 1 from known_browsers where token_hash = new.known and user_id = new.user_id \
                        and recognised and expires_at > new.at)) and ",
    may_be_used!("new.sign_count", "new.backup_eligible"),
    "; \
      select raise(ignore) where changes() <> 1; \
      insert into sessions (",
    session_columns!(""),
    ") values (",
    session_values!(
        id = "new.session_id",
        user_id = "new.user_id",
        token_hash = "new.token_hash",
        method = "new.method",
        credential_id = "new.session_credential_id",
        user_verified = "new.user_verified",
        authenticated_at = "new.at",
        created_at = "new.at",
        last_seen_at = "new.at",
        ends_at = "new.ends_at",
        idle_millis = "new.idle_millis",
        browser = "new.browser",
        system = "new.system",
        offers_passkey = "new.offers_passkey",
        added_passkey = "false",
        kept = "new.kept",
    ),
    "); \
      insert into events (",
    event_columns!(""),
    ") values (",
    event_values!(
        id = "new.event_id",
        user_id = "new.user_id",
        kind = "new.kind",
        at = "new.at",
        browser = "new.browser",
        system = "new.system",
        detail = "new.detail"
    ),
    "); \
      update known_browsers set token_hash = new.name, expires_at = new.name_expires_at, recognised = true \
      where token_hash = new.known and user_id = new.user_id; \
      insert into known_browsers (",
    browser_columns!(""),
    ") select ",
    browser_values!(
        token_hash = "new.name",
        user_id = "new.user_id",
        expires_at = "new.name_expires_at",
        declined_until = "null",
        recognised = "true"
    ),
    " where changes() = 0; \
      delete from known_browsers where token_hash = new.known and user_id <> new.user_id; \
      delete from sessions where token_hash = new.previous; \
    end"
);

macro_rules! record {
    () => {
        concat!(
            "insert into sign_ins values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, \
                                          $18, $19, $20, $21, $22, $23, $24, $25, $26); \
             select ",
            user_columns!(),
            ", exists (select 1 from sessions where id = $10) as is_in, \
               exists (select 1 from known_browsers where token_hash = $22 and user_id = $2 and recognised \
                       and expires_at > $7) as is_known, \
               (select count(*) from sessions where user_id = $2) as sessions, \
               (select count(*) from known_browsers where user_id = $2) as browsers \
             from users u where u.id = $2 and u.deleted_at is null"
        )
    };
}

pub static RECORD: AtomicWrite = atomic_write!(record);
