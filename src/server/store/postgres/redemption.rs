//! The redemption of an authorization code, as one statement.

use super::atomic_write::AtomicWrite;

/// Locks the account, then the application, as units of work do, but does not wait: sign-ins use the same connections.
/// A row that another transaction has locked is skipped, and then nothing is written. A row that was changed since the
/// statement began is compared in its current state (documentation of PostgreSQL 15, section 13.2.1); a group or
/// membership that was deleted, or deleted and added again, is not visible to this statement.
pub static RECORD: AtomicWrite = AtomicWrite {
    text: concat!(
        "with u as materialized ( \
           select id from users where id = $2 and username = $21 and disabled_at is null and deleted_at is null for update skip locked), \
         a as materialized ( \
           select o.id from u, applications o \
           where o.id = $3 and o.who = $22 and o.method = $23 and o.disabled_at is null for share of o skip locked), \
         open_to as materialized ( \
           select g.group_name from a, application_groups g \
           where g.application_id = a.id and g.group_name = $24 for share of g skip locked), \
         member as materialized ( \
           select m.user_id from open_to, group_members m \
           where m.group_name = open_to.group_name and m.user_id = $2 for share of m skip locked), \
         s as materialized ( \
           select s.id from a, sessions s \
           where s.id = $15 and ($24 is null or exists (select from member)) for key share of s skip locked), \
         added as (insert into grants (",
        grant_columns!(""),
        ") select ",
        grant_values!(
            id = "$1",
            user_id = "$2",
            application_id = "$3",
            session_id = "$4",
            code_hash = "$5",
            sid = "$6",
            scopes = "$7",
            claims = "$8",
            method = "$9",
            credential_id = "$10",
            user_verified = "$11",
            authenticated_at = "$12",
            created_at = "$13",
            ends_at = "$14"
        ),
        " from s on conflict (code_hash) do nothing returning id), \
         visited as (insert into visits (",
        visit_columns!(""),
        ") select ",
        visit_values!(
            session_id = "$15",
            application_id = "$3",
            user_id = "$2",
            sid = "$6",
            first_at = "$13",
            last_at = "$13"
        ),
        " from added on conflict (session_id, application_id) do update set last_at = $13), \
         access as (insert into access_tokens (",
        access_token_columns!(""),
        ") select ",
        access_token_values!(
            token_hash = "$16",
            grant_id = "$1",
            scopes = "$17",
            created_at = "$18",
            expires_at = "$19"
        ),
        " from added), \
         refresh as (insert into refresh_tokens (",
        refresh_token_columns!(""),
        ") select ",
        refresh_token_values!(token_hash = "$20", grant_id = "$1", created_at = "$13", used_at = "null"),
        " from added where $20 is not null), \
         held as (insert into held_usernames (",
        held_columns!(""),
        ") select ",
        held_values!(name_hash = "$25", user_id = "$2", held_until = "$26"),
        " from added where $25 is not null on conflict (name_hash) do nothing) \
         select exists (select from added) as is_added, \
           (select count(*) from grants where user_id = $2 and application_id = $3) as grants"
    ),
};
