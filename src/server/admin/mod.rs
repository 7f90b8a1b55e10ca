//! What administrators do about groups, roles and applications: used by the commands, and by the pages to come.

mod applications;
mod groups;
mod roles;

pub use applications::{ApplicationChange, Applications};
pub use groups::Groups;
pub use roles::Roles;

use crate::server::Unavailable;
use crate::server::model::{ApplicationId, GroupName, Role};

/// Why an administrator's act was not done.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("a title is needed: --title")]
    NoTitle,
    #[error("there is no group {0}; `latchkey groups add {0}` creates it")]
    UnknownGroup(GroupName),
    #[error("there is no application {0}")]
    UnknownApplication(ApplicationId),
    #[error("application {0} already exists; use `latchkey apps edit {0}` to change it")]
    ApplicationExists(ApplicationId),
    /// A group or an application.
    #[error("{0} is defined in APPLICATIONS_FILE; change it there")]
    FromFile(String),
    #[error("this is the last owner; grant the role to another user first")]
    LastOwner,
    #[error("the user does not have the role {}", .0.name())]
    NoSuchRole(Role),
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}
