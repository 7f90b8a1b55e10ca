//! Sends the response of an authorization request to the application (OAuth 2.0 Multiple Response Type Encoding
//! Practices, section 2.1; OAuth 2.0 Form Post Response Mode).

use crate::server::http::RequestContext;
use crate::server::http::security_headers::FormPost;
use crate::server::oauth::{Answer, ResponseMode};
use crate::ui::pages::{FormPostPage, RedirectPage};
use crate::web::render::{Page, render};
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use leptos::prelude::{IntoAny, view};
use url::form_urlencoded::Serializer;

/// Answers a navigation that an application started: by a redirect, or by a page that posts the response.
pub(super) async fn respond(context: &RequestContext, request: Request, answer: &Answer) -> Response {
    match address(answer) {
        Some(address) => (StatusCode::SEE_OTHER, [(header::LOCATION, address)]).into_response(),
        None => by_post(context, request, answer).await,
    }
}

/// Answers a form of ours by a page that redirects. Chrome applies `form-action` to redirects after a form submission,
/// and no form of ours may lead to another site.
pub(super) async fn respond_after_form(context: &RequestContext, request: Request, answer: &Answer) -> Response {
    let Some(address) = address(answer) else { return by_post(context, request, answer).await };
    redirect_page(context, request, address).await
}

/// A page that redirects to another site at once, and has a link to it.
pub(super) async fn redirect_page(context: &RequestContext, request: Request, address: String) -> Response {
    let page = Page { redirects_to: Some(address.clone()), shown_once: true, ..Page::new("One moment") };
    let body = move || view! { <RedirectPage address=address.clone() /> }.into_any();
    render(&context.state, request, page, body).await
}

/// The redirect URI with the response in it; `None` if the response is posted.
fn address(answer: &Answer) -> Option<String> {
    let uri = &answer.return_to.redirect_uri;
    let parameters = Serializer::new(String::new()).extend_pairs(&answer.parameters).finish();
    Some(match answer.return_to.mode {
        ResponseMode::Query if uri.ends_with(['?', '&']) => format!("{uri}{parameters}"),
        ResponseMode::Query => format!("{uri}{}{parameters}", if uri.contains('?') { '&' } else { '?' }),
        ResponseMode::Fragment => format!("{uri}#{parameters}"),
        ResponseMode::FormPost => return None,
    })
}

/// The page whose form posts the response. Only this page may submit a form to another site.
async fn by_post(context: &RequestContext, request: Request, answer: &Answer) -> Response {
    let (action, parameters) = (answer.return_to.redirect_uri.clone(), answer.parameters.clone());
    let page = Page { shown_once: true, ..Page::new("One moment") };
    let body = move || {
        let (action, parameters) = (action.clone(), parameters.clone());
        view! { <FormPostPage action parameters /> }.into_any()
    };
    let mut response = render(&context.state, request, page, body).await;
    response.extensions_mut().insert(FormPost);
    response
}
