-- What people do with their own account: its guard, recovery codes, activity, and letters about what happened.

alter table users add column username_changed_at bigint;
-- Somebody said "that was not me": no passkey is added until an older one or a recovery code was used.
alter table users add column guarded_since bigint;

-- What the session had signed in with that added it; 'sign-up' for the one that came with the account.
alter table passkeys add column added_with text not null default 'passkey';
-- From then on it signs nobody in.
alter table passkeys add column suspended_at bigint;
alter table passkeys add column last_used_browser text;
alter table passkeys add column last_used_system text;

-- "Keep me signed in".
alter table sessions add column kept boolean not null default false;

-- Whether a sign-in there is nothing new to its person.
alter table known_browsers add column recognised boolean not null default true;

create table recovery_codes (
    code_hash bytea primary key,
    user_id uuid not null references users (id) on delete cascade,
    created_at bigint not null
);

create index recovery_codes_user on recovery_codes (user_id);

-- Names that somebody has just given up, as keyed hashes: for a while nobody else gets them.
create table held_usernames (
    name_hash bytea primary key,
    -- Their former owner, who may have left.
    user_id uuid not null,
    held_until bigint not null
);

create index held_usernames_end on held_usernames (held_until);

-- The activity of accounts. Rows are only ever added, and leave with the account or by age.
create table events (
    id uuid primary key,
    user_id uuid not null references users (id) on delete cascade,
    kind text not null,
    at bigint not null,
    browser text,
    system text,
    detail text
);

create index events_user on events (user_id, at, id);
create index events_at on events (at);

-- Letters that tell what happened to an account. Each can be answered with "that was not me", and some can be undone.
create table security_letters (
    id uuid primary key,
    -- Nobody, where it tells that the account is gone.
    user_id uuid references users (id) on delete cascade,
    occasion text not null,
    detail text,
    address text not null,
    address_key text not null,
    name text not null,
    can_undo boolean not null,
    browser text,
    system text,
    link_hash bytea unique,
    happened_at bigint not null,
    expires_at bigint not null,
    answered_at bigint,
    undone_at bigint
);

create index security_letters_user on security_letters (user_id);
create index security_letters_expiry on security_letters (expires_at);

-- The outbox holds letters of both kinds now.
alter table letters alter column request_id drop not null;
alter table letters add column security_letter_id uuid references security_letters (id) on delete cascade;
alter table letters add check ((request_id is null) <> (security_letter_id is null));

create index letters_security_letter on letters (security_letter_id);
