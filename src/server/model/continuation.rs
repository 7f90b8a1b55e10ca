//! The action that a user resumes after signing in or confirming their identity.

use crate::types::AccountForm;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long a continuation is kept: longer than an email link works (docs/RULES.md, 4).
pub const CONTINUATION_LIFE: Duration = Duration::from_mins(15);
/// Maximum size of the stored JSON, in bytes: a passkey id has at most 1,364, a name or an email address 320.
pub const LONGEST_CONTINUATION: usize = 2 * 1024;

/// The action to resume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Continuation {
    /// A form of the account page.
    Account(AccountForm),
    /// New recovery codes, one per line, until their page is shown.
    Codes(String),
    /// An authorization request whose user has to authenticate again.
    Application {
        /// The id of the pending request in the URL.
        request: String,
        /// The earliest acceptable time of the authentication, in Unix milliseconds.
        after: i64,
        with_passkey: bool,
    },
}
