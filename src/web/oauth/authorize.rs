//! `/oauth/authorize`: where applications send users to sign in.

use super::{answer, pages};
use crate::server::http::RequestContext;
use crate::server::http::body::MAX_BODY;
use crate::server::http::edge::Edge;
use crate::server::oauth::{Decision, Holder, Parameters, Pending, Progress, Reading, ResolvedRequest, describe};
use crate::types::{ApiError, paths};
use crate::web::redirect;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::response::Response;

/// `GET /oauth/authorize`. Responds at once if there is nothing to ask.
pub async fn get(context: RequestContext, request: Request) -> Result<Response, ApiError> {
    let parameters = Parameters::parse(request.uri().query().unwrap_or_default().as_bytes());
    context.state.signing_keys().current()?;
    let authorizations = context.state.authorizations();
    let resolved = match authorizations.read(&parameters, context.session.as_ref()).await? {
        Reading::Resolved(resolved) => resolved,
        Reading::Refused(return_to, refusal) => {
            return Ok(answer::respond(&context, request, &authorizations.refuse(return_to, refusal)).await);
        }
        Reading::NoRedirect(misdirected) => return pages::misdirected(&context, request, misdirected).await,
    };
    let began_at = context.state.core().now();
    match authorizations.decide(&resolved, Progress::new(began_at)) {
        Decision::Answer => match &resolved.current {
            Some(current) => {
                let code = authorizations.answer(&resolved, current).await?;
                Ok(answer::respond(&context, request, &code).await)
            }
            None => Err(ApiError::Internal),
        },
        Decision::Refuse(code) => {
            let refused = authorizations.refuse(resolved.request.return_to, describe(code));
            Ok(answer::respond(&context, request, &refused).await)
        }
        _ => {
            let has_chosen = context.has_chosen_language(request.headers());
            keep(&context, has_chosen, &resolved, &Pending::new(&parameters, began_at)).await
        }
    }
}

/// Stores a request and redirects to its page.
async fn keep(
    context: &RequestContext,
    has_chosen_language: bool,
    resolved: &ResolvedRequest,
    pending: &Pending,
) -> Result<Response, ApiError> {
    let (browser, browser_cookie) = context.browser_or_new();
    let id = context.state.pending_requests().keep(pending, Holder::Browser(&browser), context.from()).await?;
    let cookies = &context.state.cookies;
    let wanted = resolved.request.language.filter(|_| !has_chosen_language);
    let language = wanted.and_then(|language| cookies.set_language(language));
    let all = browser_cookie.into_iter().chain(cookies.set_pending(&id)).chain(language);
    Ok(redirect::to(&paths::continue_with(&id.encode()), all))
}

/// `POST /oauth/authorize`: a form of another site, sent without our cookies. The request is stored for the first
/// browser that opens its page.
pub async fn post(context: RequestContext, request: Request) -> Result<Response, ApiError> {
    Edge::from_extensions(request.extensions()).check_body(request.headers())?;
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, MAX_BODY).await.map_err(|_| ApiError::TooLarge)?;
    let rest = Request::from_parts(parts, axum::body::Body::empty());
    let parameters = Parameters::parse(&body);
    let authorizations = context.state.authorizations();
    context.state.signing_keys().current()?;
    match authorizations.read(&parameters, None).await? {
        Reading::Resolved(_) => {}
        Reading::Refused(return_to, refusal) => {
            return Ok(answer::respond(&context, rest, &authorizations.refuse(return_to, refusal)).await);
        }
        Reading::NoRedirect(misdirected) => return pages::misdirected(&context, rest, misdirected).await,
    }
    let pending = Pending::new(&parameters, context.state.core().now());
    let id = context.state.pending_requests().keep(&pending, Holder::First, context.from()).await?;
    Ok(redirect::to(&paths::continue_with(&id.encode()), None))
}
