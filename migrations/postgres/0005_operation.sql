-- What those who run the site do: turn an account off, invite people, and let somebody in who lost every way.

-- From then on nobody signs in to it.
alter table users add column disabled_at bigint;

-- Links with which people sign up where sign-up is not open to everybody.
create table invitations (
    id uuid primary key,
    link_hash bytea not null unique,
    -- Whom or what it is for, in the words of who made it.
    note text,
    uses_left bigint not null,
    created_at bigint not null,
    expires_at bigint not null
);

create index invitations_expiry on invitations (expires_at);

-- In which language letters to somebody are written.
alter table users add column language text not null default 'en';
alter table letter_requests add column language text not null default 'en';
alter table security_letters add column language text not null default 'en';

-- The invitation that somebody signs up with; it counts when the letter is answered.
alter table letter_requests add column invitation_hash bytea;
