use super::members::{Members, Notes};
use super::{ApplicationEntry, ApplicationsFile, GroupEntry, MAX_BYTES, Mistake, Mistakes};
use crate::server::admin::{ApplicationChange, ClientChange, Setting, values};
use crate::server::model::application::Audience;
use crate::server::model::oauth::ClaimRule;
use crate::server::model::oauth::client::MAX_SECRETS;
use crate::server::secret::Secret;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use toml::de::DeTable;

/// The length of a secret that an administrator chose. A generated one has 43 characters.
const SECRET_LENGTH: std::ops::RangeInclusive<usize> = 32..=256;
const SECRET_FORM: &str =
    "must name a file with 1 to 10 secrets, one per line, each of 32 to 256 printable ASCII characters";
/// Members that later versions may support, and that an administrator may expect.
const LATER: [&str; 9] =
    ["forward", "api", "jwks", "jwks_uri", "require_par", "device_grant", "client_credentials", "origin", "resource"];

impl ApplicationsFile {
    /// Reads a file. Paths in it are relative to its folder.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn read(path: &Path) -> Result<Self, Mistakes> {
        let text = contents(path, MAX_BYTES).map_err(|what| Mistakes::new(path, vec![Mistake { line: 1, what }]))?;
        Self::parse(path, &text)
    }

    fn parse(path: &Path, text: &str) -> Result<Self, Mistakes> {
        let notes = Notes::on(text);
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            notes.add(error.span().map_or(0, |span| span.start), error.message().to_owned());
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        let (mut groups, mut applications) = entries(Members::of(table.get_ref(), 0, &notes), folder);
        let mistakes = notes.into_list();
        if !mistakes.is_empty() {
            return Err(Mistakes::new(path, mistakes));
        }
        // Sorted, so that nodes that start at the same time lock rows in the same order.
        groups.sort_by(|one, other| one.name.cmp(&other.name));
        applications.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(Self { path: path.to_owned(), groups, applications })
    }
}

/// Reads the text of a file of at most `most` bytes.
fn contents(path: &Path, most: u64) -> Result<String, String> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(most + 1).read_to_string(&mut text));
    match read {
        Err(cause) => Err(format!("the file cannot be read: {cause}")),
        Ok(bytes) if bytes as u64 > most => Err(format!("the file has more than {most} bytes")),
        Ok(_) => Ok(text),
    }
}

fn entries(mut file: Members<'_>, folder: &Path) -> (Vec<GroupEntry>, Vec<ApplicationEntry>) {
    let notes = file.notes();
    let mut names = BTreeSet::new();
    let groups = file.tables("group").into_iter().filter_map(|table| {
        let at = table.at;
        let entry = group(table)?;
        if !names.insert(entry.name.clone()) {
            notes.add(at, format!("group {} is defined twice", entry.name));
        }
        Some(entry)
    });
    let groups = groups.collect();
    let mut ids = BTreeSet::new();
    let applications = file.tables("application").into_iter().filter_map(|table| {
        let at = table.at;
        let entry = application(table, folder)?;
        if !ids.insert(entry.id.clone()) {
            notes.add(at, format!("application {} is defined twice", entry.id));
        }
        Some(entry)
    });
    let applications = applications.collect();
    file.finish(|_| "is unknown here; expected [[group]] or [[application]]");
    (groups, applications)
}

fn group(mut table: Members<'_>) -> Option<GroupEntry> {
    let name = table.required("name", values::group_name);
    let title = table.text("title", values::title);
    let is_default = table.flag("default").unwrap_or(false);
    table.finish(|_| "is unknown here; a group has name, title and default");
    Some(GroupEntry { name: name?, title, is_default })
}

