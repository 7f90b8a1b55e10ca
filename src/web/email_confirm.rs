//! Confirming an address: a page that says which address the link confirms, and the button that does it.

use super::email_link::TokenQuery;
use super::extract::{form, query};
use super::redirect::{self, set_cookies, to_sign_in};
use super::render::{Page, render};
use crate::server::auth::{Error, view as views};
use crate::server::http::RequestContext;
use crate::server::secret::Token;
use crate::types::{ApiError, Notice, Section, paths};
use crate::ui::pages::ConfirmPage;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use leptos::prelude::{IntoAny, view};
use serde::Deserialize;

#[derive(Deserialize)]
struct ConfirmForm {
    #[serde(default)]
    token: String,
    #[serde(default)]
    code: String,
}

/// `GET /email/confirm`.
pub async fn get(context: RequestContext, request: Request) -> Result<Response, ApiError> {
    let state = &context.state;
    let kept = state.cookies.confirmation(request.headers()).map(|token| token.encode());
    let TokenQuery { token } = query(&request);
    let token = Some(token).filter(|token| !token.is_empty()).or(kept).unwrap_or_default();
    let Some(current) = context.current_user().await? else {
        let cookie = Token::from_link(&token).and_then(|token| state.cookies.set_confirmation(&token));
        let notice = state.cookies.set_notice(Notice::SignInToConfirm);
        return Ok((set_cookies(cookie.into_iter().chain(notice)), to_sign_in(paths::EMAIL_CONFIRM)).into_response());
    };
    let address = match state.address().peek_link(&current, &token).await {
        Ok(address) => address.to_string(),
        // A second click on a used link.
        Err(Error::Refused(ApiError::LinkExpired)) if current.user.email_verified => {
            return Ok(redirect::with_notice(state, Section::Profile.path(), Notice::ConfirmationUsed));
        }
        Err(error) => return Err(error.into()),
    };
    let user = views::user(&current.user);
    let body = move || {
        let (token, address, user) = (token.clone(), address.clone(), user.clone());
        view! { <ConfirmPage token address user /> }.into_any()
    };
    Ok(render(state, request, Page::for_user(&current, "Confirm your email address"), body).await)
}

/// `POST /email/confirm`: the button of the page, or the code entered on the account page.
pub async fn post(context: RequestContext, request: Request) -> Result<Response, ApiError> {
    let (form, _) = form::<ConfirmForm>(request).await?;
    let state = &context.state;
    let Some(current) = context.current_user().await? else {
        let kept = Token::from_link(&form.token).and_then(|token| state.cookies.set_confirmation(&token));
        let notice = state.cookies.set_notice(Notice::Refused(ApiError::SignedOut));
        let back = format!("{}?next={}", paths::SIGN_IN, paths::EMAIL_CONFIRM);
        return Ok(redirect::to(&back, kept.into_iter().chain(notice)));
    };
    let confirmed = if form.token.is_empty() {
        state.address().confirm_by_code(&current, &form.code, context.from()).await
    } else {
        state.address().confirm_by_link(&current, &form.token, context.from()).await
    };
    match confirmed.map_err(ApiError::from) {
        Ok(_) => Ok(redirect::with_notice(state, paths::ACCOUNT, Notice::AddressConfirmed)),
        // The button was pressed twice.
        Err(ApiError::LinkExpired) if current.user.email_verified => {
            Ok(redirect::with_notice(state, Section::Profile.path(), Notice::ConfirmationUsed))
        }
        Err(error @ (ApiError::Unavailable | ApiError::TooManyRequests { .. })) => Err(error),
        Err(error) => Ok(redirect::with_refusal(state, Section::Profile.path(), error)),
    }
}
