-- What somebody asked a letter for: to sign in, to sign up, or to prove an address. Answered once, by its link or code.
create table letter_requests (
    id uuid primary key,
    purpose text not null,
    browser_hash bytea not null,
    -- The session that asked for a confirmation.
    session_id uuid,
    -- Whose account it is about; for a sign-in, once it is known who was meant.
    user_id uuid references users (id) on delete cascade,
    -- The account that knows the browser that asks.
    known_user_id uuid,
    identifier text,
    username text,
    display_name text,
    address text,
    address_key text,
    next text not null,
    browser text,
    system text,
    link_hash bytea unique,
    code_hash bytea,
    tries_left bigint not null,
    created_at bigint not null,
    expires_at bigint not null
);

create index letter_requests_browser on letter_requests (browser_hash);
create index letter_requests_user on letter_requests (user_id);
create index letter_requests_expiry on letter_requests (expires_at);

-- The outbox: letters that are still to be sent. One that was sent is gone.
create table letters (
    id uuid primary key,
    request_id uuid not null references letter_requests (id) on delete cascade,
    created_at bigint not null,
    -- After this it is of no use.
    not_after bigint not null,
    due_at bigint not null,
    attempts bigint not null default 0,
    claim uuid,
    claimed_until bigint,
    -- From here on the mail server may have it: it is never tried again.
    handed_over_at bigint
);

create index letters_due on letters (due_at) where handed_over_at is null;
create index letters_request on letters (request_id);

-- What the development mailbox shows.
create table mailbox (
    id uuid primary key,
    recipient text not null,
    subject text not null,
    text text not null,
    html text not null,
    sent_at bigint not null
);

-- Browsers in which somebody has signed in.
create table known_browsers (
    token_hash bytea primary key,
    user_id uuid not null references users (id) on delete cascade,
    expires_at bigint not null,
    -- "Not now" to a passkey for this device.
    declined_until bigint
);

create index known_browsers_user on known_browsers (user_id);
create index known_browsers_expiry on known_browsers (expires_at);

-- Whether the account page offers to make a passkey here, and whether this session has made one.
alter table sessions add column offers_passkey boolean not null default false;
alter table sessions add column added_passkey boolean not null default false;

alter table passkeys add column name text not null default 'Passkey';
