use crate::app::{Answer, App, Backends, ORIGIN, Parts};
use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::json;

pub(crate) async fn send(
    app: &App,
    (method, path): (Method, &str),
    headers: &[(&str, &str)],
    body: impl Into<Body>,
) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    app.browser().send(request.body(body.into()).unwrap()).await
}

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn a_body_that_is_not_a_json_object_is_a_bad_request() {
    let app = App::start(Backends::Embedded).await;
    for body in ["", "{", "nope", "[]", "null", "\"x\"", "{}x", "{\"a\":1,}", "\u{0}", "{}{}"] {
        let answer = send(&app, (Method::POST, "/api/sign-in/start"), &[JSON], body).await;
        assert_eq!(answer.refusal(), (400, "bad_request".to_owned()), "{body:?}");
    }
    assert_eq!(send(&app, (Method::POST, "/api/sign-in/start"), &[JSON], " {\"x\":[1]} ").await.status, 200);
}

#[tokio::test]
async fn an_array_is_not_accepted_as_an_object() {
    let app = App::start(Backends::Embedded).await;
    let body = json!(["ada", "ada@example.org", null]).to_string();
    let answer = send(&app, (Method::POST, "/api/sign-up/start"), &[JSON], body).await;
    assert_eq!(answer.refusal(), (400, "bad_request".to_owned()));
}

#[tokio::test]
async fn bodies_are_limited_to_64_kibibytes() {
    let app = App::start(Backends::Embedded).await;
    let padded = |length: usize| format!("{{\"x\":\"{}\"}}", "y".repeat(length - 8));
    assert_eq!(padded(65_536).len(), 65_536);
    assert_eq!(send(&app, (Method::POST, "/api/sign-in/start"), &[JSON], padded(65_536)).await.status, 200);
    let answer = send(&app, (Method::POST, "/api/sign-in/start"), &[JSON], padded(65_537)).await;
    assert_eq!(answer.refusal(), (413, "too_large".to_owned()));
}

#[tokio::test]
async fn only_json_bodies_are_accepted() {
    let app = App::start(Backends::Embedded).await;
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "", "multipart/form-data"] {
        let answer = send(&app, (Method::POST, "/api/sign-in/start"), &[("content-type", kind)], "{}").await;
        assert_eq!(answer.refusal(), (415, "unsupported_media_type".to_owned()), "{kind}");
    }
    for kind in ["application/json", "Application/JSON; charset=utf-8"] {
        assert_eq!(send(&app, (Method::POST, "/api/sign-in/start"), &[("content-type", kind)], "{}").await.status, 200);
    }
    let answer = send(&app, (Method::POST, "/api/sign-in/start"), &[JSON, ("content-encoding", "gzip")], "{}").await;
    assert_eq!(answer.refusal(), (415, "unsupported_media_type".to_owned()));
}

#[tokio::test]
async fn wrong_methods_and_unknown_paths_get_different_errors() {
    let app = App::start(Backends::Embedded).await;
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
        let answer = send(&app, (method, "/api/sign-in/start"), &[], "").await;
        assert_eq!(answer.refusal(), (405, "method_not_allowed".to_owned()));
        assert_eq!(answer.header("allow"), "POST");
    }
    let answer = send(&app, (Method::POST, "/api/session"), &[JSON], "{}").await;
    assert_eq!((answer.refusal().0, answer.header("allow")), (405, "GET, HEAD"));
    assert_eq!(send(&app, (Method::HEAD, "/api/session"), &[], "").await.status, 401, "like GET, without the body");
    for path in ["/api", "/api/", "/api/nothing", "/api/sign-in/start/", "/api/sign-in//start"] {
        assert_eq!(
            send(&app, (Method::POST, path), &[JSON], "{}").await.refusal(),
            (404, "not_found".to_owned()),
            "{path}"
        );
    }
    assert_eq!(send(&app, (Method::DELETE, "/account"), &[("origin", ORIGIN)], "").await.refusal().0, 405);
}

#[tokio::test]
async fn requests_of_other_sites_are_refused() {
    let app = App::start(Backends::Embedded).await;
    let foreign: [&[(&str, &str)]; 5] = [
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("origin", "http://127.0.0.1:3000")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
    ];
    for headers in foreign {
        let with_type = [headers, &[JSON]].concat();
        for (method, path) in
            [(Method::POST, "/api/sign-in/start"), (Method::GET, "/api/session"), (Method::POST, "/sign-out")]
        {
            let answer = send(&app, (method, path), &with_type, "{}").await;
            assert_eq!(answer.refusal(), (403, "cross_origin".to_owned()), "{path} {headers:?}");
        }
    }
    assert_eq!(send(&app, (Method::POST, "/api/sign-in/start"), &[JSON], "{}").await.status, 200, "a native client");
    assert_eq!(send(&app, (Method::POST, "/sign-out"), &[], "").await.status, 403, "a form without an origin");
    assert_eq!(send(&app, (Method::POST, "/sign-out"), &[("sec-fetch-site", "same-origin")], "").await.status, 303);
}

