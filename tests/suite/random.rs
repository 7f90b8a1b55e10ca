//! Random mutations of valid requests cause no server error and no memory growth.

use crate::authenticator::random;
use crate::program::{Program, rounds};
use crate::remote::Remote;
use serde_json::{Value, json};
use std::time::Duration;

/// A small generator, reproducible from its seed (xorshift64*, Vigna 2016).
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    /// Text as users, programs and attackers send it.
    fn text(&mut self) -> String {
        let length = *self.one_of(&[0, 1, 3, 32, 33, 64, 65, 254, 1_000, 20_000]);
        match self.below(8) {
            0 => "x".repeat(length),
            1 => "ada@example.org".to_owned(),
            2 => format!("name{}", self.below(50)),
            3 => (*self.one_of(&[
                "\0",
                "\u{202e}gpj",
                "' or 1=1 --",
                "<b>",
                "../../etc",
                "%00",
                "a\r\nb",
                "🗝️",
                "/account",
            ]))
            .to_owned(),
            4 => crate::authenticator::encode(random::<32>()),
            5 => format!("{:06}", self.below(1_000_000)),
            6 => (0..length.min(100))
                .map(|_| char::from_u32(u32::try_from(self.below(0xd000)).unwrap()).unwrap_or('?'))
                .collect(),
            _ => "AAAAA-AAAAA-AAAAA-AAAAA".to_owned(),
        }
    }

    fn value(&mut self, depth: usize) -> Value {
        match self.below(if depth == 0 { 6 } else { 8 }) {
            0 => Value::Null,
            1 => json!(self.next().is_multiple_of(2)),
            2 => json!(self.next()),
            3..6 => json!(self.text()),
            6 => Value::Array((0..self.below(4)).map(|_| self.value(depth - 1)).collect()),
            _ => {
                let names = ["id", "rawId", "type", "response", "clientDataJSON", "x"];
                Value::Object(
                    (0..self.below(5)).map(|_| ((*self.one_of(&names)).to_owned(), self.value(depth - 1))).collect(),
                )
            }
        }
    }

    /// A copy of a value with a random change.
    fn mutate(&mut self, value: &Value) -> Value {
        match value {
            Value::Object(members) if self.below(12) != 0 => {
                let mut members = members.clone();
                let names: Vec<_> = members.keys().cloned().collect();
                if let Some(name) = names.get(self.below(names.len().max(1))) {
                    let changed = match self.below(4) {
                        0 => {
                            members.remove(name);
                            return Value::Object(members);
                        }
                        1 => self.value(2),
                        _ => {
                            let member = members[name].clone();
                            self.mutate(&member)
                        }
                    };
                    members.insert(name.clone(), changed);
                }
                Value::Object(members)
            }
            Value::String(text) if self.below(4) != 0 => {
                let mut bytes = text.clone().into_bytes();
                if !bytes.is_empty() {
                    let at = self.below(bytes.len());
                    bytes[at] = *self.one_of(b"AZaz09-_=+/ .@");
                }
                json!(String::from_utf8_lossy(&bytes))
            }
            _ => self.value(2),
        }
    }
}

/// Every route that takes JSON, with a valid body.
fn routes() -> Vec<(&'static str, Value)> {
    let credential = json!({ "id": "AA", "rawId": "AA", "type": "public-key", "response": {
        "clientDataJSON": "e30", "attestationObject": "oA", "authenticatorData": "AA", "signature": "AA", "userHandle": "AA" } });
    let finish = json!({ "credential": credential, "next": "/account", "keep": true, "name": "x" });
    vec![
        ("/api/sign-up/start", json!({ "username": "ada", "email": "ada@example.org", "display_name": "Ada" })),
        ("/api/sign-up/finish", finish.clone()),
        ("/api/sign-up/email", json!({ "username": "ada", "email": "ada@example.org" })),
        ("/api/sign-in/start", json!({})),
        ("/api/sign-in/finish", finish.clone()),
        ("/api/email/start", json!({ "identifier": "ada", "next": "/account" })),
        ("/api/email/link", json!({ "token": "AA", "username": "ada" })),
        ("/api/email/code", json!({ "code": "123456", "username": "ada" })),
        ("/api/sign-out", json!({})),
        ("/api/sessions/revoke", json!({ "id": "AA", "others": true, "passkey": "AA" })),
        ("/api/passkeys/start", json!({})),
        ("/api/passkeys/finish", finish.clone()),
        ("/api/passkeys/rename", json!({ "id": "AA", "name": "x" })),
        ("/api/passkeys/remove", json!({ "id": "AA" })),
        ("/api/reauthenticate/start", json!({})),
        ("/api/reauthenticate/finish", finish),
        ("/api/reauthenticate/email", json!({})),
        ("/api/reauthenticate/code", json!({ "code": "123456" })),
        ("/api/reauthenticate/link", json!({ "token": "AA" })),
        ("/api/account/update", json!({ "display_name": "x", "username": "ada" })),
        ("/api/account/email", json!({ "email": "x@example.org" })),
        ("/api/account/email/confirm", json!({ "token": "AA", "code": "123456" })),
        ("/api/account/email/undo", json!({ "token": "AA" })),
        ("/api/account/not-me", json!({ "token": "AA" })),
        ("/api/account/delete", json!({ "username": "unknown" })),
        ("/api/recovery/codes", json!({})),
        ("/api/recovery/use", json!({ "identifier": "ada", "code": "AAAAA-AAAAA-AAAAA-AAAAA" })),
    ]
}

