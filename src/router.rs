//! The complete router.

use crate::extend;
use crate::server::http::edge::{Cors, Edge, ErrorFormat, OriginRule, Policy};
use crate::server::http::{
    AppState, RequestContext, api_gate, body, brand, health, limits, loopback, policy_report, same_origin,
    security_headers, trace, well_known,
};
use crate::types::{Section, paths};
use crate::web::{
    account, apps, confirm, email_confirm, email_link, fallback, home, language, mailbox, oauth, render_error_pages,
    report, sign_in, sign_out, sign_up,
};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use leptos::prelude::provide_context;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;

/// The route groups by path prefix, with the checks and headers of each. The first match wins, so longer paths come
/// first. All other paths are pages.
pub const EDGES: &[(&str, Edge)] = &[
    (paths::API, Edge { origin: OriginRule::NoOtherSite, bodies: &["application/json"], ..JSON_ERRORS }),
    (paths::AUTHORIZE, AUTHORIZE),
    (paths::CONTINUE, Edge { keeps_opener: true, ..Edge::PAGES }),
    (paths::SIGN_OUT_STORED, Edge::PAGES),
    (paths::LOGOUT, AUTHORIZE),
    (paths::INTROSPECT, Edge { cors: Cors::Never, ..PROTOCOL }),
    (paths::PROTOCOL, PROTOCOL),
    (paths::DISCOVERY, PROTOCOL),
    (paths::OAUTH_METADATA, PROTOCOL),
    (paths::FORWARD, CROSS_ORIGIN),
    (paths::HEALTH, HEALTH),
    (paths::READY, HEALTH),
    (paths::POLICY_REPORTS, REPORTS),
    (paths::LOGOS, Edge { policy: Policy::Picture, bodies: &[], ..Edge::PAGES }),
    (paths::MAILBOX_HTML, Edge { policy: Policy::Email, ..Edge::PAGES }),
    (paths::MAILBOX, Edge { policy: Policy::PageWithFrames, ..Edge::PAGES }),
];
const JSON_ERRORS: Edge = Edge { errors: ErrorFormat::Json, ..Edge::PAGES };
/// Cross-origin clients that authenticate themselves and have their own rate limits.
const CROSS_ORIGIN: Edge =
    Edge { origin: OriginRule::Anywhere, bodies: &[], policy: Policy::Nothing, is_counted: false, ..JSON_ERRORS };
const FORMS: &[&str] = &["application/x-www-form-urlencoded"];
const PROTOCOL: Edge = Edge { bodies: FORMS, cors: Cors::AnySite, errors: ErrorFormat::OAuth, ..CROSS_ORIGIN };
/// Pages that other sites send users to, including by form.
const AUTHORIZE: Edge = Edge {
    origin: OriginRule::Anywhere,
    bodies: FORMS,
    errors: ErrorFormat::PageOrOAuth,
    is_counted: false,
    keeps_opener: true,
    ..Edge::PAGES
};
const HEALTH: Edge = Edge { bodies: &[], is_counted: false, ..Edge::PAGES };
const REPORTS: Edge = Edge {
    origin: OriginRule::NoOtherSite,
    bodies: &[policy_report::ONE, policy_report::LIST],
    is_counted: false,
    ..Edge::PAGES
};

/// Attaches the group's rules to the request, for the layers that apply them.
async fn attach_edge(mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let found = EDGES.iter().find(|(group, _)| paths::is_below(path, group));
    let edge = found.map_or(Edge::PAGES, |(_, edge)| *edge);
    request.extensions_mut().insert(edge);
    next.run(request).await
}

/// All routes. Layers from the outside in: group rules, request log, security headers, requests without a path, panics
/// of the layers below, error pages, panics, body, deadline, client address, origin.
pub fn router(state: AppState) -> Router {
    router_with(state, extend::routes())
}

