//! What letters say. The words stand in `templates/`.

use crate::server::Unavailable;
use crate::server::model::letter::{ANSWER_LIFE, CONFIRMATION_LIFE, Code, LetterId, Purpose};
use crate::server::model::user::deliverable;
use crate::server::secret::Token;
use crate::types::{DisplayName, EmailAddress, paths, views};
use askama::Template;

/// A letter, ready for the post.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    pub id: LetterId,
    /// With the domain as A-labels, as mail servers take it.
    pub recipient: String,
    pub subject: &'static str,
    pub text: String,
    pub html: String,
}

/// What a letter is made of.
pub struct Draft<'a> {
    pub id: LetterId,
    pub address: &'a EmailAddress,
    /// Who is greeted by name: only the owner of a proven address.
    pub name: Option<&'a DisplayName>,
    pub purpose: &'a Purpose,
    pub client: &'a views::Client,
    pub link: &'a Token,
    pub code: &'a Code,
}

/// The words that change from letter to letter.
struct Words<'a> {
    subject: &'static str,
    origin: &'a str,
    name: &'a str,
    link: String,
    code: &'a str,
    minutes: u64,
    hours: u64,
    asked: String,
}

macro_rules! templates {
    ($($name:ident = $path:literal;)*) => {$(
        #[derive(Template)]
        #[template(path = $path, config = "src/server/mail/askama.toml")]
        struct $name<'a> {
            w: &'a Words<'a>,
        }
    )*};
}

templates! {
    SignInText = "sign_in.txt";
    SignInHtml = "sign_in.html";
    SignUpText = "sign_up.txt";
    SignUpHtml = "sign_up.html";
    ConfirmText = "confirm.txt";
    ConfirmHtml = "confirm.html";
}

impl Draft<'_> {
    /// Writes the letter; its links lead to `origin`, the one that people see.
    ///
    /// # Errors
    /// When the address has no form that mail servers take, or a template fails.
    pub fn write(&self, origin: &str) -> Result<Letter, Unavailable> {
        let (subject, path) = match self.purpose {
            Purpose::SignIn { .. } => ("Sign in to Latchkey", paths::EMAIL_LINK),
            // A letter for signing up to whoever has an account already signs in to that one.
            Purpose::SignUp { .. } if self.name.is_some() => ("Sign in to Latchkey", paths::EMAIL_LINK),
            Purpose::SignUp { .. } => ("Finish signing up for Latchkey", paths::EMAIL_LINK),
            Purpose::Confirm { .. } => ("Confirm your e-mail address for Latchkey", paths::EMAIL_CONFIRM),
        };
        let words = Words {
            subject,
            origin,
            name: self.name.map_or("", DisplayName::as_str),
            link: format!("{origin}{path}?token={}", self.link.encode()),
            code: self.code.expose(),
            minutes: ANSWER_LIFE.as_secs() / 60,
            hours: CONFIRMATION_LIFE.as_secs() / 3_600,
            asked: asked(self.client),
        };
        let w = &words;
        let (text, html) = match self.purpose {
            Purpose::Confirm { .. } => (ConfirmText { w }.render(), ConfirmHtml { w }.render()),
            Purpose::SignUp { .. } if self.name.is_none() => (SignUpText { w }.render(), SignUpHtml { w }.render()),
            Purpose::SignIn { .. } | Purpose::SignUp { .. } => (SignInText { w }.render(), SignInHtml { w }.render()),
        };
        let failed = |cause: askama::Error| Unavailable::new("letter", cause);
        let recipient = deliverable(self.address).ok_or_else(|| Unavailable::new("letter", "undeliverable address"))?;
        Ok(Letter { id: self.id, recipient, subject, text: text.map_err(failed)?, html: html.map_err(failed)? })
    }
}

/// From which browser and system, as far as it says.
fn asked(client: &views::Client) -> String {
    match (&client.browser, &client.system) {
        (Some(browser), Some(system)) => format!("from {browser} on {system}"),
        (Some(browser), None) => format!("from {browser}"),
        (None, Some(system)) => format!("from a browser on {system}"),
        (None, None) => "from an unknown browser".to_owned(),
    }
}