const GET_PATHS: [&str; 18] = [
    "/",
    "/sign-up",
    "/sign-in",
    "/sign-in?step=code",
    "/sign-in?step=recovery",
    "/account",
    "/account?before=x",
    "/account?step=add",
    "/email/link?token=AA",
    "/email/confirm?token=AA",
    "/email/undo?token=AA",
    "/not-me?token=AA",
    "/api/session",
    "/api/sessions",
    "/api/passkeys",
    "/api/account/events?before=AA",
    "/api/account/export",
    "/healthz",
];

/// Outages of the disk, which other tests also use. A bug of the server would recur with the same request.
const MAX_OUTAGES: u32 = 2;

#[test]
fn random_requests_to_every_route_cause_no_server_error_and_no_memory_growth() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), None, &[("RATE_LIMITS", "off")]);
    let seed = u64::from_be_bytes(random()) | 1;
    let (mut rng, routes, origin) = (Rng(seed), routes(), program.origin());
    let count = rounds(2_500, 10_000);
    let mut signed_in = Remote::new(program.port, &origin);
    signed_in.sign_up("ada").unwrap();
    let (mut settled, mut outages) = (0, 0);
    for number in 0..count {
        let mut remote = if rng.below(3) == 0 { Remote::new(program.port, &origin) } else { signed_in.clone() };
        if rng.below(10) == 0 {
            let name = (*rng.one_of(&["latchkey_session", "latchkey_browser", "latchkey_known", "latchkey_notice"]))
                .to_owned();
            let text: String = rng.text().chars().filter(|c| c.is_ascii_graphic() && *c != ';').take(200).collect();
            remote.cookies.insert(name, text);
        }
        let (path, body) = if rng.below(5) == 0 {
            (*rng.one_of(&GET_PATHS), None)
        } else {
            let (path, body) = rng.one_of(&routes).clone();
            (path, Some(if rng.below(4) == 0 { body } else { rng.mutate(&body) }))
        };
        let mut send = || {
            let outcome = match &body {
                Some(body) => remote.post(path, body),
                None => remote.get(path),
            };
            outcome.unwrap_or_else(|| panic!("{path} got no response, seed {seed}, request {number}"))
        };
        let (mut status, mut answer) = send();
        // A disk that stalls for over a second is an outage, not a bug: the request is repeated.
        if status == 503 && outages < MAX_OUTAGES {
            println!("{path}: {answer}, seed {seed}, request {number}");
            outages += 1;
            std::thread::sleep(Duration::from_secs(answer["error"]["retry_after"].as_u64().unwrap()));
            (status, answer) = send();
        }
        assert!(status < 500, "{path}: {status} {answer}, seed {seed}, request {number}");
        if path.starts_with("/api") && status >= 400 {
            assert!(answer["error"]["code"].is_string(), "{path}: {status} {answer}, seed {seed}");
        }
        if number == count / 4 {
            settled = program.memory();
        }
    }
    let grown = program.memory().saturating_sub(settled);
    println!("{count} requests with seed {seed}: {} KiB more than after the first quarter", grown / 1024);
    assert!(grown < 24 * 1024 * 1024, "{grown} bytes more than after the first quarter, seed {seed}");
}
