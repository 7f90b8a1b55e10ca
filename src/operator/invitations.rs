use super::columns::TextTable;
use super::{Failure, PAGE, say, write};
use crate::bootstrap;
use crate::server::admin::{Refused, values};
use crate::server::auth::NewInvitation;
use crate::server::config::{Config, SignUp};
use crate::server::model::{GroupName, InvitationId};
use crate::types::{DisplayName, paths};
use clap::Subcommand;
use std::time::Duration;

#[derive(Subcommand)]
pub enum Invitations {
    /// Creates an invitation and prints its link to standard output
    Create {
        /// Number of users who may sign up with it
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        uses: u32,
        /// How long it is valid, such as 24h or 7d
        #[arg(long, default_value = "7d", value_parser = values::span)]
        expires: Duration,
        /// Note that identifies it in the list
        #[arg(long, value_parser = parse_note)]
        note: Option<String>,
        /// Group that users who sign up with it join; may be repeated
        #[arg(long = "group", value_name = "NAME", value_parser = values::group_name)]
        groups: Vec<GroupName>,
    },
    /// Lists all invitations, including used and expired ones
    List,
    /// Revokes an invitation
    Revoke {
        /// ID of the invitation, as `list` shows it
        id: uuid::Uuid,
    },
}

/// Parses a note: a single line of text.
fn parse_note(text: &str) -> Result<String, String> {
    DisplayName::parse(text)
        .map(|note| note.to_string())
        .map_err(|_| "must have 1 to 64 characters and no control characters".to_owned())
}

pub async fn run(command: Invitations, config: &Config) -> Result<(), Failure> {
    let services = bootstrap::join(config).await?;
    match command {
        Invitations::Create { uses, expires, note, groups } => {
            let terms = NewInvitation { note, uses, life: expires, groups: groups.into_iter().collect() };
            let made = services.invitations().create(terms).await?;
            let (invitation, token) = made.map_err(|unknown| Failure::from(Refused::UnknownGroup(unknown)))?;
            write(&format!("{}{}?invite={}", config.public_url.origin(), paths::SIGN_UP, token.encode()))?;
            let until = invitation.expires_at.to_rfc3339();
            say(&format!("created invitation {}; uses: {uses}; expires: {until}", invitation.id.0));
            match config.sign_up {
                SignUp::Invite => {}
                SignUp::Open => say("SIGN_UP is not `invite`: anyone can sign up; this link only adds its groups"),
                SignUp::Off => say("SIGN_UP is not `invite`: sign-up is off, and this link cannot be used"),
            }
        }
        Invitations::List => {
            let mut table = TextTable::headed(["id", "uses left", "created", "expires", "note"]);
            let mut last = None;
            loop {
                let page = services.invitations().page(last.as_ref(), PAGE).await?;
                for one in &page {
                    let (made, until) = (one.created_at.to_rfc3339(), one.expires_at.to_rfc3339());
                    let note = one.note.clone().unwrap_or_default();
                    table.add([one.id.0.to_string(), one.uses_left.to_string(), made, until, note]);
                }
                match page.into_iter().next_back() {
                    Some(one) => last = Some(one),
                    None => break,
                }
            }
            write(&table)?;
        }
        Invitations::Revoke { id } => {
            if !services.invitations().withdraw(InvitationId(id)).await? {
                return Err(Failure::Message(format!("there is no invitation {id}")));
            }
            say(&format!("revoked invitation {id}"));
        }
    }
    Ok(())
}
