use super::columns::TextTable;
use super::{Failure, account_deleted, each_account, find_user, json_line, say, write};
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
    /// Lists all accounts, sorted by username
    List {
        /// Print one JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// Shows one account: its passkeys, sessions and latest activity
    Show {
        /// Username or confirmed email address
        user: String,
    },
    /// Disables an account: ends its sessions and blocks sign-in
    Disable {
        /// Username or confirmed email address
        user: String,
    },
    /// Enables a disabled account
    Enable {
        /// Username or confirmed email address
        user: String,
    },
}

/// An account in JSON output.
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

    /// The cells of a row in the table of accounts.
    fn cells(&self) -> [String; 6] {
        let address = match self.email {
            Some(address) if self.email_verified => address.to_owned(),
            Some(address) => format!("{address} (not confirmed)"),
            None => "none".to_owned(),
        };
        let state = self.disabled_at.as_ref().map_or("enabled", |_| "disabled");
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
    let mut table = TextTable::headed(["username", "email", "passkeys", "sessions", "last seen", "state"]);
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
    let user = find_user(services, name).await?;
    let account = services.administration().account(user.id).await?;
    let (summary, passkeys, sessions) = account.ok_or_else(|| account_deleted(name))?;
    let facts = Line::new(&summary);
    let mut table = TextTable::new();
    for (fact, value) in [
        ("username", facts.username.to_owned()),
        ("name", facts.display_name.to_owned()),
        ("id", facts.id.clone()),
        ("email", facts.cells()[1].clone()),
        ("created", facts.created_at.clone()),
        ("state", facts.disabled_at.as_ref().map_or("enabled".to_owned(), |since| format!("disabled since {since}"))),
    ] {
        table.add([fact.to_owned(), value]);
    }
    write(&format!("{table}\n"))?;
    let mut passkey_table = TextTable::headed(["passkey", "created", "last used", "relying party"]);
    for passkey in passkeys {
        let used = passkey.last_used_at.map_or("never".to_owned(), Timestamp::to_rfc3339);
        passkey_table.add([passkey.name, passkey.created_at.to_rfc3339(), used, passkey.rp_id]);
    }
    write(&format!("{passkey_table}\n"))?;
    let mut session_table = TextTable::headed(["session", "method", "created", "last seen", "client"]);
    for session in sessions {
        let client = [session.client.browser, session.client.system].into_iter().flatten().collect::<Vec<_>>();
        let (began, seen) = (session.created_at.to_rfc3339(), session.last_seen_at.to_rfc3339());
        session_table.add([session.id.encode(), session.method.words().to_owned(), began, seen, client.join(", ")]);
    }
    write(&format!("{session_table}\n"))?;
    let mut activity = TextTable::headed(["time", "event", "detail"]);
    for event in services.activity().page(user.id, None).await?.unwrap_or_default().into_iter().take(10) {
        activity.add([event.at.to_rfc3339(), event.kind.sentence().to_owned(), event.detail.unwrap_or_default()]);
    }
    write(&activity)
}

async fn set_disabled(services: &Services, name: &str, disabled: bool) -> Result<(), Failure> {
    let user = find_user(services, name).await?;
    let user = services.administration().set_disabled(user.id, disabled).await?.ok_or_else(|| account_deleted(name))?;
    say(&match user.disabled_at {
        Some(since) => format!("{} has been disabled since {}", user.username, since.to_rfc3339()),
        None => format!("{} is enabled", user.username),
    });
    Ok(())
}

/// Creates a break-glass sign-in link and prints it to standard output.
pub async fn sign_in_link(name: &str, config: &Config) -> Result<(), Failure> {
    let services = bootstrap::join(config).await?;
    let user = find_user(&services, name).await?;
    let unavailable =
        || Failure::Message(format!("{name:?} is disabled or deleted; use `latchkey users enable` to enable it"));
    let token = services.administration().make_sign_in_link(user.id).await?.ok_or_else(unavailable)?;
    write(&format!("{}{}?token={}", config.public_url.origin(), paths::EMAIL_LINK, token.encode()))?;
    let notice = match user.confirmed_address() {
        Some(_) if services.administration().notifies() => "the user is notified by email",
        Some(_) => "no mail server is configured, so the user is not notified",
        None => "the user has no confirmed address and is not notified",
    };
    let minutes = BREAK_GLASS_LIFE.as_secs() / 60;
    say(&format!(
        "this link signs in {} once within {minutes} minutes, in any browser, and replaces earlier links; {notice}",
        user.username
    ));
    Ok(())
}
