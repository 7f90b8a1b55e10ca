//! Parses values that administrators write in commands and in `APPLICATIONS_FILE`. An error message continues after the
//! name of the value.

use super::Preset;
use crate::server::config::parse_duration;
use crate::server::jose::Algorithm;
use crate::server::model::application::{Audience, RequiredMethod};
use crate::server::model::logo::Logo;
use crate::server::model::oauth::{ClaimRule, ConsentRule};
use crate::server::model::{ApplicationId, GroupName};
use crate::types::DisplayName;
use std::fmt::Display;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Duration;
use url::Url;

pub fn application_id(text: &str) -> Result<ApplicationId, String> {
    let wanted = "must be 1 to 64 characters of a-z, 0-9 and hyphen, starting with a-z or 0-9";
    ApplicationId::parse(text).ok_or_else(|| wanted.to_owned())
}

pub fn group_name(text: &str) -> Result<GroupName, String> {
    let wanted =
        "must be 1 to 64 characters of a-z, 0-9, dot, hyphen and underscore, starting with a-z or 0-9, and not";
    GroupName::parse(text).ok_or_else(|| format!("{wanted} {} or {}", GroupName::EVERYBODY, GroupName::NO_ONE))
}

pub fn title(text: &str) -> Result<DisplayName, String> {
    DisplayName::parse(text).map_err(|_| "must be 1 to 64 characters without control characters".to_owned())
}

/// The name of an application: the given one, its preset's, or its id.
pub fn application_name(
    given: Option<DisplayName>,
    preset: Option<&Preset>,
    id: &ApplicationId,
) -> Result<DisplayName, String> {
    given.or_else(|| preset.and_then(Preset::display_name)).map_or_else(|| title(id.as_str()), Ok)
}

pub fn audience(text: &str) -> Result<Audience, String> {
    let (all, none) = (GroupName::EVERYBODY, GroupName::NO_ONE);
    Audience::parse(text).ok_or_else(|| format!("must be {all}, {none}, or group names separated by commas"))
}

pub fn method(text: &str) -> Result<RequiredMethod, String> {
    RequiredMethod::parse(text).ok_or_else(|| one_of(&RequiredMethod::ALL.map(RequiredMethod::name)))
}

pub fn web_url(text: &str) -> Result<String, String> {
    let is_bare = |url: &Url| url.username().is_empty() && url.password().is_none() && url.has_host();
    let is_web = |url: &Url| matches!(url.scheme(), "https" | "http") && is_bare(url);
    match Url::parse(text) {
        Ok(url) if is_web(&url) => Ok(url.to_string()),
        _ => Err("must be a URL that starts with https:// or http://".to_owned()),
    }
}

/// Parses a duration such as `7d`, in the format of settings.
pub fn span(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| "must be a whole number followed by s, m, h or d, such as 24h or 7d".to_owned())
}

/// Reads a logo from a file.
pub fn logo(path: &Path) -> Result<Logo, String> {
    let wrong = |cause: &dyn Display| format!("cannot be read from {}: {cause}", path.display());
    let mut content = Vec::new();
    let file = File::open(path).map_err(|cause| wrong(&cause))?;
    file.take(Logo::MAX_BYTES as u64 + 1).read_to_end(&mut content).map_err(|cause| wrong(&cause))?;
    Logo::read(content).map_err(|wrong| format!("{wrong}; {} is not", path.display()))
}

/// Whether PKCE is required.
pub fn pkce(text: &str) -> Result<bool, String> {
    match text {
        "required" => Ok(true),
        "optional" => Ok(false),
        _ => Err("must be required or optional".to_owned()),
    }
}

pub fn algorithm(text: &str) -> Result<Algorithm, String> {
    Algorithm::parse(text).ok_or_else(|| one_of(&Algorithm::ALL.map(Algorithm::name)))
}

pub fn consent(text: &str) -> Result<ConsentRule, String> {
    ConsentRule::parse(text).ok_or_else(|| one_of(&ConsentRule::ALL.map(ConsentRule::name)))
}

pub fn claim_rule(text: &str) -> Result<ClaimRule, String> {
    ClaimRule::parse(text)
        .ok_or_else(|| "must be GROUP:CLAIM=VALUE, with a claim that Latchkey does not set itself".to_owned())
}

pub fn preset(text: &str) -> Result<&'static Preset, String> {
    Preset::named(text).ok_or_else(|| "must be the name of a preset; `latchkey apps presets` lists all".to_owned())
}

fn one_of(names: &[&str]) -> String {
    format!("must be one of {}", names.join(", "))
}
