//! A browser that uses real connections.

use crate::authenticator::SoftPasskey;
use crate::program::Program;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// A browser with its own cookies.
#[derive(Clone)]
pub struct Remote {
    agent: ureq::Agent,
    /// The port that requests go to.
    at: String,
    /// The `Origin` of the requests.
    origin: String,
    pub cookies: BTreeMap<String, String>,
}

/// The response; `None` if the connection closed without one.
pub type Outcome = Option<(u16, Value)>;

impl Remote {
    pub fn new(port: u16, origin: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(Duration::from_secs(10)));
        let at = format!("http://127.0.0.1:{port}");
        Self { agent: config.build().into(), at, origin: origin.to_owned(), cookies: BTreeMap::new() }
    }

    /// Uses a new connection for each request.
    pub fn without_reuse(port: u16, origin: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_idle_connections(0)
            .timeout_global(Some(Duration::from_secs(10)));
        Self { agent: config.build().into(), ..Self::new(port, origin) }
    }

    /// The same browser, pointed at another process.
    pub fn at(&self, program: &Program) -> Self {
        Self { cookies: self.cookies.clone(), ..Self::new(program.port, &program.origin()) }
    }

    fn line(&self) -> String {
        self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    fn store_cookies(&mut self, answer: &ureq::http::Response<ureq::Body>) {
        for cookie in answer.headers().get_all("set-cookie") {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }

    pub fn post(&mut self, path: &str, body: &Value) -> Outcome {
        let request = self.agent.post(format!("{}{path}", self.at)).header("origin", &self.origin);
        let request = request.header("cookie", self.line()).content_type("application/json");
        let answer = request.send(body.to_string()).ok()?;
        self.store_cookies(&answer);
        Self::json(answer)
    }

    /// A GET with the site's `Host`, which some pages require.
    fn get_with_host(&self, path: &str) -> ureq::RequestBuilder<ureq::typestate::WithoutBody> {
        let host = self.origin.split_once("://").unwrap().1;
        self.agent.get(format!("{}{path}", self.at)).header("host", host).header("cookie", self.line())
    }

    pub fn get(&mut self, path: &str) -> Outcome {
        let answer = self.get_with_host(path).call().ok()?;
        self.store_cookies(&answer);
        Self::json(answer)
    }

    /// The `Location` of the response.
    pub fn location(&mut self, path: &str) -> Option<String> {
        let answer = self.get_with_host(path).call().ok()?;
        self.store_cookies(&answer);
        Some(answer.headers().get("location")?.to_str().unwrap().to_owned())
    }

    /// A POST of a form with an `Authorization` header and no cookies.
    pub fn form(&self, path: &str, authorization: &str, fields: &[(&str, &str)]) -> Outcome {
        let request = self.agent.post(format!("{}{path}", self.at)).header("authorization", authorization);
        Self::json(request.send_form(fields.iter().copied()).ok()?)
    }

    /// A GET with an `Authorization` header and no cookies.
    pub fn get_authorized(&self, path: &str, authorization: &str) -> Outcome {
        Self::json(self.agent.get(format!("{}{path}", self.at)).header("authorization", authorization).call().ok()?)
    }

    fn json(mut answer: ureq::http::Response<ureq::Body>) -> Outcome {
        let text = answer.body_mut().read_to_string().ok()?;
        Some((answer.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::Null)))
    }

    /// Signs up; returns the passkey, even if no response arrived, and the response.
    pub fn sign_up(&mut self, username: &str) -> Option<(SoftPasskey, Outcome)> {
        let form = json!({ "username": username, "email": format!("{username}@example.org") });
        let (_, options) = self.post("/api/sign-up/start", &form).filter(|(status, _)| *status == 200)?;
        let passkey = SoftPasskey::new(&options["publicKey"]);
        let credential = passkey.registration(&options["publicKey"], &self.origin).json();
        let outcome = self.post("/api/sign-up/finish", &json!({ "credential": credential }));
        Some((passkey, outcome))
    }

    /// Signs in; returns the final response and the body that was sent.
    pub fn sign_in(&mut self, passkey: &SoftPasskey) -> Option<(Outcome, Value)> {
        let (_, options) = self.post("/api/sign-in/start", &json!({})).filter(|(status, _)| *status == 200)?;
        let credential = passkey.assertion(&options["publicKey"], &self.origin).json();
        let body = json!({ "credential": credential });
        Some((self.post("/api/sign-in/finish", &body), body))
    }
}
