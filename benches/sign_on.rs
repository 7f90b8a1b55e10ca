//! Silent sign-ons: an application asks for a user who is signed in, redeems the code and reads the user's claims.

use crate::client::{Client, Target};
use crate::node::{Backends, Meter, Node, WiredNode, scratch};
use crate::ports::free_port;
use crate::report::{Report, Row, median, millis};
use crate::workload::{Amount, Cookies, Run, accounts, browsers, number, run};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use latchkey::server::jose::{Algorithm, SigningKey, sign};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Sign-ons per run, the number of runs, whose median is reported, and the number of users.
const SIGN_ONS: usize = 3_000;
const RUNS: usize = 3;
const USERS: usize = 50;
/// Number of connections.
const CONNECTIONS: usize = 8;
const RSA: &str = include_str!("../tests/suite/fixtures/rsa-2048.pkcs8.txt");
const REDIRECT_URI: &str = "https://photos.example/callback";
const VERIFIER: &str = "a-code-verifier-of-the-length-that-RFC-7636-asks-for";

/// The addresses of a provider.
#[derive(Clone, Copy)]
struct Endpoints {
    authorize: &'static str,
    token: &'static str,
    userinfo: &'static str,
}

const OURS: Endpoints = Endpoints { authorize: "/oauth/authorize", token: "/oauth/token", userinfo: "/oauth/userinfo" };
const PEER: Endpoints = Endpoints { authorize: "/auth", token: "/token", userinfo: "/me" };

/// An application and its credentials.
#[derive(Clone)]
struct Party {
    endpoints: Endpoints,
    /// The URL of the authorization request, without `prompt`.
    request: String,
    basic: String,
}

impl Party {
    /// Registers an application whose ID tokens are signed with `algorithm`.
    fn new(node: &Node, program: &Path, algorithm: Algorithm) -> Self {
        let id = format!("photos-{}", algorithm.name().to_lowercase());
        let add = ["apps", "add", &id, "--who", "everybody", "--redirect-uri", REDIRECT_URI, "--json"];
        let added = node.command(program, &[&add[..], &["--algorithm", algorithm.name()]].concat());
        let added: Value = serde_json::from_str(&added).unwrap();
        Self::known(OURS, &id, added["client_secret"].as_str().unwrap())
    }

    fn known(endpoints: Endpoints, id: &str, secret: &str) -> Self {
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
        let request = format!(
            "{}?response_type=code&client_id={id}&scope=openid+profile+email&state=x&nonce=y\
             &redirect_uri={REDIRECT_URI}&code_challenge={challenge}&code_challenge_method=S256",
            endpoints.authorize
        );
        Self { endpoints, request, basic: format!("Basic {}", STANDARD.encode(format!("{id}:{secret}"))) }
    }

    async fn code(&self, client: &mut Client) -> String {
        let answer = client.get(&format!("{}&prompt=none", self.request)).await;
        let location = answer.location.unwrap_or_else(|| panic!("{}: {:?}", answer.status, answer.body));
        let code = location.split(['?', '&']).find_map(|pair| pair.strip_prefix("code="));
        code.unwrap_or_else(|| panic!("{location}")).to_owned()
    }

    async fn token(&self, client: &mut Client, code: &str) -> String {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT_URI),
            ("code_verifier", VERIFIER),
        ];
        let answer = client.form(self.endpoints.token, &self.basic, &fields).await;
        assert_eq!(answer.status, 200, "{:?}", answer.body);
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }

    async fn userinfo(&self, client: &mut Client, token: &str) {
        let answer = client.get_as(self.endpoints.userinfo, &format!("Bearer {token}")).await;
        assert_eq!(answer.status, 200, "{:?}", answer.body);
    }

    async fn sign_on(&self, client: &mut Client, browser: &Cookies) {
        client.become_new(number());
        client.cookies.clone_from(browser);
        let code = self.code(client).await;
        client.cookies.clear();
        let token = self.token(client, &code).await;
        self.userinfo(client, &token).await;
    }
}

pub async fn measure(program: &Path, report: &mut Report) {
    let signatures = [Algorithm::Rs256, Algorithm::Es256].map(|algorithm| (algorithm, signature(algorithm)));
    let servers = Backends::servers();
    let mut rows = Vec::new();
    for backends in [&Backends::Embedded, &servers] {
        let folder = scratch();
        let node = Node::start(program, backends, folder.path()).await;
        wait_for_keys(&node.target).await;
        let (_, passkeys) = accounts(&node.target, CONNECTIONS, USERS).await;
        let browsers = Arc::new(browsers(&node.target, &passkeys).await);
        for (algorithm, signature) in signatures {
            let party = Party::new(&node, program, algorithm);
            let columns = columns(&node.target, node.pid(), (&party, &browsers), signature).await;
            rows.push(Row { what: format!("{}, {}", algorithm.name(), backends.name()), columns });
        }
    }
    rows.extend(peer(signatures).await);
    report.table("silent sign-on", rows);
    if let Backends::Servers { postgres, redis } = &servers {
        trips(program, (postgres.port, redis.port), report).await;
    }
}

async fn sign_ons(target: &Target, count: usize, (party, browsers): (&Party, &Arc<Vec<Cookies>>)) -> Run {
    let (party, browsers) = (party.clone(), Arc::clone(browsers));
    run("silent sign-ons", target, Amount::new(CONNECTIONS, count), move |client, turn| {
        let (party, browsers) = (party.clone(), Arc::clone(&browsers));
        Box::pin(async move { party.sign_on(client, &browsers[turn % browsers.len()]).await })
    })
    .await
}

