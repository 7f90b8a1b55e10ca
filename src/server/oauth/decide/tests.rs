use super::*;
use crate::server::model::oauth::{RequestedClaims, Scopes};
use crate::server::oauth::request::{Prompt, ResponseMode, ReturnTo};
use std::collections::BTreeSet;
use std::time::Duration;

const NOW: Timestamp = Timestamp::from_unix_millis(1_795_000_000_000);
const BEGAN: Timestamp = Timestamp::from_unix_millis(1_794_999_990_000);
const HOUR: Duration = Duration::from_hours(1);

fn request(prompt: Prompt) -> AuthorizationRequest {
    AuthorizationRequest {
        return_to: ReturnTo { redirect_uri: String::new(), mode: ResponseMode::Query, state: None },
        scopes: Scopes::parse("openid"),
        nonce: None,
        challenge: None,
        prompt,
        max_age: None,
        prefers_passkey: false,
        claims: RequestedClaims::default(),
        claims_text: None,
        login_hint: None,
        id_token_hint: None,
        language: None,
    }
}

fn signed_in(strength: Strength, age: Duration) -> SignedIn {
    SignedIn {
        assurance: Assurance { strength, authenticated_at: NOW.minus(age) },
        verdict: Verdict::Allowed,
        has_passkey: true,
        matches_hint: true,
        needs_consent: false,
    }
}

fn decision_for(request: &AuthorizationRequest, session: Option<SignedIn>) -> Decision {
    decide(&DecisionInput { request, began_at: BEGAN, session, has_chosen: false, has_allowed: false, now: NOW })
}

/// A prompt with these space-separated values.
fn prompt(words: &str) -> Prompt {
    let has = |word: &str| words.split(' ').any(|known| known == word);
    Prompt {
        none: has("none"),
        login: has("login"),
        consent: has("consent"),
        select_account: has("select_account"),
        create: has("create"),
    }
}

/// Checks the decision for every combination of prompt, maximum age, acr, hint, verdict, consent and session.
#[test]
fn every_combination_follows_the_documented_rules() {
    let prompts = ["", "none", "login", "consent", "select_account", "create", "login consent"];
    let ages = [None, Some(Duration::ZERO), Some(HOUR)];
    let verdicts = [
        Verdict::Allowed,
        Verdict::Refused(Reason::NotInAudience),
        Verdict::Refused(Reason::AccountDisabled),
        Verdict::Refused(Reason::NeedsPasskey),
        Verdict::Refused(Reason::TooOld),
    ];
    let mut rows = 0;
    for words in prompts {
        for max_age in ages {
            for essential in [None, Some("phr"), Some("other")] {
                for prefers_passkey in [false, true] {
                    let acr = essential.map(|value| BTreeSet::from([value.to_owned()]));
                    let claims = RequestedClaims { essential_acr: acr, ..RequestedClaims::default() };
                    let request = AuthorizationRequest { max_age, prefers_passkey, claims, ..request(prompt(words)) };
                    assert!(matches!(
                        (words, decision_for(&request, None)),
                        ("none", Decision::Refuse(ErrorCode::LoginRequired))
                            | ("create", Decision::SignUp)
                            | ("" | "login" | "consent" | "select_account" | "login consent", Decision::SignIn)
                    ));
                    for strength in [Strength::Email, Strength::Passkey] {
                        for age in [Duration::from_secs(5), Duration::from_mins(1), 2 * HOUR] {
                            for verdict in verdicts {
                                for flags in 0..8_u8 {
                                    let session = SignedIn {
                                        verdict,
                                        has_passkey: flags & 1 != 0,
                                        matches_hint: flags & 2 != 0,
                                        needs_consent: flags & 4 != 0,
                                        ..signed_in(strength, age)
                                    };
                                    assert_rules(&request, session, decision_for(&request, Some(session)));
                                    rows += 1;
                                }
                            }
                        }
                    }
                }
            }
        }
    }
    assert_eq!(rows, 7 * 3 * 3 * 2 * 2 * 3 * 5 * 8);
}

