use super::redirect::set_cookies;
use crate::server::auth::CurrentUser;
use crate::server::http::refusal::{set_retry_after, status};
use crate::server::http::security_headers::CspNonce;
use crate::server::http::{AppState, RequestContext};
use crate::types::{ApiError, Notice};
use crate::ui::shell::{Reader, Shell, ShellProps};
use axum::extract::Request;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use leptos::nonce::Nonce;
use leptos::prelude::{AnyView, provide_context};
use std::sync::Arc;

/// The properties of a page, apart from its body.
pub struct Page {
    pub title: &'static str,
    pub status: StatusCode,
    /// Whether it has islands.
    pub interactive: bool,
    pub reader: Reader,
    /// A refusal that the page shows next to a field, so that no notice repeats it.
    pub field_refusal: Option<ApiError>,
    /// Whether the page shows why its own form was refused.
    pub has_error: bool,
    /// Whether the page is shown only once at its address; it offers no other language, which would lead back there.
    pub shown_once: bool,
    /// The address of another site that the page redirects to at once.
    pub redirects_to: Option<String>,
}

impl Page {
    /// A plain page that any visitor sees.
    #[must_use]
    pub fn new(title: &'static str) -> Self {
        Self {
            title,
            status: StatusCode::OK,
            interactive: false,
            reader: Reader::Visitor,
            field_refusal: None,
            has_error: false,
            shown_once: false,
            redirects_to: None,
        }
    }

    /// A plain page of a signed-in user, who is given as evidence that there is one.
    #[must_use]
    pub fn for_user(_user: &CurrentUser, title: &'static str) -> Self {
        Self { reader: Reader::User, ..Self::new(title) }
    }

    /// With the navigation of this user, or of a visitor.
    #[must_use]
    pub fn seen_by(self, state: &AppState, current: Option<&CurrentUser>) -> Self {
        Self { reader: reader(state, current), ..self }
    }

    /// With islands.
    #[must_use]
    pub fn interactive(self) -> Self {
        Self { interactive: true, ..self }
    }

    /// With the status of a refusal that the page shows, if there is one.
    #[must_use]
    pub fn refused(self, refusal: Option<ApiError>) -> Self {
        Self { status: refusal.map_or(self.status, status), has_error: refusal.is_some(), ..self }
    }
}

/// The reader of a page.
pub(super) fn reader(state: &AppState, current: Option<&CurrentUser>) -> Reader {
    match current {
        None => Reader::Visitor,
        Some(current) if state.sessions().is_confined(current) => Reader::ConfinedUser,
        Some(_) => Reader::User,
    }
}

/// The request with the address of the page that it shows, which differs after a refused form.
pub(super) fn at(mut request: Request, address: &str) -> Request {
    if let Ok(address) = address.parse() {
        *request.uri_mut() = address;
    }
    request
}

/// Renders a page within the document that all pages share.
pub async fn render(
    state: &AppState,
    request: Request,
    page: Page,
    body: impl Fn() -> AnyView + Send + Sync + 'static,
) -> Response {
    render_document(state, request, page, Arc::new(body)).await
}

/// Renders the document. It is not generic, because each instance would bring all of Leptos's rendering, some 200
/// functions.
async fn render_document(
    state: &AppState,
    request: Request,
    page: Page,
    body: Arc<dyn Fn() -> AnyView + Send + Sync>,
) -> Response {
    let nonce = request.extensions().get::<CspNonce>().map(|CspNonce(nonce)| Nonce::from_value(nonce.clone()));
    let options = state.leptos.clone();
    let status = page.status;
    let left_over = state.cookies.notice(request.headers());
    let notice = left_over.filter(|notice| page.field_refusal.map(Notice::Refused) != Some(*notice));
    let (site, language) =
        (Arc::clone(&state.site), RequestContext::new(state, request.headers(), request.extensions()).language);
    let here = request.uri().path_and_query().map_or("/", PathAndQuery::as_str).to_owned();
    let with_nonce = move || {
        provide_context(Arc::clone(&site));
        provide_context(language);
        if let Some(nonce) = nonce.clone() {
            provide_context(nonce);
        }
    };
    let document = move || {
        let body = Arc::clone(&body);
        Shell(ShellProps {
            options: options.clone(),
            title: page.title,
            has_error: page.has_error || page.field_refusal.is_some(),
            interactive: page.interactive,
            reader: page.reader,
            notice,
            here: here.clone(),
            shown_once: page.shown_once,
            redirects_to: page.redirects_to.clone(),
            children: Box::new(move || body()),
        })
    };
    let mut response = leptos_axum::render_app_async_with_context(with_nonce, document)(request).await;
    *response.status_mut() = status;
    response.headers_mut().append(header::VARY, HeaderValue::from_static("accept-language, cookie"));
    if let Some(shown) = left_over.and_then(|_| state.cookies.end_notice()) {
        response.headers_mut().append(header::SET_COOKIE, shown);
    }
    response
}

/// The refusal of the previous form, if this page shows it next to a field.
#[must_use]
pub fn field_refusal(state: &AppState, request: &Request, of_fields: fn(ApiError) -> bool) -> Option<ApiError> {
    match state.cookies.notice(request.headers()) {
        Some(Notice::Refused(error)) if of_fields(error) => Some(error),
        _ => None,
    }
}

/// Whether a refusal is shown next to the code field.
pub fn is_about_code(error: ApiError) -> bool {
    matches!(error, ApiError::CodeWrong { .. })
}

/// Whether a refusal is shown next to the username field of a sign-up.
pub fn is_about_name(error: ApiError) -> bool {
    matches!(error, ApiError::InvalidUsername | ApiError::UsernameTaken)
}

/// The redirect of a signed-in user from a page that only makes sense before sign-in.
pub(super) async fn redirect_if_signed_in(
    context: &RequestContext,
    target: &str,
) -> Result<Option<Response>, ApiError> {
    Ok(context.current_user().await?.map(|_| Redirect::to(target).into_response()))
}

/// Renders a page and names the browser, so that tabs opened together agree on its name.
pub(super) async fn render_and_name(
    context: &RequestContext,
    request: Request,
    page: Page,
    body: impl Fn() -> AnyView + Send + Sync + 'static,
) -> Response {
    let response = render(&context.state, request, page, body).await;
    (set_cookies(context.browser_or_new().1), response).into_response()
}

/// Adds the header that says how long to wait to a page that shows a refusal.
pub(super) fn with_retry_after(mut page: Response, error: ApiError) -> Response {
    set_retry_after(page.headers_mut(), error);
    page
}
