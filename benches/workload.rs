//! The actions of users: sign up, sign in, be recognised, view pages. Many run at once, each on its own connection.

use crate::authenticator::SoftPasskey;
use crate::client::{Client, Target};
use crate::report::quantile;
use serde_json::json;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The durations of the operations in a run, and of the whole run.
pub struct Run {
    pub times: Vec<Duration>,
    pub took: Duration,
}

impl Run {
    pub fn count(&self) -> usize {
        self.times.len()
    }

    /// Operations per second.
    pub fn rate(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "some thousands")]
        let count = self.count() as f64;
        count / self.took.as_secs_f64()
    }

    /// The rate and the times, in milliseconds, as columns.
    pub fn columns(&self) -> Vec<(&'static str, f64)> {
        vec![
            ("per s", self.rate()),
            ("p50 ms", quantile(&self.times, 0.5)),
            ("p90 ms", quantile(&self.times, 0.9)),
            ("p99 ms", quantile(&self.times, 0.99)),
        ]
    }
}

/// One action, with the client of a connection.
pub type Step<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Returns a number that is unique in this process, for names and addresses.
pub fn number() -> usize {
    static NUMBER: AtomicUsize = AtomicUsize::new(1);
    NUMBER.fetch_add(1, Ordering::Relaxed)
}

/// The amount of work in a run.
#[derive(Clone, Copy)]
pub struct Amount {
    pub connections: usize,
    pub count: usize,
    /// Latency counts from the time at which an operation is due, even if it starts later. `None`: each one starts
    /// when the previous one has finished.
    pub per_second: Option<u32>,
}

impl Amount {
    pub fn new(connections: usize, count: usize) -> Self {
        Self { connections, count, per_second: None }
    }
}

/// Runs `one` as often as `amount` says.
pub async fn run<F>(what: &str, target: &Target, amount: Amount, one: F) -> Run
where
    F: for<'a> Fn(&'a mut Client, usize) -> Step<'a> + Send + Clone + 'static,
{
    let Amount { connections, count, per_second } = amount;
    eprintln!("{what}: {count}");
    let next = Arc::new(AtomicUsize::new(0));
    let began = Instant::now();
    let workers: Vec<_> = (0..connections)
        .map(|_| {
            let (next, one, target) = (Arc::clone(&next), one.clone(), target.clone());
            tokio::spawn(async move {
                let (mut client, mut times) = (Client::new(&target), Vec::new());
                loop {
                    let turn = next.fetch_add(1, Ordering::Relaxed);
                    if turn >= count {
                        return times;
                    }
                    let due = match per_second {
                        Some(pace) => began + Duration::from_secs(1) / pace * u32::try_from(turn).unwrap(),
                        None => Instant::now(),
                    };
                    tokio::time::sleep_until(due.into()).await;
                    one(&mut client, turn).await;
                    times.push(due.elapsed());
                }
            })
        })
        .collect();
    let mut times = Vec::with_capacity(count);
    for worker in workers {
        times.extend(worker.await.unwrap());
    }
    times.sort();
    Run { times, took: began.elapsed() }
}

/// Signs up with a new name, from a new address; returns the passkey.
pub async fn sign_up(client: &mut Client) -> SoftPasskey {
    let number = number();
    client.become_new(number);
    let name = format!("bench{}x{number}", std::process::id());
    let form = json!({ "username": name, "email": format!("{name}@example.org") });
    let options = client.post("/api/sign-up/start", &form).await;
    assert_eq!(options.status, 200, "{:?}", options.body);
    let options = &options.json()["publicKey"];
    let passkey = SoftPasskey::new(options);
    let credential = passkey.registration(options, &client.target.origin).json();
    let answer = client.post("/api/sign-up/finish", &json!({ "credential": credential })).await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    passkey
}

/// Signs in with a passkey in a new browser, at a new address.
pub async fn sign_in(client: &mut Client, passkey: &SoftPasskey) {
    client.become_new(number());
    let options = client.post("/api/sign-in/start", &json!({})).await;
    assert_eq!(options.status, 200, "{:?}", options.body);
    let credential = passkey.assertion(&options.json()["publicKey"], &client.target.origin).json();
    let answer = client.post("/api/sign-in/finish", &json!({ "credential": credential })).await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
}

/// Creates accounts; returns their passkeys.
pub async fn accounts(target: &Target, connections: usize, count: usize) -> (Run, Vec<SoftPasskey>) {
    let made = Arc::new(Mutex::new(Vec::with_capacity(count)));
    let keep = Arc::clone(&made);
    let run = run("sign-ups", target, Amount::new(connections, count), move |client, _| {
        let keep = Arc::clone(&keep);
        Box::pin(async move {
            let passkey = sign_up(client).await;
            keep.lock().unwrap().push(passkey);
        })
    })
    .await;
    let made = std::mem::take(&mut *made.lock().unwrap());
    (run, made)
}

/// Sign-ins with these passkeys in turn.
pub async fn sign_ins(target: &Target, amount: Amount, passkeys: &Arc<Vec<SoftPasskey>>) -> Run {
    let passkeys = Arc::clone(passkeys);
    run("sign-ins", target, amount, move |client, turn| {
        let passkeys = Arc::clone(&passkeys);
        Box::pin(async move { sign_in(client, &passkeys[turn % passkeys.len()]).await })
    })
    .await
}

/// The cookies of one browser.
pub type Cookies = Vec<(String, String)>;

/// Signs in once with each of these passkeys; returns the cookies of each.
pub async fn browsers(target: &Target, passkeys: &[SoftPasskey]) -> Vec<Cookies> {
    let (mut client, mut all) = (Client::new(target), Vec::new());
    for passkey in passkeys {
        sign_in(&mut client, passkey).await;
        all.push(client.cookies.clone());
    }
    all
}

/// Views of a page, by browsers in turn.
pub async fn views(target: &Target, amount: Amount, path: &str, browsers: &[Cookies]) -> Run {
    let visits = browsers.iter().map(|cookies| (cookies.clone(), path.to_owned())).collect();
    visit(path, target, amount, visits).await
}

/// Views of pages in turn, each by its own browser.
pub async fn visit(what: &str, target: &Target, amount: Amount, visits: Vec<(Cookies, String)>) -> Run {
    let visits = Arc::new(visits);
    run(what, target, amount, move |client, turn| {
        let visits = Arc::clone(&visits);
        Box::pin(async move {
            let (cookies, path) = &visits[turn % visits.len()];
            client.cookies.clone_from(cookies);
            let answer = client.get(path).await;
            assert_eq!(answer.status, 200, "{path}");
        })
    })
    .await
}

/// The second activity page of each browser, from the link on the first one.
pub async fn older_pages(target: &Target, browsers: &[Cookies]) -> Vec<(Cookies, String)> {
    let (mut client, mut pages) = (Client::new(target), Vec::new());
    for cookies in browsers {
        client.cookies.clone_from(cookies);
        let page = client.get("/account").await;
        let page = String::from_utf8_lossy(&page.body).into_owned();
        let link =
            page.split("href=\"").find(|link| link.starts_with("/account?before=")).expect("a link to older ones");
        pages.push((cookies.clone(), link.split(['"', '#']).next().unwrap().to_owned()));
    }
    pages
}
