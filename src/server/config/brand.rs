//! The settings of the site's name and look.

use super::colour::Tone;
use super::{Problems, Source};
use crate::types::site::SiteLink;
use std::path::{Path, PathBuf};
use url::Url;

/// The name, the look and the links of a site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brand {
    pub name: String,
    /// The file of a custom logo.
    pub logo: Option<PathBuf>,
    pub accent: Option<Tone>,
    pub support: Option<String>,
    pub links: Vec<SiteLink>,
}

/// Maximum size of the logo, in bytes: every page shows it.
const MAX_LOGO_BYTES: u64 = 256 * 1024;
/// Reads these settings.
pub fn brand(source: &Source, data_dir: &Path, problems: &mut Problems) -> Brand {
    Brand {
        name: name(source, problems),
        logo: logo(source, data_dir, problems),
        accent: accent(source, problems),
        support: support(source, problems),
        links: links(source, problems),
    }
}

fn name(source: &Source, problems: &mut Problems) -> String {
    let text = source.get("SITE_NAME").unwrap_or("Latchkey").trim();
    if crate::types::DisplayName::parse(text).is_err() || text.chars().count() > 40 {
        problems.add("SITE_NAME", text, "1 to 40 characters, without control characters");
    }
    text.to_owned()
}

fn logo(source: &Source, data_dir: &Path, problems: &mut Problems) -> Option<PathBuf> {
    let text = source.get("SITE_LOGO")?;
    let file = data_dir.join(text);
    let is_image = file.extension().is_some_and(|end| end == "svg" || end == "png");
    let size = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|facts| facts.len());
    if !is_image || !size.is_some_and(|size| (1..=MAX_LOGO_BYTES).contains(&size)) {
        problems.add("SITE_LOGO", file.display().to_string(), "an existing .svg or .png file of at most 256 KiB");
    }
    Some(file)
}

fn accent(source: &Source, problems: &mut Problems) -> Option<Tone> {
    let text = source.get("SITE_ACCENT")?;
    let accent = Tone::parse(text);
    if accent.is_none() {
        problems.add(
            "SITE_ACCENT",
            text,
            "#rrggbb, or one for light and one for dark mode separated by a comma, with a contrast of 4.5 to the page",
        );
    }
    accent
}

fn support(source: &Source, problems: &mut Problems) -> Option<String> {
    let text = source.get("SUPPORT_CONTACT")?;
    let is_address = |url: &Url| matches!(url.scheme(), "mailto" | "https" | "tel") && !url.path().is_empty();
    if text.chars().any(char::is_control) || !Url::parse(text).is_ok_and(|url| is_address(&url)) {
        problems.add("SUPPORT_CONTACT", text, "an address beginning with mailto:, https:// or tel:");
    }
    Some(text.to_owned())
}

fn links(source: &Source, problems: &mut Problems) -> Vec<SiteLink> {
    let Some(text) = source.get("SITE_LINKS") else { return Vec::new() };
    let link = |text: &str| {
        let (label, address) = text.split_once('=')?;
        let (label, address) = (label.trim(), address.trim());
        let is_address = Url::parse(address).is_ok_and(|url| matches!(url.scheme(), "https" | "mailto"));
        let is_label = crate::types::DisplayName::parse(label).is_ok();
        (is_address && is_label).then(|| SiteLink { label: label.to_owned(), address: address.to_owned() })
    };
    text.split(',').map(link).collect::<Option<Vec<_>>>().unwrap_or_else(|| {
        problems.add("SITE_LINKS", text, "LABEL=https://…, separated by commas");
        Vec::new()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalid_setting_is_named() {
        for (name, text) in [
            ("SITE_NAME", "x".repeat(41).as_str()),
            ("SITE_LOGO", "logo.gif"),
            ("SITE_LOGO", "not-there.svg"),
            ("SITE_ACCENT", "#ffffff"),
            ("SUPPORT_CONTACT", "help@example.org"),
            ("SUPPORT_CONTACT", "mailto:"),
            ("SUPPORT_CONTACT", "mailto:a@example.org\r\nx"),
            ("SITE_LINKS", "Imprint"),
            ("SITE_LINKS", "Imprint=javascript:alert(1)"),
            ("SITE_LINKS", "=https://example.org"),
        ] {
            let mut problems = Problems::default();
            brand(&Source::from_pairs([(name, text)]), Path::new("/nowhere"), &mut problems);
            assert_eq!(problems.iter().map(|problem| problem.setting.as_str()).collect::<Vec<_>>(), [name], "{text}");
        }
    }

    #[test]
    fn links_have_a_label_and_an_address() {
        let mut problems = Problems::default();
        let set = [("SITE_LINKS", "Imprint=https://example.org/imprint, Help=mailto:help@example.org")];
        let brand = brand(&Source::from_pairs(set), Path::new("/nowhere"), &mut problems);
        assert!(problems.is_empty());
        let labels: Vec<_> = brand.links.iter().map(|link| link.label.as_str()).collect();
        assert_eq!((brand.name.as_str(), labels), ("Latchkey", vec!["Imprint", "Help"]));
    }
}
