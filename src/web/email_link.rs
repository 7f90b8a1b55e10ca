//! Emailed links: a page that says what the link does and changes nothing, and the button that does it.

use super::extract::{form, query};
use super::redirect;
use super::render::{Page, field_refusal, is_about_name, render};
use crate::server::auth::{Error, LinkEffect, view as views};
use crate::server::http::RequestContext;
use crate::types::{ApiError, Notice, paths};
use crate::ui::pages::{LinkPage, ReauthenticatePage};
use axum::extract::Request;
use axum::response::Response;
use leptos::prelude::{IntoAny, view};
use serde::Deserialize;

/// The query of an emailed link.
#[derive(Debug, Default, Deserialize)]
pub(super) struct TokenQuery {
    #[serde(default)]
    pub token: String,
}

#[derive(Deserialize)]
struct LinkForm {
    #[serde(default)]
    token: String,
    #[serde(default)]
    action: String,
    username: Option<String>,
}

/// `GET /email/link`.
pub async fn get(context: RequestContext, request: Request) -> Result<Response, ApiError> {
    let TokenQuery { token } = query(&request);
    let state = &context.state;
    let offer = match state.email_sign_in().peek_link(context.email.as_ref(), &token).await {
        Ok(offer) => offer,
        Err(Error::Refused(ApiError::LinkExpired)) => return reauthentication(&context, request, token).await,
        Err(error) => return Err(error.into()),
    };
    let field_refusal = field_refusal(state, &request, is_about_name);
    let (user, new_username) = match offer {
        LinkEffect::SignIn(user) => (Some(views::user(&user)), None),
        LinkEffect::SignUp { username } => (None, Some(username.to_string())),
    };
    let title = if user.is_some() { "Sign in" } else { "Finish signing up" };
    let current = context.current_user().await?;
    let page = Page { field_refusal, ..Page::new(title).seen_by(state, current.as_ref()) };
    let replaced = current.map(|current| views::user(&current.user));
    let replaced = replaced.filter(|current| user.as_ref().is_none_or(|user| user.id != current.id));
    let replaced = replaced.map(|current| current.username);
    let body = move || {
        let (token, user, new_username, replaced) =
            (token.clone(), user.clone(), new_username.clone(), replaced.clone());
        view! { <LinkPage token user new_username replaced refusal=field_refusal /> }.into_any()
    };
    Ok(render(state, request, page, body).await)
}

/// The page of a link for reauthentication, for a signed-in user; any other token counts as expired.
async fn reauthentication(context: &RequestContext, request: Request, token: String) -> Result<Response, ApiError> {
    let Some(current) = context.current_user().await? else {
        let is_open = context.state.reauthentication().is_open(&token).await?;
        return Err(if is_open { ApiError::OtherBrowser } else { ApiError::LinkExpired });
    };
    match context.state.reauthentication().peek_link(&current, &token).await.map_err(ApiError::from) {
        // A second click on a used link.
        Err(ApiError::LinkExpired) => {
            return Ok(redirect::with_notice(&context.state, paths::ACCOUNT, Notice::LinkUsed));
        }
        peeked => drop(peeked?),
    }
    let page = Page::for_user(&current, "Confirm it's you");
    let body = move || view! { <ReauthenticatePage token=token.clone() /> }.into_any();
    Ok(render(&context.state, request, page, body).await)
}

/// `POST /email/link`.
pub async fn post(context: RequestContext, request: Request) -> Result<Response, ApiError> {
    let (form, _) = form::<LinkForm>(request).await?;
    if form.action == "reauthenticate" {
        return reauthenticate(&context, &form.token).await;
    }
    let state = &context.state;
    let answered = state.email_sign_in().redeem_link(&form.token, form.username.as_deref(), &context.caller()).await;
    match answered.map_err(ApiError::from) {
        Ok((new, next)) => Ok(redirect::signed_in(&context, &new, &next)),
        Err(error @ (ApiError::UsernameTaken | ApiError::InvalidUsername)) => {
            // The token came from the address of that page, so it may appear there again.
            let back = format!("{}?token={}", paths::EMAIL_LINK, form.token);
            Ok(redirect::with_refusal(state, &back, error))
        }
        Err(error @ ApiError::LinkExpired) => {
            Ok(redirect::with_refusal(state, &redirect::sign_in_for(&context.pending_next()), error))
        }
        Err(error) => Err(error),
    }
}

async fn reauthenticate(context: &RequestContext, token: &str) -> Result<Response, ApiError> {
    let state = &context.state;
    let Some(current) = context.current_user().await? else {
        return Ok(redirect::with_refusal(state, paths::SIGN_IN, ApiError::SignedOut));
    };
    if state.sessions().is_confined(&current) {
        return Err(ApiError::ReauthenticationRequired);
    }
    let (renewed, next) = state.reauthentication().redeem_link(&current, token, context.from()).await?;
    let cookies = state.cookies.set_session(&renewed.session, &renewed.token).into_iter();
    // If it leads to `/confirm`, that page says that the identity is confirmed.
    let notice = (next.as_str() == paths::ACCOUNT).then_some(Notice::Reauthenticated);
    Ok(redirect::to(next.as_str(), cookies.chain(notice.and_then(|notice| state.cookies.set_notice(notice)))))
}
