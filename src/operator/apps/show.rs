use super::super::columns::TextTable;
use super::super::{Failure, json_line, say, write};
use crate::server::admin::ClientRecord;
use crate::server::clock::Timestamp;
use crate::server::model::Application;
use crate::server::model::application::Audience;
use crate::server::model::logout::LogoutResult;
use crate::server::model::oauth::{ClaimRule, Client, ClientSecret, Mismatch, RedirectUri};
use serde::Serialize;

/// An application in JSON output.
#[derive(Serialize)]
pub struct Line<'a> {
    pub id: &'a str,
    pub name: &'a str,
    pub url: Option<&'a str>,
    pub has_logo: bool,
    pub who: String,
    pub method: &'static str,
    /// Seconds.
    pub max_age: Option<u64>,
    pub from_file: bool,
    pub disabled_at: Option<String>,
    pub created_at: String,
    #[serde(flatten)]
    client: Option<ClientLine<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<&'a str>,
    #[serde(flatten)]
    record: Option<RecordLine<'a>>,
}

/// The secrets, refused redirect URIs and logouts of a client in JSON output.
#[derive(Serialize)]
struct RecordLine<'a> {
    secrets: Vec<SecretLine<'a>>,
    mismatches: Vec<MismatchLine<'a>>,
    logouts: Vec<LogoutLine<'a>>,
}

#[derive(Serialize)]
struct SecretLine<'a> {
    prefix: &'a str,
    from_file: bool,
    created_at: String,
    expires_at: Option<String>,
}

#[derive(Serialize)]
struct MismatchLine<'a> {
    reference: &'a str,
    redirect_uri: &'a str,
    happened_at: String,
}

#[derive(Serialize)]
struct LogoutLine<'a> {
    happened_at: String,
    /// `null` if the delivery succeeded.
    failure: Option<&'a str>,
}

impl<'a> RecordLine<'a> {
    fn new(record: &'a ClientRecord) -> Self {
        let secret = |secret: &'a ClientSecret| SecretLine {
            prefix: &secret.prefix,
            from_file: secret.from_file,
            created_at: secret.created_at.to_rfc3339(),
            expires_at: secret.expires_at.map(Timestamp::to_rfc3339),
        };
        let mismatch = |mismatch: &'a Mismatch| MismatchLine {
            reference: &mismatch.reference,
            redirect_uri: &mismatch.uri,
            happened_at: mismatch.happened_at.to_rfc3339(),
        };
        let logout = |logout: &'a LogoutResult| LogoutLine {
            happened_at: logout.happened_at.to_rfc3339(),
            failure: logout.failure.as_deref(),
        };
        Self {
            secrets: record.secrets.iter().map(secret).collect(),
            mismatches: record.mismatches.iter().map(mismatch).collect(),
            logouts: record.logouts.iter().map(logout).collect(),
        }
    }
}

/// The client of an application in JSON output.
#[derive(Serialize)]
struct ClientLine<'a> {
    client_id: &'a str,
    public: bool,
    pkce: &'static str,
    algorithm: &'static str,
    claims_in_id_token: bool,
    consent: &'static str,
    refresh: bool,
    redirect_uris: Vec<&'a str>,
    post_logout_redirect_uris: Vec<&'a str>,
    backchannel_logout_uri: Option<&'a str>,
    claims: Vec<String>,
}

impl<'a> ClientLine<'a> {
    fn new(client: &'a Client) -> Self {
        let uris = |uris: &'a [RedirectUri]| uris.iter().map(RedirectUri::as_str).collect();
        let rule = |ClaimRule { group, claim, value }: &ClaimRule| format!("{group}:{claim}={value}");
        Self {
            client_id: &client.client_id,
            public: client.is_public,
            pkce: if client.requires_pkce { "required" } else { "optional" },
            algorithm: client.algorithm.name(),
            claims_in_id_token: client.claims_in_id_token,
            consent: client.consent.name(),
            refresh: client.refreshes,
            redirect_uris: uris(&client.redirect_uris),
            post_logout_redirect_uris: uris(&client.post_logout_redirect_uris),
            backchannel_logout_uri: client.backchannel_logout_uri.as_deref(),
            claims: client.claim_rules.iter().map(rule).collect(),
        }
    }
}

impl<'a> Line<'a> {
    pub fn new(application: &'a Application) -> Self {
        Self {
            id: application.id.as_str(),
            name: application.name.as_str(),
            url: application.url.as_deref(),
            has_logo: application.logo.is_some(),
            who: application.policy.who.to_string(),
            method: application.policy.method.name(),
            max_age: application.policy.max_age.map(|age| age.as_secs()),
            from_file: application.from_file,
            disabled_at: application.disabled_at.map(Timestamp::to_rfc3339),
            created_at: application.created_at.to_rfc3339(),
            client: None,
            client_secret: None,
            record: None,
        }
    }

    pub fn with_client(self, client: Option<&'a Client>, secret: Option<&'a str>) -> Self {
        Self { client: client.map(ClientLine::new), client_secret: secret, ..self }
    }
}

/// An application that was added or changed.
pub struct ChangeReport<'a> {
    pub application: &'a Application,
    pub client: Option<&'a Client>,
    /// Shown once.
    pub secret: Option<&'a str>,
    pub issuer: &'a str,
}

