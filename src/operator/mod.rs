//! The command line for administrators. Each command reads the same settings as the server, works while the server
//! runs, and reports what it did in one sentence.

#![expect(clippy::doc_markdown, reason = "the command line shows these comments verbatim")]

mod apps;
mod atomic_file;
mod backup;
mod columns;
pub mod doctor;
mod groups;
mod health;
mod invitations;
mod keys;
mod restore;
mod roles;
mod sessions;
mod signing_keys;
mod transfer;
mod users;

use crate::bootstrap;
use crate::server::Unavailable;
use crate::server::admin::Refused;
use crate::server::config::Config;
use crate::server::model::User;
use crate::server::services::Services;
use crate::server::store::AccountSummary;
use crate::stderr::say;
use crate::types::Identifier;
use clap::{Parser, Subcommand};
use std::fmt::Display;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// Self-hosted, passwordless sign-in.
///
/// Without a command, it serves the site. This one file is the whole program; all data is in the database. Settings
/// come from the environment and from Leptos.toml; the environment takes precedence. `latchkey doctor` checks them.
///
/// Exit codes: 0 on success; 1 on failure, with the reason on standard error; 2 if a setting or an argument is invalid.
#[derive(Parser)]
#[command(name = "latchkey", version, max_term_width = 100)]
pub struct Arguments {
    /// Settings file to use instead of ./Leptos.toml
    #[arg(long, global = true, value_name = "PATH")]
    pub config: Option<PathBuf>,
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Subcommand)]
pub enum Command {
    /// Serves the site (the default command)
    Serve,
    /// Checks everything that sign-in depends on, and suggests fixes
    ///
    /// Prints one line for each check: settings, origin, disk, database, Redis, mail and the site as a browser sees it.
    /// Changes nothing. Exits with 1 if something prevents sign-in.
    Doctor,
    /// Checks that the local server responds
    ///
    /// For container health checks: requests /healthz at LISTEN_ADDR. Exits with 1 if there is no successful response
    /// within two seconds.
    Health,
    /// Creates the database if necessary, migrates its schema, and exits
    ///
    /// The server does the same at startup. Use this command to migrate before the new version serves requests.
    Migrate,
    /// Lists, shows, disables and enables accounts
    #[command(subcommand)]
    Users(users::Users),
    /// Creates a link that signs a user in once, in any browser
    ///
    /// For a user who lost every sign-in method. Verify the user's identity first. The link works for an hour. The user
    /// is notified by email, and the account's activity records it. The link is printed to standard output.
    SignInLink {
        /// Username or confirmed email address
        user: String,
    },
    /// Ends sessions
    #[command(subcommand)]
    Sessions(sessions::Sessions),
    /// Creates, lists and revokes invitations, for SIGN_UP=invite
    #[command(subcommand)]
    Invitations(invitations::Invitations),
    /// Manages groups of users, which grant access to applications
    #[command(subcommand)]
    Groups(groups::Groups),
    /// Manages the roles of administrators
    #[command(subcommand)]
    Roles(roles::Roles),
    /// Manages applications and who may use them
    #[command(subcommand)]
    Apps(apps::Apps),
    /// Manages the keys that sign tokens for applications
    #[command(subcommand)]
    SigningKeys(signing_keys::SigningKeys),
    /// Exports the whole database to a file, for import into another database
    ///
    /// The file has one JSON value per line, and other users cannot read it. It contains everything that is stored,
    /// including token hashes: protect it like the database. The signing keys in it are encrypted under a passphrase,
    /// which is requested at a terminal; without one, they stay encrypted under SECRET_KEY. Use the same SECRET_KEY for
    /// the new database; otherwise pending codes and usernames reserved for 30 days are lost.
    Export {
        /// Output file; must not exist yet
        file: PathBuf,
        /// File that contains the passphrase
        #[arg(long, value_name = "PATH")]
        passphrase_file: Option<PathBuf>,
    },
    /// Imports a file that `export` wrote into an empty database; all or nothing
    ///
    /// Ends all sessions and voids pending sign-in emails and ceremonies, as `restore` does.
    Import {
        /// File to import
        file: PathBuf,
        /// File that contains the passphrase of the export
        #[arg(long, value_name = "PATH")]
        passphrase_file: Option<PathBuf>,
    },
    /// Makes a consistent copy of the SQLite database while the server runs
    ///
    /// For PostgreSQL, use pg_dump. The copy does not include the key in DATA_DIR/secret.key.
    Backup {
        /// Output file; must not exist yet
        file: PathBuf,
    },
    /// Restores a backup, and ends the sessions and pending emails that it would bring back
    ///
    /// With SQLite, replaces the database with a copy that `backup` made, and keeps the old one under another name;
    /// stop the server first. With PostgreSQL, run it without a file after pg_restore. Lists what else to check.
    Restore {
        /// Copy of an SQLite database; if omitted, the configured database is used in place
        file: Option<PathBuf>,
    },
    /// Changes the secret key
    #[command(subcommand)]
    Keys(keys::Keys),
}