#[tokio::test]
async fn every_response_has_the_security_headers() {
    let app = App::start(Backends::Embedded).await;
    let requests = [
        (Method::GET, "/", 200),
        (Method::GET, "/sign-in", 200),
        (Method::GET, "/account", 303),
        (Method::GET, "/nothing", 404),
        (Method::GET, "/healthz", 200),
        (Method::GET, "/readyz", 200),
        (Method::GET, "/api/session", 401),
        (Method::GET, "/api/sign-in/start", 405),
        (Method::POST, "/sign-out", 403),
        (Method::POST, "/nothing", 403),
    ];
    let mut ids = std::collections::HashSet::new();
    for (method, path, status) in requests {
        let answer = send(&app, (method, path), &[("accept", "text/html")], "").await;
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "same-origin");
        assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert!(answer.header("permissions-policy").contains("publickey-credentials-get=(self)"));
        assert!(!answer.headers.contains_key("strict-transport-security"), "only with HTTPS");
        assert!(ids.insert(answer.header("x-request-id").to_owned()) && !answer.header("x-request-id").is_empty());
        let policy = answer.header("content-security-policy");
        for part in [
            "script-src 'self' 'nonce-",
            "'wasm-unsafe-eval'",
            "style-src 'self';",
            "connect-src 'self';",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe-inline"), "{policy}");
    }
}

#[tokio::test]
async fn nonces_are_unique_and_every_inline_script_has_one() {
    let app = App::start(Backends::Embedded).await;
    let mut seen = std::collections::HashSet::new();
    for _ in 0..3 {
        let answer = app.browser().get("/sign-in").await;
        let policy = answer.header("content-security-policy").to_owned();
        let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap().to_owned();
        let page = answer.text();
        assert_eq!(page.matches("<script").count(), page.matches(&format!("nonce=\"{nonce}\"")).count(), "{page}");
        assert!(page.contains("<script"), "the page has islands");
        assert!(!page.contains(" style=\""), "{page}");
        assert!(seen.insert(nonce));
    }
}

#[tokio::test]
async fn the_host_header_is_ignored_unless_it_is_a_loopback_address() {
    let app = App::start(Backends::Embedded).await;
    for host in ["evil.example", "localhost:3000", "localhost.evil.example"] {
        let headers = [JSON, ("host", host), ("x-forwarded-host", "evil.example"), ("x-forwarded-proto", "https")];
        let answer = send(&app, (Method::POST, "/api/sign-in/start"), &headers, "{}").await;
        assert_eq!(answer.json()["publicKey"]["rpId"], "localhost");
        let page = send(&app, (Method::GET, "/account"), &[("host", host)], "").await;
        assert_eq!(page.header("location"), "/sign-in?next=/account");
    }
    for path in ["/", "/sign-in?next=/account", "/nothing"] {
        let answer = send(&app, (Method::GET, path), &[("host", "127.0.0.1:3000")], "").await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (308, format!("{ORIGIN}{path}").as_str()));
    }
    assert_eq!(send(&app, (Method::GET, "/healthz"), &[("host", "127.0.0.1:3000")], "").await.status, 200);
}

#[tokio::test]
async fn the_api_returns_json_even_to_clients_that_accept_html() {
    let app = App::start(Backends::Embedded).await;
    let headers = [JSON, ("accept", "text/html"), ("referer", "http://localhost:3000/sign-in")];
    let answer =
        send(&app, (Method::POST, "/api/sign-up/start"), &headers, "{\"username\":\"x\",\"email\":\"\"}").await;
    assert_eq!(answer.refusal(), (422, "invalid_username".to_owned()));
    assert!(!answer.headers.contains_key("location"));
    assert!(!answer.headers.contains_key("serverfnerror"), "no implementation details");
    assert_eq!(answer.header("content-type"), "application/json");
}

#[tokio::test]
async fn pages_and_health_checks_refuse_unsupported_requests() {
    let app = App::start(Backends::Embedded).await;
    for path in ["/healthz", "/readyz"] {
        assert_eq!(send(&app, (Method::POST, path), &[("origin", ORIGIN)], "").await.refusal().1, "method_not_allowed");
        let foreign = [("origin", "https://evil.example")];
        assert_eq!(send(&app, (Method::POST, path), &foreign, "").await.refusal(), (403, "cross_origin".to_owned()));
    }
    let long = "x".repeat(65_537);
    assert_eq!(send(&app, (Method::POST, "/sign-out"), &[("origin", ORIGIN)], long).await.refusal().0, 413);
}

