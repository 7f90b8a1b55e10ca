//! Error pages for requests that accept HTML; programs get JSON.

use super::render::{Page, reader, render, with_retry_after};
use crate::server::http::body::BodyCopy;
use crate::server::http::edge::{Edge, ErrorFormat, OriginRule};
use crate::server::http::health::answer_within;
use crate::server::http::media_type::media_type;
use crate::server::http::oauth::to_oauth_error;
use crate::server::http::refusal::status;
use crate::server::http::same_origin::{Provenance, provenance};
use crate::server::http::{AppState, RequestContext};
use crate::types::ApiError;
use crate::ui::pages::{RefusalPage, SentForm, heading, message};
use crate::ui::shell::Reader;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use leptos::prelude::{IntoAny, view};
use std::time::Duration;
use url::form_urlencoded;

/// Answers a refusal with a page if the request accepts HTML, and otherwise with JSON.
pub async fn render_error_pages(State(state): State<AppState>, request: Request, next: Next) -> Response {
    match Edge::from_extensions(request.extensions()).errors {
        ErrorFormat::PageOrJson | ErrorFormat::PageOrOAuth if reads_html(request.headers()) => {}
        ErrorFormat::PageOrJson | ErrorFormat::Json => return next.run(request).await,
        ErrorFormat::OAuth | ErrorFormat::PageOrOAuth => {
            let response = next.run(request).await;
            return match response.extensions().get::<ApiError>() {
                Some(error) => in_place_of(&response, to_oauth_error(*error)),
                None => response,
            };
        }
    }
    let (mut parts, body) = request.into_parts();
    let copy = BodyCopy::default();
    if is_own_form(&state, &parts) {
        parts.extensions.insert(copy.clone());
    }
    let again = Request::from_parts(parts.clone(), Body::empty());
    let response = next.run(Request::from_parts(parts, body)).await;
    match response.extensions().get::<ApiError>().copied() {
        Some(error) => {
            let page = refusal_page(&state, again, copy, error).await;
            in_place_of(&response, page)
        }
        None => response,
    }
}

/// Whether the request is a form of one of our pages. Other sites must not get their form onto a page of this one.
fn is_own_form(state: &AppState, request: &Parts) -> bool {
    request.method == Method::POST
        && Edge::from_extensions(&request.extensions).origin == OriginRule::OwnPages
        && provenance(&request.headers, state.public_url.origin()) == Provenance::Own
        && media_type(&request.headers).as_deref() == Some("application/x-www-form-urlencoded")
}

/// How many fields a form on an error page has at most; a longer one is none of ours.
const MAX_FIELDS: usize = 16;

/// The form of a request that may succeed later.
fn repeatable(request: &Request, copy: &BodyCopy, error: ApiError) -> Option<SentForm> {
    matches!(error, ApiError::TooManyRequests { .. } | ApiError::Unavailable).then_some(())?;
    let fields: Vec<_> = form_urlencoded::parse(copy.get()?).into_owned().take(MAX_FIELDS + 1).collect();
    // A path such as `//host` would lead to another site.
    let action = request.uri().path_and_query().map(ToString::to_string).filter(|path| !path.starts_with("//"))?;
    (fields.len() <= MAX_FIELDS).then_some(SentForm { action, fields })
}

/// Copies the cookies and the allowed methods (RFC 9110, section 15.5.6) from the refusal that a response replaces.
fn in_place_of(refusal: &Response, mut response: Response) -> Response {
    for name in [header::SET_COOKIE, header::ALLOW] {
        for value in refusal.headers().get_all(&name) {
            response.headers_mut().append(name.clone(), value.clone());
        }
    }
    response
}

fn reads_html(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|accept| accept.contains("text/html"))
}

/// How long an error page waits for the lookup of the signed-in user: the refused request may have used up most of the
/// deadline.
const TIMEOUT: Duration = Duration::from_millis(300);

/// The page for a refusal. It looks up the signed-in user only if no backend failed, and only briefly.
async fn refusal_page(state: &AppState, request: Request, copy: BodyCopy, error: ApiError) -> Response {
    let seen_by = match error {
        ApiError::Unavailable | ApiError::Internal => Reader::Visitor,
        _ => {
            let context = RequestContext::new(state, request.headers(), request.extensions());
            let found = answer_within("database", TIMEOUT, context.current_user()).await;
            reader(state, found.flatten().as_ref())
        }
    };
    let page =
        Page { interactive: error.wait() > 0, reader: seen_by, status: status(error), ..Page::new(heading(error)) };
    let (message, form) = (message(error, request.uri().path()), repeatable(&request, &copy, error));
    let body = move || view! { <RefusalPage error message form=form.clone() /> }.into_any();
    let response = render(state, request, page, body).await;
    with_retry_after(response, error)
}
