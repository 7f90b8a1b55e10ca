//! The endpoints that applications call directly: token, userinfo, introspection and revocation.

use crate::server::http::RequestContext;
use crate::server::http::body::MAX_BODY;
use crate::server::http::edge::Edge;
use crate::server::http::oauth::{bearer_challenge, bearer_refusal, to_oauth_error};
use crate::server::oauth::{ClientRequest, ErrorCode, Found, Parameters, Refusal};
use crate::types::ApiError;
use axum::Json;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// Responses with tokens must not be cached (RFC 6749, section 5.1).
const UNCACHED: [(header::HeaderName, HeaderValue); 2] = [
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (header::PRAGMA, HeaderValue::from_static("no-cache")),
];

/// A form and the headers of its request.
struct Form {
    parameters: Parameters,
    headers: HeaderMap,
}

impl Form {
    async fn read(request: Request) -> Result<Self, Response> {
        Edge::from_extensions(request.extensions()).check_body(request.headers()).map_err(to_oauth_error)?;
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, MAX_BODY).await.map_err(|_| to_oauth_error(ApiError::TooLarge))?;
        Ok(Self { parameters: Parameters::parse(&body), headers: parts.headers })
    }

    fn of_client(&self, context: &RequestContext) -> Result<ClientRequest<'_>, Refusal> {
        let mut headers = self.headers.get_all(header::AUTHORIZATION).iter();
        let authorization = headers.next();
        if headers.next().is_some() {
            return Err(Refusal::invalid_request("two Authorization headers"));
        }
        let unreadable = Refusal::new(ErrorCode::InvalidClient, "client authentication failed");
        let authorization = authorization.map(|value| value.to_str().map_err(|_| unreadable)).transpose()?;
        Ok(ClientRequest { parameters: &self.parameters, authorization, from: context.from() })
    }
}

/// `POST /oauth/token`.
pub async fn token(context: RequestContext, request: Request) -> Response {
    answer(async {
        let form = Form::read(request).await?;
        let client = form.of_client(&context).map_err(IntoResponse::into_response)?;
        let tokens = context.state.tokens().answer(&client).await.map_err(IntoResponse::into_response)?;
        Ok((UNCACHED, Json(tokens)).into_response())
    })
    .await
}

/// `POST /oauth/introspect`.
pub async fn introspect(context: RequestContext, request: Request) -> Response {
    answer(async {
        let form = Form::read(request).await?;
        let client = form.of_client(&context).map_err(IntoResponse::into_response)?;
        let known = context.state.resources().introspect(&client).await.map_err(IntoResponse::into_response)?;
        Ok((UNCACHED, Json(known)).into_response())
    })
    .await
}

/// `POST /oauth/revoke`: 200 without a body.
pub async fn revoke(context: RequestContext, request: Request) -> Response {
    answer(async {
        let form = Form::read(request).await?;
        let client = form.of_client(&context).map_err(IntoResponse::into_response)?;
        context.state.resources().revoke(&client).await.map_err(IntoResponse::into_response)?;
        Ok(StatusCode::OK.into_response())
    })
    .await
}

/// `GET` and `POST /oauth/userinfo`: the access token is in the header, or in the body of a form (RFC 6750, section 2).
pub async fn userinfo(context: RequestContext, request: Request) -> Response {
    answer(async {
        let in_header = bearer(request.headers()).map_err(bearer_refusal)?;
        let has_form = *request.method() == Method::POST
            && Edge::from_extensions(request.extensions()).check_body(request.headers()).is_ok();
        let in_body = if has_form { in_form(&Form::read(request).await?).map_err(bearer_refusal)? } else { None };
        let token = match (in_header, in_body) {
            (Some(_), Some(_)) => {
                return Err(bearer_refusal(Refusal::invalid_request("two access tokens")));
            }
            (token, None) | (None, token) => token,
        };
        let Some(token) = token else { return Err(bearer_challenge()) };
        let claims =
            context.state.resources().userinfo(&token, context.from()).await.map_err(IntoResponse::into_response)?;
        Ok((UNCACHED, Json(claims)).into_response())
    })
    .await
}

/// The access token of a form, if it has one.
fn in_form(form: &Form) -> Result<Option<String>, Refusal> {
    match form.parameters.find("access_token") {
        Found::Several => Err(Refusal::invalid_request("access_token is repeated")),
        found => Ok(found.one().map(str::to_owned)),
    }
}

/// The bearer token of the `Authorization` header, if there is one.
fn bearer(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let malformed = Refusal::invalid_request("the Authorization header is malformed");
    let text = value.to_str().map_err(|_| malformed)?;
    let (scheme, token) = text.split_once(' ').ok_or(malformed)?;
    if values.next().is_some() || !scheme.eq_ignore_ascii_case("bearer") {
        return Err(malformed);
    }
    Ok(Some(token.trim().to_owned()))
}

/// The response, either a success or a refusal.
async fn answer(answered: impl Future<Output = Result<Response, Response>>) -> Response {
    answered.await.unwrap_or_else(|refused| refused)
}