/// Reports a change, with the values to paste into the application.
pub fn report_change(report: &ChangeReport<'_>, json: bool, what: &str) -> Result<(), Failure> {
    let ChangeReport { application, client, secret, issuer } = *report;
    if json {
        json_line(&Line::new(application).with_client(client, secret))?;
    } else if let Some(client) = client {
        let mut table = TextTable::new();
        table.add(["issuer".to_owned(), issuer.to_owned()]);
        table.add(["client_id".to_owned(), client.client_id.clone()]);
        if let Some(secret) = secret {
            table.add(["client_secret".to_owned(), secret.to_owned()]);
        }
        write(&table)?;
    }
    let who = match &application.policy.who {
        who if who.is_closed() => "no one may use it yet; set `--who` to group names or everybody".to_owned(),
        Audience::Everybody => "everybody may use it".to_owned(),
        groups => format!("members of {groups} may use it"),
    };
    say(&format!("{what} application {}; {who}", application.id));
    if application.disabled_at.is_some() {
        say("it is disabled because APPLICATIONS_FILE no longer lists it");
    }
    if secret.is_some() {
        say("the client secret will not be shown again");
    }
    let unprotected = client.into_iter().flat_map(|client| &client.redirect_uris).find(|uri| uri.is_unprotected());
    if let Some(uri) = unprotected {
        say(&format!("codes sent to {uri} can be intercepted; use https if possible"));
    }
    Ok(())
}

/// Shows everything about an application.
pub fn show(application: &Application, known: Option<&ClientRecord>, json: bool) -> Result<(), Failure> {
    let line = Line::new(application);
    if json {
        let record = known.map(RecordLine::new);
        return json_line(&Line { record, ..line.with_client(known.map(|known| &known.client), None) });
    }
    let mut table = TextTable::new();
    let max_age = line.max_age.map_or_else(|| "any".to_owned(), |seconds| format!("at most {seconds} s"));
    for (fact, value) in [
        ("id", line.id.to_owned()),
        ("name", line.name.to_owned()),
        ("url", line.url.unwrap_or("none").to_owned()),
        ("logo", if line.has_logo { "yes" } else { "none" }.to_owned()),
        ("who", line.who),
        ("method", line.method.to_owned()),
        ("sign-in age", max_age),
        ("source", if line.from_file { "file" } else { "command" }.to_owned()),
        ("state", line.disabled_at.map_or_else(|| "enabled".to_owned(), |since| format!("disabled since {since}"))),
        ("created", line.created_at),
    ] {
        table.add([fact.to_owned(), value]);
    }
    let Some(ClientRecord { client, secrets, mismatches, logouts }) = known else { return write(&table) };
    add_client(&mut table, client);
    for secret in secrets {
        let ends = secret.expires_at.map_or_else(|| "no expiry".to_owned(), Timestamp::to_rfc3339);
        table.add(["secret".to_owned(), format!("{}… ({ends})", secret.prefix)]);
    }
    for logout in logouts {
        let outcome = logout.failure.as_deref().map_or_else(|| "delivered".to_owned(), |why| format!("failed: {why}"));
        table.add(["last logout".to_owned(), format!("{} {outcome}", logout.happened_at.to_rfc3339())]);
    }
    write(&table)?;
    for mismatch in mismatches {
        write(&explain(application, client, mismatch))?;
    }
    Ok(())
}

fn add_client(table: &mut TextTable, client: &Client) {
    let line = ClientLine::new(client);
    for (fact, value) in [
        ("client_id", line.client_id.to_owned()),
        ("kind", if line.public { "public" } else { "confidential" }.to_owned()),
        ("pkce", line.pkce.to_owned()),
        ("algorithm", line.algorithm.to_owned()),
        ("consent", line.consent.to_owned()),
        ("refresh tokens", if line.refresh { "always" } else { "with offline_access" }.to_owned()),
        ("claims", if line.claims_in_id_token { "ID token and userinfo" } else { "userinfo" }.to_owned()),
        ("logout", line.backchannel_logout_uri.unwrap_or("none").to_owned()),
    ] {
        table.add([fact.to_owned(), value]);
    }
    for uri in line.redirect_uris {
        table.add(["redirect URI".to_owned(), uri.to_owned()]);
    }
    for uri in line.post_logout_redirect_uris {
        table.add(["post-logout URI".to_owned(), uri.to_owned()]);
    }
    for rule in line.claims {
        table.add(["claim".to_owned(), rule]);
    }
}

/// Explains a refused redirect URI: both strings, where they differ, and the command that registers it.
fn explain(application: &Application, client: &Client, mismatch: &Mismatch) -> String {
    let requested = mismatch.uri.as_str();
    let common = |uri: &str| uri.chars().zip(requested.chars()).take_while(|(own, other)| own == other).count();
    let registered = client.redirect_uris.iter().map(RedirectUri::as_str).max_by_key(|uri| common(uri));
    let registered = registered.unwrap_or_default();
    let (at, id) = (mismatch.happened_at.to_rfc3339(), &application.id);
    let mark = format!("{}^", " ".repeat(common(registered)));
    // Anyone can request any URI: only one that could be registered is put into a command.
    let remedy = match RedirectUri::register(requested, client.is_public) {
        Ok(new) => {
            let uris = client.redirect_uris.iter().chain([&new]);
            let all = uris.fold(String::new(), |all, uri| format!("{all} --redirect-uri {}", quoted(uri.as_str())));
            format!("to register it: latchkey apps edit {id}{all}")
        }
        Err(_) if requested.contains('…') => {
            "to register it, copy it from the application: its query values were not stored".to_owned()
        }
        Err(reason) => format!("it cannot be registered: it {reason}"),
    };
    format!(
        "\nreference {} at {at}\n  requested   {requested}\n  registered  {registered}\n              {mark}\n  \
         {remedy}",
        mismatch.reference
    )
}

/// Quotes a word for a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_uri_in_a_command_is_shell_quoted() {
        assert_eq!(quoted("https://a.example/?x=';id"), r"'https://a.example/?x='\'';id'");
    }
}
