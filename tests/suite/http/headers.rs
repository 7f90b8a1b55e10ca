//! Tests that no request header makes the server fail and that cookies of other programs do not hide ours.

use crate::app::{App, Backends};
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Request};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// Every request header that the server or one of its libraries reads.
const READ_HEADERS: [&str; 17] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "content-length",
    "content-type",
    "cookie",
    "host",
    "if-modified-since",
    "if-none-match",
    "origin",
    "range",
    "referer",
    "sec-fetch-site",
    "traceparent",
    "user-agent",
    "x-forwarded-for",
    "x-forwarded-proto",
];

#[tokio::test]
async fn quality_values_that_are_not_numbers_are_ignored() {
    let app = App::start(Backends::Embedded).await;
    for header in ["accept-language", "accept-encoding", "accept"] {
        for value in
            ["de;q=NaN", "de;q=nan, en", "de;q=inf,en;q=-1", "*;q=1e400", "de;q=", "de;q=0.5.5", ";;;,,,=", "q"]
        {
            for path in ["/", "/sign-in", "/favicon.ico", "/api/session"] {
                let request = Request::get(path).header(header, value).body(Body::empty()).unwrap();
                let status = app.browser().send(request).await.status;
                assert!(!status.is_server_error(), "{header}: {value} at {path}: {status}");
            }
        }
    }
    let german = Request::get("/").header("accept-language", "en;q=NaN, de;q=0.5").body(Body::empty()).unwrap();
    assert!(app.browser().send(german).await.text().contains("lang=\"de\""), "valid values still count");
}

/// Generates header values, most of them close to valid ones.
fn value() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just("q=NaN".to_owned()),
        Just("bytes=0-".to_owned()),
        Just("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        Just("__Host-latchkey_session".to_owned()),
        Just("Wed, 21 Oct 2015 07:28:00 GMT".to_owned()),
        Just("\u{e9}".to_owned()),
        "[a-z*]{1,8}(-[A-Z]{2})?(;q=[-0-9.eNainf]{0,6})?",
        "[0-9.:\\[\\]]{1,20}",
        "[!-~]{0,12}",
    ];
    let pieces = proptest::collection::vec((piece, "[;,= \\t\"]{0,2}"), 0..8);
    let plausible = pieces.prop_map(|pieces| pieces.into_iter().map(|(a, b)| a + &b).collect::<String>().into_bytes());
    prop_oneof![4 => plausible, 1 => proptest::collection::vec(any::<u8>(), 0..64)]
}

#[test]
fn no_header_makes_the_server_fail() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let app = runtime.block_on(App::start(Backends::Embedded));
    let some = prop::sample::subsequence(READ_HEADERS.to_vec(), 1..5).prop_shuffle();
    let headers = some.prop_flat_map(|names| {
        let values = proptest::collection::vec(value(), names.len());
        values.prop_map(move |values| names.iter().copied().zip(values).collect::<Vec<_>>())
    });
    let paths = prop::sample::select(vec!["/", "/sign-in", "/account", "/api/session", "/pkg/none.js", "/favicon.ico"]);
    let methods = prop::sample::select(vec!["GET", "HEAD", "POST", "OPTIONS"]);
    let mut runner = TestRunner::new(Config { cases: 1_500, ..Config::default() });
    runner
        .run(&(headers, paths, methods), |(headers, path, method)| {
            let mut request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
            for (name, value) in &headers {
                if let Ok(value) = HeaderValue::from_bytes(value) {
                    request.headers_mut().append(HeaderName::from_static(name), value);
                }
            }
            let status = runtime.block_on(async {
                use tower::ServiceExt;
                app.browser().router.oneshot(request).await.unwrap().status()
            });
            prop_assert!(!status.is_server_error(), "{headers:?} at {method} {path}: {status}");
            Ok(())
        })
        .unwrap();
}

#[tokio::test]
async fn cookies_of_other_programs_do_not_hide_the_session() {
    for backends in Backends::ALL {
        let app = App::start(backends).await;
        let mut own = app.browser();
        own.sign_up("ada").await;
        let ours = own.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        let foreign: [&[u8]; 6] =
            [b"n=\xe9", b"\xff\xfe", "n=é".as_bytes(), b"n=\"a;b\"", b"=; ; =;", b"json={\"a\":[1,2]}"];
        for foreign in foreign {
            for line in [[foreign, b"; ", ours.as_bytes()].concat(), [ours.as_bytes(), b"; ", foreign].concat()] {
                let request = Request::get("/api/session").header("cookie", HeaderValue::from_bytes(&line).unwrap());
                let answer = app.browser().send(request.body(Body::empty()).unwrap()).await;
                assert_eq!(answer.status, 200, "{:?}", String::from_utf8_lossy(&line));
            }
        }
    }
}
