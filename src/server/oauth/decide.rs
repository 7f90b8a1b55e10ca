//! The decision about an authorization request, as one pure function.

use super::error::ErrorCode;
use super::request::{AuthorizationRequest, PHISHING_RESISTANT};
use crate::server::access::{Reason, Verdict};
use crate::server::clock::Timestamp;
use crate::server::model::assurance::{Assurance, Strength};
use std::collections::BTreeSet;

/// The input of a decision.
#[derive(Clone, Copy, Debug)]
pub struct DecisionInput<'a> {
    pub request: &'a AuthorizationRequest,
    /// When the request arrived; an authentication after that counts as new.
    pub began_at: Timestamp,
    pub session: Option<SignedIn>,
    /// Whether the user has chosen an account for this request.
    pub has_chosen: bool,
    /// Whether the user has allowed this request.
    pub has_allowed: bool,
    pub now: Timestamp,
}

/// The signed-in user of the browser.
#[derive(Clone, Copy, Debug)]
pub struct SignedIn {
    pub assurance: Assurance,
    /// The verdict of the application's policy.
    pub verdict: Verdict,
    /// Whether they have a usable passkey that is off probation, so that asking for it makes sense.
    pub has_passkey: bool,
    /// Whether the request names this user or none (by `id_token_hint`, or `sub` in `claims`).
    pub matches_hint: bool,
    /// Whether they have to be asked for consent.
    pub needs_consent: bool,
}

/// The next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The application gets a code.
    Answer,
    SignIn,
    SignUp,
    /// The user chooses an account.
    ChooseAccount,
    /// The user authenticates again.
    Authenticate {
        with_passkey: bool,
    },
    AskConsent,
    /// The policy refuses: a page explains why and sends the user back with `access_denied`.
    Explain(Reason),
    /// The application gets an error.
    Refuse(ErrorCode),
}

/// Decides the next step of a request.
#[must_use]
pub fn decide(input: &DecisionInput<'_>) -> Decision {
    let wanted = next(input);
    if input.request.prompt.none { apply_prompt_none(wanted) } else { wanted }
}

/// Replaces each page that `prompt=none` forbids with its error (OpenID Connect Core, section 3.1.2.6).
fn apply_prompt_none(wanted: Decision) -> Decision {
    match wanted {
        Decision::Answer | Decision::Refuse(_) => wanted,
        Decision::SignIn | Decision::SignUp | Decision::ChooseAccount | Decision::Authenticate { .. } => {
            Decision::Refuse(ErrorCode::LoginRequired)
        }
        Decision::AskConsent => Decision::Refuse(ErrorCode::ConsentRequired),
        // Another sign-in could satisfy the policy.
        Decision::Explain(reason) if reason.can_sign_in_resolve() => Decision::Refuse(ErrorCode::LoginRequired),
        Decision::Explain(_) => Decision::Refuse(ErrorCode::AccessDenied),
    }
}

fn next(input: &DecisionInput<'_>) -> Decision {
    let DecisionInput { request, began_at, session, has_chosen, has_allowed, now } = *input;
    let Some(session) = session else {
        return if request.prompt.create { Decision::SignUp } else { Decision::SignIn };
    };
    let authenticated_at = session.assurance.authenticated_at;
    // A user who signed in or signed up since then has chosen an account.
    let is_new = authenticated_at >= began_at;
    let asks_for_account = request.prompt.select_account || request.prompt.create;
    if !session.matches_hint || (asks_for_account && !has_chosen && !is_new) {
        return Decision::ChooseAccount;
    }
    match session.verdict {
        Verdict::Refused(reason) if !reason.can_sign_in_resolve() => return Decision::Explain(reason),
        Verdict::Refused(Reason::TooOld) if is_new => {}
        Verdict::Refused(Reason::TooOld) => return Decision::Authenticate { with_passkey: false },
        Verdict::Refused(reason) if !session.has_passkey || is_by_passkey(session) => {
            return Decision::Explain(reason);
        }
        Verdict::Refused(_) => return Decision::Authenticate { with_passkey: true },
        Verdict::Allowed => {}
    }
    let is_older = request.max_age.is_some_and(|max_age| now.since(authenticated_at) > max_age);
    if (request.needs_new_authentication() || is_older) && !is_new {
        return Decision::Authenticate { with_passkey: false };
    }
    match context_class(input, session) {
        Decision::Answer => {}
        other => return other,
    }
    if (request.prompt.consent || session.needs_consent) && !has_allowed {
        return Decision::AskConsent;
    }
    Decision::Answer
}

/// Whether the session has the strength of a passkey, so that another authentication cannot strengthen it.
fn is_by_passkey(session: SignedIn) -> bool {
    session.assurance.strength >= Strength::Passkey
}

/// Checks the requested authentication context class (OpenID Connect Core, section 5.5.1.1).
fn context_class(input: &DecisionInput<'_>, session: SignedIn) -> Decision {
    let request = input.request;
    let is_met = |values: &BTreeSet<String>| {
        values.is_empty() || session.assurance.acr().is_some_and(|acr| values.contains(acr))
    };
    match &request.claims.essential_acr {
        Some(values) if !is_met(values) => {
            let can_be_met = values.contains(PHISHING_RESISTANT) && session.has_passkey && !request.prompt.none;
            if can_be_met && !is_by_passkey(session) {
                Decision::Authenticate { with_passkey: true }
            } else {
                Decision::Refuse(ErrorCode::UnmetAuthenticationRequirements)
            }
        }
        // Voluntary: a silent request, or a user without a passkey, continues without it.
        _ if request.prefers_passkey && session.has_passkey && !is_by_passkey(session) && !request.prompt.none => {
            Decision::Authenticate { with_passkey: true }
        }
        _ => Decision::Answer,
    }
}

#[cfg(test)]
mod tests;
