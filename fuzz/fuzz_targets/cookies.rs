//! Cookies, the headers around them, and the tokens of links.
#![no_main]

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use latchkey::server::http::client::client_of;
use latchkey::server::http::client_address::TrustedProxies;
use latchkey::server::http::cookies::Cookies;
use latchkey::server::http::language::preferred;
use latchkey::server::http::same_origin::provenance;
use latchkey::server::secret::Token;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|lines: Vec<(u8, Vec<u8>)>| {
    const NAMES: [&str; 7] =
        ["cookie", "origin", "sec-fetch-site", "x-forwarded-for", "x-forwarded-proto", "user-agent", "accept-language"];
    let mut headers = HeaderMap::new();
    for (name, value) in &lines {
        let name = HeaderName::from_static(NAMES[usize::from(*name) % NAMES.len()]);
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.append(name, value);
        }
        let text = String::from_utf8_lossy(value);
        if let Some(token) = Token::decode(&text) {
            assert_eq!(token.encode(), text, "a token is read in one way only");
        }
    }
    for cookies in [Cookies::new(true), Cookies::new(false)] {
        let _ = (cookies.session(&headers), cookies.browser(&headers), cookies.known(&headers));
        let _ = (cookies.notice(&headers), cookies.confirmation(&headers), cookies.language(&headers));
    }
    let _ = (client_of(headers.get("user-agent")), preferred(&headers));
    let _ = provenance(&headers, "https://id.example");
    let everybody = ["0.0.0.0/0", "::/0"].map(|network| network.parse().expect("a network"));
    let _ = TrustedProxies::new(&everybody).client(&Default::default(), &headers);
});
