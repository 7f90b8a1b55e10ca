-- Secrets that APPLICATIONS_FILE names, and logos of applications.

-- Whether APPLICATIONS_FILE names it.
alter table client_secrets add column from_file boolean not null default false;

-- The first characters of the logo's hash: its address changes with it. Null where there is none.
alter table applications add column logo text;

create table application_logos (
    application_id text primary key references applications (id) on delete cascade,
    media_type text not null,
    content bytea not null
);
