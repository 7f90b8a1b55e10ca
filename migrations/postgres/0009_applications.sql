-- Who may use which application: groups, roles, and the policy of each application.

create table user_groups (
    name text primary key,
    title text not null,
    -- Whether every new account joins it.
    is_default boolean not null,
    -- Whether APPLICATIONS_FILE names it.
    from_file boolean not null,
    created_at bigint not null
);

create index user_groups_default on user_groups (name) where is_default;

create table group_members (
    user_id uuid not null references users (id) on delete cascade,
    group_name text not null references user_groups (name) on delete cascade,
    joined_at bigint not null,
    primary key (user_id, group_name)
);

create index group_members_group on group_members (group_name, user_id);

-- The groups that an invitation leads into.
create table invitation_groups (
    invitation_id uuid not null references invitations (id) on delete cascade,
    group_name text not null references user_groups (name) on delete cascade,
    primary key (invitation_id, group_name)
);

create index invitation_groups_group on invitation_groups (group_name);

-- What administrators may do; never derived from groups.
create table user_roles (
    user_id uuid not null references users (id) on delete cascade,
    role text not null,
    granted_at bigint not null,
    primary key (user_id, role)
);

create index user_roles_role on user_roles (role);

create table applications (
    id text primary key,
    name text not null,
    url text,
    -- nobody, everybody or groups; the groups are in application_groups.
    who text not null,
    -- any, passkey or device-bound.
    method text not null,
    -- How old the authentication may be.
    max_age_millis bigint,
    -- Whether APPLICATIONS_FILE names it.
    from_file boolean not null,
    disabled_at bigint,
    created_at bigint not null
);

create table application_groups (
    application_id text not null references applications (id) on delete cascade,
    group_name text not null references user_groups (name) on delete cascade,
    primary key (application_id, group_name)
);

create index application_groups_group on application_groups (group_name);
