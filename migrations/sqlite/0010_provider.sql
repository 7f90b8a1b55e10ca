-- The OpenID Connect provider: signing keys, clients, consents, grants and their tokens.

create table signing_keys (
    -- The thumbprint of the public half (RFC 7638).
    kid text primary key,
    -- RS256, ES256 or EdDSA.
    algorithm text not null,
    -- The public half as a JWK.
    public_key text not null,
    -- The private half, encrypted; null once it no longer signs.
    sealed blob,
    -- The name of the secret key that encrypted it.
    sealed_by text not null,
    created_at integer not null,
    -- It signs from then on, until the next one of its algorithm does.
    signs_from integer not null,
    revoked_at integer
) strict;

-- Keys that are made once and never rotated.
create table lasting_keys (
    name text primary key,
    sealed blob not null,
    sealed_by text not null,
    created_at integer not null
) strict;

create table oauth_clients (
    application_id text primary key references applications (id) on delete cascade,
    client_id text not null unique,
    -- Public clients have no secret (RFC 6749, section 2.1).
    is_public integer not null,
    requires_pkce integer not null,
    algorithm text not null,
    claims_in_id_token integer not null,
    -- never, once or always.
    consent text not null,
    -- Whether it gets refresh tokens without the scope offline_access.
    refreshes integer not null,
    -- One a line.
    redirect_uris text not null,
    post_logout_redirect_uris text not null,
    backchannel_logout_uri text,
    -- JSON: a list of group, claim and value.
    claim_rules text not null
) strict;

create table client_secrets (
    application_id text not null references oauth_clients (application_id) on delete cascade,
    secret_hash blob not null,
    -- The first characters, by which administrators tell secrets apart.
    prefix text not null,
    created_at integer not null,
    expires_at integer,
    primary key (application_id, secret_hash)
) strict;

-- Redirect URIs that were asked for and are not registered.
create table redirect_mismatches (
    application_id text not null references oauth_clients (application_id) on delete cascade,
    uri text not null,
    reference text not null,
    happened_at integer not null,
    primary key (application_id, uri)
) strict;

create index redirect_mismatches_happened_at on redirect_mismatches (happened_at);

create table consents (
    user_id blob not null references users (id) on delete cascade,
    application_id text not null references oauth_clients (application_id) on delete cascade,
    -- Separated by spaces.
    scopes text not null,
    given_at integer not null,
    primary key (user_id, application_id)
) strict;

create index consents_application on consents (application_id);

-- The applications that a session signed in to.
create table visits (
    session_id blob not null references sessions (id) on delete cascade,
    application_id text not null references oauth_clients (application_id) on delete cascade,
    user_id blob not null references users (id) on delete cascade,
    -- The session as the application knows it.
    sid text not null,
    first_at integer not null,
    last_at integer not null,
    primary key (session_id, application_id)
) strict;

create index visits_user on visits (user_id, application_id);
create index visits_application on visits (application_id);

-- The right that an application got by one authorization code.
create table grants (
    id blob primary key,
    user_id blob not null references users (id) on delete cascade,
    application_id text not null references oauth_clients (application_id) on delete cascade,
    -- Null where it outlives the session.
    session_id blob references sessions (id) on delete cascade,
    code_hash blob not null unique,
    -- The session as the application knows it.
    sid text not null,
    scopes text not null,
    -- The claims parameter, as JSON.
    claims text,
    method text not null,
    credential_id blob,
    user_verified integer not null,
    authenticated_at integer not null,
    created_at integer not null,
    -- From then on none of its tokens is good.
    ends_at integer not null
) strict;

create index grants_user on grants (user_id, application_id);
create index grants_application on grants (application_id);
create index grants_session on grants (session_id);
create index grants_ends_at on grants (ends_at);

create table access_tokens (
    token_hash blob primary key,
    grant_id blob not null references grants (id) on delete cascade,
    scopes text not null,
    created_at integer not null,
    expires_at integer not null
) strict;

create index access_tokens_grant on access_tokens (grant_id);
create index access_tokens_expires_at on access_tokens (expires_at);

create table refresh_tokens (
    token_hash blob primary key,
    grant_id blob not null references grants (id) on delete cascade,
    created_at integer not null,
    -- When its successor was made.
    used_at integer
) strict;

create index refresh_tokens_grant on refresh_tokens (grant_id);

-- How applications answered when they were told that a session ended.
create table logout_deliveries (
    id blob primary key,
    user_id blob not null references users (id) on delete cascade,
    application_id text not null references oauth_clients (application_id) on delete cascade,
    happened_at integer not null,
    -- Null where the application took it.
    failure text
) strict;

create index logout_deliveries_user on logout_deliveries (user_id, happened_at);
create index logout_deliveries_application on logout_deliveries (application_id, happened_at);
create index logout_deliveries_happened_at on logout_deliveries (happened_at);
