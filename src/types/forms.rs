//! Form actions, each with one name that the page writes and the handler reads.

use super::Section;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A form of the account page, as it was sent; a form has at most one text field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountForm {
    /// `None` for an unknown action.
    #[serde(default, deserialize_with = "known", serialize_with = "named")]
    pub action: Option<AccountAction>,
    #[serde(default)]
    pub id: String,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub email: String,
}

impl AccountForm {
    /// The entered text.
    #[must_use]
    pub fn text(&self) -> &str {
        if self.name.is_empty() { &self.email } else { &self.name }
    }

    /// The section that it was sent from.
    #[must_use]
    pub fn section(&self) -> Section {
        self.action.map_or(Section::Overview, AccountAction::section)
    }

    /// The sentence that asks the user to confirm their identity.
    #[must_use]
    pub fn intent(&self) -> &'static str {
        self.action.unwrap_or(AccountAction::Name).intent()
    }
}

fn known<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<AccountAction>, D::Error> {
    Ok(AccountAction::parse(&String::deserialize(deserializer)?))
}

#[expect(clippy::ref_option, clippy::trivially_copy_pass_by_ref, reason = "the signature that serde expects")]
fn named<S: Serializer>(action: &Option<AccountAction>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(action.map(AccountAction::name).unwrap_or_default())
}

/// The action of a form of the account page.
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
    Name,
    RecoveryCodes,
    RemovePasskey,
    RenamePasskey,
    Username,
}

impl AccountAction {
    pub const ALL: [Self; 14] = [
        Self::AddPasskey,
        Self::Address,
        Self::ConfirmAgain,
        Self::Decline,
        Self::Delete,
        Self::EndOthers,
        Self::EndSession,
        Self::EndSessionsOf,
        Self::Export,
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
            Self::Name => "name",
            Self::RecoveryCodes => "recovery-codes",
            Self::RemovePasskey => "remove-passkey",
            Self::RenamePasskey => "rename-passkey",
            Self::Username => "username",
        }
    }

    /// The inverse of [`AccountAction::name`]; `None` for an unknown name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.name() == name)
    }

    /// Whether it defends the account. It is counted per session, so that a stolen session cannot use up the limit.
    #[must_use]
    pub fn is_defence(self) -> bool {
        matches!(self, Self::EndOthers | Self::EndSession | Self::EndSessionsOf | Self::RemovePasskey)
    }

    /// The section with its form.
    #[must_use]
    pub fn section(self) -> Section {
        match self {
            Self::AddPasskey | Self::EndSessionsOf | Self::RemovePasskey | Self::RenamePasskey => Section::Passkeys,
            Self::Address | Self::ConfirmAgain | Self::Name | Self::Username => Section::Profile,
            Self::Decline => Section::Overview,
            Self::Delete | Self::Export => Section::Data,
            Self::EndOthers | Self::EndSession => Section::Devices,
            Self::RecoveryCodes => Section::RecoveryCodes,
        }
    }

    fn intent(self) -> &'static str {
        match self {
            Self::AddPasskey => "To add a passkey, confirm it's you.",
            Self::RemovePasskey => "To remove the passkey, confirm it's you.",
            Self::Address => "To change your email address, confirm it's you.",
            Self::RecoveryCodes => "To get recovery codes, confirm it's you.",
            Self::Export => "To download your data, confirm it's you.",
            Self::Delete => "To delete your account, confirm it's you.",
            _ => "To change security settings, confirm it's you.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_round_trip_through_names() {
        for action in AccountAction::ALL {
            assert_eq!(AccountAction::parse(action.name()), Some(action));
        }
        assert_eq!(AccountAction::parse("else"), None);
    }
}
