use crate::types::Language;
use axum::http::{HeaderMap, header};

/// The language that a browser likes best of those there are (RFC 9110, section 12.5.4); English where it likes none.
#[must_use]
pub fn preferred(headers: &HeaderMap) -> Language {
    let wished = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    // `de-AT` is German, too.
    let of_tag = |tag: &str| Language::parse(&tag.split('-').next().unwrap_or_default().to_ascii_lowercase());
    let mut wished = accept_language::parse_with_quality(wished).into_iter().filter(|(_, quality)| *quality > 0.0);
    wished.find_map(|(tag, _)| of_tag(&tag)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_that_is_liked_best_is_taken() {
        for (wished, language) in [
            ("de", Language::German),
            ("de-AT, en;q=0.5", Language::German),
            ("en;q=0.5, de-CH;q=0.9", Language::German),
            ("fr, de;q=0.3", Language::German),
            ("en-GB, de", Language::English),
            ("fr", Language::English),
            ("", Language::English),
            ("de;q=0, fr", Language::English),
            (";;;q=,,de", Language::German),
            ("*", Language::English),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, wished.parse().unwrap());
            assert_eq!(preferred(&headers), language, "{wished}");
        }
        assert_eq!(preferred(&HeaderMap::new()), Language::English);
    }
}
