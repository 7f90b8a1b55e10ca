//! The claims that an application gets about a user (OpenID Connect Core, section 5). No I/O.

use crate::server::clock::Timestamp;
use crate::server::model::oauth::{Client, RequestedClaims, Scope, Scopes};
use crate::server::model::{GroupName, User};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// The user of a grant, with all of their groups.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    pub user: &'a User,
    pub groups: &'a BTreeSet<GroupName>,
}

/// Every claim that a scope can provide, for the discovery document.
pub const NAMES: [&str; 9] =
    ["name", "preferred_username", "nickname", "updated_at", "locale", "email", "email_verified", "groups", "sub"];

/// The claims for these scopes, and those of the application's claim rules.
#[must_use]
pub fn scope_claims(subject: Subject<'_>, scopes: &Scopes, client: &Client) -> Map<String, Value> {
    let Subject { user, groups } = subject;
    let mut claims = Map::new();
    let mut put = |name: &str, value: Value| drop(claims.insert(name.to_owned(), value));
    if scopes.has(Scope::Profile) {
        put("name", user.display_name.as_str().into());
        put("preferred_username", user.username.as_str().into());
        put("nickname", user.username.as_str().into());
        put("locale", user.language.tag().into());
        put("updated_at", seconds(user.username_changed_at.unwrap_or(user.created_at)).into());
    }
    if scopes.has(Scope::Email)
        && let Some(address) = user.confirmed_address()
    {
        put("email", address.as_str().into());
        put("email_verified", true.into());
    }
    if scopes.has(Scope::Groups) {
        put("groups", groups.iter().map(GroupName::as_str).collect::<Vec<_>>().into());
    }
    for rule in client.claim_rules.iter().filter(|rule| groups.contains(&rule.group)) {
        claims.entry(&rule.claim).or_insert_with(|| rule.value.as_str().into());
    }
    claims
}

/// The claims of the ID token: those that the `claims` parameter requests, or all if the application is configured so.
#[must_use]
pub fn id_token_claims(
    subject: Subject<'_>,
    scopes: &Scopes,
    client: &Client,
    requested: &RequestedClaims,
) -> Map<String, Value> {
    let mut claims = scope_claims(subject, scopes, client);
    if !client.claims_in_id_token {
        claims.retain(|name, _| requested.id_token.contains(name));
    }
    claims
}

/// A timestamp in JWT form (RFC 7519, section 2, "NumericDate"): whole seconds.
#[must_use]
pub fn seconds(at: Timestamp) -> i64 {
    at.unix_millis().div_euclid(1_000)
}
