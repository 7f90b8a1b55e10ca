use crate::types::AccountAction;
use crate::ui::pages::Typed;
use serde::{Deserialize, Deserializer};

/// Any form of the account page.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct AccountForm {
    /// `None` for an action that this program does not know.
    #[serde(default, deserialize_with = "action")]
    pub action: Option<AccountAction>,
    #[serde(default)]
    pub id: String,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub email: String,
    /// Where to go on to.
    #[serde(default)]
    pub next: String,
    /// The code of an email for reauthentication.
    #[serde(default)]
    pub code: String,
    /// Another such email is wanted.
    #[serde(default)]
    pub again: String,
    /// It was sent while no one was signed in: its owner wants to see it first.
    #[serde(default)]
    pub check: String,
}

fn action<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<AccountAction>, D::Error> {
    Ok(AccountAction::parse(&String::deserialize(deserializer)?))
}

impl AccountForm {
    /// What was typed; a form has at most one text field.
    pub fn text(&self) -> &str {
        if self.name.is_empty() { &self.email } else { &self.name }
    }

    /// The form as the account page shows it again.
    pub fn with_note(&self, note: &'static str) -> Option<Typed> {
        Some(Typed { action: self.action?, id: self.id.clone(), text: self.text().to_owned(), note })
    }

    /// The fields that keep what the form wants.
    pub fn fields(self) -> Vec<(String, String)> {
        let action = self.action.map(AccountAction::name).unwrap_or_default().to_owned();
        [("action", action), ("id", self.id), ("name", self.name), ("email", self.email), ("next", self.next)]
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .filter(|(_, value)| !value.is_empty())
            .collect()
    }

    pub fn intent(&self) -> &'static str {
        self.action.unwrap_or(AccountAction::Name).intent()
    }
}
