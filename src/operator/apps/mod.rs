mod apply;
mod client;
mod show;

use super::columns::TextTable;
use super::{Failure, Output, PAGE, json_line, say, write};
use crate::server::admin::{ApplicationChange, Changed, PlaceholderValues, Preset, Setting, values};
use crate::server::clock::Timestamp;
use crate::server::model::ApplicationId;
use crate::server::model::application::{Audience, RequiredMethod};
use crate::server::model::logo::Logo;
use crate::server::services::Services;
use crate::types::DisplayName;
use clap::{Args, Subcommand};
use client::ClientOptions;
use serde::Serialize;
use serde_json::json;
use show::{ChangeReport, Line};
use std::path::{Path, PathBuf};
use std::time::Duration;

#[derive(Subcommand)]
pub enum Apps {
    /// Adds an application; no one can use it until you set --who
    Add {
        /// 1 to 64 characters of a-z, 0-9 and hyphen
        #[arg(value_parser = values::application_id)]
        id: ApplicationId,
        #[command(flatten)]
        options: Box<Options>,
    },
    /// Lists all applications
    List {
        /// Print one JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// Shows one application, with refused redirect URIs and recent logouts
    Show {
        #[arg(value_parser = values::application_id)]
        id: ApplicationId,
        /// Print a JSON object
        #[arg(long)]
        json: bool,
    },
    /// Changes an application; omitted options keep their values
    Edit {
        #[arg(value_parser = values::application_id)]
        id: ApplicationId,
        #[command(flatten)]
        options: Box<Options>,
    },
    /// Removes an application; its users lose access at once
    Remove {
        #[arg(value_parser = values::application_id)]
        id: ApplicationId,
        #[command(flatten)]
        output: Output,
    },
    /// Updates groups and applications to match a file, as the server does with APPLICATIONS_FILE at startup
    Apply {
        /// TOML file; docs/APPLICATIONS.md describes the format
        file: PathBuf,
        /// Print one JSON object per line for each application
        #[arg(long)]
        json: bool,
    },
    /// Lists presets, or prints what to paste into an application
    Presets {
        /// Name of the preset, such as grafana
        name: Option<String>,
        /// Print one JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// Adds and removes secrets of an application
    #[command(subcommand)]
    Secret(SecretCommand),
}

#[derive(Subcommand)]
pub enum SecretCommand {
    /// Adds a secret and writes it to standard output, once
    Add {
        #[arg(value_parser = values::application_id)]
        id: ApplicationId,
        /// How long it is valid, such as 90d
        #[arg(long, value_parser = values::span)]
        expires: Option<Duration>,
        /// Print a JSON object
        #[arg(long)]
        json: bool,
    },
    /// Removes a secret, which stops working at once
    Remove {
        #[arg(value_parser = values::application_id)]
        id: ApplicationId,
        /// First characters of the secret, as `apps show` lists them
        #[arg(allow_hyphen_values = true)]
        prefix: String,
        #[command(flatten)]
        output: Output,
    },
}

#[derive(Args)]
pub struct Options {
    /// Defaults for a well-known application; `apps presets` lists them. Other options take precedence
    #[arg(long, value_name = "NAME", value_parser = values::preset)]
    preset: Option<&'static Preset>,
    /// Display name
    #[arg(long, value_parser = values::title)]
    name: Option<DisplayName>,
    /// Address that its tile opens; an empty value removes it
    #[arg(long, value_parser = clearable(values::web_url))]
    url: Option<Setting<String>>,
    /// PNG, WebP or SVG file of at most 64 KiB; an empty value removes it
    #[arg(long, value_name = "FILE", value_parser = clearable(|file| values::logo(Path::new(file))))]
    logo: Option<Setting<Logo>>,
    /// everybody, nobody, or group names separated by commas
    #[arg(long, value_parser = values::audience)]
    who: Option<Audience>,
    /// passkey, any (an emailed code counts too), or device-bound
    #[arg(long, value_parser = values::method)]
    method: Option<RequiredMethod>,
    /// Maximum age of a sign-in, such as 12h; an empty value removes the limit
    #[arg(long, value_parser = clearable(values::span))]
    max_age: Option<Setting<Duration>>,
    #[command(flatten)]
    client: ClientOptions,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

/// A value parser that reads an empty value as [`Setting::Clear`].
fn clearable<T>(
    read: impl Fn(&str) -> Result<T, String> + Clone,
) -> impl Fn(&str) -> Result<Setting<T>, String> + Clone {
    move |text| if text.is_empty() { Ok(Setting::Clear) } else { read(text).map(Setting::Set) }
}

pub async fn run(command: Apps, services: &Services) -> Result<(), Failure> {
    let applications = services.applications();
    match command {
        Apps::Add { id, options } => {
            let name = values::application_name(options.name.clone(), options.preset, &id).map_err(Failure::Message)?;
            let (json, preset) = (options.json, options.preset);
            let changed = applications.add(id, name, options.change(None)?).await?;
            report_change(services, &changed, json, "added")?;
            if json { Ok(()) } else { paste(services, &changed, preset) }
        }
        Apps::Edit { id, options } => {
            let json = options.json;
            let known = applications.get(&id).await?;
            let changed = applications.edit(&id, options.change(known.url)?).await?;
            report_change(services, &changed, json, "changed")
        }
        Apps::List { json } => list(services, json).await,
        Apps::Show { id, json } => {
            let application = applications.get(&id).await?;
            show::show(&application, services.clients().get(&id).await?.as_ref(), json)
        }
        Apps::Remove { id, output } => {
            applications.remove(&id).await?;
            output.report(&json!({ "id": id.as_str(), "removed": true }), &format!("removed application {id}"))
        }
        Apps::Apply { file, json } => apply::run(&file, json, applications).await,
        Apps::Secret(command) => secret(command, services).await,
        Apps::Presets { name, json } => presets(services, name.as_deref(), json),
    }
}

/// Lists the presets, or prints the text of one.
fn presets(services: &Services, name: Option<&str>, json: bool) -> Result<(), Failure> {
    let facts = |preset: &Preset| json!({ "name": preset.name, "title": preset.title, "source": preset.source });
    let Some(name) = name else {
        if json {
            return Preset::all().iter().try_for_each(|preset| json_line(&facts(preset)));
        }
        let mut table = TextTable::headed(["preset", "application", "source"]);
        for preset in Preset::all() {
            table.add([&preset.name, &preset.title, &preset.source].map(String::clone));
        }
        return write(&table);
    };
    let unknown = || Failure::Message(format!("unknown preset {name}; `latchkey apps presets` lists all"));
    let preset = Preset::named(name).ok_or_else(unknown)?;
    let issuer = services.core().issuer_url();
    let placeholders = PlaceholderValues { id: name, url: None, issuer, client_id: name, client_secret: None };
    let paste = preset.paste(placeholders);
    if json {
        return json_line(&json!({ "name": preset.name, "source": preset.source, "paste": paste }));
    }
    write(&paste)
}

/// Prints what to paste into an application that was just added.
fn paste(services: &Services, changed: &Changed, preset: Option<&Preset>) -> Result<(), Failure> {
    let (Some(preset), Some(client)) = (preset, &changed.client) else { return Ok(()) };
    let text = preset.paste(PlaceholderValues {
        id: changed.application.id.as_str(),
        url: changed.application.url.as_deref(),
        issuer: services.core().issuer_url(),
        client_id: &client.client_id,
        client_secret: changed.secret.as_ref().map(|secret| secret.expose().as_str()),
    });
    say(&format!("paste this into {}:", preset.title));
    write(&text)
}

impl Options {
    /// `current_url`: the application's current address.
    fn change(self, current_url: Option<String>) -> Result<ApplicationChange, Failure> {
        let Self { preset, name, url, logo, who, method, max_age, client, json: _ } = self;
        let client = client.change();
        let url = url.unwrap_or_default();
        let address = url.clone().over(current_url);
        let client = match preset {
            Some(preset) => {
                let needed = |why| Failure::Message(format!("this preset {why}: --url"));
                preset.complete(client, address.as_deref()).map_err(needed)?
            }
            None => client,
        };
        let (logo, max_age) = (logo.unwrap_or_default(), max_age.unwrap_or_default());
        Ok(ApplicationChange { name, url, logo, who, method, max_age, client })
    }
}

fn report_change(services: &Services, changed: &Changed, json: bool, what: &str) -> Result<(), Failure> {
    let report = ChangeReport {
        application: &changed.application,
        client: changed.client.as_ref(),
        secret: changed.secret.as_ref().map(|secret| secret.expose().as_str()),
        issuer: services.core().issuer_url(),
    };
    show::report_change(&report, json, what)
}

/// A new secret in JSON output.
#[derive(Serialize)]
struct SecretLine<'a> {
    id: &'a str,
    client_secret: &'a str,
    prefix: &'a str,
    expires_at: Option<String>,
}

async fn secret(command: SecretCommand, services: &Services) -> Result<(), Failure> {
    match command {
        SecretCommand::Add { id, expires, json } => {
            let (secret, text) = services.clients().add_secret(&id, expires).await?;
            if json {
                let expires_at = secret.expires_at.map(Timestamp::to_rfc3339);
                let line =
                    SecretLine { id: id.as_str(), client_secret: text.expose(), prefix: &secret.prefix, expires_at };
                json_line(&line)?;
            } else {
                write(text.expose())?;
            }
            say(&format!("added a secret to application {id}; it will not be shown again"));
            Ok(())
        }
        SecretCommand::Remove { id, prefix, output } => {
            services.clients().remove_secret(&id, &prefix).await?;
            let outcome = json!({ "id": id.as_str(), "prefix": prefix, "removed": true });
            output.report(&outcome, &format!("removed secret {prefix}… of application {id}"))
        }
    }
}

async fn list(services: &Services, json: bool) -> Result<(), Failure> {
    let mut table = TextTable::headed(["id", "name", "who", "method", "state"]);
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
