//! Tokens as clients and attackers send them, verified with keys of several types.
#![no_main]

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use latchkey::server::jose::{KeyId, Members, PublicKey, VerifyingKey, verify};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

/// Public keys of the examples of RFC 7517 (appendix A.1) and RFC 8037 (appendix A.2).
static KEYS: LazyLock<Vec<PublicKey>> = LazyLock::new(|| {
    let texts = [
        r#"{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}"#,
        r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
    ];
    texts.iter().map(|text| serde_json::from_str(text).expect("a key")).collect()
});

fuzz_target!(|token: String| {
    let id = KeyId::from_text("k");
    for key in KEYS.iter() {
        let _ = verify(&token, &["JWT"], &[VerifyingKey { id: &id, key }]);
    }
    let _ = Members::parse(token.as_bytes());
    if let Ok(key) = serde_json::from_str::<PublicKey>(&token) {
        let _ = key.published();
        let id = key.id();
        let header = serde_json::json!({ "alg": key.algorithm().name(), "typ": "JWT", "kid": id.as_str() });
        let header = URL_SAFE_NO_PAD.encode(header.to_string());
        let _ = verify(&format!("{header}.e30.AA"), &["JWT"], &[VerifyingKey { id: &id, key: &key }]);
    }
});
