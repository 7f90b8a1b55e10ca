use super::*;
use crate::server::jose::Algorithm;
use crate::server::model::ApplicationId;
use crate::server::model::oauth::{ConsentRule, RedirectUri, Scope};

const URI: &str = "https://app.example/cb";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn client(requires_pkce: bool) -> Client {
    Client {
        application: ApplicationId::parse("app").unwrap(),
        client_id: "app".to_owned(),
        is_public: false,
        requires_pkce,
        algorithm: Algorithm::Rs256,
        claims_in_id_token: false,
        consent: ConsentRule::Never,
        refreshes: false,
        redirect_uris: vec![RedirectUri::register(URI, false).unwrap()],
        post_logout_redirect_uris: Vec::new(),
        backchannel_logout_uri: None,
        claim_rules: Vec::new(),
    }
}

fn parse(query: &str, requires_pkce: bool) -> Result<AuthorizationRequest, &'static str> {
    let text = format!("client_id=app&redirect_uri={URI}&{query}");
    let (parameters, client) = (Parameters::parse(text.as_bytes()), client(requires_pkce));
    let return_to = return_to(&parameters, &client).unwrap();
    AuthorizationRequest::parse(&parameters, &client, return_to).map_err(|refusal| refusal.code.name())
}

#[test]
fn a_request_is_parsed_in_any_parameter_order() {
    let request = parse("scope=openid+email+x&extra=1&display=popup&prompt=login+consent&response_type=code", false);
    let request = request.unwrap();
    assert_eq!(request.scopes.to_string(), "openid email");
    assert!(request.prompt.login && request.prompt.consent && !request.prompt.none);
    assert!(request.needs_new_authentication() && request.scopes.has(Scope::OpenId));
    let request = parse("response_type=code&max_age=0&acr_values=x+phr&ui_locales=fr+de-AT+en", false).unwrap();
    assert!(request.needs_new_authentication() && request.prefers_passkey && !request.scopes.has(Scope::OpenId));
    assert_eq!(request.language, Some(Language::German));
}

#[test]
fn each_invalid_request_has_its_error_code() {
    let pkce = format!("response_type=code&code_challenge={CHALLENGE}");
    for (query, requires_pkce, expected) in [
        ("", false, "invalid_request"),
        ("response_type=token", false, "unsupported_response_type"),
        ("response_type=code+id_token", false, "unsupported_response_type"),
        ("response_type=code&scope=openid&scope=email", false, "invalid_request"),
        ("response_type=code&response_mode=web_message", false, "invalid_request"),
        ("response_type=code&request=x", false, "request_not_supported"),
        ("response_type=code&request_uri=x", false, "request_uri_not_supported"),
        ("response_type=code&prompt=none+login", false, "invalid_request"),
        ("response_type=code&prompt=login+logout", false, "invalid_request"),
        ("response_type=code&resource=api", false, "invalid_target"),
        ("response_type=code&resource=https://a.example&resource=https://b.example/%23x#x", false, "invalid_target"),
        ("response_type=code&max_age=-1", false, "invalid_request"),
        ("response_type=code&max_age=x", false, "invalid_request"),
        ("response_type=code&claims=x", false, "invalid_request"),
        ("response_type=code", true, "invalid_request"),
        (&pkce, true, "invalid_request"),
        (&format!("{pkce}&code_challenge_method=plain"), true, "invalid_request"),
        ("response_type=code&code_challenge=short&code_challenge_method=S256", true, "invalid_request"),
        ("response_type=code&code_challenge_method=S256", false, "invalid_request"),
        (&format!("response_type=code&state={}", "x".repeat(2049)), false, "invalid_request"),
    ] {
        assert_eq!(parse(query, requires_pkce), Err(expected), "{query}");
    }
    assert!(parse(&format!("{pkce}&code_challenge_method=S256"), true).is_ok());
    assert!(parse("response_type=code&resource=https://a.example&resource=urn:b", false).is_ok());
}

#[test]
fn the_redirect_uri_occurs_once_and_is_registered() {
    let client = client(false);
    let wrong = |query: &str| return_to(&Parameters::parse(query.as_bytes()), &client).unwrap_err();
    assert_eq!(wrong("x=1"), NoRedirect::RedirectUriError(None));
    assert_eq!(wrong(&format!("redirect_uri={URI}&redirect_uri={URI}")), NoRedirect::RedirectUriError(None));
    let other = format!("{URI}/");
    assert_eq!(wrong(&format!("redirect_uri={other}")), NoRedirect::RedirectUriError(Some(other)));
    for query in ["x=1", "client_id=", "client_id=a&client_id=a"] {
        assert_eq!(client_id(&Parameters::parse(query.as_bytes())), Err(NoRedirect::UnknownClient), "{query}");
    }
}
