-- Secrets that APPLICATIONS_FILE names, logos of applications, and usernames that are held for ever.

-- Whether APPLICATIONS_FILE names it.
alter table client_secrets add column from_file integer not null default 0;

-- The first characters of the logo's hash: its address changes with it. Null where there is none.
alter table applications add column logo text;

create table application_logos (
    application_id text primary key references applications (id) on delete cascade,
    media_type text not null,
    content blob not null
) strict;

-- A name that an application saw is held for ever; of a deleted account it keeps the hash alone.
create index held_usernames_user on held_usernames (user_id);
