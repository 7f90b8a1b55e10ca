-- Times are milliseconds since 1970-01-01T00:00:00Z.

create table users (
    id blob primary key,
    username text not null,
    username_key text not null unique,
    display_name text not null,
    email text,
    email_key text,
    email_verified integer not null default 0,
    created_at integer not null,
    check ((email is null) = (email_key is null))
) strict;

-- Only proven addresses are unique.
create unique index users_proven_email on users (email_key) where email_verified;

create table passkeys (
    credential_id blob primary key,
    user_id blob not null references users (id) on delete cascade,
    rp_id text not null,
    record text not null,
    record_version integer not null,
    aaguid blob not null,
    transports text not null,
    backup_eligible integer not null,
    backed_up integer not null,
    sign_count integer not null,
    created_at integer not null,
    last_used_at integer
) strict;

create index passkeys_user on passkeys (user_id);

create table sessions (
    id blob primary key,
    user_id blob not null references users (id) on delete cascade,
    token_hash blob not null unique,
    method text not null,
    credential_id blob,
    user_verified integer not null,
    authenticated_at integer not null,
    created_at integer not null,
    last_seen_at integer not null,
    ends_at integer not null,
    idle_millis integer not null,
    browser text,
    system text
) strict;

create index sessions_user on sessions (user_id);
create index sessions_end on sessions (ends_at);
