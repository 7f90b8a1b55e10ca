use super::{Failure, PAGE, account_deleted, find_user, say};
use crate::bootstrap;
use crate::server::config::Config;
use crate::server::services::Services;
use clap::{Args, Subcommand};

#[derive(Subcommand)]
pub enum Sessions {
    /// Ends all sessions of one account or of all accounts
    Revoke(Whose),
}

#[derive(Args)]
#[group(required = true, multiple = false)]
pub struct Whose {
    /// Username or confirmed email address
    user: Option<String>,
    /// End the sessions of all accounts, for example after a backup was stolen
    #[arg(long)]
    everybody: bool,
}

pub async fn run(Sessions::Revoke(whose): Sessions, config: &Config) -> Result<(), Failure> {
    let services = bootstrap::join(config).await?;
    match whose.user {
        Some(name) => {
            let user = find_user(&services, &name).await?;
            let ended = services.administration().end_sessions(user.id).await?.ok_or_else(|| account_deleted(&name))?;
            say(&format!("sessions of {} ended: {ended}", user.username));
        }
        None => say(&format!("sessions ended: {}", end_all(&services).await?)),
    }
    Ok(())
}

/// Ends the sessions one account at a time, so that each account's activity records it and no request waits for long.
/// Goes in the order of ids, since a username could change meanwhile.
async fn end_all(services: &Services) -> Result<u64, Failure> {
    let (mut ended, mut last) = (0, None);
    loop {
        let owners = services.administration().users_with_sessions(last, PAGE).await?;
        for user in &owners {
            ended += services.administration().end_sessions(*user).await?.unwrap_or_default();
        }
        match owners.last() {
            Some(user) => last = Some(*user),
            None => return Ok(ended),
        }
    }
}
