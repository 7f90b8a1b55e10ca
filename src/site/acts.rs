//! What the account page asks for. What needs a fresh authentication keeps its form until there is one.

use super::account::account_page;
use super::account_form::AccountForm;
use super::forms::{on_to, on_with, read};
use super::identity::{ask_who_is_there, checked, signed_out};
use super::render::{Page, context, render};
use super::signals;
use crate::server::Unavailable;
use crate::server::auth::{CurrentUser, Revocation, SentAgain};
use crate::server::http::limits::count_act;
use crate::server::http::refusal::{refuse, status};
use crate::server::http::{AppState, RequestContext};
use crate::server::model::recovery::RecoveryCode;
use crate::server::model::{CredentialId, SessionId};
use crate::types::{ApiError, Next, Notice, paths};
use crate::ui::components::Signals;
use crate::ui::pages::{LeftPage, RecoveryCodesPage};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use leptos::prelude::{IntoAny, IntoView, view};

/// What becomes of an act that was done.
enum Outcome {
    Told(Notice),
    LedTo(String, Option<Notice>),
    Codes(Vec<RecoveryCode>),
    File(String),
    Left { accepted: String },
}

/// One form of the account page, in the name of who is signed in.
struct Act<'a> {
    context: &'a RequestContext,
    current_user: CurrentUser,
    form: AccountForm,
}

