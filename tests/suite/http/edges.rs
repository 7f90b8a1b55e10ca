//! Tests each row of the route table in `router.rs` with real requests.

use super::edge::send;
use crate::app::{Answer, App, Backends};
use axum::Router;
use axum::http::Method;
use axum::routing::{any, get};
use latchkey::router::EDGES;
use latchkey::server::http::edge::{Cors, Edge, ErrorFormat, OriginRule, Policy};

/// A test route for each group that has no suitable route of its own, and a page.
fn probes() -> Router<latchkey::server::http::AppState> {
    Router::new()
        .route("/oauth/continue/x/probe", any(async || "it ran"))
        .route("/oauth/sign-out/x/probe", any(async || "it ran"))
        .route("/oauth/probe", any(async || "it ran"))
        .route("/forward/probe", get(async || "it ran"))
        .route("/logos/x/probe", any(async || "it ran"))
        .route("/probe", any(async || "it ran"))
}

/// Returns the path in the group that the tests request.
fn probe_of(group: &str) -> &'static str {
    match group {
        "/api" => "/api/sign-out",
        "/oauth" => "/oauth/probe",
        "/oauth/continue" => "/oauth/continue/x/probe",
        "/oauth/sign-out" => "/oauth/sign-out/x/probe",
        "/oauth/authorize" => "/oauth/authorize",
        "/oauth/logout" => "/oauth/logout",
        "/oauth/introspect" => "/oauth/introspect",
        "/.well-known/openid-configuration" => "/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server" => "/.well-known/oauth-authorization-server",
        "/forward" => "/forward/probe",
        "/healthz" => "/healthz",
        "/readyz" => "/readyz",
        "/csp-report" => "/csp-report",
        "/logos" => "/logos/x/probe",
        "/dev/mailbox" => "/dev/mailbox",
        "/dev/mailbox/html" => "/dev/mailbox/html",
        other => panic!("no probe for {other}"),
    }
}

async fn post(app: &App, path: &str, headers: &[(&str, &str)]) -> Answer {
    send(app, (Method::POST, path), headers, "").await
}

#[tokio::test]
async fn every_route_group_follows_its_row_in_the_table() {
    let app = App::start(Backends::Embedded).await.with_routes(probes());
    let groups = EDGES.iter().map(|(group, edge)| (probe_of(group), *edge)).chain([("/probe", Edge::PAGES)]);
    for (path, edge) in groups {
        let foreign = post(&app, path, &[("origin", "https://evil.example")]).await;
        let silent = post(&app, path, &[]).await;
        let is_refused = |answer: &Answer| answer.text().contains("cross_origin");
        let expected = (edge.origin != OriginRule::Anywhere, edge.origin == OriginRule::OwnPages);
        assert_eq!((is_refused(&foreign), is_refused(&silent)), expected, "{path}");

        let policy = foreign.header("content-security-policy");
        let runs_scripts = matches!(edge.policy, Policy::Page | Policy::PageWithFrames);
        assert_eq!(policy.contains("script-src"), runs_scripts, "{path}: {policy}");
        assert_eq!(policy.contains("frame-src 'self'"), edge.policy == Policy::PageWithFrames, "{path}: {policy}");
        assert_eq!(
            policy.contains("; sandbox"),
            matches!(edge.policy, Policy::Email | Policy::Picture),
            "{path}: {policy}"
        );
        let framed_by = if edge.policy == Policy::Email { "'self'" } else { "'none'" };
        assert!(policy.contains("default-src 'none'"), "{path}: {policy}");
        assert!(policy.contains(&format!("frame-ancestors {framed_by}")), "{path}: {policy}");
        let readable = (foreign.header("access-control-allow-origin"), foreign.header("cross-origin-resource-policy"));
        let expected = if edge.cors == Cors::AnySite { ("*", "cross-origin") } else { ("", "same-origin") };
        assert_eq!(readable, expected, "{path}");

        let ours = [("origin", app.origin.as_str()), ("accept", "text/html")];
        // The routes of this test accept every method, so their groups refuse a path without a route.
        let refused = path.replace("probe", "missing");
        let refusal = send(&app, (Method::DELETE, &refused), &ours, "").await;
        assert!(refusal.status.is_client_error(), "{refused}: {}", refusal.status);
        let has_pages = matches!(edge.errors, ErrorFormat::PageOrJson | ErrorFormat::PageOrOAuth);
        assert_eq!(refusal.text().contains("<html"), has_pages, "{refused}");
        let refusal = send(&app, (Method::DELETE, &refused), &ours[..1], "").await;
        let is_oauth = matches!(edge.errors, ErrorFormat::OAuth | ErrorFormat::PageOrOAuth);
        assert_eq!(refusal.text().contains("error_description"), is_oauth, "{refused}");
    }
}

#[tokio::test]
async fn only_protocol_routes_answer_preflights_of_other_sites() {
    let app = App::start(Backends::Embedded).await.with_routes(probes());
    let headers = [("origin", "https://app.example"), ("access-control-request-method", "POST")];
    let answer = send(&app, (Method::OPTIONS, "/oauth/probe"), &headers, "").await;
    assert_eq!((answer.status.as_u16(), answer.header("access-control-allow-methods")), (204, "GET, POST"));
    assert!(answer.header("access-control-allow-headers").contains("authorization"));
    assert_eq!(answer.header("access-control-allow-credentials"), "");
    for path in ["/probe", "/api/session", "/forward/probe", "/healthz"] {
        let answer = send(&app, (Method::OPTIONS, path), &headers, "").await;
        assert_eq!(answer.header("access-control-allow-methods"), "", "{path}");
    }
    let answer = post(&app, "/oauth/probe", &[("origin", "https://app.example")]).await;
    assert_eq!((answer.status.as_u16(), answer.text()), (200, "it ran".to_owned()));
}
