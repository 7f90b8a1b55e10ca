//! Forms and their fields: names, addresses, codes and the page to go to afterwards.
#![no_main]

use axum::Form;
use axum::body::Body;
use axum::extract::{FromRequest, Request};
use latchkey::server::model::email_request::Code;
use latchkey::server::model::recovery::RecoveryCode;
use latchkey::server::model::user::{deliverable, email_key};
use latchkey::types::{AccountForm, DisplayName, EmailAddress, Identifier, Next, Notice, Username};
use libfuzzer_sys::fuzz_target;

fn request(data: &[u8]) -> Request {
    Request::post("/")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(data.to_vec()))
        .expect("a request")
}

fuzz_target!(|data: &[u8]| {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let _ = Form::<AccountForm>::from_request(request(data), &()).await;
    });
    let Ok(text) = std::str::from_utf8(data) else { return };
    let _ = (Username::parse(text), DisplayName::parse(text), Identifier::parse(text), Notice::parse(text));
    let _ = (Code::parse(text), RecoveryCode::parse(text));
    if let Ok(address) = EmailAddress::parse(text) {
        let _ = (email_key(&address), deliverable(&address));
    }
    let next = Next::or_account(Some(text));
    assert!(next.as_str().starts_with('/') && !next.as_str().starts_with("//"), "it stays on this site");
});
