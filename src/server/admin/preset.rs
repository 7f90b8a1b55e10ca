//! Presets for well-known applications: the client to register, and the configuration to paste into the application.

use super::ClientChange;
use crate::types::DisplayName;
use serde::Deserialize;
use std::sync::LazyLock;

const FILE: &str = include_str!("presets.toml");

/// All presets, sorted by name.
static PRESETS: LazyLock<Vec<Preset>> = LazyLock::new(|| {
    let mut presets = toml::from_str::<Presets>(FILE).map(|presets| presets.preset).unwrap_or_default();
    presets.sort_by(|one, other| one.name.cmp(&other.name));
    presets
});

#[derive(Deserialize)]
struct Presets {
    preset: Vec<Preset>,
}

/// The client settings of a well-known application, and the configuration to paste into it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    pub name: String,
    pub title: String,
    /// The page that documents the URIs and settings.
    pub source: String,
    redirect_uris: Vec<String>,
    #[serde(default)]
    post_logout_redirect_uris: Vec<String>,
    backchannel_logout_uri: Option<String>,
    #[serde(default)]
    public: bool,
    #[serde(default)]
    claims_in_id_token: bool,
    #[serde(default)]
    refresh: bool,
    #[serde(default)]
    pkce: Pkce,
    paste: String,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Pkce {
    #[default]
    Required,
    Optional,
}

/// The values of the placeholders in a text to paste.
#[derive(Clone, Copy, Debug)]
pub struct PlaceholderValues<'a> {
    pub id: &'a str,
    /// The URL of the application.
    pub url: Option<&'a str>,
    pub issuer: &'a str,
    pub client_id: &'a str,
    pub client_secret: Option<&'a str>,
}

impl Preset {
    #[must_use]
    pub fn all() -> &'static [Self] {
        &PRESETS
    }

    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        Self::all().iter().find(|preset| preset.name == name)
    }

    /// The display name of the application.
    #[must_use]
    pub fn display_name(&self) -> Option<DisplayName> {
        DisplayName::parse(&self.title).ok()
    }

    /// Whether a URI that the change leaves to the preset contains the URL of the application.
    fn needs_url(&self, change: &ClientChange) -> bool {
        let redirect = self.redirect_uris.iter().filter(|_| change.redirect_uris.is_none());
        let after_logout = self.post_logout_redirect_uris.iter().filter(|_| change.post_logout_redirect_uris.is_none());
        let logout = self.backchannel_logout_uri.iter().filter(|_| change.backchannel_logout_uri.is_none());
        redirect.chain(after_logout).chain(logout).any(|uri| uri.contains("{url}"))
    }

    /// Completes a change with the values of the preset.
    ///
    /// # Errors
    /// When the preset needs the URL of the application, and that is missing, or contains a query or fragment.
    pub fn complete(&self, change: ClientChange, url: Option<&str>) -> Result<ClientChange, &'static str> {
        if self.needs_url(&change) {
            let url = url.ok_or("needs the URL of the application")?;
            if url.contains(['?', '#']) {
                return Err("needs a URL of the application without a query or fragment");
            }
        }
        let url = url.unwrap_or_default().trim_end_matches('/');
        let uris = |uris: &[String]| uris.iter().map(|uri| uri.replace("{url}", url)).collect::<Vec<_>>();
        let after_logout = Some(uris(&self.post_logout_redirect_uris)).filter(|uris| !uris.is_empty());
        let logout = self.backchannel_logout_uri.as_ref().map(|uri| uri.replace("{url}", url));
        Ok(ClientChange {
            redirect_uris: change.redirect_uris.or_else(|| Some(uris(&self.redirect_uris))),
            post_logout_redirect_uris: change.post_logout_redirect_uris.or(after_logout),
            backchannel_logout_uri: change.backchannel_logout_uri.or(logout),
            is_public: change.is_public.or(Some(self.public)),
            claims_in_id_token: change.claims_in_id_token.or(Some(self.claims_in_id_token)),
            refreshes: change.refreshes.or(Some(self.refresh)),
            requires_pkce: change.requires_pkce.or(Some(matches!(self.pkce, Pkce::Required))),
            ..change
        })
    }

    /// The text to paste into the application. Unknown values are placeholders in angle brackets.
    #[must_use]
    pub fn paste(&self, placeholders: PlaceholderValues<'_>) -> String {
        let PlaceholderValues { id, url, issuer, client_id, client_secret } = placeholders;
        let url = url.map_or("<application URL>", |url| url.trim_end_matches('/'));
        let values = [
            ("{id}", id),
            ("{url}", url),
            ("{issuer}", issuer),
            ("{client_id}", client_id),
            ("{client_secret}", client_secret.unwrap_or("<client secret>")),
        ];
        values.iter().fold(self.paste.trim().to_owned(), |text, (place, value)| text.replace(place, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::model::oauth::RedirectUri;
    use std::collections::BTreeSet;

    #[test]
    fn every_preset_can_be_registered_and_names_its_source() {
        // A file that does not parse would yield no presets.
        assert!(Preset::all().len() >= 25, "{}", Preset::all().len());
        let names: BTreeSet<_> = Preset::all().iter().map(|preset| &preset.name).collect();
        assert_eq!(names.len(), Preset::all().len());
        for preset in Preset::all() {
            assert!(preset.display_name().is_some() && preset.source.starts_with("https://"), "{}", preset.name);
            let change = preset.complete(ClientChange::default(), Some("https://app.example/")).unwrap();
            assert_eq!(
                preset.complete(ClientChange::default(), None).is_err(),
                preset.needs_url(&ClientChange::default()),
                "{}",
                preset.name
            );
            let is_public = change.is_public.unwrap();
            let all = change.redirect_uris.iter().chain(&change.post_logout_redirect_uris).flatten();
            for uri in all {
                assert!(!uri.contains('{') && !uri.contains("e//"), "{}: {uri}", preset.name);
                RedirectUri::register(uri, is_public).unwrap_or_else(|cause| panic!("{}: {uri} {cause}", preset.name));
            }
            let placeholders = PlaceholderValues {
                id: "app",
                url: Some("https://app.example"),
                issuer: "https://id.example",
                client_id: "app",
                client_secret: Some("secret"),
            };
            let text = preset.paste(placeholders);
            assert!(text.contains("https://id.example"), "{}", preset.name);
            assert!(is_public || text.contains("secret"), "{}", preset.name);
            for place in ["{url}", "{issuer}", "{client_id}", "{client_secret}", "{id}"] {
                assert!(!text.contains(place), "{}: {place}", preset.name);
            }
        }
    }

    #[test]
    fn given_values_override_the_preset() {
        let own = ClientChange {
            redirect_uris: Some(vec!["https://own.example/cb".to_owned()]),
            requires_pkce: Some(true),
            ..ClientChange::default()
        };
        let change = Preset::named("gitea").unwrap().complete(own.clone(), None).unwrap();
        assert_eq!((change.redirect_uris, change.requires_pkce), (own.redirect_uris, Some(true)));
        assert!(Preset::named("none").is_none());
    }
}
