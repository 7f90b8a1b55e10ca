//! The metadata of the provider (OpenID Connect Discovery 1.0; RFC 8414). Every member must match the implementation.

use super::claims::NAMES;
use super::request::{PHISHING_RESISTANT, Prompt, ResponseMode};
use crate::server::jose::Algorithm;
use crate::server::model::oauth::Scope;
use crate::types::{Language, paths};
use serde::Serialize;

/// The methods of client authentication.
const CLIENT_METHODS: [&str; 3] = ["client_secret_basic", "client_secret_post", "none"];
const CONFIDENTIAL_METHODS: &[&str] = &["client_secret_basic", "client_secret_post"];

/// The metadata of the provider.
#[derive(Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a member of the document")]
pub struct Discovery<'a> {
    issuer: &'a str,
    authorization_endpoint: String,
    token_endpoint: String,
    userinfo_endpoint: String,
    jwks_uri: String,
    end_session_endpoint: String,
    revocation_endpoint: String,
    introspection_endpoint: String,
    scopes_supported: [&'static str; 5],
    response_types_supported: [&'static str; 1],
    response_modes_supported: [&'static str; 3],
    grant_types_supported: [&'static str; 2],
    subject_types_supported: [&'static str; 1],
    id_token_signing_alg_values_supported: [&'static str; 3],
    token_endpoint_auth_methods_supported: [&'static str; 3],
    revocation_endpoint_auth_methods_supported: [&'static str; 3],
    introspection_endpoint_auth_methods_supported: &'static [&'static str],
    code_challenge_methods_supported: [&'static str; 1],
    claims_supported: Vec<&'static str>,
    claim_types_supported: [&'static str; 1],
    acr_values_supported: [&'static str; 1],
    prompt_values_supported: [&'static str; 5],
    ui_locales_supported: Vec<&'static str>,
    claims_parameter_supported: bool,
    // Must be present: the default is true (section 3).
    request_uri_parameter_supported: bool,
    request_parameter_supported: bool,
    authorization_response_iss_parameter_supported: bool,
    backchannel_logout_supported: bool,
    backchannel_logout_session_supported: bool,
}

/// Claims that an ID token can have regardless of its scopes.
const ID_TOKEN_CLAIMS: [&str; 9] = ["iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid"];

impl<'a> Discovery<'a> {
    /// The metadata of a provider with this issuer.
    #[must_use]
    pub fn new(issuer: &'a str) -> Self {
        let at = |path: &str| format!("{issuer}{path}");
        Self {
            issuer,
            authorization_endpoint: at(paths::AUTHORIZE),
            token_endpoint: at(paths::TOKEN),
            userinfo_endpoint: at(paths::USERINFO),
            jwks_uri: at(paths::JWKS),
            end_session_endpoint: at(paths::LOGOUT),
            revocation_endpoint: at(paths::REVOKE),
            introspection_endpoint: at(paths::INTROSPECT),
            scopes_supported: Scope::ALL.map(Scope::name),
            response_types_supported: ["code"],
            response_modes_supported: ResponseMode::ALL.map(ResponseMode::name),
            grant_types_supported: ["authorization_code", "refresh_token"],
            subject_types_supported: ["public"],
            id_token_signing_alg_values_supported: Algorithm::ALL.map(Algorithm::name),
            token_endpoint_auth_methods_supported: CLIENT_METHODS,
            revocation_endpoint_auth_methods_supported: CLIENT_METHODS,
            introspection_endpoint_auth_methods_supported: CONFIDENTIAL_METHODS,
            code_challenge_methods_supported: ["S256"],
            claims_supported: NAMES.into_iter().chain(ID_TOKEN_CLAIMS).collect(),
            claim_types_supported: ["normal"],
            acr_values_supported: [PHISHING_RESISTANT],
            prompt_values_supported: Prompt::WORDS,
            ui_locales_supported: Language::ALL.iter().map(|language| language.tag()).collect(),
            claims_parameter_supported: true,
            request_uri_parameter_supported: false,
            request_parameter_supported: false,
            authorization_response_iss_parameter_supported: true,
            backchannel_logout_supported: true,
            backchannel_logout_session_supported: true,
        }
    }
}
