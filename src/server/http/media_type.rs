use axum::http::HeaderMap;
use axum_extra::headers::{ContentType, HeaderMapExt};

/// The media type of a body without its parameters, in lower case (RFC 9110, section 8.3.1).
pub fn media_type(headers: &HeaderMap) -> Option<String> {
    let written = headers.typed_get::<ContentType>()?.to_string();
    Some(written.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderValue, header};

    #[test]
    fn parameters_and_case_are_ignored_and_an_invalid_type_is_none() {
        for (written, expected) in [
            ("application/json", Some("application/json")),
            ("Application/JSON; charset=utf-8", Some("application/json")),
            ("application/json;charset=\"utf-8\"", Some("application/json")),
            ("application/reports+json", Some("application/reports+json")),
            ("json", None),
            ("", None),
        ] {
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(written))]);
            assert_eq!(media_type(&headers).as_deref(), expected, "{written}");
        }
    }
}
