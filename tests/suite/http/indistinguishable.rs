//! Tests that neither an answer nor its timing reveals whether an address has an account.

use crate::app::{Answer, App, Backends, Browser};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// The number of compared pairs of answers. The order within a pair alternates, so that a slow machine affects both
/// sides equally.
const PAIRS: usize = 240;
/// The number of accounts. The tests query them in turn.
const KNOWN: usize = 24;

/// The probability that an answer of one side took longer than one of the other (the scaled Mann-Whitney U statistic);
/// 0.5 if the two do not differ. With 240 answers per side, its standard deviation under the null hypothesis is 0.026.
fn chance(one: &[u128], other: &[u128]) -> f64 {
    let won = |a: &u128, b: &u128| match a.cmp(b) {
        std::cmp::Ordering::Greater => 1.0,
        std::cmp::Ordering::Equal => 0.5,
        std::cmp::Ordering::Less => 0.0,
    };
    let wins: f64 = one.iter().flat_map(|a| other.iter().map(move |b| won(a, b))).sum();
    #[expect(clippy::cast_precision_loss, reason = "tens of thousands of pairs")]
    let pairs = (one.len() * other.len()) as f64;
    wins / pairs
}

/// The client address of a pair.
fn client(number: usize) -> String {
    format!("10.{}.{}.{}", number / 62_500, number / 250 % 250, number % 250)
}

/// The parts of an answer that a client can see, without its random values.
fn visible_parts(answer: &Answer) -> (u16, Vec<String>, usize, Vec<String>) {
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

/// Succeeds if one of three measured probabilities is within `bound` of one half. A real difference shows in all three
/// measurements.
async fn check_indistinguishable(bound: f64, measure: impl AsyncFn() -> f64) -> Result<(), Vec<f64>> {
    let mut measured = Vec::new();
    for _ in 0..3 {
        measured.push(measure().await);
        if measured.iter().any(|chance| (chance - 0.5).abs() <= bound) {
            return Ok(());
        }
    }
    Err(measured)
}

/// Returns the probability that a known address takes longer than an unknown one. Limits are on, so every pair comes
/// from its own client and uses the next of several addresses. An address is used again only when its bucket has
/// refilled.
async fn compare(app: &App, path: &str, body: impl Fn(&str, usize) -> Value) -> f64 {
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for number in 0..PAIRS {
        let (known_name, unknown_name) =
            (format!("ada{}@example.org", number % KNOWN), format!("eva{}@example.org", number % KNOWN));
        let mut sides = [(known_name.as_str(), &mut known), (unknown_name.as_str(), &mut unknown)];
        // Let the buckets refill; otherwise only the limits would be measured.
        app.clock.advance(Duration::from_mins(1));
        if number % 2 == 1 {
            sides.reverse();
        }
        let mut answers = Vec::new();
        for (address, times) in sides {
            let (time, answer) = timed(&mut app.browser_at(&client(number)), path, body(address, number)).await;
            times.push(time);
            answers.push(visible_parts(&answer));
        }
        assert_eq!(answers[0], answers[1], "{path}");
    }
    chance(&known, &unknown)
}

async fn app_with_accounts(backends: Backends) -> App {
    let app = App::start_with_settings(backends, &[("RATE_LIMITS", "on")]).await;
    for number in 0..KNOWN {
        app.browser_at(&format!("192.0.2.{number}")).sign_up_verified(&app, &format!("ada{number}")).await;
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
        let app = app_with_accounts(backends).await;
        for (path, body) in paths {
            let alike = check_indistinguishable(0.1, async || compare(&app, path, body).await).await;
            assert_eq!(alike, Ok(()), "{backends:?}: {path}: probabilities that a known address took longer");
        }
    }
}

/// Compares four wrong codes for each of many requests; emails are sent only for the known side.
async fn compare_codes(app: &App) -> f64 {
    // Let earlier failures expire: after twenty failures no codes would be sent.
    app.clock.advance(Duration::from_hours(25));
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for number in 0..PAIRS / 5 {
        app.clock.advance(Duration::from_mins(2));
        let index = number % KNOWN;
        let mut sides = [(format!("ada{index}"), &mut known), (format!("eva{index}"), &mut unknown)];
        if number % 2 == 1 {
            sides.reverse();
        }
        for (name, times) in sides {
            let mut browser = app.browser_at(&client(number));
            browser.request_sign_in_email(&format!("{name}@example.org")).await;
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
async fn a_wrong_code_takes_equally_long_with_and_without_an_account() {
    for backends in Backends::ALL {
        let app = app_with_accounts(backends).await;
        let alike = check_indistinguishable(0.18, async || compare_codes(&app).await).await;
        assert_eq!(alike, Ok(()), "{backends:?}: probabilities that the code of a known address took longer");
    }
}
