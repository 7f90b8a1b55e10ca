//! How the site is called and looks: one block of settings, for those who run it as their own.

use super::{Problems, Source};
use crate::types::site::SiteLink;
use std::path::{Path, PathBuf};
use url::Url;

/// The name, the look and the links of a site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brand {
    pub name: String,
    /// The logo's file, if there is one of their own.
    pub logo: Option<PathBuf>,
    pub accent: Option<Accent>,
    pub support: Option<String>,
    pub links: Vec<SiteLink>,
}

/// The one colour that buttons and links have, on light and on dark ground.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accent {
    pub light: Colour,
    pub dark: Colour,
}

/// Red, green and blue (sRGB).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour([u8; 3]);

/// The ground of pages, as `style/main.css` has it.
const LIGHT_PAGE: Colour = Colour([0xfb, 0xfa, 0xf7]);
const DARK_PAGE: Colour = Colour([0x14, 0x16, 0x14]);
/// Every page shows it, in bytes.
const LARGEST_LOGO: u64 = 256 * 1024;
/// Text must stand out this much (WCAG 2.2, success criterion 1.4.3).
const LEAST_CONTRAST: f64 = 4.5;

impl Accent {
    /// As the style sheet has it.
    pub const DEFAULT: Self = Self { light: Colour([0x1f, 0x5f, 0x4a]), dark: Colour([0x7f, 0xd1, 0xb0]) };

    /// Reads `#rrggbb` for light ground, of which a paler one is made for dark ground, or one for each, joined by a comma;
    /// `None` when one would be hard to read.
    fn parse(text: &str) -> Option<Self> {
        let (light, dark) = text.split_once(',').map_or((text, None), |(light, dark)| (light, Some(dark)));
        let light = Colour::parse(light.trim())?;
        let dark = dark.map_or(Some(light.paler()), |dark| Colour::parse(dark.trim()))?;
        let accent = Self { light, dark };
        let stands_out =
            accent.light.contrast(LIGHT_PAGE) >= LEAST_CONTRAST && accent.dark.contrast(DARK_PAGE) >= LEAST_CONTRAST;
        stands_out.then_some(accent)
    }
}

impl Colour {
    fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.is_ascii())?;
        let part = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).ok();
        Some(Self([part(0)?, part(2)?, part(4)?]))
    }

    /// As little nearer to white as makes it legible on dark ground, in twentieths.
    fn paler(self) -> Self {
        let mixed = |step: u16| {
            let part = |part: u8| u8::try_from((u16::from(part) * (20 - step) + 255 * step) / 20).unwrap_or(u8::MAX);
            Self(self.0.map(part))
        };
        (0..=20).map(mixed).find(|paler| paler.contrast(DARK_PAGE) >= LEAST_CONTRAST).unwrap_or(self)
    }

    /// WCAG 2.2, "relative luminance".
    fn luminance(self) -> f64 {
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        let [red, green, blue] = self.0.map(linear);
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    /// WCAG 2.2, "contrast ratio": from 1 to 21.
    fn contrast(self, other: Self) -> f64 {
        let (one, other) = (self.luminance(), other.luminance());
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }
}

impl std::fmt::Display for Colour {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self([red, green, blue]) = self;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

/// Reads the block.
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
    if !is_image || !size.is_some_and(|size| (1..=LARGEST_LOGO).contains(&size)) {
        problems.add("SITE_LOGO", file.display().to_string(), "an .svg or .png file of at most 256 KiB that is there");
    }
    Some(file)
}

fn accent(source: &Source, problems: &mut Problems) -> Option<Accent> {
    let text = source.get("SITE_ACCENT")?;
    let accent = Accent::parse(text);
    if accent.is_none() {
        problems.add(
            "SITE_ACCENT",
            text,
            "#rrggbb, or one for light and one for dark ground joined by a comma, with a contrast of 4.5 to the page",
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
        problems.add("SITE_LINKS", text, "LABEL=https://…, joined by commas");
        Vec::new()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_has_to_be_legible_on_its_ground() {
        for text in ["#1f5f4a,#7fd1b0", "#1f5f4a, #7FD1B0", "#1f5f4a", "#000000", "#b00020"] {
            assert!(Accent::parse(text).is_some(), "{text}");
        }
        for text in [
            "#ffffff",
            "#7fd1b0",
            "#7fd1b0,#7fd1b0",
            "#1f5f4a,#1f5f4a",
            "green",
            "#123",
            "#1f5f4",
            "#1f5f4a,",
            "#é1f5f",
        ] {
            assert!(Accent::parse(text).is_none(), "{text}");
        }
        assert_eq!(Accent::parse("#1f5f4a,#7fd1b0"), Some(Accent::DEFAULT));
        assert_eq!(Accent::DEFAULT.light.to_string(), "#1f5f4a");
    }

    #[test]
    fn contrast_runs_from_one_to_twenty_one() {
        let (black, white) = (Colour([0; 3]), Colour([255; 3]));
        assert!((black.contrast(white) - 21.0).abs() < 0.01);
        assert!((white.contrast(white) - 1.0).abs() < 0.01);
    }

    #[test]
    fn what_does_not_fit_is_named() {
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
