//! A test relying party that asserts everything that the certification tests assert in every flow (list 0).

use crate::app::{Answer, App, Backends, Browser};
use axum::body::Body;
use axum::http::{Method, Request};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use latchkey::server::admin::{ApplicationChange, ClientChange};
use latchkey::server::jose::{Algorithm, KeyId, Members, PublicKey, VerifyingKey, verify};
use latchkey::server::model::ApplicationId;
use latchkey::server::model::application::{Audience, RequiredMethod};
use latchkey::types::DisplayName;
use serde_json::Value;
use sha2::{Digest, Sha256, Sha512};
use std::collections::BTreeMap;
use url::Url;

pub const CALLBACK: &str = "https://app.example/callback";

/// How the client authenticates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientMethod {
    Basic,
    Post,
    Public,
}

/// A registered application.
#[derive(Clone, Debug)]
pub struct RelyingParty {
    pub client_id: String,
    pub secret: Option<String>,
    pub redirect_uri: String,
    pub method: ClientMethod,
    pub uses_pkce: bool,
    pub algorithm: Algorithm,
}

/// The verifier of RFC 7636, appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A redirect to the application, with the parameters that it receives: the response to an authorization or logout
/// request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientRedirect {
    pub uri: String,
    pub parameters: BTreeMap<String, String>,
    /// `query`, `fragment` or `form_post`.
    pub mode: &'static str,
}

/// An app with signing keys.
pub async fn provider(backends: Backends) -> App {
    let app = App::start(backends).await;
    app.add_signing_keys().await;
    app
}

/// A change that registers [`CALLBACK`], with optional PKCE.
pub fn change() -> ClientChange {
    ClientChange {
        redirect_uris: Some(vec![CALLBACK.to_owned()]),
        requires_pkce: Some(false),
        ..ClientChange::default()
    }
}

/// Registers an application that everyone may use with any sign-in method.
pub async fn register(app: &App, id: &str, client: ClientChange) -> RelyingParty {
    let open = ApplicationChange {
        who: Audience::parse("everybody"),
        method: Some(RequiredMethod::Any),
        client,
        ..ApplicationChange::default()
    };
    register_as(app, id, open).await
}

pub async fn register_as(app: &App, id: &str, change: ApplicationChange) -> RelyingParty {
    let (name, id) = (DisplayName::parse(&format!("App {id}")).unwrap(), ApplicationId::parse(id).unwrap());
    let added = app.state.applications().add(id, name, change).await.unwrap();
    let client = added.client.unwrap();
    RelyingParty {
        client_id: client.client_id,
        method: if client.is_public { ClientMethod::Public } else { ClientMethod::Basic },
        secret: added.secret.map(|secret| secret.expose().clone()),
        redirect_uri: client.redirect_uris[0].to_string(),
        uses_pkce: client.requires_pkce,
        algorithm: client.algorithm,
    }
}

/// The redirect to an application in a response: a `Location` header, a refresh page or a posted form.
pub fn client_redirect(answer: &Answer) -> Option<ClientRedirect> {
    let pairs = |text: &str| url::form_urlencoded::parse(text.as_bytes()).into_owned().collect::<BTreeMap<_, _>>();
    let text = answer.text();
    if let Some((_, form)) = text.split_once("<form id=\"answer\" method=\"post\" action=\"") {
        let uri = unescape(form.split('"').next().unwrap());
        let fields = form.split("<input type=\"hidden\" name=\"").skip(1);
        let field = |field: &str| {
            let (name, rest) = field.split_once("\" value=\"").unwrap();
            (name.to_owned(), unescape(rest.split('"').next().unwrap()))
        };
        let form = form.split("</form>").next().unwrap();
        let count = form.matches("type=\"hidden\"").count();
        return Some(ClientRedirect { uri, parameters: fields.take(count).map(field).collect(), mode: "form_post" });
    }
    let location = match text.split_once("http-equiv=\"refresh\" content=\"0;url=") {
        Some((_, rest)) => unescape(rest.split('"').next().unwrap()),
        None => answer.header("location").to_owned(),
    };
    if !location.contains("://") && !location.contains(":/") {
        return None;
    }
    if let Some((uri, fragment)) = location.split_once('#') {
        return Some(ClientRedirect { uri: uri.to_owned(), parameters: pairs(fragment), mode: "fragment" });
    }
    let (uri, query) = location.split_once('?').unwrap_or((&location, ""));
    Some(ClientRedirect { uri: uri.to_owned(), parameters: pairs(query), mode: "query" })
}

fn unescape(text: &str) -> String {
    text.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&#x27;", "'").replace("&amp;", "&")
}

