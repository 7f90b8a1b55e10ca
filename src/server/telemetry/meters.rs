//! Metrics, under the names that `docs/OPERATIONS.md`, the dashboard and the alerts use.

use crate::server::model::Levels;
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use std::time::Duration;

const SIGN_INS: &str = "latchkey_sign_ins_total";
const SIGN_UPS: &str = "latchkey_sign_ups_total";
const CEREMONIES: &str = "latchkey_ceremonies_total";
const EMAILS: &str = "latchkey_emails_total";
const LIMITED: &str = "latchkey_limited_total";
/// Response times, in seconds.
pub const REQUESTS: &str = "latchkey_http_request_seconds";
const POOL: &str = "latchkey_database_connections";
const QUEUED: &str = "latchkey_queued_emails";
const QUEUE_AGE: &str = "latchkey_outbox_oldest_seconds";
const UP: &str = "latchkey_backend_up";
const REPORTS: &str = "latchkey_policy_reports_total";

/// Former names of [`EMAILS`] and [`QUEUED`], kept for one version (CHANGELOG.md).
const FORMER_EMAILS: &str = "latchkey_letters_total";
const FORMER_QUEUED: &str = "latchkey_outbox_letters";

/// Every metric name that the documents mention.
pub const NAMES: [&str; 11] =
    [SIGN_INS, SIGN_UPS, CEREMONIES, EMAILS, LIMITED, REQUESTS, POOL, QUEUED, QUEUE_AGE, UP, REPORTS];

/// Upper bounds of the histogram's buckets, in seconds.
pub const BUCKETS: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5];

/// Registers the description of each metric.
pub fn describe() {
    describe_counter!(SIGN_INS, "Sign-ins by method and outcome; `opened` is a success");
    describe_counter!(SIGN_UPS, "Accounts created, by method");
    describe_counter!(CEREMONIES, "Passkey ceremonies by purpose and stage");
    describe_counter!(EMAILS, "Emails by kind and outcome");
    describe_counter!(FORMER_EMAILS, "Former name of latchkey_emails_total");
    describe_counter!(LIMITED, "Requests refused by a rate limit");
    describe_histogram!(REQUESTS, "Seconds until a request was answered, by route and status");
    describe_gauge!(POOL, "Connections to the database, by state");
    describe_gauge!(QUEUED, "Emails waiting to be sent");
    describe_gauge!(FORMER_QUEUED, "Former name of latchkey_queued_emails");
    describe_gauge!(QUEUE_AGE, "Seconds by which the oldest queued email is overdue");
    describe_gauge!(UP, "1 while a backend answers");
    describe_counter!(REPORTS, "Reports of a violated content security policy");
}

/// The stage of a ceremony.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Started,
    Finished,
    /// A finish without an open ceremony: too late, already finished, or of another browser.
    Expired,
}

/// Counts a ceremony that reached a stage.
pub fn ceremony(purpose: &'static str, stage: Stage) {
    let stage = match stage {
        Stage::Started => "started",
        Stage::Finished => "finished",
        Stage::Expired => "expired",
    };
    counter!(CEREMONIES, "purpose" => purpose, "stage" => stage).increment(1);
}

/// Counts a sign-in; without a refusal it is a success.
pub fn sign_in(method: &'static str, refusal: Option<&'static str>) {
    counter!(SIGN_INS, "method" => method, "outcome" => refusal.unwrap_or("opened")).increment(1);
}

/// Counts a new account.
pub fn sign_up(method: &'static str) {
    counter!(SIGN_UPS, "method" => method).increment(1);
}

/// Counts the outcome of an email.
pub fn email(kind: &'static str, outcome: &'static str) {
    for name in [EMAILS, FORMER_EMAILS] {
        counter!(name, "kind" => kind, "outcome" => outcome).increment(1);
    }
}

/// Counts a request that a rate limit refused.
pub fn limited(limit: &'static str) {
    counter!(LIMITED, "limit" => limit).increment(1);
}

/// Counts a report about the content security policy.
pub fn policy_report() {
    counter!(REPORTS).increment(1);
}

/// Records a response. The route is one of our patterns, never a path that a client chose.
pub fn request(route: String, status: u16, took: Duration) {
    histogram!(REQUESTS, "route" => route, "status" => status.to_string()).record(took.as_secs_f64());
}

/// Sets the gauges; `None` if the database is unavailable.
pub fn levels(levels: Option<Levels>, ephemeral_is_up: bool) {
    gauge!(UP, "backend" => "database").set(f64::from(u8::from(levels.is_some())));
    gauge!(UP, "backend" => "ephemeral").set(f64::from(u8::from(ephemeral_is_up)));
    if let Some(levels) = levels {
        gauge!(POOL, "state" => "idle").set(levels.connections_idle);
        gauge!(POOL, "state" => "used").set(levels.connections_used);
        for name in [QUEUED, FORMER_QUEUED] {
            gauge!(name).set(f64::from(u32::try_from(levels.queued_emails).unwrap_or(u32::MAX)));
        }
        gauge!(QUEUE_AGE).set(levels.oldest_overdue.as_secs_f64());
    }
}
