//! What the account page asks for. What needs a fresh authentication keeps its form until there is one.

use super::forms::{on_to, on_with, read};
use super::pages::account_page;
use super::render::{Page, context, render};
use crate::server::auth::{AskToReauthenticateError, Revocation, SentAgain, Visitor};
use crate::server::http::refusal::{refuse, status};
use crate::server::http::{AppState, RequestContext};
use crate::server::model::recovery::RecoveryCode;
use crate::server::model::{CredentialId, SessionId};
use crate::server::secret::Token;
use crate::types::{ApiError, Next, Notice, paths};
use crate::ui::components::Signals;
use crate::ui::pages::{IdentityPage, LeftPage, Proof, RecoveryCodesPage, Typed};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use leptos::prelude::{IntoAny, IntoView, view};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct AccountForm {
    #[serde(default)]
    action: String,
    #[serde(default)]
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    email: String,
    /// The code of a letter that shows who is there.
    #[serde(default)]
    code: String,
    /// Another such letter is wanted.
    #[serde(default)]
    again: String,
    /// It was sent while nobody was signed in: its owner wants to see it first.
    #[serde(default)]
    check: String,
}

impl AccountForm {
    /// What was typed; a form has at most one text field.
    fn text(&self) -> &str {
        if self.name.is_empty() { &self.email } else { &self.name }
    }

    /// The form as the account page shows it again.
    fn with_note(&self, note: &'static str) -> Typed {
        Typed { action: self.action.clone(), id: self.id.clone(), text: self.text().to_owned(), note }
    }

    fn fields(self) -> Vec<(String, String)> {
        [("action", self.action), ("id", self.id), ("name", self.name), ("email", self.email)]
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .filter(|(_, value)| !value.is_empty())
            .collect()
    }
}

/// What becomes of an act that was done.
enum Outcome {
    Told(Notice),
    LedTo(String),
    Codes(Vec<RecoveryCode>),
    File(String),
    Left { accepted: String },
}

/// One form of the account page, in the name of who is signed in.
struct Act<'a> {
    context: &'a RequestContext,
    visitor: Visitor,
    browser: Token,
    form: AccountForm,
}

