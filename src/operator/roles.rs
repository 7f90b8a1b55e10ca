use super::columns::TextTable;
use super::{Failure, Output, PAGE, find_user, json_line, write};
use crate::server::model::Role;
use crate::server::services::Services;
use clap::Subcommand;
use serde::Serialize;
use serde_json::json;

#[derive(Subcommand)]
pub enum Roles {
    /// Grants a role to a user; this is how the first owner is created
    Grant {
        /// Username or confirmed email address
        user: String,
        /// owner, people, applications or auditor
        #[arg(value_parser = role)]
        role: Role,
        #[command(flatten)]
        output: Output,
    },
    /// Removes a role from a user, except from the last owner
    Take {
        /// Username or confirmed email address
        user: String,
        #[arg(value_parser = role)]
        role: Role,
        #[command(flatten)]
        output: Output,
    },
    /// Lists all users with a role
    List {
        /// Print one JSON object per line
        #[arg(long)]
        json: bool,
    },
}

fn role(text: &str) -> Result<Role, String> {
    let names = Role::ALL.map(Role::name).join(", ");
    Role::parse(text).ok_or_else(|| format!("must be one of {names}"))
}

/// A role in JSON output.
#[derive(Serialize)]
struct Line<'a> {
    username: &'a str,
    user_id: String,
    role: &'static str,
    granted_at: String,
}

pub async fn run(command: Roles, services: &Services) -> Result<(), Failure> {
    match command {
        Roles::Grant { user, role, output } => {
            let user = find_user(services, &user).await?;
            let is_new = services.roles().grant(&user, role).await?;
            let already = if is_new { "" } else { " already" };
            let outcome = json!({ "username": user.username.as_str(), "role": role.name(), "granted": is_new });
            output.report(&outcome, &format!("{} has the role {}{already}", user.username, role.name()))
        }
        Roles::Take { user, role, output } => {
            let user = find_user(services, &user).await?;
            services.roles().take(&user, role).await?;
            let outcome = json!({ "username": user.username.as_str(), "role": role.name(), "taken": true });
            output.report(&outcome, &format!("{} no longer has the role {}", user.username, role.name()))
        }
        Roles::List { json } => list(services, json).await,
    }
}

async fn list(services: &Services, json: bool) -> Result<(), Failure> {
    let mut table = TextTable::headed(["username", "role", "since"]);
    let mut last = None;
    loop {
        let page = services.roles().page(last, PAGE).await?;
        for (user, grant) in &page {
            let (username, granted_at) = (user.username.as_str(), grant.granted_at.to_rfc3339());
            let line = Line { username, user_id: user.id.encode(), role: grant.role.name(), granted_at };
            if json {
                json_line(&line)?;
            } else {
                table.add([line.username.to_owned(), line.role.to_owned(), line.granted_at]);
            }
        }
        match page.last() {
            Some((user, grant)) => last = Some((user.id, grant.role)),
            None => break,
        }
    }
    if json { Ok(()) } else { write(&table) }
}
