use super::{Failure, PAGE, gone, say, user_named};
use crate::bootstrap;
use crate::server::config::Config;
use crate::server::services::Services;
use clap::{Args, Subcommand};

#[derive(Subcommand)]
pub enum Sessions {
    /// Ends all sessions of one account, or of everybody
    Revoke(Whose),
}

#[derive(Args)]
#[group(required = true, multiple = false)]
pub struct Whose {
    /// Username, or the address that the account has proven
    user: Option<String>,
    /// All sessions there are, as after a stolen backup
    #[arg(long)]
    everybody: bool,
}

pub async fn run(Sessions::Revoke(whose): Sessions, config: &Config) -> Result<(), Failure> {
    let services = bootstrap::join(config).await?;
    match whose.user {
        Some(name) => {
            let user = user_named(&services, &name).await?;
            let ended = services.administration().end_sessions(user.id).await?.ok_or_else(|| gone(&name))?;
            say(&format!("sessions of {} that were ended: {ended}", user.username));
        }
        None => say(&format!("sessions that were ended: {}", end_all(&services).await?)),
    }
    Ok(())
}

/// Ends the sessions account by account, so that each account's activity shows it and no request waits for long. In the
/// order of ids: a username could change during the run.
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
