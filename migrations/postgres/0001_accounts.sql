-- Times are milliseconds since 1970-01-01T00:00:00Z.

create table users (
    id uuid primary key,
    username text not null,
    username_key text not null unique,
    display_name text not null,
    email text,
    email_key text,
    email_verified boolean not null default false,
    created_at bigint not null,
    check ((email is null) = (email_key is null))
);

-- Only proven addresses are unique.
create unique index users_proven_email on users (email_key) where email_verified;

create table passkeys (
    credential_id bytea primary key,
    user_id uuid not null references users (id) on delete cascade,
    rp_id text not null,
    record text not null,
    record_version bigint not null,
    aaguid uuid not null,
    transports text not null,
    backup_eligible boolean not null,
    backed_up boolean not null,
    sign_count bigint not null,
    created_at bigint not null,
    last_used_at bigint
);

create index passkeys_user on passkeys (user_id);

create table sessions (
    id uuid primary key,
    user_id uuid not null references users (id) on delete cascade,
    token_hash bytea not null unique,
    method text not null,
    credential_id bytea,
    user_verified boolean not null,
    authenticated_at bigint not null,
    created_at bigint not null,
    last_seen_at bigint not null,
    ends_at bigint not null,
    idle_millis bigint not null,
    browser text,
    system text
);

create index sessions_user on sessions (user_id);
create index sessions_end on sessions (ends_at);
