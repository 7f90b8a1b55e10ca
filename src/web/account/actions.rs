//! `POST /account`: the actions of its forms. A form that needs a fresh authentication is stored until there is one.

use super::page::Shown;
use super::{codes, page, signals};
use crate::server::Unavailable;
use crate::server::auth::{CurrentUser, ResendOutcome, Revocation};
use crate::server::http::RequestContext;
use crate::server::http::limits::count_action;
use crate::server::http::refusal::status;
use crate::server::model::Continuation;
use crate::server::model::recovery::RecoveryCode;
use crate::server::model::{CredentialId, SessionId};
use crate::types::{AccountAction, AccountForm, ApiError, EmailAddress, Notice, Section, paths};
use crate::ui::components::Signals;
use crate::ui::pages::DeletedPage;
use crate::web::continuation::{confirm_first, sign_in_first};
use crate::web::extract;
use crate::web::redirect::{self, set_cookies};
use crate::web::render::{Page, render};
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use leptos::prelude::{IntoAny, IntoView, view};

/// The result of an action.
enum Outcome {
    Notice(Notice),
    Redirect(String, Option<Notice>),
    Codes(Vec<RecoveryCode>),
    File(String),
    Deleted { accepted: String },
}

/// A form of the account page, sent by the signed-in user.
struct SubmittedForm<'a> {
    context: &'a RequestContext,
    current: CurrentUser,
    form: AccountForm,
}

/// `POST /account`.
pub async fn post(context: RequestContext, request: Request) -> Result<Response, ApiError> {
    let (form, request) = extract::form::<AccountForm>(request).await?;
    match context.current_user().await? {
        Some(current) => perform(&context, request, current, form).await,
        None => sign_in_first(&context, form).await,
    }
}

/// Performs the action of a form. If that needs a fresh authentication, the form is stored until there is one.
pub async fn perform(
    context: &RequestContext,
    request: Request,
    current: CurrentUser,
    form: AccountForm,
) -> Result<Response, ApiError> {
    let is_confined = context.state.sessions().is_confined(&current);
    let act = SubmittedForm { context, current, form };
    match act.run().await {
        Ok(outcome) => Ok(act.show(request, outcome).await),
        Err(ApiError::ReauthenticationRequired) if !is_confined => {
            confirm_first(context, &act.current, Continuation::Account(act.form)).await
        }
        Err(ApiError::SignedOut) => sign_in_first(context, act.form).await,
        Err(error) => act.refuse(request, error).await,
    }
}

/// Whether a refusal is about the entered text, and is shown next to it.
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