pub async fn account(State(state): State<AppState>, request: Request) -> Response {
    let (form, request) = match read::<AccountForm>(request).await {
        Ok(read) => read,
        Err(error) => return refuse(error),
    };
    let context = context(&state, &request);
    let mut current_user = match context.current_user().await {
        Ok(Some(current_user)) => current_user,
        Ok(None) => return signed_out(&state, request, form).await,
        Err(cause) => return refuse(cause.into()),
    };
    if !form.check.is_empty() {
        return checked(&state, request, &context, &current_user, &form).await;
    }
    let mut cookies = Vec::new();
    if !form.code.is_empty() && form.again.is_empty() && !context.auth().is_confined(&current_user) {
        let answered = context.auth().reauthenticate_by_code(&current_user, &form.code, context.from()).await;
        match answered.map_err(ApiError::from) {
            Ok((renewed, _)) => {
                cookies.extend(state.cookies.set_session(&renewed.session, &renewed.token));
                current_user.session = renewed.session;
            }
            Err(ApiError::Unavailable) => return refuse(ApiError::Unavailable),
            // Its link was opened meanwhile, perhaps: whether it is known who is there is seen below.
            Err(ApiError::LinkExpired) => {}
            Err(error) => return ask_who_is_there(&state, &context, request, current_user, form, Some(error)).await,
        }
    }
    let act = Act { context: &context, current_user, form };
    let mut response = match act.run().await {
        Ok(outcome) => {
            if matches!(outcome, Outcome::Left { .. }) {
                cookies.clear();
            }
            act.shown(&state, request, outcome).await
        }
        Err(ApiError::ReauthenticationRequired) if !context.auth().is_confined(&act.current_user) => {
            ask_who_is_there(&state, &context, request, act.current_user, act.form, None).await
        }
        Err(ApiError::SignedOut) => signed_out(&state, request, act.form).await,
        Err(error @ (ApiError::Unavailable | ApiError::BadRequest | ApiError::TooManyRequests { .. })) => refuse(error),
        Err(error) if is_about_text(error) && !act.form.action.is_empty() => {
            let typed = act.form.with_note(error.message());
            account_page(&state, request, &context, &act.current_user, Some((typed, status(error)))).await
        }
        Err(error) => on_with(&state, paths::ACCOUNT, Notice::Refused(error)),
    };
    for cookie in cookies {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// Whether a refusal is about what was typed, and is told beside it.
fn is_about_text(error: ApiError) -> bool {
    matches!(
        error,
        ApiError::InvalidDisplayName
            | ApiError::InvalidEmail
            | ApiError::InvalidName
            | ApiError::InvalidUsername
            | ApiError::RenamedRecently
            | ApiError::UsernameTaken
            | ApiError::WrongUsername
    )
}

impl Act<'_> {
    async fn run(&self) -> Result<Outcome, ApiError> {
        const DEFENCES: [&str; 4] = ["end-session", "end-others", "end-sessions-of", "remove-passkey"];
        let (auth, current_user, form) = (self.context.auth(), &self.current_user, &self.form);
        count_act(auth, current_user, DEFENCES.contains(&form.action.as_str())).await?;
        if form.action == "decline" {
            auth.decline_offer(current_user, self.context.known.as_ref()).await?;
            return Ok(Outcome::Told(Notice::OfferDeclined));
        }
        if auth.is_confined(current_user) {
            return Err(ApiError::ReauthenticationRequired);
        }
        match form.action.as_str() {
            "confirm-again" => {
                Ok(Outcome::Told(match auth.confirm_again(current_user, &self.context.asker()).await? {
                    SentAgain::Sent => Notice::ConfirmationSent,
                    SentAgain::TooSoon => Notice::ConfirmationTooSoon,
                    SentAgain::NothingToConfirm => Notice::NothingToConfirm,
                }))
            }
            "name" => {
                auth.update_profile(current_user, Some(&form.name), None).await?;
                Ok(Outcome::Told(Notice::NameChanged))
            }
            "username" => {
                auth.update_profile(current_user, None, Some(&form.name)).await?;
                Ok(Outcome::Told(Notice::NameChanged))
            }
            "address" => {
                auth.change_address(current_user, &self.context.asker(), &form.email).await?;
                Ok(Outcome::Told(Notice::ConfirmationSent))
            }
            "go-on" => {
                auth.check_acting(current_user).await?;
                Ok(Outcome::LedTo(Next::or_account(Some(&form.next)).to_string(), None))
            }
            "recovery-codes" => Ok(Outcome::Codes(auth.make_recovery_codes(current_user).await?)),
            "export" => {
                let export = serde_json::to_string_pretty(&auth.export(current_user).await?);
                Ok(Outcome::File(export.map_err(|cause| Unavailable::new("view", cause))?))
            }
            "delete" => {
                let accepted = signals::accepted(self.context, current_user, &[])?;
                auth.delete_account(current_user, &form.name).await?;
                Ok(Outcome::Left { accepted })
            }
            _ => self.run_on_lists().await,
        }
    }

    /// Acts on one passkey or session.
    async fn run_on_lists(&self) -> Result<Outcome, ApiError> {
        let (auth, current_user, form) = (self.context.auth(), &self.current_user, &self.form);
        let ended = |_| Outcome::Told(Notice::SessionsEnded);
        match form.action.as_str() {
            "add-passkey" => {
                // Before the device makes one that nobody could keep.
                if !auth.check_adding(current_user).await? {
                    return Err(ApiError::TooManyPasskeys);
                }
                Ok(Outcome::LedTo(paths::ADD_PASSKEY.to_owned(), None))
            }
            "rename-passkey" => {
                auth.rename_passkey(current_user, &form.id, &form.name).await?;
                Ok(Outcome::Told(Notice::PasskeyRenamed))
            }
            "remove-passkey" => {
                auth.remove_passkey(current_user, &form.id).await?;
                Ok(Outcome::LedTo(format!("{}?removed={}", paths::ACCOUNT, form.id), Some(Notice::PasskeyRemoved)))
            }
            "end-session" => {
                let id = SessionId::decode(&form.id).ok_or(ApiError::NotFound)?;
                Ok(auth.revoke(current_user, Revocation::One(id)).await.map(ended)?)
            }
            "end-sessions-of" => {
                let id = CredentialId::decode(&form.id).ok_or(ApiError::NotFound)?;
                Ok(auth.revoke(current_user, Revocation::OfPasskey(id)).await.map(ended)?)
            }
            "end-others" => Ok(auth.revoke(current_user, Revocation::Others).await.map(ended)?),
            _ => Err(ApiError::BadRequest),
        }
    }

    async fn shown(&self, state: &AppState, request: Request, outcome: Outcome) -> Response {
        let current_user = Some(self.current_user.user.view());
        let page = Page { title: "Account", status: StatusCode::OK, interactive: false, current_user, told: None };
        match outcome {
            Outcome::Told(notice) => on_with(state, paths::ACCOUNT, notice),
            Outcome::LedTo(target, None) => on_to(&target, None),
            Outcome::LedTo(target, Some(notice)) => on_with(state, &target, notice),
            Outcome::Codes(codes) => {
                let text = codes.iter().map(RecoveryCode::expose).collect::<Vec<_>>().join("\n");
                let body = move || view! { <RecoveryCodesPage text=text.clone() /> }.into_any();
                render(state, request, Page { interactive: true, ..page }, body).await
            }
            Outcome::File(json) => {
                let kept_as = "attachment; filename=\"latchkey-account.json\"";
                let headers = [(header::CONTENT_TYPE, "application/json"), (header::CONTENT_DISPOSITION, kept_as)];
                (headers, json).into_response()
            }
            Outcome::Left { accepted } => {
                let page = Page { title: "Deleted", interactive: true, current_user: None, ..page };
                let body = move || {
                    let (accepted, details) = (accepted.clone(), String::new());
                    view! {
                        <Signals accepted details />
                        <LeftPage />
                    }
                    .into_view()
                    .into_any()
                };
                let response = render(state, request, page, body).await;
                // The account is deleted already: a request that cannot be voided now expires.
                let renewed = self.context.renew_browser().await.unwrap_or_default();
                let ended = state.cookies.end_session().into_iter().chain(state.cookies.end_known()).chain(renewed);
                (AppendHeaders(ended.map(|cookie| (header::SET_COOKIE, cookie)).collect::<Vec<_>>()), response)
                    .into_response()
            }
        }
    }
}
