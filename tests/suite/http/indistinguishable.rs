//! Whether an address has an account cannot be told from an answer, nor from the time it takes.

use crate::app::{Answer, App, Backends, Browser};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How many pairs of answers are compared; the order within a pair alternates, so that whatever slows the machine down
/// hits both sides alike.
const PAIRS: usize = 240;
/// How many accounts there are; asked about in turn.
const KNOWN: usize = 24;

/// The chance that an answer of one side took longer than one of the other (the statistic of Mann and Whitney, scaled);
/// 0.5 when nothing tells them apart. With 240 on each side its standard deviation under "no difference" is 0.026.
fn chance(one: &[u128], other: &[u128]) -> f64 {
    let won = |a: &u128, b: &u128| match a.cmp(b) {
        std::cmp::Ordering::Greater => 1.0,
        std::cmp::Ordering::Equal => 0.5,
        std::cmp::Ordering::Less => 0.0,
    };
    let wins: f64 = one.iter().flat_map(|a| other.iter().map(move |b| won(a, b))).sum();
    #[expect(clippy::cast_precision_loss, reason = "some ten thousand pairs")]
    let pairs = (one.len() * other.len()) as f64;
    wins / pairs
}

/// An address for each pair.
fn client(number: usize) -> String {
    format!("10.{}.{}.{}", number / 62_500, number / 250 % 250, number % 250)
}

/// All that a stranger sees of an answer, but for what is random in it.
fn seen(answer: &Answer) -> (u16, Vec<String>, usize, Vec<String>) {
    let mut names: Vec<_> = answer.headers.keys().map(ToString::to_string).collect();
    names.sort();
    let cookies = answer.headers.get_all("set-cookie").iter();
    let cookies = cookies.map(|cookie| cookie.to_str().unwrap().split('=').next().unwrap().to_owned()).collect();
    (answer.status.as_u16(), names, answer.body.len(), cookies)
}

async fn timed(browser: &mut Browser, path: &str, body: Value) -> (u128, Answer) {
    let began = Instant::now();
    let answer = browser.post(path, body).await;
    (began.elapsed().as_micros(), answer)
}

/// Whether what is measured (a chance as above) lies within a bound around one half. A difference that is there shows each
/// time; what shows three times in a row is one.
async fn is_alike(bound: f64, measure: impl AsyncFn() -> f64) -> Result<(), Vec<f64>> {
    let mut measured = Vec::new();
    for _ in 0..3 {
        measured.push(measure().await);
        if measured.iter().any(|chance| (chance - 0.5).abs() <= bound) {
            return Ok(());
        }
    }
    Err(measured)
}

/// Limits are on, so every pair comes from a client of its own and asks about the next of several addresses, each of which
/// is asked about again when its bucket has filled.
async fn compare(app: &App, path: &str, body: impl Fn(&str, usize) -> Value) -> f64 {
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for number in 0..PAIRS {
        let (known_name, unknown_name) =
            (format!("ada{}@example.org", number % KNOWN), format!("eva{}@example.org", number % KNOWN));
        let mut sides = [(known_name.as_str(), &mut known), (unknown_name.as_str(), &mut unknown)];
        // Buckets fill again, or the limits would be all that is measured.
        app.clock.advance(Duration::from_mins(1));
        if number % 2 == 1 {
            sides.reverse();
        }
        let mut answers = Vec::new();
        for (address, times) in sides {
            let (time, answer) = timed(&mut app.browser_at(&client(number)), path, body(address, number)).await;
            times.push(time);
            answers.push(seen(&answer));
        }
        assert_eq!(answers[0], answers[1], "{path}");
    }
    chance(&known, &unknown)
}

async fn with_accounts(backends: Backends) -> App {
    let app = App::start_set(backends, &[("RATE_LIMITS", "on")]).await;
    for number in 0..KNOWN {
        app.browser_at(&format!("192.0.2.{number}")).sign_up_proven(&app, &format!("ada{number}")).await;
    }
    app
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn known_and_unknown_addresses_get_the_same_answers_in_the_same_time() {
    type Body = fn(&str, usize) -> Value;
    let paths: [(&str, Body); 4] = [
        ("/api/email/start", |address, _| json!({ "identifier": address })),
        ("/api/sign-up/start", |address, number| json!({ "username": format!("new{number}"), "email": address })),
        ("/api/sign-up/email", |address, number| json!({ "username": format!("new{number}"), "email": address })),
        ("/api/recovery/use", |address, _| json!({ "identifier": address, "code": "AAAAA-AAAAA-AAAAA-AAAAA" })),
    ];
    for backends in Backends::ALL {
        let app = with_accounts(backends).await;
        for (path, body) in paths {
            let alike = is_alike(0.1, async || compare(&app, path, body).await).await;
            assert_eq!(alike, Ok(()), "{backends:?}: {path}: a known address took longer with these chances");
        }
    }
}

/// Four wrong codes for each of many emails, of which one side's were sent.
async fn compare_codes(app: &App) -> f64 {
    // Earlier failures are forgotten: after twenty failures no emails would go.
    app.clock.advance(Duration::from_hours(25));
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for number in 0..PAIRS / 5 {
        app.clock.advance(Duration::from_mins(2));
        let named = number % KNOWN;
        let mut sides = [(format!("ada{named}"), &mut known), (format!("eva{named}"), &mut unknown)];
        if number % 2 == 1 {
            sides.reverse();
        }
        for (name, times) in sides {
            let mut browser = app.browser_at(&client(number));
            browser.ask(&format!("{name}@example.org")).await;
            app.deliver().await;
            for _ in 0..4 {
                let (time, answer) = timed(&mut browser, "/api/email/code", json!({ "code": "x" })).await;
                assert_eq!(answer.refusal().1, "code_wrong");
                times.push(time);
            }
        }
    }
    chance(&known, &unknown)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_code_takes_as_long_with_and_without_an_account() {
    for backends in Backends::ALL {
        let app = with_accounts(backends).await;
        let alike = is_alike(0.18, async || compare_codes(&app).await).await;
        assert_eq!(alike, Ok(()), "{backends:?}: the code of a known address took longer with these chances");
    }
}
