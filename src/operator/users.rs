use super::columns::Columns;
use super::{Failure, each_account, gone, json_line, say, user_named, write};
use crate::bootstrap;
use crate::server::clock::Timestamp;
use crate::server::config::Config;
use crate::server::model::email_request::BREAK_GLASS_LIFE;
use crate::server::services::Services;
use crate::server::store::AccountSummary;
use crate::types::paths;
use clap::Subcommand;
use serde::Serialize;

#[derive(Subcommand)]
pub enum Users {
    /// Lists all accounts in the order of their names
    List {
        /// One JSON object a line, for programs
        #[arg(long)]
        json: bool,
    },
    /// Shows one account: its passkeys, sessions and latest activity
    Show {
        /// Username, or the address that the account has proven
        user: String,
    },
    /// Disables an account: ends its sessions and blocks sign-in
    Disable {
        /// Username, or the address that the account has proven
        user: String,
    },
    /// Enables a disabled account
    Enable {
        /// Username, or the address that the account has proven
        user: String,
    },
}

/// An account for programs.
#[derive(Serialize)]
struct Line<'a> {
    id: String,
    username: &'a str,
    display_name: &'a str,
    email: Option<&'a str>,
    email_verified: bool,
    created_at: String,
    disabled_at: Option<String>,
    passkeys: u32,
    sessions: u32,
    last_seen_at: Option<String>,
}

impl<'a> Line<'a> {
    fn new(summary: &'a AccountSummary) -> Self {
        let AccountSummary { user, passkeys, sessions, last_seen_at } = summary;
        Self {
            id: user.id.encode(),
            username: user.username.as_str(),
            display_name: user.display_name.as_str(),
            email: user.email.as_ref().map(crate::types::EmailAddress::as_str),
            email_verified: user.email_verified,
            created_at: user.created_at.to_rfc3339(),
            disabled_at: user.disabled_at.map(Timestamp::to_rfc3339),
            passkeys: *passkeys,
            sessions: *sessions,
            last_seen_at: last_seen_at.map(Timestamp::to_rfc3339),
        }
    }

    /// For people: a word where programs read a flag.
    fn cells(&self) -> [String; 6] {
        let address = match self.email {
            Some(address) if self.email_verified => address.to_owned(),
            Some(address) => format!("{address} (not confirmed)"),
            None => "none".to_owned(),
        };
        let state = self.disabled_at.as_ref().map_or("on", |_| "off");
        let seen = self.last_seen_at.clone().unwrap_or_else(|| "not signed in".to_owned());
        [
            self.username.to_owned(),
            address,
            self.passkeys.to_string(),
            self.sessions.to_string(),
            seen,
            state.to_owned(),
        ]
    }
}

pub async fn run(command: Users, services: &Services) -> Result<(), Failure> {
    match command {
        Users::List { json } => list(services, json).await,
        Users::Show { user } => show(services, &user).await,
        Users::Disable { user } => set_disabled(services, &user, true).await,
        Users::Enable { user } => set_disabled(services, &user, false).await,
    }
}

async fn list(services: &Services, json: bool) -> Result<(), Failure> {
    let mut table = Columns::headed(["username", "address", "passkeys", "sessions", "last seen", "account"]);
    each_account(services, async |summary| {
        let line = Line::new(&summary);
        if json {
            return json_line(&line);
        }
        table.add(line.cells());
        Ok(())
    })
    .await?;
    if json { Ok(()) } else { write(&table) }
}

async fn show(services: &Services, name: &str) -> Result<(), Failure> {
    let user = user_named(services, name).await?;
    let account = services.administration().account(user.id).await?;
    let (summary, passkeys, sessions) = account.ok_or_else(|| gone(name))?;
    let facts = Line::new(&summary);
    let mut table = Columns::new();
    for (fact, value) in [
        ("username", facts.username.to_owned()),
        ("name", facts.display_name.to_owned()),
        ("id", facts.id.clone()),
        ("address", facts.cells()[1].clone()),
        ("since", facts.created_at.clone()),
        ("account", facts.disabled_at.as_ref().map_or("on".to_owned(), |since| format!("off since {since}"))),
    ] {
        table.add([fact.to_owned(), value]);
    }
    write(&format!("{table}\n"))?;
    let mut passkey_table = Columns::headed(["passkey", "made", "last used", "for"]);
    for passkey in passkeys {
        let used = passkey.last_used_at.map_or("never".to_owned(), Timestamp::to_rfc3339);
        passkey_table.add([passkey.name, passkey.created_at.to_rfc3339(), used, passkey.rp_id]);
    }
    write(&format!("{passkey_table}\n"))?;
    let mut session_table = Columns::headed(["session", "by", "began", "last seen", "where"]);
    for session in sessions {
        let client = [session.client.browser, session.client.system].into_iter().flatten().collect::<Vec<_>>();
        let (began, seen) = (session.created_at.to_rfc3339(), session.last_seen_at.to_rfc3339());
        session_table.add([session.id.encode(), session.method.words().to_owned(), began, seen, client.join(", ")]);
    }
    write(&format!("{session_table}\n"))?;
    let mut activity = Columns::headed(["at", "what", ""]);
    for event in services.activity().page(user.id, None).await?.unwrap_or_default().into_iter().take(10) {
        activity.add([event.at.to_rfc3339(), event.kind.sentence().to_owned(), event.detail.unwrap_or_default()]);
    }
    write(&activity)
}

async fn set_disabled(services: &Services, name: &str, disabled: bool) -> Result<(), Failure> {
    let user = user_named(services, name).await?;
    let user = services.administration().set_disabled(user.id, disabled).await?.ok_or_else(|| gone(name))?;
    say(&match user.disabled_at {
        Some(since) => format!("{} has been disabled since {}", user.username, since.to_rfc3339()),
        None => format!("{} is enabled", user.username),
    });
    Ok(())
}

/// Makes a break-glass link and writes it to standard output.
pub async fn sign_in_link(name: &str, config: &Config) -> Result<(), Failure> {
    let services = bootstrap::join(config).await?;
    let user = user_named(&services, name).await?;
    let off = || Failure::Told(format!("{name:?} is disabled or deleted; `latchkey users enable` enables it"));
    let token = services.administration().make_sign_in_link(user.id).await?.ok_or_else(off)?;
    write(&format!("{}{}?token={}", config.public_url.origin(), paths::EMAIL_LINK, token.encode()))?;
    let told = match user.proven_address() {
        Some(_) if services.administration().notifies() => "its owner is told by email",
        Some(_) => "no mail server is set, so no email tells its owner",
        None => "its owner has no confirmed address, so no email tells of it",
    };
    let minutes = BREAK_GLASS_LIFE.as_secs() / 60;
    say(&format!(
        "this link signs in to {} once, within {minutes} minutes, in any browser, in the place of an older one; {told}",
        user.username
    ));
    Ok(())
}
