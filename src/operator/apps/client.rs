use super::clearable;
use crate::server::admin::{ClientChange, Setting, values};
use crate::server::jose::Algorithm;
use crate::server::model::oauth::{ClaimRule, ConsentRule};
use clap::Args;

/// Options of an application that signs users in by OpenID Connect.
#[derive(Args)]
pub struct ClientOptions {
    /// URI that users return to after signing in; may be repeated
    #[arg(long, value_name = "URI")]
    redirect_uri: Vec<String>,
    /// URI that users may return to after signing out; may be repeated
    #[arg(long, value_name = "URI")]
    post_logout_redirect_uri: Vec<String>,
    /// URI at which the application is notified when a session ends
    #[arg(long, value_name = "URI")]
    backchannel_logout_uri: Option<String>,
    /// Client ID; defaults to the application's ID
    #[arg(long)]
    client_id: Option<String>,
    /// The application cannot keep a secret, such as one on a phone or in a browser
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    public: Option<bool>,
    /// required, or optional for applications that cannot send a code challenge
    #[arg(long, value_parser = values::pkce)]
    pkce: Option<bool>,
    /// RS256, ES256 or EdDSA
    #[arg(long, value_parser = values::algorithm)]
    algorithm: Option<Algorithm>,
    /// Put the claims into the ID token, for applications that do not request userinfo
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    claims_in_id_token: Option<bool>,
    /// Claim for members of a group; may be repeated, the first match counts
    #[arg(long, value_name = "GROUP:CLAIM=VALUE", value_parser = clearable(values::claim_rule))]
    claim: Vec<Setting<ClaimRule>>,
    /// never, once or always
    #[arg(long, value_parser = values::consent)]
    consent: Option<ConsentRule>,
    /// Issue refresh tokens without the scope offline_access
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    refresh: Option<bool>,
}

impl ClientOptions {
    pub fn change(self) -> ClientChange {
        let several = |values: Vec<String>| Some(values).filter(|values| !values.is_empty());
        ClientChange {
            client_id: self.client_id,
            is_public: self.public,
            requires_pkce: self.pkce,
            algorithm: self.algorithm,
            claims_in_id_token: self.claims_in_id_token,
            consent: self.consent,
            refreshes: self.refresh,
            redirect_uris: several(self.redirect_uri),
            post_logout_redirect_uris: several(self.post_logout_redirect_uri),
            backchannel_logout_uri: self.backchannel_logout_uri,
            claim_rules: Some(self.claim).filter(|rules| !rules.is_empty()).map(|rules| {
                let rule = |rule| if let Setting::Set(rule) = rule { Some(rule) } else { None };
                rules.into_iter().filter_map(rule).collect()
            }),
        }
    }
}