impl SubmittedForm<'_> {
    async fn run(&self) -> Result<Outcome, ApiError> {
        let Self { context, current, form } = self;
        let state = &context.state;
        count_action(state.core(), current, form.action.is_some_and(AccountAction::is_defence)).await?;
        if form.action == Some(AccountAction::Decline) {
            state.browsers().decline_offer(current, context.known.as_ref()).await?;
            return Ok(Outcome::Notice(Notice::OfferDeclined));
        }
        if state.sessions().is_confined(current) {
            return Err(ApiError::ReauthenticationRequired);
        }
        let action = form.action.ok_or(ApiError::BadRequest)?;
        match action {
            AccountAction::AddPasskey => {
                // Checked before the device creates a passkey that could not be stored.
                state.passkeys().check_can_add(current).await?;
                Ok(Outcome::Redirect(paths::ADD_PASSKEY.to_owned(), None))
            }
            AccountAction::RenamePasskey => {
                state.passkeys().rename(current, &form.id, &form.name).await?;
                Ok(Outcome::Notice(Notice::PasskeyRenamed))
            }
            AccountAction::RemovePasskey => {
                state.passkeys().remove(current, &form.id).await?;
                let passkeys = Section::Passkeys.path();
                Ok(Outcome::Redirect(format!("{passkeys}?removed={}", form.id), Some(Notice::PasskeyRemoved)))
            }
            AccountAction::EndSession | AccountAction::EndSessionsOf | AccountAction::EndOthers => {
                state.sessions().revoke(current, self.revocation(action)?).await?;
                Ok(Outcome::Notice(Notice::SessionsEnded))
            }
            AccountAction::RecoveryCodes => Ok(Outcome::Codes(state.recovery_codes().replace(current).await?)),
            AccountAction::Export => {
                let export = serde_json::to_string_pretty(&state.exports().export(current).await?);
                Ok(Outcome::File(export.map_err(|cause| Unavailable::new("view", cause))?))
            }
            AccountAction::Delete => {
                let accepted = signals::accepted(context, current, &[])?;
                // Checked before the user is asked to confirm their identity.
                if !state.deletion().is_confirmed_by(current, &form.name) {
                    return Err(ApiError::WrongUsername);
                }
                state.deletion().delete(current, &form.name).await?;
                Ok(Outcome::Deleted { accepted })
            }
            _ => self.change_profile(action).await.map(Outcome::Notice),
        }
    }

    /// Changes a name or the address.
    async fn change_profile(&self, action: AccountAction) -> Result<Notice, ApiError> {
        let Self { context, current, form } = self;
        let (profile, address) = (context.state.profile(), context.state.address());
        match action {
            AccountAction::Name => {
                profile.update(current, Some(&form.name), None).await?;
                Ok(Notice::NameChanged)
            }
            AccountAction::Username => {
                profile.update(current, None, Some(&form.name)).await?;
                Ok(Notice::UsernameChanged)
            }
            // A request for another address is voided by the one for the present address.
            AccountAction::Address
                if EmailAddress::parse(&form.email).is_ok_and(|typed| current.user.has_confirmed(&typed))
                    && address.open_confirmation(current).await?.is_none() =>
            {
                Ok(Notice::NothingToConfirm)
            }
            AccountAction::Address => {
                address.change(current, &context.caller(), &form.email).await?;
                Ok(Notice::ConfirmationSent)
            }
            AccountAction::ConfirmAgain => Ok(match address.resend_confirmation(current, &context.caller()).await? {
                ResendOutcome::Sent => Notice::ConfirmationSent,
                ResendOutcome::TooSoon => Notice::ConfirmationTooSoon,
                ResendOutcome::NothingToConfirm => Notice::NothingToConfirm,
            }),
            _ => Err(ApiError::BadRequest),
        }
    }

    fn revocation(&self, action: AccountAction) -> Result<Revocation, ApiError> {
        let id = &self.form.id;
        let which = match action {
            AccountAction::EndSession => SessionId::decode(id).map(Revocation::One),
            AccountAction::EndSessionsOf => CredentialId::decode(id).map(Revocation::OfPasskey),
            _ => Some(Revocation::Others),
        };
        which.ok_or(ApiError::NotFound)
    }

    /// Shows a refusal next to the text of the form, or else as a notice.
    async fn refuse(self, request: Request, error: ApiError) -> Result<Response, ApiError> {
        if matches!(error, ApiError::Unavailable | ApiError::BadRequest | ApiError::TooManyRequests { .. }) {
            return Err(error);
        }
        if self.context.state.sessions().is_confined(&self.current) {
            return Ok(redirect::with_refusal(&self.context.state, paths::ACCOUNT, error));
        }
        if error == ApiError::NotFound {
            return Ok(redirect::with_notice(&self.context.state, self.form.section().path(), Notice::Gone));
        }
        match page::typed(&self.form, error.message()).filter(|typed| !typed.text.is_empty() || is_about_text(error)) {
            Some(typed) => page::show(self.context, request, &self.current, Shown::again(typed, status(error))).await,
            None => Ok(redirect::with_refusal(&self.context.state, self.form.section().path(), error)),
        }
    }

    async fn show(&self, request: Request, outcome: Outcome) -> Response {
        let state = &self.context.state;
        match outcome {
            Outcome::Notice(notice) => redirect::with_notice(state, self.form.section().path(), notice),
            Outcome::Redirect(target, None) => redirect::to(&target, None),
            Outcome::Redirect(target, Some(notice)) => redirect::with_notice(state, &target, notice),
            Outcome::Codes(codes) => {
                let text = codes.iter().map(RecoveryCode::expose).collect::<Vec<_>>().join("\n");
                match codes::store_and_redirect(self.context, &self.current, &text).await {
                    Ok(page) => page,
                    // The old codes no longer work, so the new ones must be shown.
                    Err(_) => codes::show(state, request, &self.current, text).await,
                }
            }
            Outcome::File(json) => {
                let kept_as = "attachment; filename=\"latchkey-account.json\"";
                let headers = [(header::CONTENT_TYPE, "application/json"), (header::CONTENT_DISPOSITION, kept_as)];
                (headers, json).into_response()
            }
            Outcome::Deleted { accepted } => {
                let body = move || {
                    let (accepted, details) = (accepted.clone(), String::new());
                    view! {
                        <Signals accepted details />
                        <DeletedPage />
                    }
                    .into_view()
                    .into_any()
                };
                let page = Page { shown_once: true, ..Page::new("Deleted").interactive() };
                let response = render(state, request, page, body).await;
                (set_cookies(self.cookies_of_deleted().await), response).into_response()
            }
        }
    }

    /// The cookies after a deletion. If the pending email requests cannot be voided now, they expire on their own.
    async fn cookies_of_deleted(&self) -> Vec<HeaderValue> {
        let cookies = &self.context.state.cookies;
        let renewed = self.context.renew_browser().await.unwrap_or_default();
        cookies.end_session().into_iter().chain(cookies.end_known()).chain(renewed).collect()
    }
}