/// The columns of a row: the median of several runs.
async fn columns(
    target: &Target,
    pid: u32,
    (party, browsers): (&Party, &Arc<Vec<Cookies>>),
    signature: f64,
) -> Vec<(&'static str, f64)> {
    sign_ons(target, SIGN_ONS / 10, (party, browsers)).await;
    let (mut runs, mut times) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let meter = Meter::start(vec![pid]);
        let run = sign_ons(target, SIGN_ONS, (party, browsers)).await;
        times.push(meter.millis_each(run.count()));
        runs.push(run.columns());
    }
    let column = |place: usize| median(runs.iter().map(|columns| columns[place].1).collect());
    let medians = runs[0].iter().enumerate().map(|(place, (name, _))| (*name, column(place)));
    let each = median(times);
    medians.chain([("server CPU ms", each), ("signature ms", signature), ("beyond it ms", each - signature)]).collect()
}

/// The same work with node's oidc-provider, in one process that stores everything in memory.
async fn peer(signatures: [(Algorithm, f64); 2]) -> Vec<Row> {
    let port = free_port();
    let arguments = ["benches/peer/provider.mjs", &port.to_string(), "photos", "a-secret-of-the-peer", REDIRECT_URI];
    let quiet = std::process::Stdio::null;
    let mut child =
        std::process::Command::new("node").args(arguments).stdout(quiet()).stderr(quiet()).spawn().expect("node");
    let origin = format!("http://localhost:{port}");
    let target = Target { authority: format!("127.0.0.1:{port}"), origin: origin.clone() };
    while tokio::net::TcpStream::connect(&target.authority).await.is_err() {
        assert!(child.try_wait().unwrap().is_none(), "it ended: npm ci --prefix benches/peer");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut rows = Vec::new();
    for (algorithm, signature) in signatures {
        let id = format!("photos-{}", algorithm.name().to_lowercase());
        let party = Party::known(PEER, &id, "a-secret-of-the-peer");
        let mut browsers = Vec::new();
        for _ in 0..USERS {
            let mut client = Client::new(&target);
            let mut address = party.request.clone();
            while !address.starts_with(REDIRECT_URI) {
                let answer = client.get(address.strip_prefix(&origin).unwrap_or(&address)).await;
                address = answer.location.unwrap_or_else(|| panic!("{}: {:?}", answer.status, answer.body));
            }
            browsers.push(client.cookies);
        }
        let columns = columns(&target, child.id(), (&party, &Arc::new(browsers)), signature).await;
        rows.push(Row { what: format!("{}, oidc-provider in memory", algorithm.name()), columns });
    }
    child.kill().unwrap();
    child.wait().unwrap();
    rows
}

/// Waits until the first keys exist.
async fn wait_for_keys(target: &Target) {
    let mut client = Client::new(target);
    while client.get("/oauth/jwks").await.status != 200 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The processor time of one signature, in milliseconds.
fn signature(algorithm: Algorithm) -> f64 {
    const TIMES: u32 = 2_000;
    let pkcs8 = match algorithm {
        Algorithm::Rs256 => STANDARD.decode(RSA.split_whitespace().collect::<String>()).unwrap(),
        _ => SigningKey::generate(algorithm).unwrap(),
    };
    let key = SigningKey::from_pkcs8(algorithm, &pkcs8).unwrap();
    let meter = Meter::start(vec![std::process::id()]);
    let began = Instant::now();
    for _ in 0..TIMES {
        std::hint::black_box(sign(&key, "JWT", &["a claim"]).unwrap());
    }
    let (cpu, took) = (meter.millis_each(TIMES as usize), millis(began.elapsed()) / f64::from(TIMES));
    // The processor time has a resolution of 10 ms.
    if cpu > 0.0 { cpu } else { took }
}

/// Counts the round trips of each step; the minimum of several runs.
async fn trips(program: &Path, (postgres, redis): (u16, u16), report: &mut Report) {
    let WiredNode { node, sql, cache, .. } = &WiredNode::start(program, (postgres, redis)).await;
    wait_for_keys(&node.target).await;
    let (_, passkeys) = accounts(&node.target, 1, 1).await;
    let browsers = browsers(&node.target, &passkeys).await;
    let party = Party::new(node, program, Algorithm::EdDsa);
    let mut client = Client::new(&node.target);
    let mut least = [("authorize", (usize::MAX, usize::MAX)); 3];
    (least[1].0, least[2].0) = ("token", "userinfo");
    for _ in 0..8 {
        client.cookies.clone_from(&browsers[0]);
        tokio::time::sleep(Duration::from_millis(50)).await;
        let mut note = |step: usize| {
            let counts = (cache.take(), sql.take());
            let known = &mut least[step].1;
            if counts.0 + counts.1 < known.0.saturating_add(known.1) {
                *known = counts;
            }
        };
        cache.take();
        sql.take();
        let code = party.code(&mut client).await;
        note(0);
        client.cookies.clear();
        let token = party.token(&mut client, &code).await;
        note(1);
        party.userinfo(&mut client, &token).await;
        note(2);
    }
    let count = |count: usize| f64::from(u32::try_from(count).unwrap());
    let row = |(what, (cache, sql)): &(&str, (usize, usize))| Row {
        what: (*what).to_owned(),
        columns: vec![("Redis", count(*cache)), ("SQL", count(*sql))],
    };
    report.table("round trips of a silent sign-on", least.iter().map(row).collect());
}
