use crate::ui::pages::Typed;
use serde::Deserialize;

/// Any form of the account page.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct AccountForm {
    #[serde(default)]
    pub action: String,
    #[serde(default)]
    pub id: String,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub email: String,
    /// Where to go on to.
    #[serde(default)]
    pub next: String,
    /// The code of a letter that shows who is there.
    #[serde(default)]
    pub code: String,
    /// Another such letter is wanted.
    #[serde(default)]
    pub again: String,
    /// It was sent while nobody was signed in: its owner wants to see it first.
    #[serde(default)]
    pub check: String,
}

impl AccountForm {
    /// What was typed; a form has at most one text field.
    pub fn text(&self) -> &str {
        if self.name.is_empty() { &self.email } else { &self.name }
    }

    /// The form as the account page shows it again.
    pub fn with_note(&self, note: &'static str) -> Typed {
        Typed { action: self.action.clone(), id: self.id.clone(), text: self.text().to_owned(), note }
    }

    pub fn fields(self) -> Vec<(String, String)> {
        [("action", self.action), ("id", self.id), ("name", self.name), ("email", self.email), ("next", self.next)]
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .filter(|(_, value)| !value.is_empty())
            .collect()
    }
}