/// Rows read per page.
const PAGE: u32 = 500;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A sentence for the administrator who ran the command.
    #[error("{0}")]
    Message(String),
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Runs any command except `serve`.
///
/// # Errors
/// When the command fails.
pub async fn run(command: Command, config: &Config) -> Result<ExitCode, Failure> {
    match command {
        Command::Serve => {}
        Command::Doctor => return doctor::report(config).await,
        Command::Health => health::check(config).await?,
        Command::Migrate => {
            let store = bootstrap::open_store(&config.database).await?;
            bootstrap::warn_if_new(&*store, &config.database);
            say(&format!("the schema is at version {}", store.schema_version().await?.unwrap_or_default()));
        }
        Command::Users(users) => users::run(users, &bootstrap::join(config).await?).await?,
        Command::SignInLink { user } => users::sign_in_link(&user, config).await?,
        Command::Sessions(sessions) => sessions::run(sessions, config).await?,
        Command::Invitations(invitations) => invitations::run(invitations, config).await?,
        Command::Groups(groups) => groups::run(groups, &bootstrap::join(config).await?).await?,
        Command::Roles(roles) => roles::run(roles, &bootstrap::join(config).await?).await?,
        Command::Apps(apps) => apps::run(apps, &bootstrap::join(config).await?).await?,
        Command::SigningKeys(keys) => signing_keys::run(keys, &bootstrap::join(config).await?).await?,
        Command::Export { file, passphrase_file } => {
            transfer::export(&file, passphrase_file.as_deref(), config).await?;
        }
        Command::Import { file, passphrase_file } => {
            transfer::import(&file, passphrase_file.as_deref(), config).await?;
        }
        Command::Backup { file } => backup::run(&file, config).await?,
        Command::Restore { file } => restore::run(file.as_deref(), config).await?,
        Command::Keys(keys) => keys::run(&keys, config)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints a line to standard output, which may already be closed.
fn write(line: &impl Display) -> Result<(), Failure> {
    Ok(writeln!(std::io::stdout().lock(), "{line}")?)
}

/// How the outcome of a command is reported.
#[derive(clap::Args, Clone, Copy)]
pub struct Output {
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

impl Output {
    /// Prints a sentence to standard error and, with `--json`, an object to standard output.
    fn report(self, outcome: &impl serde::Serialize, sentence: &str) -> Result<(), Failure> {
        if self.json {
            json_line(outcome)?;
        }
        say(sentence);
        Ok(())
    }
}

/// Prints a JSON object on a line of its own.
fn json_line(line: &impl serde::Serialize) -> Result<(), Failure> {
    write(&serde_json::to_string(line).map_err(|cause| Failure::Message(cause.to_string()))?)
}

/// Calls `take` for every account, in the order of usernames.
async fn each_account<F>(services: &Services, mut take: F) -> Result<(), Failure>
where
    F: AsyncFnMut(AccountSummary) -> Result<(), Failure>,
{
    let mut after = None;
    loop {
        let page = services.administration().accounts(after.as_deref(), PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.user.username.key());
        for summary in page {
            take(summary).await?;
        }
    }
}

/// The account with this username or confirmed address.
async fn find_user(services: &Services, name: &str) -> Result<User, Failure> {
    let unknown = || Failure::Message(format!("there is no account with the username or confirmed address {name:?}"));
    let identifier = Identifier::parse(name).map_err(|_| unknown())?;
    services.administration().named(&identifier).await?.ok_or_else(unknown)
}

fn account_deleted(name: &str) -> Failure {
    Failure::Message(format!("the account {name:?} has been deleted"))
}
