use super::columns::Columns;
use super::groups::title;
use super::{Failure, PAGE, json_line, say, span, write};
use crate::server::admin::ApplicationChange;
use crate::server::clock::Timestamp;
use crate::server::model::application::{Audience, RequiredMethod};
use crate::server::model::{Application, ApplicationId};
use crate::server::services::Services;
use crate::types::DisplayName;
use clap::{Args, Subcommand};
use serde::Serialize;
use std::time::Duration;

#[derive(Subcommand)]
pub enum Apps {
    /// Adds an application; it is closed until you set --who
    Add {
        /// 1 to 64 characters of a-z, 0-9 and hyphen
        #[arg(value_parser = application_id)]
        id: ApplicationId,
        #[command(flatten)]
        options: Options,
    },
    /// Lists all applications
    List {
        /// One JSON object a line, for programs
        #[arg(long)]
        json: bool,
    },
    /// Shows one application
    Show {
        #[arg(value_parser = application_id)]
        id: ApplicationId,
        /// A JSON object, for programs
        #[arg(long)]
        json: bool,
    },
    /// Changes an application; omitted options keep their values
    Edit {
        #[arg(value_parser = application_id)]
        id: ApplicationId,
        #[command(flatten)]
        options: Options,
    },
    /// Removes an application; its users lose access at once
    Remove {
        #[arg(value_parser = application_id)]
        id: ApplicationId,
    },
}

#[derive(Args)]
pub struct Options {
    /// Its name for people
    #[arg(long, value_parser = title)]
    name: Option<DisplayName>,
    /// Where its tile leads
    #[arg(long, value_parser = web_address)]
    url: Option<String>,
    /// everybody, nobody, or group names separated by commas
    #[arg(long, value_parser = audience)]
    who: Option<Audience>,
    /// passkey, any (an emailed code counts too), or device-bound
    #[arg(long, value_parser = method)]
    method: Option<RequiredMethod>,
    /// How old a sign-in may be, such as 12h
    #[arg(long, value_parser = span)]
    max_age: Option<Duration>,
    /// A JSON object, for programs
    #[arg(long)]
    json: bool,
}

fn application_id(text: &str) -> Result<ApplicationId, String> {
    let wanted = "must be 1 to 64 characters of a-z, 0-9 and hyphen, starting with a-z or 0-9";
    ApplicationId::parse(text).ok_or_else(|| wanted.to_owned())
}

fn audience(text: &str) -> Result<Audience, String> {
    Audience::parse(text).ok_or_else(|| "must be everybody, nobody, or group names separated by commas".to_owned())
}

fn method(text: &str) -> Result<RequiredMethod, String> {
    let names = RequiredMethod::ALL.map(RequiredMethod::name).join(", ");
    RequiredMethod::parse(text).ok_or_else(|| format!("must be one of {names}"))
}

fn web_address(text: &str) -> Result<String, String> {
    let is_bare = |url: &url::Url| url.username().is_empty() && url.password().is_none() && url.has_host();
    let is_web = |url: &url::Url| matches!(url.scheme(), "https" | "http") && is_bare(url);
    match url::Url::parse(text) {
        Ok(url) if is_web(&url) => Ok(url.to_string()),
        _ => Err("must be a URL that starts with https:// or http://".to_owned()),
    }
}

/// An application for programs.
#[derive(Serialize)]
struct Line<'a> {
    id: &'a str,
    name: &'a str,
    url: Option<&'a str>,
    who: String,
    method: &'static str,
    /// Seconds.
    max_age: Option<u64>,
    from_file: bool,
    disabled_at: Option<String>,
    created_at: String,
}

impl<'a> Line<'a> {
    fn new(application: &'a Application) -> Self {
        Self {
            id: application.id.as_str(),
            name: application.name.as_str(),
            url: application.url.as_deref(),
            who: application.policy.who.to_string(),
            method: application.policy.method.name(),
            max_age: application.policy.max_age.map(|age| age.as_secs()),
            from_file: application.from_file,
            disabled_at: application.disabled_at.map(Timestamp::to_rfc3339),
            created_at: application.created_at.to_rfc3339(),
        }
    }
}

pub async fn run(command: Apps, services: &Services) -> Result<(), Failure> {
    let applications = services.applications();
    match command {
        Apps::Add { id, options } => {
            let name = options.name.clone().map_or_else(|| title(id.as_str()), Ok).map_err(Failure::Told)?;
            let json = options.json;
            let application = applications.add(id, name, options.change()).await?;
            tell(&application, json, "added")
        }
        Apps::Edit { id, options } => {
            let json = options.json;
            let application = applications.edit(&id, options.change()).await?;
            tell(&application, json, "changed")
        }
        Apps::List { json } => list(services, json).await,
        Apps::Show { id, json } => show(&applications.get(&id).await?, json),
        Apps::Remove { id } => {
            applications.remove(&id).await?;
            say(&format!("removed application {id}"));
            Ok(())
        }
    }
}

impl Options {
    fn change(self) -> ApplicationChange {
        let Self { name, url, who, method, max_age, json: _ } = self;
        ApplicationChange { name, url, who, method, max_age }
    }
}

fn tell(application: &Application, json: bool, what: &str) -> Result<(), Failure> {
    if json {
        json_line(&Line::new(application))?;
    }
    let who = match &application.policy.who {
        who if who.is_closed() => "no one may use it yet: `--who` names groups or everybody".to_owned(),
        Audience::Everybody => "everybody may use it".to_owned(),
        groups => format!("members of {groups} may use it"),
    };
    say(&format!("{what} application {}; {who}", application.id));
    Ok(())
}

fn show(application: &Application, json: bool) -> Result<(), Failure> {
    let line = Line::new(application);
    if json {
        return json_line(&line);
    }
    let mut table = Columns::new();
    let max_age = line.max_age.map_or_else(|| "any".to_owned(), |seconds| format!("at most {seconds} s"));
    for (fact, value) in [
        ("id", line.id.to_owned()),
        ("name", line.name.to_owned()),
        ("url", line.url.unwrap_or("none").to_owned()),
        ("who", line.who),
        ("method", line.method.to_owned()),
        ("sign-in age", max_age),
        ("from", if line.from_file { "file" } else { "command" }.to_owned()),
        ("state", line.disabled_at.map_or_else(|| "enabled".to_owned(), |since| format!("disabled since {since}"))),
        ("created", line.created_at),
    ] {
        table.add([fact.to_owned(), value]);
    }
    write(&table)
}

async fn list(services: &Services, json: bool) -> Result<(), Failure> {
    let mut table = Columns::headed(["id", "name", "who", "method", "state"]);
    let mut last: Option<ApplicationId> = None;
    loop {
        let page = services.applications().page(last.as_ref(), PAGE).await?;
        for application in &page {
            let line = Line::new(application);
            if json {
                json_line(&line)?;
                continue;
            }
            let state = if line.disabled_at.is_some() { "disabled" } else { "enabled" };
            table.add([line.id, line.name, &line.who, line.method, state].map(str::to_owned));
        }
        match page.into_iter().next_back() {
            Some(application) => last = Some(application.id),
            None => break,
        }
    }
    if json { Ok(()) } else { write(&table) }
}
