//! Browsers' reports of content security policy violations (CSP Level 3, section 5; Reporting API). Each kind is logged
//! once a day, up to a maximum number of kinds.

use super::client_address::TrustedProxies;
use super::edge::Edge;
use super::media_type::media_type;
use crate::server::clock::Timestamp;
use crate::server::core::Core;
use crate::server::limiter::Subject;
use crate::server::model::limit;
use crate::server::telemetry::meters;
use crate::types::ApiError;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Maximum number of kinds that are logged in a day, and in one request.
const MAX_KINDS_PER_DAY: usize = 100;
const MAX_KINDS_PER_REQUEST: usize = 5;
const MEMORY: Duration = Duration::from_hours(24);
/// Maximum length of a value from a report in the log, in characters.
const LONGEST: usize = 80;

/// The media types of reports for `report-uri` and for `report-to`.
pub const ONE: &str = "application/csp-report";
pub const LIST: &str = "application/reports+json";

/// The kinds that were logged in the current period, and when it began.
#[derive(Clone, Debug)]
pub struct PolicyReports(Arc<Mutex<(Timestamp, HashSet<Kind>)>>);

/// The directive that was violated, and the resource.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Kind {
    directive: String,
    blocked: String,
}

impl Default for PolicyReports {
    fn default() -> Self {
        Self(Arc::new(Mutex::new((Timestamp::from_unix_millis(0), HashSet::new()))))
    }
}

impl PolicyReports {
    /// Whether to log this kind: it is new today, and the maximum is not reached.
    fn is_new(&self, kind: &Kind, now: Timestamp) -> bool {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if now.since(seen.0) >= MEMORY {
            *seen = (now, HashSet::new());
        }
        seen.1.len() < MAX_KINDS_PER_DAY && seen.1.insert(kind.clone())
    }
}

/// `POST /csp-report`, in both formats.
pub async fn receive(
    State(core): State<Arc<Core>>,
    State(proxies): State<TrustedProxies>,
    State(reports): State<PolicyReports>,
    request: Request,
) -> Response {
    let client = proxies.client(request.extensions(), request.headers());
    if let Err(limited) = core.limiter.draw(&limit::REPORTS, Subject::Client(client)).await {
        return ApiError::from(limited).into_response();
    }
    if let Err(error) = Edge::from_extensions(request.extensions()).check_body(request.headers()) {
        return error.into_response();
    }
    let is_list = media_type(request.headers()).as_deref() == Some(LIST);
    let Ok(body) = to_bytes(request.into_body(), super::body::MAX_BODY).await else {
        return ApiError::TooLarge.into_response();
    };
    let Some(kinds) = parse(&body, is_list) else { return ApiError::BadRequest.into_response() };
    for kind in kinds.into_iter().take(MAX_KINDS_PER_REQUEST) {
        meters::policy_report();
        if reports.is_new(&kind, core.now()) {
            tracing::warn!(directive = ?kind.directive, blocked = ?kind.blocked, "content security policy violated");
        }
    }
    StatusCode::NO_CONTENT.into_response()
}

/// Parses the reports for `report-uri` (an object) and for `report-to` (a list), which spell their members differently.
fn parse(body: &[u8], is_list: bool) -> Option<Vec<Kind>> {
    let reports = match serde_json::from_slice(body).ok()? {
        Value::Array(reports) if is_list => {
            reports.into_iter().map(|mut report| report.get_mut("body").map(Value::take).unwrap_or_default()).collect()
        }
        Value::Object(mut report) if !is_list => vec![report.remove("csp-report")?],
        _ => return None,
    };
    let kind = |report: &Value| {
        let text = |names: &[&str]| names.iter().find_map(|name| report[*name].as_str()).unwrap_or_default().to_owned();
        let directive = text(&["effectiveDirective", "effective-directive", "violated-directive"]);
        let blocked = text(&["blockedURL", "blocked-uri"]);
        Kind { directive: word(&directive), blocked: word(origin_of(&blocked)) }
    };
    Some(reports.iter().map(kind).collect())
}

/// The origin of a URL. Path and query may contain personal data.
fn origin_of(address: &str) -> &str {
    match address.split_once("://") {
        Some((scheme, rest)) => {
            let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
            &address[..scheme.len() + 3 + host.len()]
        }
        None => address.split(['/', '?', '#']).next().unwrap_or_default(),
    }
}

fn word(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_formats_give_only_the_directive_and_the_origin() {
        let old =
            br#"{"csp-report":{"violated-directive":"script-src","blocked-uri":"https://evil.example/x?token=1"}}"#;
        let new = br#"[{"type":"csp-violation","body":{"effectiveDirective":"script-src","blockedURL":"https://evil.example/y"}}]"#;
        let kind = Kind { directive: "script-src".to_owned(), blocked: "https://evil.example".to_owned() };
        assert_eq!(parse(old, false).unwrap(), std::slice::from_ref(&kind));
        assert_eq!(parse(new, true).unwrap(), [kind]);
        for strange in ["{}", "1", "null", "{"] {
            assert!(
                parse(strange.as_bytes(), false).is_none() && parse(strange.as_bytes(), true).is_none(),
                "{strange}"
            );
        }
        let empty = Kind { directive: String::new(), blocked: String::new() };
        assert_eq!(parse(br#"[1, {"body": 2}]"#, true).unwrap(), [empty.clone(), empty]);
    }

    #[test]
    fn each_kind_is_logged_once_up_to_a_maximum() {
        let reports = PolicyReports::default();
        let kind = |number: usize| Kind { directive: number.to_string(), blocked: String::new() };
        let now = Timestamp::from_unix_millis(1_795_000_000_000);
        assert!(reports.is_new(&kind(0), now) && !reports.is_new(&kind(0), now));
        let logged = (1..1_000).filter(|number| reports.is_new(&kind(*number), now)).count();
        assert_eq!(logged, MAX_KINDS_PER_DAY - 1);
        assert!(reports.is_new(&kind(0), now.plus(MEMORY)), "the next day");
    }
}
