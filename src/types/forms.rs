//! What forms ask for: each action by one name, written by the page and read by the handler.

/// What a form of the account page does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AccountAction {
    AddPasskey,
    Address,
    ConfirmAgain,
    Decline,
    Delete,
    EndOthers,
    EndSession,
    EndSessionsOf,
    Export,
    GoOn,
    Name,
    RecoveryCodes,
    RemovePasskey,
    RenamePasskey,
    Username,
}

impl AccountAction {
    pub const ALL: [Self; 15] = [
        Self::AddPasskey,
        Self::Address,
        Self::ConfirmAgain,
        Self::Decline,
        Self::Delete,
        Self::EndOthers,
        Self::EndSession,
        Self::EndSessionsOf,
        Self::Export,
        Self::GoOn,
        Self::Name,
        Self::RecoveryCodes,
        Self::RemovePasskey,
        Self::RenamePasskey,
        Self::Username,
    ];

    /// Its name in the form.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AddPasskey => "add-passkey",
            Self::Address => "address",
            Self::ConfirmAgain => "confirm-again",
            Self::Decline => "decline",
            Self::Delete => "delete",
            Self::EndOthers => "end-others",
            Self::EndSession => "end-session",
            Self::EndSessionsOf => "end-sessions-of",
            Self::Export => "export",
            Self::GoOn => "go-on",
            Self::Name => "name",
            Self::RecoveryCodes => "recovery-codes",
            Self::RemovePasskey => "remove-passkey",
            Self::RenamePasskey => "rename-passkey",
            Self::Username => "username",
        }
    }

    /// Reads what [`AccountAction::name`] wrote; `None` for anything else.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.name() == name)
    }

    /// Whether it defends the account: it is counted for the session, so that a stolen one does not use it up.
    #[must_use]
    pub fn is_defence(self) -> bool {
        matches!(self, Self::EndOthers | Self::EndSession | Self::EndSessionsOf | Self::RemovePasskey)
    }

    /// What it would do, for the page that asks who is there.
    #[must_use]
    pub fn intent(self) -> &'static str {
        match self {
            Self::AddPasskey => "You want to add a passkey.",
            Self::RemovePasskey => "You want to remove the passkey.",
            Self::Address => "You want to change your address.",
            Self::RecoveryCodes => "You want to make recovery codes.",
            Self::Export => "You want to download your data.",
            Self::Delete => "You want to delete your account.",
            Self::GoOn => "You want to see a page that needs this.",
            _ => "You want to change something that matters.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_comes_back_from_its_name() {
        for action in AccountAction::ALL {
            assert_eq!(AccountAction::parse(action.name()), Some(action));
        }
        assert_eq!(AccountAction::parse("else"), None);
    }
}