fn application(mut table: Members<'_>, folder: &Path) -> Option<ApplicationEntry> {
    let (notes, at) = (table.notes(), table.at);
    let id = table.required("id", values::application_id);
    let preset = table.text("preset", values::preset);
    let name = table.text("name", values::title);
    let url = table.text("url", values::web_url);
    let logo = table.text("logo", |file| values::logo(&folder.join(file))).map_or(Setting::Clear, Setting::Set);
    let who = who(&mut table);
    let method = table.text("method", values::method);
    let max_age = table.text("max_age", values::span);
    let has_oidc = table.has("oidc");
    let (client, secrets) = table.table("oidc").map(|table| client(table, folder)).unwrap_or_default();
    table.finish(|name| advice(name, Place::Application));
    let client = match preset {
        Some(preset) => preset.complete(client.clone(), url.as_deref()).unwrap_or_else(|why| {
            notes.add(at, format!("the preset {} {why}: url", preset.name));
            client
        }),
        None if has_oidc && !client.is_set() => {
            notes.add(at, "[application.oidc] needs redirect_uris".to_owned());
            client
        }
        None => client,
    };
    let id = id?;
    if client.is_set() {
        match client.clone().apply_to(None, &id) {
            Ok(client) if client.is_public && secrets.is_some() => {
                notes.add(at, "a public client has no secret: client_secret_file".to_owned());
            }
            Ok(_) => {}
            Err(why) => notes.add(at, why.to_string()),
        }
    }
    let name = values::application_name(name, preset, &id).ok()?;
    let change = ApplicationChange { name: None, url: url.into(), logo, who, method, max_age: max_age.into(), client };
    Some(ApplicationEntry { line: notes.line(at), id, name, change, secrets })
}

/// Parses a string like that of `--who`, or a list of groups.
fn who(table: &mut Members<'_>) -> Option<Audience> {
    if table.has_list("who") {
        let names: BTreeSet<_> = table.texts("who", values::group_name)?.into_iter().collect();
        return Some(Audience::Groups(names));
    }
    table.text("who", values::audience)
}

type Client = (ClientChange, Option<Vec<Secret<String>>>);

fn client(mut table: Members<'_>, folder: &Path) -> Client {
    let uri = |text: &str| Ok(text.to_owned());
    let claim_rules = table.has("claims").then(|| table.tables("claims").into_iter().filter_map(claim).collect());
    let change = ClientChange {
        client_id: table.text("client_id", uri),
        is_public: table.flag("public"),
        requires_pkce: table.text("pkce", values::pkce),
        algorithm: table.text("algorithm", values::algorithm),
        claims_in_id_token: table.flag("claims_in_id_token"),
        consent: table.text("consent", values::consent),
        refreshes: table.flag("refresh"),
        redirect_uris: table.texts("redirect_uris", uri),
        post_logout_redirect_uris: table.texts("post_logout_redirect_uris", uri),
        backchannel_logout_uri: table.text("backchannel_logout_uri", uri),
        claim_rules,
    };
    let secrets = table.text("client_secret_file", |file| secrets(&folder.join(file)));
    table.finish(|name| advice(name, Place::Oidc));
    (change, secrets)
}

fn claim(mut table: Members<'_>) -> Option<ClaimRule> {
    let (notes, at) = (table.notes(), table.at);
    let any = |text: &str| Ok(text.to_owned());
    let group = table.required("group", values::group_name);
    let claim = table.required("claim", any);
    let value = table.required("value", any);
    table.finish(|_| "is unknown here; a claim has group, claim and value");
    let rule = values::claim_rule(&format!("{}:{}={}", group?, claim?, value?));
    rule.map_err(|why| notes.add(at, format!("claims {why}"))).ok()
}

/// Reads secrets from a file, one per line. A second one lets the application switch to a new secret without downtime.
fn secrets(path: &Path) -> Result<Vec<Secret<String>>, String> {
    let text = contents(path, 64 * 1024).map_err(|why| format!("{SECRET_FORM}; {}: {why}", path.display()))?;
    let is_fit = |line: &str| SECRET_LENGTH.contains(&line.len()) && line.bytes().all(|byte| byte.is_ascii_graphic());
    let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if lines.is_empty() || lines.len() > MAX_SECRETS || !lines.iter().all(|line| is_fit(line)) {
        return Err(format!("{SECRET_FORM}; {} is not such a file", path.display()));
    }
    Ok(lines.into_iter().map(|line| Secret::new(line.to_owned())).collect())
}

/// The tables of an application.
#[derive(Clone, Copy)]
enum Place {
    Application,
    Oidc,
}

/// Advice about a member that is unknown in its table.
fn advice(name: &str, place: Place) -> &'static str {
    const OIDC: [&str; 12] = [
        "client_id",
        "public",
        "pkce",
        "algorithm",
        "claims_in_id_token",
        "consent",
        "refresh",
        "redirect_uris",
        "post_logout_redirect_uris",
        "backchannel_logout_uri",
        "claims",
        "client_secret_file",
    ];
    match place {
        _ if LATER.contains(&name) => "is not supported by this version",
        Place::Application if OIDC.contains(&name) => "belongs in [application.oidc]",
        Place::Application => "is unknown here",
        Place::Oidc => "is unknown in [application.oidc]",
    }
}

#[cfg(test)]
mod tests;
