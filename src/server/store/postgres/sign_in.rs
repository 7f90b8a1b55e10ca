//! A sign-in with a passkey, as one statement.

use super::atomic_write::AtomicWrite;

/// Locks the account's row first, as units of work do, but does not wait for it. The other parts read the snapshot from
/// the start of the statement. So each condition that may change at the same time is placed where PostgreSQL evaluates
/// it again: in the lock itself, and in updates and deletions (documentation of PostgreSQL 15, section 13.2.1).
///
/// The parts of a `with` run in no defined order. A statement that locks a session and a known browser must lock the
/// session first to avoid deadlocks, so the part for the browser depends on the count of `ended`.
pub static RECORD: AtomicWrite = AtomicWrite {
    text: concat!(
        "with u as materialized (select * from users where id = $2 and deleted_at is null for update skip locked), \
     is_known as materialized ( \
       select 1 from known_browsers where token_hash = $22 and user_id = $2 and recognised and expires_at > $7), \
     used as ( \
       update passkeys p set record = $3, backup_eligible = $4, backed_up = $5, sign_count = $6, last_used_at = $7, \
                             last_used_browser = $8, last_used_system = $9 \
       from u where p.credential_id = $1 and p.user_id = u.id and u.guarded_since is null \
         and u.disabled_at is null and (not $26 or exists (select from is_known)) and ",
        may_be_used!("$6", "$4"),
        " returning p.user_id), \
     begun as (insert into sessions (",
        session_columns!(""),
        ") select ",
        session_values!(
            id = "$10",
            user_id = "user_id",
            token_hash = "$11",
            method = "$12",
            credential_id = "$13",
            user_verified = "$14",
            authenticated_at = "$7",
            created_at = "$7",
            last_seen_at = "$7",
            ends_at = "$15",
            idle_millis = "$16",
            browser = "$8",
            system = "$9",
            offers_passkey = "$17",
            added_passkey = "false",
            kept = "$18",
        ),
        " from used), \
     recorded as (insert into events (",
        event_columns!(""),
        ") select ",
        event_values!(
            id = "$19",
            user_id = "user_id",
            kind = "$20",
            at = "$7",
            browser = "$8",
            system = "$9",
            detail = "$21"
        ),
        " from used), \
     ended as (delete from sessions s using used where s.token_hash = $25 returning s.id), \
     after_it as materialized (select user_id, (select count(*) from ended) as ended from used), \
     kept as ( \
       update known_browsers b set token_hash = $23, expires_at = $24, recognised = true \
       from after_it where b.token_hash = $22 and b.user_id = after_it.user_id and after_it.ended >= 0 \
       returning b.token_hash), \
     forgotten as ( \
       delete from known_browsers b using after_it \
       where b.token_hash = $22 and b.user_id <> after_it.user_id and after_it.ended >= 0), \
     named as (insert into known_browsers (",
        browser_columns!(""),
        ") select ",
        browser_values!(
            token_hash = "$23",
            user_id = "user_id",
            expires_at = "$24",
            declined_until = "null",
            recognised = "true"
        ),
        " from used where not exists (select from kept)) \
     select ",
        user_columns!(),
        ", exists (select from used) as is_in, exists (select from is_known) as is_known, \
       (select count(*) from sessions where user_id = $2) as sessions, \
       (select count(*) from known_browsers where user_id = $2) as browsers from u"
    ),
};