/// All routes, with the given routes instead of [`extend::routes`].
pub fn router_with(state: AppState, extension: Router<AppState>) -> Router {
    let api = Router::new()
        .route(&format!("{}/{{*path}}", paths::API), any(call))
        .route(paths::API, any(call))
        .route(&format!("{}/", paths::API), any(call))
        .layer(from_fn_with_state(state.clone(), limits::charge))
        .layer(from_fn_with_state(state.clone(), api_gate::gate));
    let pages = Section::ALL
        .into_iter()
        .filter(|section| *section != Section::RecoveryCodes)
        .fold(Router::new(), |pages, section| pages.route(section.path(), get(account::get)))
        .route(paths::HOME, get(home::get))
        .route(paths::SIGN_UP, get(sign_up::get).post(sign_up::post))
        .route(paths::SIGN_IN, get(sign_in::get).post(sign_in::post))
        .route(paths::SIGN_OUT, post(sign_out::post))
        .route(paths::ACCOUNT, post(account::post))
        .route(Section::RecoveryCodes.path(), get(account::get_codes))
        .route(paths::CONFIRM, get(confirm::get).post(confirm::post))
        .route(paths::EMAIL_LINK, get(email_link::get).post(email_link::post))
        .route(paths::EMAIL_CONFIRM, get(email_confirm::get).post(email_confirm::post))
        .route(paths::EMAIL_UNDO, get(report::get_undo).post(report::post_undo))
        .route(paths::NOT_ME, get(report::get_report).post(report::post_report))
        .route(paths::PASSKEY_ENDPOINTS, get(well_known::passkey_endpoints))
        .route(paths::SECURITY_TXT, get(well_known::security_txt))
        .route(paths::APPS, get(apps::get).post(apps::post))
        .route(paths::APP_LOGO, get(apps::logo))
        .route(paths::LANGUAGE, post(language::post))
        .route(paths::BRAND_COLOURS, get(brand::colours))
        .route(paths::BRAND_LOGO, get(brand::logo))
        .route(paths::AUTHORIZE, get(oauth::authorize::get).post(oauth::authorize::post))
        .route(paths::AUTHORIZE_SLASH, get(oauth::authorize::get).post(oauth::authorize::post))
        .route(paths::CONTINUE_REQUEST, get(oauth::continuation::get).post(oauth::continuation::post))
        .route(paths::LOGOUT, get(oauth::logout::get).post(oauth::logout::post))
        .route(paths::SIGN_OUT_REQUEST, get(oauth::logout::get_stored).post(oauth::logout::post_stored))
        .route(paths::MAILBOX, get(mailbox::get))
        .route(paths::MAILBOX_HTML, get(mailbox::get_html))
        .route(paths::MAILBOX_JSON, get(mailbox::get_json))
        .merge(extension)
        .fallback(fallback::file)
        .method_not_allowed_fallback(fallback::method_not_allowed)
        .layer(
            ServiceBuilder::new()
                .layer(from_fn_with_state(state.clone(), loopback::redirect))
                .layer(from_fn_with_state(state.clone(), limits::charge))
                .layer(DefaultBodyLimit::max(body::MAX_BODY)),
        );
    let health = Router::new()
        .route(paths::HEALTH, get(health::healthz))
        .route(paths::READY, get(health::readyz))
        .method_not_allowed_fallback(fallback::method_not_allowed);
    let reports = Router::new()
        .route(paths::POLICY_REPORTS, post(policy_report::receive))
        .method_not_allowed_fallback(fallback::method_not_allowed);
    let provider = Router::new()
        .route(paths::TOKEN, post(oauth::protocol::token))
        .route(paths::USERINFO, get(oauth::protocol::userinfo).post(oauth::protocol::userinfo))
        .route(paths::INTROSPECT, post(oauth::protocol::introspect))
        .route(paths::REVOKE, post(oauth::protocol::revoke))
        .route(paths::JWKS, get(oauth::discovery::jwks))
        .route(paths::DISCOVERY, get(oauth::discovery::metadata))
        .route(paths::OAUTH_METADATA, get(oauth::discovery::metadata))
        .method_not_allowed_fallback(fallback::method_not_allowed);
    // One combined layer: a layer that is added to a router separately is boxed, and its box is cloned for every
    // request.
    let around = ServiceBuilder::new()
        .layer(from_fn(attach_edge))
        .layer(from_fn_with_state(state.clone(), trace::log))
        .layer(from_fn_with_state(state.clone(), security_headers::add))
        .layer(from_fn(trace::refuse_without_path))
        .layer(CatchPanicLayer::custom(trace::after_panic))
        .layer(from_fn_with_state(state.clone(), render_error_pages))
        .layer(CatchPanicLayer::custom(trace::after_panic))
        .layer(from_fn(body::buffer_body))
        .layer(from_fn(trace::deadline))
        .layer(from_fn_with_state(state.clone(), same_origin::check_origin));
    pages.merge(api).merge(health).merge(reports).merge(provider).layer(around).with_state(state)
}

/// Runs the server function of a path with the request's context.
async fn call(State(state): State<AppState>, request: Request) -> Response {
    let context = RequestContext::new(&state, request.headers(), request.extensions());
    leptos_axum::handle_server_fns_with_context(move || provide_context(context.clone()), request).await.into_response()
}
