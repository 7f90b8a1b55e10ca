//! What a user was about to do when they had to sign in or to confirm their identity first.

use crate::types::AccountForm;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long it is kept: longer than an email can be answered (docs/RULES.md, 4).
pub const CONTINUATION_LIFE: Duration = Duration::from_mins(15);
/// Longest form that is kept, in bytes of JSON: the id of a passkey has at most 1,364, a name or an address 320.
pub const LONGEST_CONTINUATION: usize = 2 * 1024;

/// What is done once that is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Continuation {
    /// A form of the account page.
    Account(AccountForm),
}
