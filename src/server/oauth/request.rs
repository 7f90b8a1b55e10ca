//! Parses authorization requests (OpenID Connect Core, section 3.1.2.1) and checks them against their client. No I/O.

use super::error::{ErrorCode, Refusal};
use super::parameters::{Found, Parameters};
use crate::server::model::oauth::{Client, RequestedClaims, Scopes};
use crate::types::Language;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::time::Duration;
use url::Url;

/// The authentication context class of a passkey with user verification.
pub const PHISHING_RESISTANT: &str = "phr";
/// Maximum length of the query of a request, in bytes.
pub const LONGEST_REQUEST: usize = 8 * 1024;
/// Maximum length of `state` and `nonce`, in bytes.
const LONGEST_VALUE: usize = 2 * 1024;

/// How the response reaches the application (OAuth 2.0 Multiple Response Types; Form Post Response Mode).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResponseMode {
    #[default]
    Query,
    Fragment,
    FormPost,
}

impl ResponseMode {
    pub const ALL: [Self; 3] = [Self::Query, Self::Fragment, Self::FormPost];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Fragment => "fragment",
            Self::FormPost => "form_post",
        }
    }
}

/// The values of the `prompt` parameter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a value of the parameter, independent of the others")]
pub struct Prompt {
    pub none: bool,
    pub login: bool,
    pub consent: bool,
    pub select_account: bool,
    /// Initiating User Registration via OpenID Connect 1.0.
    pub create: bool,
}

impl Prompt {
    /// The supported values, for the discovery document.
    pub const WORDS: [&str; 5] = ["none", "login", "consent", "select_account", "create"];

    /// Parses space-separated values. Refuses an unknown value (Initiating User Registration, section 4.1), and `none`
    /// together with other values.
    fn parse(text: &str) -> Result<Self, Refusal> {
        let words: Vec<_> = text.split(' ').filter(|word| !word.is_empty()).collect();
        if words.iter().any(|word| !Self::WORDS.contains(word)) {
            return Err(Refusal::invalid_request("prompt has an unsupported value"));
        }
        let has = |word: &str| words.contains(&word);
        let prompt = Self {
            none: has("none"),
            login: has("login"),
            consent: has("consent"),
            select_account: has("select_account"),
            create: has("create"),
        };
        if prompt.none && words.len() > 1 {
            return Err(Refusal::invalid_request("prompt=none must be the only value"));
        }
        Ok(prompt)
    }
}

/// Where the response goes: known as soon as the client and the redirect URI are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnTo {
    pub redirect_uri: String,
    pub mode: ResponseMode,
    pub state: Option<String>,
}

/// A request that is valid for its client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationRequest {
    pub return_to: ReturnTo,
    pub scopes: Scopes,
    pub nonce: Option<String>,
    /// The S256 code challenge (RFC 7636, section 4.2).
    pub challenge: Option<String>,
    pub prompt: Prompt,
    pub max_age: Option<Duration>,
    /// Whether a passkey is preferred, but not required.
    pub prefers_passkey: bool,
    pub claims: RequestedClaims,
    /// The unparsed `claims` parameter, for the grant.
    pub claims_text: Option<String>,
    pub login_hint: Option<String>,
    pub id_token_hint: Option<String>,
    pub language: Option<Language>,
}

/// Why a request is not sent back to the application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoRedirect {
    /// `client_id` is missing, repeated or unknown.
    UnknownClient,
    /// `redirect_uri` is missing, repeated or not registered; holds the requested URI if there is exactly one.
    RedirectUriError(Option<String>),
}

/// The `client_id` of a request.
///
/// # Errors
/// When it is missing or repeated.
pub fn client_id(parameters: &Parameters) -> Result<&str, NoRedirect> {
    parameters.one("client_id").ok_or(NoRedirect::UnknownClient)
}

/// Determines where the response goes (docs/RULES.md, 12: compared before anything else).
///
/// # Errors
/// When the redirect URI is missing, repeated or not registered. Only plain OAuth lets a client with one registered URI
/// omit it (RFC 6749, section 3.1.2.3; OpenID Connect Core, section 3.1.2.1), so it is always required.
pub fn return_to(parameters: &Parameters, client: &Client) -> Result<ReturnTo, NoRedirect> {
    let redirect_uri = match parameters.find("redirect_uri") {
        Found::One(uri) if client.admits(uri) => uri.to_owned(),
        Found::One(uri) => return Err(NoRedirect::RedirectUriError(Some(uri.to_owned()))),
        Found::Absent | Found::Several => return Err(NoRedirect::RedirectUriError(None)),
    };
    let named = parameters.one("response_mode");
    let mode = ResponseMode::ALL.into_iter().find(|mode| Some(mode.name()) == named).unwrap_or_default();
    let state = parameters.one("state").filter(|state| state.len() <= LONGEST_VALUE).map(str::to_owned);
    Ok(ReturnTo { redirect_uri, mode, state })
}