#[tokio::test]
async fn an_error_is_a_page_for_browsers_and_json_for_other_clients() {
    let app = App::start(Backends::Embedded).await;
    let mut browser = app.browser();
    browser.sign_up("ada").await;
    let page = browser.get("/nothing").await;
    assert_eq!(page.status, 404);
    assert!(page.text().contains("Page not found") && page.text().contains("Sign out"), "it offers to sign out");
    let json = send(&app, (Method::GET, "/nothing"), &[], "").await;
    assert_eq!(json.refusal(), (404, "not_found".to_owned()));
}

#[tokio::test]
async fn signing_out_clears_the_storage_of_the_site() {
    let app = App::start(Backends::Embedded).await;
    let mut browser = app.browser();
    browser.sign_up("ada").await;
    assert_eq!(browser.post("/api/sign-out", json!({})).await.header("clear-site-data"), "\"storage\"");
    browser.sign_up("eve").await;
    let answer = browser.form("/sign-out", &[]).await;
    assert_eq!((answer.status.as_u16(), answer.header("clear-site-data")), (303, "\"storage\""));
    assert_eq!(browser.get("/").await.header("clear-site-data"), "", "no other page sends it");
}

#[tokio::test]
async fn policy_reports_are_accepted_in_both_formats_and_nothing_else_is() {
    let app = App::start(Backends::Embedded).await;
    let old = r#"{"csp-report":{"effective-directive":"script-src","blocked-uri":"https://evil.example/x"}}"#;
    let new = r#"[{"type":"csp-violation","body":{"effectiveDirective":"img-src","blockedURL":"data"}}]"#;
    for (kind, body, status) in [
        ("application/csp-report", old, 204),
        ("application/reports+json", new, 204),
        ("application/reports+json; charset=utf-8", "[]", 204),
        ("application/csp-report", "{", 400),
        ("application/reports+json", old, 400),
        ("application/json", old, 415),
        ("text/plain", old, 415),
    ] {
        let answer = send(&app, (Method::POST, "/csp-report"), &[("content-type", kind)], body).await;
        assert_eq!(answer.status, status, "{kind} {body}");
    }
    let foreign = [("content-type", "application/csp-report"), ("origin", "https://evil.example")];
    assert_eq!(send(&app, (Method::POST, "/csp-report"), &foreign, old).await.refusal().1, "cross_origin");
    assert_eq!(send(&app, (Method::GET, "/csp-report"), &[], "").await.refusal().0, 405);
    let page = send(&app, (Method::GET, "/"), &[], "").await;
    assert!(page.header("content-security-policy").contains("report-uri /csp-report; report-to csp"));
    assert_eq!(page.header("reporting-endpoints"), "csp=\"/csp-report\"");
}

#[tokio::test]
async fn responses_that_contain_secrets_are_not_compressed() {
    let app = App::start(Backends::Embedded).await;
    let mut own = app.browser();
    own.sign_up("ada").await;
    let codes = own.form("/account", &[("action", "recovery-codes")]).await.header("location").to_owned();
    let mut answers = vec![own.get(&codes).await];
    for path in ["/account", "/account/passkeys", "/api/session", "/api/account/export", "/nothing"] {
        answers.push(own.get(path).await);
    }
    answers.push(own.post("/api/recovery/codes", json!({})).await);
    answers.push(app.browser().get("/sign-in").await);
    for answer in answers {
        assert!(matches!(answer.status.as_u16(), 200 | 404), "{}", answer.text());
        assert!(!answer.headers.contains_key("content-encoding"), "{}", answer.text());
    }
}

#[tokio::test]
async fn a_compressed_body_is_never_decompressed() {
    let app = App::start(Backends::Embedded).await;
    for kind in ["gzip", "br", "deflate", "identity"] {
        let headers = [JSON, ("content-encoding", kind)];
        assert_eq!(send(&app, (Method::POST, "/api/sign-in/start"), &headers, "{}").await.refusal().0, 415, "{kind}");
    }
    let form =
        [("origin", ORIGIN), ("content-type", "application/x-www-form-urlencoded"), ("content-encoding", "gzip")];
    for path in ["/sign-in", "/account", "/language"] {
        let answer = send(&app, (Method::POST, path), &form, "\u{1f}\u{8b}").await;
        assert!(answer.status == 415 || answer.status == 303, "{path}: {} {}", answer.status, answer.text());
        assert!(path == "/account" || answer.status == 415, "{path} reads its form first");
    }
}

