use sha2::{Digest, Sha256};
use std::fmt;

/// The logo of an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logo {
    kind: LogoKind,
    content: Vec<u8>,
}

/// The formats that every browser shows in an `img` element, in which an SVG runs no script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogoKind {
    Png,
    WebP,
    Svg,
}

/// The file is too large or has an unsupported format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a PNG, WebP or SVG file of at most 64 KiB")]
pub struct LogoError;

impl LogoKind {
    const ALL: [Self; 3] = [Self::Png, Self::WebP, Self::Svg];

    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::WebP => "image/webp",
            Self::Svg => "image/svg+xml",
        }
    }

    /// The inverse of [`LogoKind::media_type`]; `None` for an unknown type.
    #[must_use]
    pub fn parse(media_type: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.media_type() == media_type)
    }

    /// Detects the format: PNG (ISO/IEC 15948, section 5.2) and WebP (RFC 9649, section 2.4) by their first bytes, SVG
    /// by an `svg` element in the text.
    fn of(content: &[u8]) -> Option<Self> {
        if content.starts_with(b"\x89PNG\r\n\x1a\n") {
            return Some(Self::Png);
        }
        if content.starts_with(b"RIFF") && content.get(8..12) == Some(b"WEBP") {
            return Some(Self::WebP);
        }
        let text = std::str::from_utf8(content).ok()?;
        let is_markup = text.trim_start_matches('\u{feff}').trim_start().starts_with('<');
        (is_markup && text.contains("<svg")).then_some(Self::Svg)
    }
}

impl Logo {
    /// Maximum file size, in bytes.
    pub const MAX_BYTES: usize = 64 * 1024;

    /// Validates the content of a file.
    ///
    /// # Errors
    /// When the file is too large or has an unsupported format.
    pub fn read(content: Vec<u8>) -> Result<Self, LogoError> {
        let kind = LogoKind::of(&content).filter(|_| content.len() <= Self::MAX_BYTES).ok_or(LogoError)?;
        Ok(Self { kind, content })
    }

    /// A logo from the database.
    #[must_use]
    pub fn stored(kind: LogoKind, content: Vec<u8>) -> Self {
        Self { kind, content }
    }

    #[must_use]
    pub fn kind(&self) -> LogoKind {
        self.kind
    }

    #[must_use]
    pub fn content(&self) -> &[u8] {
        &self.content
    }

    /// 16 hexadecimal characters that change with the content.
    #[must_use]
    pub fn version(&self) -> String {
        use fmt::Write as _;
        Sha256::digest(&self.content).iter().take(8).fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_detected_from_the_content_and_html_is_refused() {
        let svg = "<?xml version=\"1.0\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\"/>";
        for (content, kind) in [
            (b"\x89PNG\r\n\x1a\nrest".as_slice(), LogoKind::Png),
            (b"RIFF\0\0\0\0WEBPVP8 ", LogoKind::WebP),
            (svg.as_bytes(), LogoKind::Svg),
        ] {
            let logo = Logo::read(content.to_vec()).unwrap();
            assert_eq!((logo.kind(), LogoKind::parse(kind.media_type())), (kind, Some(kind)));
            assert_eq!(logo.version().len(), 16);
        }
        for wrong in [b"".as_slice(), b"GIF89a", b"<html></html>", b"svg", b"RIFF\0\0\0\0WAVE"] {
            assert_eq!(Logo::read(wrong.to_vec()), Err(LogoError));
        }
        let mut large = svg.as_bytes().to_vec();
        large.resize(Logo::MAX_BYTES, b' ');
        assert!(Logo::read(large.clone()).is_ok());
        large.push(b' ');
        assert_eq!(Logo::read(large), Err(LogoError));
    }
}
