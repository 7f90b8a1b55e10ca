//! Administration of groups, roles and applications, for the commands and for future pages.

mod applications;
mod applications_file;
mod clients;
mod groups;
pub(in crate::server) mod lost_access;
mod preset;
mod roles;
pub mod values;

pub use applications::{ApplicationChange, Applications, Changed, Setting};
pub use applications_file::{ApplicationsFile, Applied, ApplyReport, Mistake, Mistakes, Outcome};
pub use clients::{ClientChange, ClientRecord, Clients};
pub use groups::Groups;
pub use preset::{PlaceholderValues, Preset};
pub use roles::Roles;

use crate::server::Unavailable;
use crate::server::model::oauth::RedirectUriError;
use crate::server::model::{ApplicationId, GroupName, Role};

/// Why an administrator's action was not performed.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("a title is required: --title")]
    NoTitle,
    #[error("there is no group {0}; create it with `latchkey groups add {0}`")]
    UnknownGroup(GroupName),
    #[error("there is no application {0}")]
    UnknownApplication(ApplicationId),
    #[error("application {0} already exists; use `latchkey apps edit {0}` to change it")]
    ApplicationExists(ApplicationId),
    #[error("the redirect URI {0} {1}")]
    RedirectUriError(String, RedirectUriError),
    #[error("{0}")]
    WrongClient(&'static str),
    #[error("another application has the client id {0}")]
    ClientIdTaken(String),
    #[error(
        "application {0} does not sign users in with OpenID Connect; use `latchkey apps edit {0} --redirect-uri …`"
    )]
    NoClient(ApplicationId),
    #[error("no secret begins with {0}")]
    NoSecret(String),
    /// A group, an application or a secret.
    #[error("{0} is defined in APPLICATIONS_FILE; change it there")]
    DefinedInFile(String),
    #[error("application {1} is open to {0} and defined in APPLICATIONS_FILE; change it there first")]
    GroupInFile(GroupName, ApplicationId),
    #[error("this is the last owner; grant the role to another user first")]
    LastOwner,
    #[error("the user does not have the role {}", .0.name())]
    NoSuchRole(Role),
    #[error(transparent)]
    Mistakes(#[from] Mistakes),
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}
