use super::quality::preferences;
use crate::types::Language;
use axum::http::{HeaderMap, header};

/// The available language that the browser prefers (RFC 9110, section 12.5.4); English if it accepts none of them.
#[must_use]
pub fn preferred(headers: &HeaderMap) -> Language {
    let lines = headers.get_all(header::ACCEPT_LANGUAGE).into_iter().filter_map(|value| value.to_str().ok());
    // `de-AT` is German, too.
    let of_tag = |tag: &str| Language::parse(&tag.split('-').next().unwrap_or_default().to_ascii_lowercase());
    let mut best = (0, Language::default());
    for wish in lines.flat_map(preferences) {
        if let Some(language) = of_tag(wish.name).filter(|_| wish.weight > best.0) {
            best = (wish.weight, language);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preferred_language_is_chosen() {
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
            ("de;q=NaN, en;q=0.1", Language::English),
            ("en;q=inf, de;q=0.1", Language::German),
            ("de;q=NaN", Language::English),
            ("*", Language::English),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, wished.parse().unwrap());
            assert_eq!(preferred(&headers), language, "{wished}");
        }
        assert_eq!(preferred(&HeaderMap::new()), Language::English);
    }
}
