use super::columns::Columns;
use super::{Failure, PAGE, json_line, say, user_named, write};
use crate::server::model::{Group, GroupName};
use crate::server::services::Services;
use crate::types::DisplayName;
use clap::Subcommand;
use serde::Serialize;

#[derive(Subcommand)]
pub enum Groups {
    /// Makes a group, or changes the title of one
    Add {
        /// 1 to 64 characters of a-z, 0-9, dot, hyphen and underscore
        #[arg(value_parser = group_name)]
        name: GroupName,
        /// Its name for people; without it, the name stands in
        #[arg(long, value_parser = title)]
        title: Option<DisplayName>,
        /// Has every new account join it
        #[arg(long)]
        default: bool,
    },
    /// Lists all groups
    List {
        /// One JSON object a line, for programs
        #[arg(long)]
        json: bool,
    },
    /// Removes a group; applications that were open to it alone are closed then
    Remove {
        #[arg(value_parser = group_name)]
        name: GroupName,
    },
    /// Has a user join a group
    Join {
        #[arg(value_parser = group_name)]
        name: GroupName,
        /// Username, or the address that the account has proven
        user: String,
    },
    /// Has a user leave a group
    Leave {
        #[arg(value_parser = group_name)]
        name: GroupName,
        /// Username, or the address that the account has proven
        user: String,
    },
}

pub fn group_name(text: &str) -> Result<GroupName, String> {
    let wanted = "1 to 64 characters of a-z, 0-9, dot, hyphen and underscore are needed, beginning with a-z or 0-9";
    GroupName::parse(text).ok_or_else(|| wanted.to_owned())
}

pub fn title(text: &str) -> Result<DisplayName, String> {
    DisplayName::parse(text).map_err(|_| "1 to 64 characters are needed, without control characters".to_owned())
}

/// A group for programs.
#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    title: &'a str,
    default: bool,
    from_file: bool,
    members: u64,
    created_at: String,
}

impl<'a> Line<'a> {
    fn new(group: &'a Group, members: u64) -> Self {
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
        Groups::Add { name, title: chosen, default } => {
            let title = match chosen {
                Some(title) => title,
                None => title(name.as_str()).map_err(Failure::Told)?,
            };
            let group = groups.put(&name, title, default).await?;
            let joins = if group.is_default { "; every new account joins it" } else { "" };
            say(&format!("the group {name} is there{joins}"));
        }
        Groups::List { json } => return list(services, json).await,
        Groups::Remove { name } => {
            groups.remove(&name).await?;
            say(&format!("the group {name} is removed"));
        }
        Groups::Join { name, user } => {
            let user = user_named(services, &user).await?;
            let has_joined = groups.join(&user, &name).await?;
            let already = if has_joined { "" } else { " already" };
            say(&format!("{} belongs to {name}{already}", user.username));
        }
        Groups::Leave { name, user } => {
            let user = user_named(services, &user).await?;
            if !groups.leave(&user, &name).await? {
                return Err(Failure::Told(format!("{} does not belong to {name}", user.username)));
            }
            say(&format!("{} has left {name}", user.username));
        }
    }
    Ok(())
}

async fn list(services: &Services, json: bool) -> Result<(), Failure> {
    let mut table = Columns::headed(["name", "title", "members", "default", "from"]);
    let mut last: Option<GroupName> = None;
    loop {
        let page = services.groups().page(last.as_ref(), PAGE).await?;
        for (group, members) in &page {
            let line = Line::new(group, *members);
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
