use crate::server::model::Client;
use axum::http::HeaderValue;

/// Maximum length of a `User-Agent` that is parsed, in bytes; real ones have fewer than 300.
const LONGEST: usize = 512;

/// The familiar names of browser and system. For display only, because clients can forge the header.
#[must_use]
pub fn client_of(agent: Option<&HeaderValue>) -> Client {
    let agent = agent.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let parsed = (agent.len() <= LONGEST).then(|| woothee::parser::Parser::new().parse(agent)).flatten();
    let known = |word: &str| (!word.is_empty() && word != "UNKNOWN").then(|| word.to_owned());
    Client {
        browser: parsed.as_ref().and_then(|agent| known(agent.name)),
        system: parsed.as_ref().and_then(|agent| known(agent.os)).map(familiar),
    }
}

/// Replaces the parser's outdated name of macOS.
fn familiar(system: String) -> String {
    if system == "Mac OSX" { "macOS".to_owned() } else { system }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browser_and_system_are_named() {
        let agent =
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36";
        let client = client_of(Some(&HeaderValue::from_static(agent)));
        assert_eq!((client.browser.as_deref(), client.system.as_deref()), (Some("Chrome"), Some("Linux")));
    }

    #[test]
    fn an_unknown_user_agent_is_unknown() {
        for agent in ["", "-", "x", &"y".repeat(5_000)] {
            assert_eq!(client_of(Some(&HeaderValue::from_str(agent).unwrap())), Client::UNKNOWN, "{agent}");
        }
    }
}
