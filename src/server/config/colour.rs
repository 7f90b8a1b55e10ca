//! Colours: the palette of the style sheet, which emails share, and the accent colour of the site.

use palette::color_difference::Wcag21RelativeContrast;
use palette::{Mix, Srgb};

/// Red, green and blue (sRGB).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour(Srgb<u8>);

/// A colour for light and for dark backgrounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tone {
    pub light: Colour,
    pub dark: Colour,
}

/// The colours of the style sheet that emails use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Palette {
    /// Buttons and links.
    pub accent: Tone,
    pub on_accent: Tone,
    pub page: Tone,
    pub text: Tone,
    pub muted: Tone,
}

/// The style sheet, where a fork changes its colours.
const SHEET: &[u8] = include_bytes!("../../../style/main.css");
/// Minimum contrast of text (WCAG 2.2, success criterion 1.4.3).
const MIN_CONTRAST: f64 = 4.5;

impl Palette {
    /// The palette of the style sheet. It is read at compile time; a missing colour is a compile error.
    pub const STYLE_SHEET: Self = Self {
        accent: parse_sheet_colour("--accent: light-dark("),
        on_accent: parse_sheet_colour("--on-accent: light-dark("),
        page: parse_sheet_colour("--page: light-dark("),
        text: parse_sheet_colour("--text: light-dark("),
        muted: parse_sheet_colour("--muted: light-dark("),
    };
}

/// The two colours after `lead`: `#rrggbb, #rrggbb)`.
const fn parse_sheet_colour(lead: &str) -> Tone {
    let mut at = 0;
    while !matches_at(lead, at) {
        at += 1;
    }
    at += lead.len();
    assert!(
        matches_at("#", at) && matches_at(", #", at + 7) && matches_at(")", at + 16),
        "light-dark(#rrggbb, #rrggbb)"
    );
    Tone { light: colour_at(at + 1), dark: colour_at(at + 10) }
}

const fn matches_at(text: &str, at: usize) -> bool {
    let text = text.as_bytes();
    let mut offset = 0;
    while offset < text.len() {
        if SHEET[at + offset] != text[offset] {
            return false;
        }
        offset += 1;
    }
    true
}

const fn colour_at(at: usize) -> Colour {
    Colour(Srgb::new(byte_at(at), byte_at(at + 2), byte_at(at + 4)))
}

const fn byte_at(at: usize) -> u8 {
    digit(SHEET[at]) * 16 + digit(SHEET[at + 1])
}

const fn digit(character: u8) -> u8 {
    assert!(character.is_ascii_hexdigit(), "a colour is #rrggbb");
    if character.is_ascii_digit() { character - b'0' } else { character.to_ascii_lowercase() - b'a' + 10 }
}

impl Tone {
    /// Parses `#rrggbb` for light backgrounds, from which a paler colour for dark ones is derived, or one for each,
    /// separated by a comma; `None` if one would be hard to read on the page.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (light, dark) = text.split_once(',').map_or((text, None), |(light, dark)| (light, Some(dark)));
        let light = Colour::parse(light.trim())?;
        let dark = dark.map_or(Some(light.paler()), |dark| Colour::parse(dark.trim()))?;
        let page = Palette::STYLE_SHEET.page;
        let is_legible = light.contrast(page.light) >= MIN_CONTRAST && dark.contrast(page.dark) >= MIN_CONTRAST;
        is_legible.then_some(Self { light, dark })
    }
}

impl Colour {
    /// Parses `#rrggbb`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_long = text.len() == 7 && text.starts_with('#');
        is_long.then(|| text.parse().ok().map(Self)).flatten()
    }

    /// The colour mixed with white, in steps of a twentieth, until it is legible on a dark background.
    fn paler(self) -> Self {
        let (colour, white) = (self.0.into_format::<f32>(), Srgb::new(1.0, 1.0, 1.0));
        let mixed = |step: u8| Self(colour.mix(white, f32::from(step) / 20.0).into_format());
        let ground = Palette::STYLE_SHEET.page.dark;
        (0..=20).map(mixed).find(|paler| paler.contrast(ground) >= MIN_CONTRAST).unwrap_or(self)
    }

    /// The contrast ratio of WCAG 2.2, from 1 to 21.
    fn contrast(self, other: Self) -> f64 {
        self.0.into_format().relative_contrast(other.0.into_format())
    }
}

impl std::fmt::Display for Colour {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "#{:02x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_must_be_legible_on_its_background() {
        for text in ["#1f5f4a,#7fd1b0", "#1f5f4a, #7FD1B0", "#1f5f4a", "#000000", "#b00020"] {
            assert!(Tone::parse(text).is_some(), "{text}");
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
            assert!(Tone::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn the_style_sheet_colours_are_legible() {
        let Palette { accent, on_accent, page, text, muted } = Palette::STYLE_SHEET;
        for (name, tone, ground) in
            [("accent", accent, page), ("on-accent", on_accent, accent), ("text", text, page), ("muted", muted, page)]
        {
            assert!(tone.light.contrast(ground.light) >= MIN_CONTRAST, "{name}, light");
            assert!(tone.dark.contrast(ground.dark) >= MIN_CONTRAST, "{name}, dark");
        }
        let sheet = std::str::from_utf8(SHEET).unwrap();
        assert!(sheet.contains(&format!("--accent: light-dark({}, {});", accent.light, accent.dark)));
    }

    #[test]
    fn contrast_runs_from_one_to_twenty_one() {
        let (black, white) = (Colour(Srgb::new(0, 0, 0)), Colour(Srgb::new(255, 255, 255)));
        assert!((black.contrast(white) - 21.0).abs() < 0.01);
        assert!((white.contrast(white) - 1.0).abs() < 0.01);
    }
}