impl AuthorizationRequest {
    /// Parses the rest of a request whose client and redirect URI are valid.
    ///
    /// # Errors
    /// The refusal for the application.
    pub fn parse(parameters: &Parameters, client: &Client, return_to: ReturnTo) -> Result<Self, Refusal> {
        if parameters.repeated(&["resource"]).is_some() {
            return Err(Refusal::invalid_request("a parameter is repeated"));
        }
        check_unsupported(parameters)?;
        match parameters.one("response_type") {
            Some("code") => {}
            Some(_) => {
                let why = "only response_type=code is supported";
                return Err(Refusal::new(ErrorCode::UnsupportedResponseType, why));
            }
            None => return Err(Refusal::invalid_request("response_type is missing")),
        }
        if let Some(mode) = parameters.one("response_mode")
            && !ResponseMode::ALL.iter().any(|known| known.name() == mode)
        {
            return Err(Refusal::invalid_request("response_mode must be query, fragment or form_post"));
        }
        let nonce = parameters.one("nonce").map(str::to_owned);
        let is_long = |value: Option<&str>| value.is_some_and(|value| value.len() > LONGEST_VALUE);
        if is_long(nonce.as_deref()) || is_long(parameters.one("state")) {
            return Err(Refusal::invalid_request("state and nonce must have at most 2048 bytes"));
        }
        let challenge = challenge(parameters, client.requires_pkce)?;
        check_resources(parameters)?;
        let prompt = Prompt::parse(parameters.one("prompt").unwrap_or_default())?;
        let claims_text = parameters.one("claims");
        let claims = claims_text.map_or(Some(RequestedClaims::default()), RequestedClaims::parse);
        let acr_values = parameters.one("acr_values").unwrap_or_default();
        Ok(Self {
            scopes: Scopes::parse(parameters.one("scope").unwrap_or_default()),
            nonce,
            challenge,
            prompt,
            max_age: max_age(parameters)?,
            prefers_passkey: acr_values.split(' ').any(|value| value == PHISHING_RESISTANT),
            claims: claims.ok_or(Refusal::invalid_request("claims violates OpenID Connect Core, section 5.5"))?,
            claims_text: claims_text.map(str::to_owned),
            login_hint: parameters.one("login_hint").map(str::to_owned),
            id_token_hint: parameters.one("id_token_hint").map(str::to_owned),
            language: parameters.one("ui_locales").and_then(language),
            return_to,
        })
    }

    /// Whether the user has to authenticate after the request began, regardless of the age of the session.
    #[must_use]
    pub fn needs_new_authentication(&self) -> bool {
        self.prompt.login || self.max_age.is_some_and(|age| age.is_zero())
    }
}

/// Refuses request objects: ignoring them would ignore the parameters that they contain.
fn check_unsupported(parameters: &Parameters) -> Result<(), Refusal> {
    if parameters.find("request") != Found::Absent {
        return Err(Refusal::new(ErrorCode::RequestNotSupported, "request objects are not supported"));
    }
    if parameters.find("request_uri") != Found::Absent {
        return Err(Refusal::new(ErrorCode::RequestUriNotSupported, "request_uri is not supported"));
    }
    Ok(())
}

/// Refuses an invalid resource (RFC 8707, section 2). A valid one has no effect: access tokens are only for userinfo.
fn check_resources(parameters: &Parameters) -> Result<(), Refusal> {
    let is_resource = |text: &str| Url::parse(text).is_ok_and(|url| url.fragment().is_none());
    if parameters.all("resource").all(is_resource) {
        Ok(())
    } else {
        Err(Refusal::new(ErrorCode::InvalidTarget, "resource must be an absolute URI without a fragment"))
    }
}

fn challenge(parameters: &Parameters, is_required: bool) -> Result<Option<String>, Refusal> {
    let Some(challenge) = parameters.one("code_challenge") else {
        return match (is_required, parameters.find("code_challenge_method")) {
            (true, _) => Err(Refusal::invalid_request("code_challenge is required (PKCE with S256)")),
            (false, Found::Absent) => Ok(None),
            (false, _) => Err(Refusal::invalid_request("code_challenge_method requires code_challenge")),
        };
    };
    // The default method would be "plain" (RFC 7636, section 4.3).
    if parameters.one("code_challenge_method") != Some("S256") {
        return Err(Refusal::invalid_request("code_challenge_method must be S256"));
    }
    if URL_SAFE_NO_PAD.decode(challenge).is_ok_and(|hash| hash.len() == 32) {
        Ok(Some(challenge.to_owned()))
    } else {
        Err(Refusal::invalid_request("code_challenge is not a SHA-256 hash in base64url"))
    }
}

fn max_age(parameters: &Parameters) -> Result<Option<Duration>, Refusal> {
    let Some(text) = parameters.one("max_age") else { return Ok(None) };
    let seconds = text.parse::<u32>().map_err(|_| Refusal::invalid_request("max_age is not a number of seconds"))?;
    Ok(Some(Duration::from_secs(seconds.into())))
}

/// The first language in a list that the pages support.
fn language(list: &str) -> Option<Language> {
    list.split(' ').find_map(|tag| Language::parse(tag.split('-').next().unwrap_or_default()))
}

#[cfg(test)]
mod tests;
