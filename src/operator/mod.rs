//! The commands of administrators. Each command reads the same settings as the server, works beside
//! it, and says in a sentence what it did.

#![expect(clippy::doc_markdown, reason = "the command line shows these comments as they are")]

mod apps;
mod backup;
mod columns;
pub mod doctor;
mod draft;
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
use crate::serve::tell;
use crate::server::Unavailable;
use crate::server::admin::Refused;
use crate::server::config::Config;
use crate::server::model::User;
use crate::server::services::Services;
use crate::server::store::AccountSummary;
use crate::types::Identifier;
use clap::{Parser, Subcommand};
use std::fmt::Display;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// Self-hosted, passwordless sign-in.
///
/// Without a command it serves the site. Everything it needs is in this one file; what it keeps is in its database. Settings
/// come from the environment and from Leptos.toml, and the environment wins; `latchkey doctor` says whether they fit.
///
/// Exit codes: 0 done; 1 it could not be done, and a sentence says why; 2 a setting or the command line does not fit.
#[derive(Parser)]
#[command(name = "latchkey", version, max_term_width = 100)]
pub struct Arguments {
    /// Settings file, in place of ./Leptos.toml
    #[arg(long, global = true, value_name = "PATH")]
    pub config: Option<PathBuf>,
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Subcommand)]
pub enum Command {
    /// Serves the site; the same as without a command
    Serve,
    /// Looks at everything that signing in depends on, and says what to do
    ///
    /// One line each for settings, origin, disk, database, Redis, mail and the site as people see it. Changes nothing. Ends
    /// with 1 when something keeps people out.
    Doctor,
    /// Checks that the local server responds
    ///
    /// For health checks of containers: asks /healthz at the address of LISTEN_ADDR. Ends with 1 when no good answer
    /// comes within two seconds.
    Health,
    /// Makes the database and brings its schema up to date, and ends
    ///
    /// The server does the same at its start. This is for those who want to see it done before the new version serves.
    Migrate,
    /// Lists accounts, shows one, disables and enables one
    #[command(subcommand)]
    Users(users::Users),
    /// Creates a link that signs a user in once, in any browser
    ///
    /// For users who lost every sign-in method, once you have verified the user's identity. The link works for an hour; its owner
    /// is told by email, and it stands in the account's activity. It is written to standard output, alone on its line.
    SignInLink {
        /// Username, or the address that the account has proven
        user: String,
    },
    /// Ends sessions
    #[command(subcommand)]
    Sessions(sessions::Sessions),
    /// Creates, lists and revokes invitations, for SIGN_UP=invite
    #[command(subcommand)]
    Invitations(invitations::Invitations),
    /// Groups of users, which open applications
    #[command(subcommand)]
    Groups(groups::Groups),
    /// Roles of administrators
    #[command(subcommand)]
    Roles(roles::Roles),
    /// Applications, and who may use them
    #[command(subcommand)]
    Apps(apps::Apps),
    /// Keys that sign tokens for applications
    #[command(subcommand)]
    SigningKeys(signing_keys::SigningKeys),
    /// Writes everything in the database into a file, for another database
    ///
    /// One JSON value a line; other users cannot read the file. It holds all that is stored, hashes of tokens included:
    /// keep it as safe as the database. The signing keys in it are encrypted under a passphrase, which is asked for at a
    /// terminal; without one they stay encrypted under SECRET_KEY. Bring the same SECRET_KEY along, or codes on their way and
    /// names that are held for 30 days are lost.
    Export {
        /// The file, which must not exist yet
        file: PathBuf,
        /// A file with the passphrase
        #[arg(long, value_name = "PATH")]
        passphrase_file: Option<PathBuf>,
    },
    /// Fills an empty database from a file that `export` wrote; all of it or nothing
    ///
    /// Ends all sessions, open sign-in emails and ceremonies, as `restore` does.
    Import {
        /// The file
        file: PathBuf,
        /// A file with the passphrase that the keys in it are encrypted under
        #[arg(long, value_name = "PATH")]
        passphrase_file: Option<PathBuf>,
    },
    /// Copies the SQLite database as it is at one moment, while the server keeps running
    ///
    /// For PostgreSQL use pg_dump. The key in DATA_DIR/secret.key is not in the copy.
    Backup {
        /// The copy, which must not exist yet
        file: PathBuf,
    },
    /// Restores a backup, and ends the sessions and open emails that it would revive
    ///
    /// With SQLite it puts a copy that `backup` made in the place of the database, which is kept under another name; stop
    /// the server first. With PostgreSQL run it without a file after pg_restore. It lists what else to check.
    Restore {
        /// The copy of a SQLite database; without it, the database is taken as it is
        file: Option<PathBuf>,
    },
    /// Changes the secret key
    #[command(subcommand)]
    Keys(keys::Keys),
}

/// How many accounts are read at a time.
const PAGE: u32 = 500;

/// Why a command was not done.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// In a sentence for the administrator who typed the command.
    #[error("{0}")]
    Told(String),
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Does what the command says; `serve` is not among them.
///
/// # Errors
/// Why it was not done.
pub async fn run(command: Command, config: &Config) -> Result<ExitCode, Failure> {
    match command {
        Command::Serve => {}
        Command::Doctor => return doctor::report(config).await,
        Command::Health => health::ask(config).await?,
        Command::Migrate => {
            let store = bootstrap::open_store(&config.database).await?;
            bootstrap::announce_new(&*store, &config.database);
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

/// Writes to the terminal on standard error; standard output is for programs.
fn say(sentence: &str) {
    tell(&format!("latchkey: {sentence}\n"));
}

/// Writes a line for programs to standard output, which may be closed already.
fn write(line: &impl Display) -> Result<(), Failure> {
    Ok(writeln!(std::io::stdout().lock(), "{line}")?)
}

/// How the outcome of an act is told.
#[derive(clap::Args, Clone, Copy)]
pub struct Output {
    /// A JSON object, for programs
    #[arg(long)]
    json: bool,
}

impl Output {
    /// Tells it in a sentence, and to programs on standard output.
    fn report(self, outcome: &impl serde::Serialize, sentence: &str) -> Result<(), Failure> {
        if self.json {
            json_line(outcome)?;
        }
        say(sentence);
        Ok(())
    }
}

/// Writes a JSON object on a line of its own.
fn json_line(line: &impl serde::Serialize) -> Result<(), Failure> {
    write(&serde_json::to_string(line).map_err(|cause| Failure::Told(cause.to_string()))?)
}

/// All accounts, page by page in the order of their names.
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

/// The account that is meant.
async fn user_named(services: &Services, name: &str) -> Result<User, Failure> {
    let unknown = || Failure::Told(format!("there is no account with the name or the proven address {name:?}"));
    let identifier = Identifier::parse(name).map_err(|_| unknown())?;
    services.administration().named(&identifier).await?.ok_or_else(unknown)
}

fn gone(name: &str) -> Failure {
    Failure::Told(format!("the account {name:?} is gone"))
}
