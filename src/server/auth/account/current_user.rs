use crate::server::model::{Session, User};

/// A signed-in user, in one session.
#[derive(Clone, Debug)]
pub struct CurrentUser {
    pub user: User,
    pub session: Session,
}