impl RelyingParty {
    /// The path and query of an authorization request, with added or replaced parameters.
    pub fn request(&self, more: &[(&str, &str)]) -> String {
        let mut parameters = BTreeMap::from([
            ("client_id", self.client_id.as_str()),
            ("redirect_uri", self.redirect_uri.as_str()),
            ("response_type", "code"),
            ("scope", "openid"),
            ("state", "af0ifjsldkj"),
        ]);
        if self.uses_pkce {
            parameters.extend([("code_challenge", CHALLENGE), ("code_challenge_method", "S256")]);
        }
        parameters.extend(more.iter().copied());
        parameters.retain(|_, value| *value != "-");
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&parameters).finish();
        format!("/oauth/authorize?{query}")
    }

    /// Sends the browser to the provider and follows its redirects until one leads to the application or a page asks
    /// for input.
    pub async fn authorize(&self, browser: &mut Browser, more: &[(&str, &str)]) -> Result<ClientRedirect, Answer> {
        follow(browser, &self.request(more)).await
    }

    /// Signs in a signed-in user silently; returns the code.
    pub async fn code(&self, browser: &mut Browser, more: &[(&str, &str)]) -> String {
        let client_redirect = self.authorize(browser, more).await.unwrap_or_else(|page| panic!("{}", page.text()));
        client_redirect.parameters.get("code").unwrap_or_else(|| panic!("{client_redirect:?}")).clone()
    }

    /// Posts a form to an endpoint, as this application.
    pub async fn post(&self, app: &App, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut fields = fields.to_vec();
        let mut headers = Vec::new();
        let secret = self.secret.clone().unwrap_or_default();
        match self.method {
            ClientMethod::Basic => {
                headers.push((
                    "authorization",
                    format!("Basic {}", STANDARD.encode(format!("{}:{secret}", self.client_id))),
                ));
            }
            ClientMethod::Post => fields.extend([("client_id", self.client_id.as_str()), ("client_secret", &secret)]),
            ClientMethod::Public => fields.push(("client_id", &self.client_id)),
        }
        post_form(app, path, &headers, &fields).await
    }

    pub async fn redeem(&self, app: &App, code: &str) -> Answer {
        let verifier = self.uses_pkce.then_some(("code_verifier", VERIFIER));
        let fields = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", &self.redirect_uri)];
        let fields: Vec<_> = fields.into_iter().chain(verifier).collect();
        self.post(app, "/oauth/token", &fields).await
    }

    pub async fn refresh(&self, app: &App, token: &str) -> Answer {
        self.post(app, "/oauth/token", &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    /// The whole flow for a signed-in user; asserts everything in list 0.
    pub async fn sign_in(&self, app: &App, browser: &mut Browser, more: &[(&str, &str)]) -> SignedIn {
        let client_redirect = self.authorize(browser, more).await.unwrap_or_else(|page| panic!("{}", page.text()));
        self.finish(app, &client_redirect, more).await
    }

    /// The rest of the flow, after the authorization response.
    pub async fn finish(&self, app: &App, client_redirect: &ClientRedirect, more: &[(&str, &str)]) -> SignedIn {
        let sent = |name: &str| more.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        let got = |name: &str| client_redirect.parameters.get(name).map(String::as_str);
        assert_eq!(client_redirect.uri, self.redirect_uri.split('?').next().unwrap());
        assert_eq!(got("error"), None, "{client_redirect:?}");
        assert_eq!(got("state"), Some(sent("state").unwrap_or("af0ifjsldkj")).filter(|state| *state != "-"));
        assert_eq!(got("iss"), Some(app.origin.as_str()));
        let code = got("code").unwrap();
        assert!(code.len() >= 43, "too little entropy: {code}");
        let answer = self.redeem(app, code).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let tokens = answer.json();
        assert_eq!((answer.header("cache-control"), tokens["token_type"].as_str()), ("no-store", Some("Bearer")));
        assert!(tokens["expires_in"].as_u64().is_some_and(|seconds| (1..=900).contains(&seconds)), "{tokens}");
        let access_token = tokens["access_token"].as_str().unwrap().to_owned();
        assert!(access_token.len() >= 43);
        let claims = self.check_id_token(app, &tokens, sent("nonce")).await;
        let answer = userinfo(app, &access_token).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let info = answer.json();
        assert_eq!(info["sub"].as_str(), claims.text("sub"));
        check_types(&info);
        let text = |name: &str| tokens[name].as_str().map(str::to_owned);
        SignedIn {
            claims,
            info,
            access_token,
            id_token: text("id_token").unwrap(),
            refresh_token: text("refresh_token"),
        }
    }

    async fn check_id_token(&self, app: &App, tokens: &Value, nonce: Option<&str>) -> Members {
        let token = tokens["id_token"].as_str().unwrap();
        let keys = published_keys(app).await;
        let known: Vec<_> = keys.iter().map(|(id, key)| VerifyingKey { id, key }).collect();
        let claims = verify(token, &["JWT"], &known).unwrap();
        let header: Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap()).unwrap();
        assert_eq!(header["alg"], self.algorithm.name());
        assert_eq!(
            (claims.text("iss"), claims.text("aud")),
            (Some(app.origin.as_str()), Some(self.client_id.as_str()))
        );
        let sub = claims.text("sub").unwrap();
        assert!(!sub.is_empty() && sub.len() <= 255 && sub.is_ascii());
        let now = app.now().unix_millis() / 1_000;
        let (iat, exp) = (claims.number("iat").unwrap(), claims.number("exp").unwrap());
        assert!((now - 5..=now + 5).contains(&iat) && exp == iat + 900, "{iat} {exp}");
        assert_eq!((claims.text("nonce"), claims.get("nbf"), claims.get("azp")), (nonce, None, None));
        assert!(claims.number("auth_time").is_some_and(|time| time <= now));
        let access_token = tokens["access_token"].as_str().unwrap();
        let half = match self.algorithm {
            Algorithm::EdDsa => URL_SAFE_NO_PAD.encode(&Sha512::digest(access_token)[..32]),
            _ => URL_SAFE_NO_PAD.encode(&Sha256::digest(access_token)[..16]),
        };
        assert_eq!(claims.text("at_hash"), Some(half.as_str()));
        claims
    }
}

