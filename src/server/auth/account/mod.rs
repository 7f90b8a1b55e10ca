//! Actions of signed-in users on their account: each is one unit of work (`unit.rs`) under the policy (`policy.rs`).

mod activity;
mod add_passkey;
mod address;
mod current_user;
mod deletion;
mod export;
mod passkeys;
mod policy;
mod profile;
mod recovery_codes;
mod sessions;
mod unit;

pub use activity::Activity;
pub use address::{Address, Claim, ResendOutcome};
pub use current_user::CurrentUser;
pub use deletion::Deletion;
pub use export::{Export, Exports};
pub use passkeys::Passkeys;
pub use policy::SessionPolicy;
pub use profile::Profile;
pub use recovery_codes::RecoveryCodes;
pub use sessions::{Revocation, Sessions};
pub use unit::{AccountUnit, OwnerUnit};