/// An ephemeral store that panics on every call.
struct Panicking;

#[async_trait::async_trait]
impl latchkey::server::ephemeral::Ephemeral for Panicking {
    async fn ping(&self) -> Result<(), latchkey::server::Unavailable> {
        panic!("the secret of ping");
    }
    async fn put(&self, _: &str, _: Vec<u8>, _: std::time::Duration) -> Result<(), latchkey::server::Unavailable> {
        panic!("the secret of put");
    }
    async fn take(&self, _: &str) -> Result<Option<Vec<u8>>, latchkey::server::Unavailable> {
        panic!("the secret of take");
    }

    async fn get(&self, _: &str) -> Result<Option<Vec<u8>>, latchkey::server::Unavailable> {
        panic!("the secret of get");
    }
    async fn draw(
        &self,
        _: &[latchkey::server::model::limit::Bucket],
        _: latchkey::server::clock::Timestamp,
        _: Option<latchkey::server::ephemeral::Entry<'_>>,
    ) -> Result<Option<latchkey::server::model::limit::Exceeded>, latchkey::server::Unavailable> {
        panic!("the secret of draw");
    }
    async fn peek(
        &self,
        _: &[latchkey::server::model::limit::Bucket],
        _: latchkey::server::clock::Timestamp,
    ) -> Result<Option<latchkey::server::model::limit::Exceeded>, latchkey::server::Unavailable> {
        panic!("the secret of peek");
    }
    async fn forget_ceremonies(&self) -> Result<bool, latchkey::server::Unavailable> {
        panic!("the secret of forget_ceremonies");
    }
    async fn count(&self, _: &str, _: std::time::Duration) -> Result<u64, latchkey::server::Unavailable> {
        panic!("the secret of count");
    }
    async fn counted(&self, _: &str) -> Result<u64, latchkey::server::Unavailable> {
        panic!("the secret of counted");
    }
}

#[tokio::test]
async fn a_panic_returns_a_constant_error_with_all_headers_and_the_server_continues() {
    let database = crate::app::TestDatabase::create(Backends::Embedded).await;
    let store = database.open().await;
    let app = App::from_parts(
        Parts { store, ephemeral: std::sync::Arc::new(Panicking), clock: std::sync::Arc::default(), database },
        &[],
    );
    for _ in 0..3 {
        let answer = send(&app, (Method::POST, "/api/sign-in/start"), &[JSON], "{}").await;
        assert_eq!(answer.refusal(), (500, "internal".to_owned()));
        assert!(!answer.text().contains("secret"), "{}", answer.text());
        assert!(!answer.header("x-request-id").is_empty() && !answer.header("content-security-policy").is_empty());
    }
    assert_eq!(app.browser().get("/sign-in").await.status, 200);
}

#[tokio::test]
async fn a_path_that_is_too_long_for_a_file_name_is_not_found() {
    let app = App::start(Backends::Embedded).await;
    for length in [251, 252, 253, 254, 255, 256, 5_000] {
        for path in [format!("/{}", "x".repeat(length)), format!("/pkg/{}", "x".repeat(length))] {
            assert_eq!(
                send(&app, (Method::GET, &path), &[], "").await.refusal(),
                (404, "not_found".to_owned()),
                "{length}"
            );
        }
    }
}

/// API calls that work without a session.
const WITHOUT_SESSION: [&str; 13] = [
    "/api/account/email/undo",
    "/api/account/not-me",
    "/api/email/code",
    "/api/email/link",
    "/api/email/start",
    "/api/recovery/use",
    "/api/session",
    "/api/sign-in/finish",
    "/api/sign-in/start",
    "/api/sign-out",
    "/api/sign-up/email",
    "/api/sign-up/finish",
    "/api/sign-up/start",
];

#[tokio::test]
async fn api_calls_check_the_session_before_the_body() {
    let app = App::start(Backends::Embedded).await;
    let mut seen = 0;
    for (path, method) in server_fn::axum::server_fn_paths().filter(|(path, _)| !WITHOUT_SESSION.contains(path)) {
        let bodies: &[&str] = if method == Method::POST { &["{}", "{\"id\":7}", "[]", "", "null", "{"] } else { &[""] };
        for body in bodies {
            let answer = send(&app, (method.clone(), path), &[JSON], *body).await;
            assert_eq!(answer.refusal(), (401, "signed_out".to_owned()), "{path} {body}");
            seen += 1;
        }
    }
    assert!(seen > 30, "{seen}");
    for path in ["/api/account/email/undo", "/api/account/not-me"] {
        assert_eq!(send(&app, (Method::POST, path), &[JSON], "{}").await.refusal().1, "bad_request", "{path}");
    }
}