/// The rules, each as an implication: independent of the function under test and of their order.
fn assert_rules(request: &AuthorizationRequest, session: SignedIn, decision: Decision) {
    let context = format!("{request:?}\n{session:?}\n{decision:?}");
    let prompt = request.prompt;
    let is_new = session.assurance.authenticated_at >= BEGAN;
    let age = NOW.since(session.assurance.authenticated_at);
    let by_passkey = session.assurance.strength >= Strength::Passkey;
    if prompt.none {
        assert!(matches!(decision, Decision::Answer | Decision::Refuse(_)), "prompt=none shows nothing: {context}");
    } else {
        let refused = matches!(decision, Decision::Refuse(code) if code != ErrorCode::UnmetAuthenticationRequirements);
        assert!(!refused, "a page can resolve or explain everything else: {context}");
    }
    if decision == Decision::Answer {
        assert!(session.matches_hint, "another user than the hinted one: {context}");
        assert!(!prompt.consent && !session.needs_consent, "no consent: {context}");
        assert!(is_new || (!prompt.select_account && !prompt.create), "no account chosen: {context}");
        assert!(!prompt.login || is_new, "prompt=login: {context}");
        assert!(request.max_age.is_none_or(|max_age| age <= max_age || is_new), "max_age: {context}");
        let is_allowed =
            session.verdict == Verdict::Allowed || (session.verdict == Verdict::Refused(Reason::TooOld) && is_new);
        assert!(is_allowed, "policy: {context}");
        let essential = request.claims.essential_acr.as_ref();
        assert!(essential.is_none_or(|values| by_passkey && values.contains("phr")), "essential acr: {context}");
        let is_asked = request.prefers_passkey && session.has_passkey && !prompt.none;
        assert!(!is_asked || by_passkey, "acr_values: {context}");
    }
    if let Decision::Authenticate { with_passkey } = decision {
        assert!(!with_passkey || (session.has_passkey && !by_passkey), "no passkey that would help: {context}");
        assert!(with_passkey || !is_new, "already authenticated: {context}");
    }
    if let Decision::Explain(reason) = decision {
        assert_eq!(session.verdict, Verdict::Refused(reason), "{context}");
        assert!(!reason.can_sign_in_resolve() || !session.has_passkey || by_passkey, "{context}");
    }
    if matches!(session.verdict, Verdict::Refused(Reason::NotInAudience | Reason::AccountDisabled))
        && session.matches_hint
    {
        let has_to_choose = prompt.select_account || prompt.create;
        let expected = |decision| match decision {
            Decision::Refuse(code) => prompt.none && code == ErrorCode::AccessDenied,
            Decision::Explain(_) => true,
            Decision::ChooseAccount => has_to_choose,
            _ => false,
        };
        assert!(expected(decision), "closed: {context}");
    }
    if decision == Decision::AskConsent {
        assert!(prompt.consent || session.needs_consent, "{context}");
    }
}

#[test]
fn the_user_is_not_asked_twice_in_one_request() {
    let session = Some(SignedIn { needs_consent: true, ..signed_in(Strength::Passkey, HOUR) });
    let ask = request(prompt("consent select_account"));
    let input =
        DecisionInput { request: &ask, began_at: BEGAN, session, has_chosen: false, has_allowed: false, now: NOW };
    assert_eq!(decide(&input), Decision::ChooseAccount);
    let input = DecisionInput { has_chosen: true, ..input };
    assert_eq!(decide(&input), Decision::AskConsent);
    assert_eq!(decide(&DecisionInput { has_allowed: true, ..input }), Decision::Answer);
}

#[test]
fn a_silent_request_continues_without_a_preferred_passkey() {
    let silent = AuthorizationRequest { prefers_passkey: true, ..request(prompt("none")) };
    assert_eq!(decision_for(&silent, Some(signed_in(Strength::Email, HOUR))), Decision::Answer);
}
