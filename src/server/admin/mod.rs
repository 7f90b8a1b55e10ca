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
    #[error("there is no group {0}; `latchkey groups add {0}` makes it")]
    UnknownGroup(GroupName),
    #[error("there is no application {0}")]
    UnknownApplication(ApplicationId),
    #[error("there is an application {0} already; `latchkey apps edit {0}` changes it")]
    ApplicationExists(ApplicationId),
    /// A group or an application.
    #[error("{0} stands in APPLICATIONS_FILE: change it there")]
    FromFile(String),
    #[error("the only owner stays; grant the role to another user first")]
    LastOwner,
    #[error("the user does not have the role {}", .0.name())]
    NoSuchRole(Role),
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}
