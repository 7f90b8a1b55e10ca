//! A minimal browser: one persistent connection and cookies, nothing else.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::http::request::Builder;
use hyper::{Request, header};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use url::{Url, form_urlencoded};

/// The address of the server, and the `Origin` of requests.
#[derive(Clone)]
pub struct Target {
    pub authority: String,
    pub origin: String,
}

impl Target {
    pub fn from_url(url: &str) -> Self {
        let url = Url::parse(url).expect("an address");
        assert_eq!(url.scheme(), "http", "put a proxy that speaks https in between, or measure behind it");
        let port = url.port_or_known_default().unwrap();
        Self { authority: format!("{}:{port}", url.host_str().unwrap()), origin: url.origin().ascii_serialization() }
    }
}

/// One connection with the cookies of one browser.
pub struct Client {
    pub target: Target,
    sender: Option<SendRequest<Full<Bytes>>>,
    pub cookies: Vec<(String, String)>,
    /// The value of `X-Forwarded-For`: each client has its own rate limits.
    pub address: String,
}

pub struct Response {
    pub status: u16,
    /// The target of a redirect.
    pub location: Option<String>,
    pub body: Bytes,
}

impl Response {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

impl Client {
    pub fn new(target: &Target) -> Self {
        Self { target: target.clone(), sender: None, cookies: Vec::new(), address: "127.0.0.1".to_owned() }
    }

    /// Becomes another browser at another address, on the same connection.
    pub fn become_new(&mut self, number: usize) {
        self.cookies.clear();
        self.address = format!("10.{}.{}.{}", number >> 16 & 255, number >> 8 & 255, number & 255);
    }

    pub async fn get(&mut self, path: &str) -> Response {
        self.send(Request::get(path), Bytes::new()).await
    }

    pub async fn post(&mut self, path: &str, body: &Value) -> Response {
        let mut request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
        request = request.header(header::ORIGIN, &self.target.origin);
        self.send(request, Bytes::from(body.to_string())).await
    }

    /// Sends a form as an application does, with an `Authorization` header.
    pub async fn form(&mut self, path: &str, authorization: &str, fields: &[(&str, &str)]) -> Response {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::AUTHORIZATION, authorization);
        self.send(request, Bytes::from(body)).await
    }

    pub async fn get_as(&mut self, path: &str, authorization: &str) -> Response {
        self.send(Request::get(path).header(header::AUTHORIZATION, authorization), Bytes::new()).await
    }

    async fn send(&mut self, request: Builder, body: Bytes) -> Response {
        let mut request = request
            .header(header::HOST, self.target.origin.trim_start_matches("http://"))
            .header(
                header::USER_AGENT,
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0.0.0 Safari/537.36",
            )
            .header("x-forwarded-for", &self.address);
        if !self.cookies.is_empty() {
            let pairs: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header(header::COOKIE, pairs.join("; "));
        }
        let request = request.body(Full::new(body)).unwrap();
        let answer = self.line().await.send_request(request).await.expect("an answer");
        let (parts, body) = answer.into_parts();
        for cookie in parts.headers.get_all(header::SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.retain(|(known, _)| known != name);
            self.cookies.push((name.to_owned(), value.to_owned()));
        }
        let location = parts.headers.get(header::LOCATION).map(|value| value.to_str().unwrap().to_owned());
        Response { status: parts.status.as_u16(), location, body: body.collect().await.unwrap().to_bytes() }
    }

    async fn line(&mut self) -> &mut SendRequest<Full<Bytes>> {
        let is_open = match &mut self.sender {
            Some(sender) => sender.ready().await.is_ok(),
            None => false,
        };
        if !is_open {
            let stream = TcpStream::connect(&self.target.authority).await.expect("a connection");
            stream.set_nodelay(true).unwrap();
            let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
            tokio::spawn(connection);
            self.sender = Some(sender);
        }
        self.sender.as_mut().unwrap()
    }
}
