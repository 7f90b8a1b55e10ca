//! `public/openapi.json` describes the API: every response from `/api` in any test is validated against it.

use axum::http::{Method, StatusCode};
use jsonschema::Validator;
use latchkey::types::ApiError;
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, LazyLock, Mutex};

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(&std::fs::read_to_string("public/openapi.json").unwrap()).unwrap());

static COMPILED: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);

/// The schema at a JSON pointer in the document, compiled once.
fn schema(pointer: &str) -> Option<Arc<Validator>> {
    if let Some(known) = COMPILED.lock().unwrap().get(pointer) {
        return Some(Arc::clone(known));
    }
    let found = DOCUMENT.pointer(pointer)?;
    let whole = json!({ "allOf": [found], "components": DOCUMENT["components"] });
    let options = jsonschema::draft202012::options().should_validate_formats(true);
    let compiled = Arc::new(options.build(&whole).unwrap());
    COMPILED.lock().unwrap().insert(pointer.to_owned(), Arc::clone(&compiled));
    Some(compiled)
}

fn escape_pointer(path: &str) -> String {
    path.replace('/', "~1")
}

/// Panics if the document does not allow this response.
pub fn check(method: &Method, path: &str, status: StatusCode, body: &[u8]) {
    if method == Method::HEAD {
        assert!(body.is_empty(), "a response to HEAD has no body: {path}");
        return;
    }
    let method = method.as_str().to_lowercase();
    let body: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let answers = format!("/paths/{}/{method}/responses", escape_pointer(path));
    let named = format!("{answers}/{}/content/application~1json/schema", status.as_u16());
    if let Some(schema) = schema(&named) {
        assert!(schema.is_valid(&body), "openapi.json does not allow: {method} {path} {status} {body}");
        return;
    }
    let code = body["error"]["code"].as_str().unwrap_or_default();
    let is_general = schema("/components/responses/Refusal/content/application~1json/schema").unwrap().is_valid(&body)
        && ApiError::from_code(code).is_some_and(|error| error.status() == status.as_u16());
    let is_refusal_of_unknown = DOCUMENT.pointer(&answers).is_none() && status.is_client_error();
    assert!(is_general || is_refusal_of_unknown, "openapi.json does not describe: {method} {path} {status} {body}");
}

#[test]
fn the_document_lists_exactly_the_server_functions() {
    let named: BTreeSet<_> = DOCUMENT["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, operations)| {
            operations.as_object().unwrap().keys().map(move |method| (method.to_uppercase(), path.clone()))
        })
        .collect();
    let real: BTreeSet<_> =
        server_fn::axum::server_fn_paths().map(|(path, method)| (method.to_string(), path.to_owned())).collect();
    assert_eq!(named, real);
}

#[test]
fn the_document_lists_every_error_code() {
    let text = DOCUMENT.to_string();
    for error in ApiError::ALL.iter().copied().filter(|error| *error != ApiError::Unreachable) {
        assert!(text.contains(&format!("\"{}\"", error.code())), "{}", error.code());
    }
}

#[test]
fn an_undescribed_response_is_detected() {
    let is_rejected = |path: &str, status: u16, body: &Value| {
        let body = serde_json::to_vec(body).unwrap();
        let status = StatusCode::from_u16(status).unwrap();
        std::panic::catch_unwind(|| check(&Method::POST, path, status, &body)).is_err()
    };
    let expired = json!({ "error": { "code": "ceremony_expired", "message": "…" } });
    assert!(!is_rejected("/api/sign-in/finish", 401, &expired));
    assert!(is_rejected("/api/sign-in/start", 401, &expired), "an error of a different call");
    assert!(is_rejected("/api/sign-in/finish", 403, &expired), "another status");
    assert!(is_rejected("/api/sign-in/start", 200, &json!({})), "a member is missing");
    assert!(is_rejected("/api/sign-out", 200, &json!({ "more": 1 })), "an unknown member");
}