pub async fn account(State(state): State<AppState>, request: Request) -> Response {
    let (form, request) = match read::<AccountForm>(request).await {
        Ok(read) => read,
        Err(error) => return refuse(error),
    };
    let context = context(&state, &request);
    let mut visitor = match context.visitor().await {
        Ok(Some(visitor)) => visitor,
        Ok(None) => return signed_out(&state, request, form).await,
        Err(cause) => return refuse(cause.into()),
    };
    if !form.check.is_empty() {
        return checked(&state, request, &context, &visitor, &form).await;
    }
    let mut cookies = Vec::new();
    if !form.code.is_empty() && form.again.is_empty() && !context.auth().is_confined(&visitor) {
        let answered = context.auth().reauthenticate_by_code(&visitor, &form.code, context.from()).await;
        match answered.map_err(ApiError::from) {
            Ok((renewed, _)) => {
                cookies.extend(state.cookies.set_session(&renewed.session, &renewed.token));
                visitor.session = renewed.session;
            }
            Err(ApiError::Unavailable) => return refuse(ApiError::Unavailable),
            // Its link was opened meanwhile, perhaps: whether it is known who is there is seen below.
            Err(ApiError::LinkExpired) => {}
            Err(error) => return ask_who_is_there(&state, &context, request, visitor, form, Some(error)).await,
        }
    }
    let (browser, cookie) = context.browser_or_new();
    cookies.extend(cookie);
    let act = Act { context: &context, visitor, browser, form };
    let mut response = match act.run().await {
        Ok(outcome) => {
            if matches!(outcome, Outcome::Left { .. }) {
                cookies.clear();
            }
            act.shown(&state, request, outcome).await
        }
        Err(ApiError::ReauthenticationRequired) if !context.auth().is_confined(&act.visitor) => {
            ask_who_is_there(&state, &context, request, act.visitor, act.form, None).await
        }
        Err(ApiError::SignedOut) => signed_out(&state, request, act.form).await,
        Err(error @ (ApiError::Unavailable | ApiError::BadRequest | ApiError::TooManyRequests { .. })) => refuse(error),
        Err(error) if is_about_text(error) && !act.form.action.is_empty() => {
            let typed = act.form.with_note(error.message());
            account_page(&state, request, &context, &act.visitor, Some((typed, status(error)))).await
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

/// Keeps a form that was sent after its session had ended, and lets its owner sign in on the spot.
async fn signed_out(state: &AppState, request: Request, form: AccountForm) -> Response {
    let page = Page {
        title: "You are signed out",
        status: status(ApiError::SignedOut),
        interactive: true,
        visitor: None,
        told: None,
    };
    let cookie = context(state, &request).browser_or_new().1;
    let (act, fields) = (words(&form.action), form.fields());
    let (proof, refusal) = (Proof::SignedOut, None);
    let body = move || view! { <IdentityPage fields=fields.clone() act proof refusal /> }.into_any();
    let mut response = render(state, request, page, body).await;
    response.headers_mut().extend(cookie.map(|cookie| (header::SET_COOKIE, cookie)));
    response
}

/// A form that was kept meanwhile is shown again, not done: somebody else may have signed in.
async fn checked(
    state: &AppState,
    request: Request,
    context: &RequestContext,
    visitor: &Visitor,
    form: &AccountForm,
) -> Response {
    if form.text().is_empty() {
        return on_with(state, paths::ACCOUNT, Notice::Reauthenticated);
    }
    let typed = form.with_note("You were signed out meanwhile. Look at this once more, then send it.");
    account_page(state, request, context, visitor, Some((typed, StatusCode::OK))).await
}

impl Act<'_> {
    async fn run(&self) -> Result<Outcome, ApiError> {
        let (auth, visitor, form) = (self.context.auth(), &self.visitor, &self.form);
        if form.action == "decline" {
            auth.decline_offer(visitor, self.context.known.as_ref()).await?;
            return Ok(Outcome::Told(Notice::OfferDeclined));
        }
        if auth.is_confined(visitor) {
            return Err(ApiError::ReauthenticationRequired);
        }
        match form.action.as_str() {
            "confirm-again" => {
                Ok(Outcome::Told(match auth.confirm_again(visitor, &self.context.asker(&self.browser)).await? {
                    SentAgain::Sent => Notice::ConfirmationSent,
                    SentAgain::TooSoon => Notice::ConfirmationTooSoon,
                    SentAgain::NothingToConfirm => Notice::Refused(ApiError::LinkExpired),
                }))
            }
            "name" => {
                auth.update_profile(visitor, Some(&form.name), None).await?;
                Ok(Outcome::Told(Notice::NameChanged))
            }
            "username" => {
                auth.update_profile(visitor, None, Some(&form.name)).await?;
                Ok(Outcome::Told(Notice::NameChanged))
            }
            "address" => {
                auth.change_address(visitor, &self.context.asker(&self.browser), &form.email).await?;
                Ok(Outcome::Told(Notice::ConfirmationSent))
            }
            "recovery-codes" => Ok(Outcome::Codes(auth.make_recovery_codes(visitor).await?)),
            "export" => Ok(Outcome::File(
                serde_json::to_string_pretty(&auth.export(visitor).await?).map_err(|_| ApiError::Internal)?,
            )),
            "delete" => {
                let accepted = accepted(self.context, visitor, &[]);
                auth.delete_account(visitor, &form.name).await?;
                Ok(Outcome::Left { accepted })
            }
            _ => self.run_on_lists().await,
        }
    }

    /// Acts on one passkey or session.
    async fn run_on_lists(&self) -> Result<Outcome, ApiError> {
        let (auth, visitor, form) = (self.context.auth(), &self.visitor, &self.form);
        let ended = |_| Outcome::Told(Notice::SessionsEnded);
        match form.action.as_str() {
            "add-passkey" => {
                auth.check_adding(visitor).await?;
                Ok(Outcome::LedTo(paths::ADD_PASSKEY.to_owned()))
            }
            "rename-passkey" => {
                auth.rename_passkey(visitor, &form.id, &form.name).await?;
                Ok(Outcome::Told(Notice::PasskeyRenamed))
            }
            "remove-passkey" => {
                auth.remove_passkey(visitor, &form.id).await?;
                Ok(Outcome::LedTo(format!("{}?removed={}", paths::ACCOUNT, form.id)))
            }
            "end-session" => {
                let id = SessionId::decode(&form.id).ok_or(ApiError::NotFound)?;
                Ok(auth.revoke(visitor, Revocation::One(id)).await.map(ended)?)
            }
            "end-sessions-of" => {
                let id = CredentialId::decode(&form.id).ok_or(ApiError::NotFound)?;
                Ok(auth.revoke(visitor, Revocation::OfPasskey(id)).await.map(ended)?)
            }
            "end-others" => Ok(auth.revoke(visitor, Revocation::Others).await.map(ended)?),
            _ => Err(ApiError::BadRequest),
        }
    }

    async fn shown(&self, state: &AppState, request: Request, outcome: Outcome) -> Response {
        let visitor = Some(self.visitor.user.view());
        let page = Page { title: "Account", status: StatusCode::OK, interactive: false, visitor, told: None };
        match outcome {
            Outcome::Told(notice) => on_with(state, paths::ACCOUNT, notice),
            Outcome::LedTo(target) if target == paths::ADD_PASSKEY => on_to(&target, None),
            Outcome::LedTo(target) => on_with(state, &target, Notice::PasskeyRemoved),
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
                let page = Page { title: "Deleted", interactive: true, visitor: None, ..page };
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
                let ended = state.cookies.end_session().into_iter().chain(state.cookies.end_known());
                (AppendHeaders(ended.map(|cookie| (header::SET_COOKIE, cookie)).collect::<Vec<_>>()), response)
                    .into_response()
            }
        }
    }
}

/// Asks who is there, keeping the form that was sent.
async fn ask_who_is_there(
    state: &AppState,
    context: &RequestContext,
    request: Request,
    visitor: Visitor,
    form: AccountForm,
    refusal: Option<ApiError>,
) -> Response {
    let is_open = match context.auth().open_reauthentication(&visitor).await {
        Ok(open) => open.is_some(),
        Err(cause) => return refuse(cause.into()),
    };
    let (browser, cookie) = context.browser_or_new();
    let proof = if is_open && form.again.is_empty() {
        Proof::Letter
    } else {
        let asker = context.asker(&browser);
        match context.auth().ask_to_reauthenticate(&visitor, asker, Next::or_account(None)).await {
            Ok(_) => Proof::Letter,
            Err(AskToReauthenticateError::TooMany(too_many)) => return refuse(too_many.into()),
            Err(AskToReauthenticateError::PasskeyRequired | AskToReauthenticateError::EmailOff) => {
                match context.auth().has_passkey(&visitor).await {
                    Ok(true) => Proof::Passkey,
                    Ok(false) => Proof::SignIn,
                    Err(cause) => return refuse(cause.into()),
                }
            }
            Err(AskToReauthenticateError::Unavailable(cause)) => return refuse(cause.into()),
        }
    };
    let error = refusal.unwrap_or(ApiError::ReauthenticationRequired);
    let user = Some(visitor.user.view());
    let page =
        Page { title: "Confirm that it is you", status: status(error), interactive: true, visitor: user, told: None };
    let act = words(&form.action);
    let fields = form.fields();
    let body = move || view! { <IdentityPage fields=fields.clone() act proof refusal /> }.into_any();
    let mut response = render(state, request, page, body).await;
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

fn words(action: &str) -> &'static str {
    match action {
        "add-passkey" => "add a passkey",
        "remove-passkey" => "remove the passkey",
        "address" => "change your address",
        "recovery-codes" => "make recovery codes",
        "export" => "download your data",
        "delete" => "delete your account",
        _ => "do this",
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Accepted<'a> {
    rp_id: &'a str,
    user_id: String,
    all_accepted_credential_ids: &'a [String],
}

/// The JSON that tells a device which passkeys are good.
pub(super) fn accepted(context: &RequestContext, visitor: &Visitor, ids: &[String]) -> String {
    let rp_id = context.auth().relying_party.id();
    let accepted = Accepted { rp_id, user_id: visitor.user.id.encode(), all_accepted_credential_ids: ids };
    serde_json::to_string(&accepted).unwrap_or_default()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Details<'a> {
    rp_id: &'a str,
    user_id: String,
    name: &'a str,
    display_name: &'a str,
}

/// The JSON that tells a device what the owner of its passkeys is called.
pub(super) fn details(context: &RequestContext, visitor: &Visitor) -> String {
    let user = &visitor.user;
    let details = Details {
        rp_id: context.auth().relying_party.id(),
        user_id: user.id.encode(),
        name: user.username.as_str(),
        display_name: user.display_name.as_str(),
    };
    serde_json::to_string(&details).unwrap_or_default()
}
