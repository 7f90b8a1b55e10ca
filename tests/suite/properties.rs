//! Property tests with thousands of generated inputs.

use axum::http::{Extensions, HeaderMap, HeaderValue, header};
use latchkey::server::clock::Timestamp;
use latchkey::server::http::client_address::{Peer, TrustedProxies};
use latchkey::server::http::cookies::Cookies;
use latchkey::server::model::email_request::Code;
use latchkey::server::model::limit::{Limit, Verdict};
use latchkey::server::model::recovery::RecoveryCode;
use latchkey::server::model::user::{deliverable, email_key};
use latchkey::server::secret::{Entropy, Token};
use latchkey::types::{DisplayName, EmailAddress, Next, Notice, Username};
use proptest::collection::vec;
use proptest::prelude::*;
use std::net::Ipv4Addr;
use std::time::Duration;

/// Entropy that always repeats the same bytes.
struct Repeating([u8; 32]);

impl Entropy for Repeating {
    fn fill(&self, buffer: &mut [u8]) {
        for (at, byte) in buffer.iter_mut().enumerate() {
            *byte = self.0[at % 32];
        }
    }
}

fn config() -> ProptestConfig {
    ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() }
}

/// Text made of fragments that parsers interpret differently.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("/"),
        Just("\\"),
        Just("."),
        Just("%2e"),
        Just("%2f"),
        Just("@"),
        Just(":"),
        Just("?"),
        Just("#"),
        Just("\t"),
        Just("\n"),
        Just(" "),
        Just("a"),
        Just("evil.example"),
        Just("https:"),
        Just("ß"),
        Just("xn--"),
        Just("-"),
        Just("\u{0}"),
        Just("\u{200b}"),
        Just("1"),
        Just("B"),
    ];
    vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn address() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9.+_'-]{1,12}@[a-zA-Z0-9äßÜ-]{1,12}\\.[a-zA-Z0-9é.-]{1,8}",
        (pieces(), pieces()).prop_map(|(local, domain)| format!("{local}@{domain}.example")),
        any::<String>(),
    ]
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_next_parameter_keeps_the_browser_on_this_site(input in prop_oneof![
        pieces(), pieces().prop_map(|rest| format!("/{rest}")), any::<String>()
    ]) {
        let next = Next::or_account(Some(&input));
        let site = url::Url::parse("https://id.example/sign-in").unwrap();
        let goal = site.join(next.as_str()).unwrap();
        prop_assert_eq!(goal.origin(), site.origin());
        prop_assert!(HeaderValue::from_str(next.as_str()).is_ok());
        let again = Next::or_account(Some(next.as_str()));
        prop_assert_eq!(again, next);
    }

    #[test]
    fn an_accepted_address_has_one_recipient_and_one_key(text in address()) {
        let Ok(address) = EmailAddress::parse(&text) else { return Ok(()) };
        prop_assert_eq!(EmailAddress::parse(address.as_str()), Ok(address.clone()));
        prop_assert_eq!(deliverable(&address).is_some(), email_key(&address).is_some());
        let (Some(envelope), Some(key)) = (deliverable(&address), email_key(&address)) else { return Ok(()) };
        let read: lettre::Address = envelope.parse().unwrap();
        prop_assert_eq!(read.user(), address.parts().0);
        prop_assert!(envelope.is_ascii() && key.is_ascii());
        prop_assert_eq!(key, envelope.to_ascii_lowercase());
    }

    #[test]
    fn names_are_accepted_unchanged_or_refused(text in prop_oneof!["[a-zA-Z0-9._-]{2,34}", pieces(), any::<String>()]) {
        if let Ok(name) = Username::parse(&text) {
            prop_assert_eq!(name.as_str(), text.trim());
            prop_assert_eq!(Username::parse(&name.key()).map(|lower| lower.key()), Ok(name.key()));
        }
        if let Ok(name) = DisplayName::parse(&text) {
            prop_assert!(!name.as_str().chars().any(char::is_control));
            prop_assert_eq!(DisplayName::parse(name.as_str()), Ok(name));
        }
    }

    #[test]
    fn a_token_has_one_valid_encoding(bytes in any::<[u8; 32]>(), text in "[A-Za-z0-9_=+/-]{41,45}") {
        let token = Token::random(&Repeating(bytes));
        prop_assert_eq!(Token::decode(&token.encode()), Some(token));
        if let Some(token) = Token::decode(&text) {
            prop_assert_eq!(token.encode(), text);
        }
    }

    #[test]
    fn codes_are_accepted_in_any_notation(
        bytes in any::<[u8; 32]>(), spaces in vec("[ \u{a0}-]{0,2}", 30), is_lower in vec(any::<bool>(), 30)
    ) {
        let code = RecoveryCode::random(&Repeating(bytes));
        let reformat = |shown: &str| -> String {
            let characters = shown.chars().zip(&spaces).zip(&is_lower);
            let written = |c: char, lower: bool| if lower { c.to_ascii_lowercase() } else { c };
            characters.flat_map(|((c, space), lower)| space.chars().chain([written(c, *lower)])).collect()
        };
        prop_assert_eq!(RecoveryCode::parse(&reformat(&code.expose())), Some(code));
        let digits = format!("{:06}", u32::from(bytes[0]) * 3_921);
        let spaced = reformat(&digits).replace('-', " ");
        prop_assert_eq!(Code::parse(&spaced).map(|code| code.expose().to_owned()), Some(digits));
    }

    #[test]
    fn our_cookie_is_found_among_other_cookies(
        bytes in any::<[u8; 32]>(),
        before in vec("[a-z_]{1,9}=[!#-+--:<-~]{0,20}", 0..5),
        after in vec("[ -:<-~]{0,20}", 0..5),
    ) {
        for cookies in [Cookies::new(true), Cookies::new(false)] {
            let token = Token::random(&Repeating(bytes));
            let set = cookies.set_browser(&token).unwrap();
            let own = set.to_str().unwrap().split(';').next().unwrap().to_owned();
            let line = [before.clone(), vec![own], after.clone()].concat().join("; ");
            let headers = HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_str(&line).unwrap())]);
            prop_assert_eq!(cookies.browser(&headers), Some(token));
            prop_assert_eq!(cookies.session(&headers), None);
        }
    }

    #[test]
    fn a_notice_contains_our_own_texts_only(text in prop_oneof!["[a-z_]{1,20}(\\.[0-9]{1,6})?", any::<String>()]) {
        if let Some(notice) = Notice::parse(&text) {
            prop_assert_eq!(Notice::parse(&notice.code()), Some(notice));
        }
    }

    #[test]
    fn no_window_exceeds_its_limit_and_a_caller_that_waits_long_enough_is_allowed(
        burst in 1..6_u32, every in 1..1_000_u64, pauses in vec(0..2_000_u64, 1..60)
    ) {
        let limit = Limit { name: "any", burst, every: Duration::from_millis(every) };
        let (mut now, mut full_at, mut allowed) = (1_795_000_000_000_u64, None, Vec::new());
        for pause in pauses {
            now += pause;
            let at = |millis: u64| Timestamp::from_unix_millis(i64::try_from(millis).unwrap());
            let (verdict, next) = limit.draw(full_at, at(now));
            full_at = Some(next);
            match verdict {
                Verdict::Within => allowed.push(now),
                Verdict::Beyond(wait) => {
                    let later = now + u64::try_from(wait.as_millis()).unwrap();
                    prop_assert_eq!(limit.draw(full_at, at(later)).0, Verdict::Within);
                    prop_assert_ne!(limit.draw(full_at, at(later - 1)).0, Verdict::Within);
                }
            }
        }
        for (first, start) in allowed.iter().enumerate() {
            for (last, end) in allowed.iter().enumerate().skip(first) {
                let most = u64::from(burst) + (end - start) / every;
                prop_assert!(u64::try_from(last - first + 1).unwrap() <= most);
            }
        }
    }

    #[test]
    fn forged_forwarding_entries_do_not_change_the_client_address(
        claims in vec(prop_oneof![any::<Ipv4Addr>().prop_map(|a| a.to_string()), "[ -~]{0,20}"], 0..5),
        client in any::<Ipv4Addr>(),
    ) {
        let ours = "10.0.0.0/8".parse().unwrap();
        prop_assume!(client.octets()[0] != 10);
        let line = HeaderValue::from_str(&[claims, vec![client.to_string()]].concat().join(",")).unwrap();
        let headers = HeaderMap::from_iter([("x-forwarded-for".parse().unwrap(), line)]);
        let from = |peer: [u8; 4]| {
            let mut extensions = Extensions::new();
            extensions.insert(Peer(Ipv4Addr::from(peer).into()));
            TrustedProxies::new(&[ours]).client(&extensions, &headers)
        };
        prop_assert_eq!(from([10, 1, 2, 3]), from(client.octets()));
        prop_assert_ne!(from([203, 0, 113, 9]), from([203, 0, 113, 10]));
    }
}
