-- What people do with their own account: its guard, recovery codes, activity, and letters about what happened.

alter table users add column username_changed_at integer;
-- Somebody said "that was not me": no passkey is added until an older one or a recovery code was used.
alter table users add column guarded_since integer;

-- What the session had signed in with that added it; 'sign-up' for the one that came with the account.
alter table passkeys add column added_with text not null default 'passkey';
-- From then on it signs nobody in.
alter table passkeys add column suspended_at integer;
alter table passkeys add column last_used_browser text;
alter table passkeys add column last_used_system text;

-- "Keep me signed in".
alter table sessions add column kept integer not null default 0;

-- Whether a sign-in there is nothing new to its person.
alter table known_browsers add column recognised integer not null default 1;

create table recovery_codes (
    code_hash blob primary key,
    user_id blob not null references users (id) on delete cascade,
    created_at integer not null
) strict;

create index recovery_codes_user on recovery_codes (user_id);

-- Names that somebody has just given up, as keyed hashes: for a while nobody else gets them.
create table held_usernames (
    name_hash blob primary key,
    -- Their former owner, who may have left.
    user_id blob not null,
    held_until integer not null
) strict;

create index held_usernames_end on held_usernames (held_until);

-- The activity of accounts. Rows are only ever added, and leave with the account or by age.
create table events (
    id blob primary key,
    user_id blob not null references users (id) on delete cascade,
    kind text not null,
    at integer not null,
    browser text,
    system text,
    detail text
) strict;

create index events_user on events (user_id, at, id);
create index events_at on events (at);

-- Letters that tell what happened to an account. Each can be answered with "that was not me", and some can be undone.
create table security_letters (
    id blob primary key,
    -- Nobody, where it tells that the account is gone.
    user_id blob references users (id) on delete cascade,
    occasion text not null,
    detail text,
    address text not null,
    address_key text not null,
    name text not null,
    can_undo integer not null,
    browser text,
    system text,
    link_hash blob unique,
    happened_at integer not null,
    expires_at integer not null,
    answered_at integer,
    undone_at integer
) strict;

create index security_letters_user on security_letters (user_id);
create index security_letters_expiry on security_letters (expires_at);

-- The outbox holds letters of both kinds now.
create table outbox (
    id blob primary key,
    request_id blob references letter_requests (id) on delete cascade,
    security_letter_id blob references security_letters (id) on delete cascade,
    created_at integer not null,
    not_after integer not null,
    due_at integer not null,
    attempts integer not null default 0,
    claim blob,
    claimed_until integer,
    handed_over_at integer,
    check ((request_id is null) <> (security_letter_id is null))
) strict;

insert into outbox (id, request_id, created_at, not_after, due_at, attempts, claim, claimed_until, handed_over_at)
select id, request_id, created_at, not_after, due_at, attempts, claim, claimed_until, handed_over_at from letters;
drop table letters;
alter table outbox rename to letters;

create index letters_due on letters (due_at) where handed_over_at is null;
create index letters_request on letters (request_id);
create index letters_security_letter on letters (security_letter_id);
