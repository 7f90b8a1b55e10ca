//! A browser with cookies, without a socket. Every API response is validated against openapi.json.

use crate::app::App;
use crate::authenticator::SoftPasskey;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use http_body_util::BodyExt;
use latchkey::server::http::client_address::Peer;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tower::ServiceExt;

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("not JSON: {}", String::from_utf8_lossy(&self.body)))
    }

    /// The status and code of an error response.
    pub fn refusal(&self) -> (u16, String) {
        (self.status.as_u16(), self.json()["error"]["code"].as_str().unwrap().to_owned())
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A user's browser, with its cookies, its `Origin` and its client address.
#[derive(Clone)]
pub struct Browser {
    pub router: Router,
    /// The client address of the connection.
    pub from: Option<Peer>,
    pub origin: String,
    pub cookies: BTreeMap<String, String>,
}

impl Browser {
    pub async fn send(&mut self, mut request: Request<Body>) -> Answer {
        if !self.cookies.is_empty() {
            let line =
                self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
            request.headers_mut().insert(header::COOKIE, line.parse().unwrap());
        }
        request.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip, deflate, br, zstd"));
        if let Some(peer) = self.from {
            request.extensions_mut().insert(peer);
        }
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let response = self.router.clone().oneshot(request).await.unwrap();
        for cookie in response.headers().get_all(header::SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        if path.starts_with("/api/") {
            crate::openapi::check(&method, &path, parts.status, &body);
        }
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.send(Request::get(path).header(header::ACCEPT, "text/html").body(Body::empty()).unwrap()).await
    }

    pub async fn post(&mut self, path: &str, body: Value) -> Answer {
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ORIGIN, &self.origin)
            .body(Body::from(body.to_string()))
            .unwrap();
        self.send(request).await
    }

    /// Posts a form, as a page without JavaScript does.
    pub async fn form(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ACCEPT, "text/html")
            .header(header::ORIGIN, &self.origin)
            .body(Body::from(body))
            .unwrap();
        self.send(request).await
    }

    /// Signs up and verifies the address, `<username>@example.org`.
    pub async fn sign_up_verified(&mut self, app: &App, username: &str) -> SoftPasskey {
        let passkey = self.sign_up(username).await;
        let token = app.email_to(&format!("{username}@example.org")).await.token();
        let answer = self.post("/api/account/email/confirm", json!({ "token": token })).await;
        assert_eq!(answer.json()["user"]["email_verified"], true, "{}", answer.text());
        passkey
    }

    /// Requests a sign-in email.
    pub async fn request_sign_in_email(&mut self, identifier: &str) -> Answer {
        let answer = self.post("/api/email/start", json!({ "identifier": identifier })).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (202, json!({ "expires_in": 600 })));
        answer
    }

    pub async fn redeem_link(&mut self, token: &str) -> Answer {
        self.post("/api/email/link", json!({ "token": token })).await
    }

    pub async fn redeem_code(&mut self, code: &str) -> Answer {
        self.post("/api/email/code", json!({ "code": code })).await
    }

    pub async fn start_sign_up(&mut self, username: &str) -> Value {
        let body = json!({ "username": username, "email": format!("{username}@example.org") });
        let answer = self.post("/api/sign-up/start", body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["publicKey"].clone()
    }

    pub async fn start_sign_in(&mut self) -> Value {
        let answer = self.post("/api/sign-in/start", json!({})).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["publicKey"].clone()
    }

    pub async fn sign_up(&mut self, username: &str) -> SoftPasskey {
        self.sign_up_with_email(username, &format!("{username}@example.org")).await
    }

    /// Signs up with an address that is not derived from the username.
    pub async fn sign_up_with_email(&mut self, username: &str, email: &str) -> SoftPasskey {
        let body = json!({ "username": username, "email": email });
        let options = self.post("/api/sign-up/start", body).await.json()["publicKey"].clone();
        let passkey = SoftPasskey::new(&options);
        let credential = passkey.registration(&options, &self.origin).json();
        let answer = self.post("/api/sign-up/finish", json!({ "credential": credential })).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        passkey
    }

    pub async fn sign_in(&mut self, passkey: &SoftPasskey) -> Answer {
        let options = self.start_sign_in().await;
        let credential = passkey.assertion(&options, &self.origin).json();
        self.post("/api/sign-in/finish", json!({ "credential": credential })).await
    }

    /// Adds another passkey to the signed-in account; returns the passkey and its id.
    pub async fn add_passkey(&mut self) -> (SoftPasskey, String) {
        let answer = self.post("/api/passkeys/start", json!({})).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let options = answer.json()["publicKey"].clone();
        let passkey = SoftPasskey::new(&options);
        let credential = passkey.registration(&options, &self.origin).json();
        let answer = self.post("/api/passkeys/finish", json!({ "credential": credential })).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        (passkey, answer.json()["passkey"]["id"].as_str().unwrap().to_owned())
    }

    pub async fn reauthenticate(&mut self, passkey: &SoftPasskey) -> Answer {
        let options = self.post("/api/reauthenticate/start", json!({})).await.json()["publicKey"].clone();
        let credential = passkey.assertion(&options, &self.origin).json();
        self.post("/api/reauthenticate/finish", json!({ "credential": credential })).await
    }

    /// Signs in by email to the account with this username, at `<name>@example.org`.
    pub async fn sign_in_by_email(&mut self, app: &App, name: &str) {
        self.request_sign_in_email(name).await;
        let emails = app.emails().await;
        let email = emails.iter().find(|email| email.0.text.contains("/email/link?token=")).unwrap();
        assert_eq!(self.redeem_link(&email.token()).await.status, 200);
    }

    pub async fn is_signed_in(&mut self) -> bool {
        self.get("/api/session").await.status == 200
    }
}

/// The hidden fields of a page.
pub fn hidden_fields(page: &str) -> Vec<(String, String)> {
    let text =
        |escaped: &str| escaped.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    let field = |rest: &str| {
        let (name, rest) = rest.split_once("\" value=\"").unwrap();
        (text(name), text(rest.split_once('"').unwrap().0))
    };
    page.split("<input type=\"hidden\" name=\"").skip(1).map(field).collect()
}