/// The tokens and claims of an application after a sign-in.
pub struct SignedIn {
    pub claims: Members,
    pub info: Value,
    pub access_token: String,
    pub id_token: String,
    pub refresh_token: Option<String>,
}

/// Checks that standard claims have the specified types (OpenID Connect Core, section 5.1).
fn check_types(info: &Value) {
    for (name, value) in info.as_object().unwrap() {
        let fits = match name.as_str() {
            "email_verified" => value.is_boolean(),
            "updated_at" => value.is_number(),
            "groups" => value.is_array(),
            _ => value.is_string(),
        };
        assert!(fits, "{name}: {value}");
    }
}

/// The keys in the key set, with their ids.
pub async fn published_keys(app: &App) -> Vec<(KeyId, PublicKey)> {
    let answer = app.browser().get("/oauth/jwks").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let set = answer.json();
    let key =
        |key: &Value| (KeyId::from_text(key["kid"].as_str().unwrap()), serde_json::from_value(key.clone()).unwrap());
    set["keys"].as_array().unwrap().iter().map(key).collect()
}

/// Follows the provider's redirects.
pub async fn follow(browser: &mut Browser, path: &str) -> Result<ClientRedirect, Answer> {
    let mut answer = browser.get(path).await;
    for _ in 0..5 {
        if let Some(client_redirect) = client_redirect(&answer) {
            return Ok(client_redirect);
        }
        if !answer.status.is_redirection() {
            break;
        }
        let next = answer.header("location").to_owned();
        answer = browser.get(&next).await;
    }
    Err(answer)
}

pub async fn userinfo(app: &App, access_token: &str) -> Answer {
    let request = Request::get("/oauth/userinfo").header("authorization", format!("Bearer {access_token}"));
    app.browser().send(request.body(Body::empty()).unwrap()).await
}

/// Posts a form without an `Origin`.
pub async fn post_form(app: &App, path: &str, headers: &[(&str, String)], fields: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().method(Method::POST).uri(path);
    request = request.header("content-type", "application/x-www-form-urlencoded");
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    app.browser().send(request.body(Body::from(body)).unwrap()).await
}

/// The status and code of an OAuth error; asserts that RFC 6749 allows its members.
pub fn oauth_error(answer: &Answer) -> (u16, String) {
    let error = answer.json();
    let members: Vec<_> = error.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["error", "error_description"], "{error}");
    let description = error["error_description"].as_str().unwrap();
    let is_allowed = |c: char| matches!(c, ' '..='!' | '#'..='[' | ']'..='~');
    assert!(description.chars().all(is_allowed), "{description}");
    (answer.status.as_u16(), error["error"].as_str().unwrap().to_owned())
}

/// The path and query of the page that an answer redirects to.
pub fn redirect_path(answer: &Answer) -> String {
    let location = answer.header("location");
    Url::parse(location).map_or_else(|_| location.to_owned(), |url| url[url::Position::BeforePath..].to_owned())
}

/// The user that a form is for.
pub fn user_of(page: &Answer) -> String {
    let text = page.text();
    let (_, rest) = text.split_once("name=\"user\" value=\"").unwrap_or_else(|| panic!("{text}"));
    rest.split('"').next().unwrap().to_owned()
}
