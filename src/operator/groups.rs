use super::columns::TextTable;
use super::{Failure, Output, PAGE, find_user, json_line, write};
use crate::server::admin::values;
use crate::server::model::{Group, GroupName, User};
use crate::server::services::Services;
use crate::types::DisplayName;
use clap::Subcommand;
use serde::Serialize;
use serde_json::{Value, json};

#[derive(Subcommand)]
pub enum Groups {
    /// Creates a group, or changes its title or default
    Add {
        /// 1 to 64 characters of a-z, 0-9, dot, hyphen and underscore
        #[arg(value_parser = values::group_name)]
        name: GroupName,
        /// Display name; NAME if omitted
        #[arg(long, value_parser = values::title)]
        title: Option<DisplayName>,
        /// Add every new account to this group
        #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
        default: Option<bool>,
        #[command(flatten)]
        output: Output,
    },
    /// Lists all groups
    List {
        /// Print one JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// Removes a group; applications open only to this group become closed
    Remove {
        #[arg(value_parser = values::group_name)]
        name: GroupName,
        #[command(flatten)]
        output: Output,
    },
    /// Adds a user to a group
    Join {
        #[arg(value_parser = values::group_name)]
        name: GroupName,
        /// Username or confirmed email address
        user: String,
        #[command(flatten)]
        output: Output,
    },
    /// Removes a user from a group
    Leave {
        #[arg(value_parser = values::group_name)]
        name: GroupName,
        /// Username or confirmed email address
        user: String,
        #[command(flatten)]
        output: Output,
    },
}

/// A group in JSON output.
#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    title: &'a str,
    default: bool,
    from_file: bool,
    /// `None` if they were not counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    members: Option<u64>,
    created_at: String,
}

impl<'a> Line<'a> {
    fn new(group: &'a Group, members: Option<u64>) -> Self {
        Self {
            name: group.name.as_str(),
            title: group.title.as_str(),
            default: group.is_default,
            from_file: group.from_file,
            members,
            created_at: group.created_at.to_rfc3339(),
        }
    }
}

pub async fn run(command: Groups, services: &Services) -> Result<(), Failure> {
    let groups = services.groups();
    match command {
        Groups::Add { name, title, default, output } => {
            let group = groups.put(&name, title, default).await?;
            let joins = if group.is_default { "; every new account joins it" } else { "" };
            output.report(&Line::new(&group, None), &format!("saved group {name}{joins}"))
        }
        Groups::List { json } => list(services, json).await,
        Groups::Remove { name, output } => {
            groups.remove(&name).await?;
            output.report(&json!({ "name": name.as_str(), "removed": true }), &format!("removed group {name}"))
        }
        Groups::Join { name, user, output } => {
            let user = find_user(services, &user).await?;
            let has_joined = groups.join(&user, &name).await?;
            let sentence = if has_joined {
                format!("added {} to {name}", user.username)
            } else {
                format!("{} is already in {name}", user.username)
            };
            output.report(&membership(&name, &user, ("joined", has_joined)), &sentence)
        }
        Groups::Leave { name, user, output } => {
            let user = find_user(services, &user).await?;
            if !groups.leave(&user, &name).await? {
                return Err(Failure::Message(format!("{} is not in {name}", user.username)));
            }
            let sentence = format!("removed {} from {name}", user.username);
            output.report(&membership(&name, &user, ("left", true)), &sentence)
        }
    }
}

/// A change of membership in JSON output.
fn membership(name: &GroupName, user: &User, (what, is_so): (&str, bool)) -> Value {
    json!({ "name": name.as_str(), "username": user.username.as_str(), what: is_so })
}

async fn list(services: &Services, json: bool) -> Result<(), Failure> {
    let mut table = TextTable::headed(["name", "title", "members", "default", "source"]);
    let mut last: Option<GroupName> = None;
    loop {
        let page = services.groups().page(last.as_ref(), PAGE).await?;
        for (group, members) in &page {
            let line = Line::new(group, Some(*members));
            if json {
                json_line(&line)?;
                continue;
            }
            let is_default = if line.default { "yes" } else { "no" };
            let from = if line.from_file { "file" } else { "command" };
            table.add([line.name, line.title, &members.to_string(), is_default, from].map(str::to_owned));
        }
        match page.into_iter().next_back() {
            Some((group, _)) => last = Some(group.name),
            None => break,
        }
    }
    if json { Ok(()) } else { write(&table) }
}
