//! Valid and invalid tokens, from RFC 8725 and known attacks on other libraries.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use latchkey::server::jose::{Algorithm, Invalid, KeyId, Members, PublicKey, SigningKey, VerifyingKey, sign, verify};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::{Value, json};
use sha2::Sha256;

/// A pregenerated 2048-bit RSA key, as PKCS #8 in base64, because generating one is slow.
const RSA: &str = include_str!("fixtures/rsa-2048.pkcs8.txt");

fn pkcs8(algorithm: Algorithm) -> Vec<u8> {
    match algorithm {
        Algorithm::Rs256 => {
            let text: String = RSA.split_whitespace().collect();
            base64::engine::general_purpose::STANDARD.decode(text).unwrap()
        }
        other => SigningKey::generate(other).unwrap(),
    }
}

fn key(algorithm: Algorithm) -> SigningKey {
    SigningKey::from_pkcs8(algorithm, &pkcs8(algorithm)).unwrap()
}

fn check(token: &str, key: &PublicKey) -> Result<Members, Invalid> {
    verify(token, &["JWT"], &[VerifyingKey { id: &key.id(), key }])
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Signs tokens with arbitrary headers, with a P-256 key.
struct Forge {
    pair: EcdsaKeyPair,
    public: PublicKey,
}

impl Forge {
    fn new() -> Self {
        let pkcs8 = pkcs8(Algorithm::Es256);
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8, &SystemRandom::new()).unwrap();
        let public = SigningKey::from_pkcs8(Algorithm::Es256, &pkcs8).unwrap().public().clone();
        Self { pair, public }
    }

    fn header(&self) -> Value {
        json!({ "alg": "ES256", "typ": "JWT", "kid": self.public.id().as_str() })
    }

    fn signed(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", encode(header), encode(claims));
        let signature = self.pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
        format!("{message}.{}", encode(signature))
    }

    fn with(&self, member: &str, value: Value) -> String {
        let mut header = self.header();
        header[member] = value;
        self.signed(&header.to_string(), r#"{"sub":"ada"}"#)
    }
}

#[test]
fn a_token_is_valid_for_its_key_and_type_only() {
    for algorithm in Algorithm::ALL {
        let (key, other) = (key(algorithm), SigningKey::generate(Algorithm::EdDsa).unwrap());
        let other = SigningKey::from_pkcs8(Algorithm::EdDsa, &other).unwrap();
        let token = sign(&key, "JWT", &json!({ "sub": "ada", "exp": 7 })).unwrap();
        let claims = check(&token, key.public()).unwrap();
        assert_eq!((claims.text("sub"), claims.number("exp")), (Some("ada"), Some(7)), "{algorithm:?}");
        assert_eq!(check(&token, other.public()), Err(Invalid::UnknownKey));
        // Under the id of another key.
        let disguised = VerifyingKey { id: &key.public().id(), key: other.public() };
        let expected = if algorithm == Algorithm::EdDsa { Invalid::BadSignature } else { Invalid::WrongAlgorithm };
        assert_eq!(verify(&token, &["JWT"], &[disguised]), Err(expected), "{algorithm:?}");
        let known = VerifyingKey { id: &key.public().id(), key: key.public() };
        assert_eq!(verify(&token, &["logout+jwt"], &[known]), Err(Invalid::WrongType));
        assert!(verify(&token, &["at+jwt", "jwt"], &[known]).is_ok());
        assert_eq!(verify(&token, &["JWT"], &[]), Err(Invalid::UnknownKey));

        let parts: Vec<_> = token.split('.').collect();
        let changed = format!("{}.{}.{}", parts[0], encode(r#"{"sub":"eve"}"#), parts[2]);
        assert_eq!(check(&changed, key.public()), Err(Invalid::BadSignature));
        let mut signature = URL_SAFE_NO_PAD.decode(parts[2]).unwrap();
        for at in 0..signature.len() {
            signature[at] ^= 1;
            let token = format!("{}.{}.{}", parts[0], parts[1], encode(&signature));
            assert_eq!(check(&token, key.public()), Err(Invalid::BadSignature), "{algorithm:?} {at}");
            signature[at] ^= 1;
        }
        for wrong in [&[][..], &signature[1..], &vec![0; signature.len()], &[signature.as_slice(), &[0]].concat()] {
            let token = format!("{}.{}.{}", parts[0], parts[1], encode(wrong));
            assert_eq!(check(&token, key.public()), Err(Invalid::BadSignature), "{algorithm:?}");
        }
    }
}

#[test]
fn the_token_does_not_choose_its_algorithm() {
    for algorithm in Algorithm::ALL {
        let key = key(algorithm);
        let id = key.public().id();
        let claims = encode(r#"{"sub":"ada"}"#);
        for none in ["none", "None", "NONE", ""] {
            let header = encode(json!({ "alg": none, "typ": "JWT", "kid": id.as_str() }).to_string());
            for signature in ["", "AA"] {
                let token = format!("{header}.{claims}.{signature}");
                assert_eq!(check(&token, key.public()), Err(Invalid::WrongAlgorithm), "{none}");
            }
        }
        // The public key is not secret: if it were an HMAC key, anyone could sign.
        for secret in
            [serde_json::to_vec(key.public()).unwrap(), key.public().published().unwrap().to_string().into_bytes()]
        {
            for name in ["HS256", "hs256"] {
                let header = encode(json!({ "alg": name, "typ": "JWT", "kid": id.as_str() }).to_string());
                let mut mac = Hmac::<Sha256>::new_from_slice(&secret).unwrap();
                mac.update(format!("{header}.{claims}").as_bytes());
                let token = format!("{header}.{claims}.{}", encode(mac.finalize().into_bytes()));
                assert_eq!(check(&token, key.public()), Err(Invalid::WrongAlgorithm), "{algorithm:?}");
            }
        }
    }
}

#[test]
fn a_header_with_unsupported_or_wrong_members_is_refused() {
    let forge = Forge::new();
    assert!(check(&forge.with("extra", json!("ignored")), &forge.public).is_ok());
    let own = serde_json::to_value(&forge.public).unwrap();
    for (member, value) in [
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
        ("enc", json!("A128GCM")),
        ("jku", json!("https://evil.example/jwks")),
        ("jwk", own),
        ("x5u", json!("https://evil.example/x5u")),
        ("x5c", json!(["AA"])),
    ] {
        assert_eq!(check(&forge.with(member, value), &forge.public), Err(Invalid::UnsupportedHeader), "{member}");
    }
    for (member, value, expected) in [
        ("typ", json!("at+jwt"), Invalid::WrongType),
        ("typ", json!(["JWT"]), Invalid::WrongType),
        ("typ", json!(null), Invalid::WrongType),
        ("kid", json!("another"), Invalid::UnknownKey),
        ("kid", json!(""), Invalid::UnknownKey),
        ("kid", json!(7), Invalid::UnknownKey),
        ("alg", json!("RS256"), Invalid::WrongAlgorithm),
        ("alg", json!("es256"), Invalid::WrongAlgorithm),
        ("alg", json!(null), Invalid::WrongAlgorithm),
    ] {
        assert_eq!(check(&forge.with(member, value.clone()), &forge.public), Err(expected), "{member} {value}");
    }
    for typ in ["JWT", "jwt", "application/jwt", "application/JWT"] {
        assert!(check(&forge.with("typ", json!(typ)), &forge.public).is_ok(), "{typ}");
    }
    for absent in ["typ", "kid", "alg"] {
        let mut header = forge.header();
        header.as_object_mut().unwrap().remove(absent);
        assert!(check(&forge.signed(&header.to_string(), "{}"), &forge.public).is_err(), "{absent}");
    }
}

#[test]
fn a_token_has_one_encoding() {
    let forge = Forge::new();
    let header = forge.header().to_string();
    let good = forge.signed(&header, r#"{"sub":"ada"}"#);
    assert!(check(&good, &forge.public).is_ok());
    for wrong in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        good.replace('.', ""),
        good.rsplit_once('.').unwrap().0.to_owned(),
        format!("{good}."),
        format!("{good}.AA"),
        format!("{good}="),
        format!("{good} "),
        format!(" {good}"),
        format!("{good}\n"),
        good.replacen('.', "..", 1),
        format!("{}{good}", "A".repeat(20_000)),
    ] {
        assert_eq!(check(&wrong, &forge.public), Err(Invalid::Malformed), "{wrong:.80}");
    }
    // The last base64 character has unused bits: with other values it would decode to the same bytes.
    let last = good.chars().last().unwrap();
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for other in alphabet.chars().filter(|other| *other != last) {
        let token = format!("{}{other}", &good[..good.len() - 1]);
        assert!(check(&token, &forge.public).is_err(), "{other}");
    }
    let duplicated = header.replacen('{', r#"{"alg":"none","#, 1);
    assert_eq!(check(&forge.signed(&duplicated, "{}"), &forge.public), Err(Invalid::Malformed));
    for claims in [r#"{"sub":"eve","sub":"ada"}"#, "[]", "7", "", r#"{"sub":"ada"}{}"#] {
        assert_eq!(check(&forge.signed(&header, claims), &forge.public), Err(Invalid::Malformed), "{claims}");
    }
}

#[test]
fn published_keys_have_public_members_only() {
    for algorithm in Algorithm::ALL {
        let key = key(algorithm);
        let published = key.public().published().unwrap();
        let members: Vec<_> = published.as_object().unwrap().keys().map(String::as_str).collect();
        let expected: &[&str] = match algorithm {
            Algorithm::Rs256 => &["alg", "e", "kid", "kty", "n", "use"],
            Algorithm::Es256 => &["alg", "crv", "kid", "kty", "use", "x", "y"],
            Algorithm::EdDsa => &["alg", "crv", "kid", "kty", "use", "x"],
        };
        assert_eq!(members, expected);
        assert_eq!(
            (&published["kid"], &published["alg"]),
            (&json!(key.public().id().as_str()), &json!(algorithm.name()))
        );
        let again: PublicKey = serde_json::from_value(serde_json::to_value(key.public()).unwrap()).unwrap();
        assert_eq!((&again, again.id()), (key.public(), key.public().id()), "it round-trips through JSON");
        assert!(!format!("{key:?}").contains("pair"), "no private member is shown");
        for wrong in [&[][..], b"not a key", &pkcs8(algorithm)[1..]] {
            assert!(SigningKey::from_pkcs8(algorithm, wrong).is_err());
        }
        for other in Algorithm::ALL.into_iter().filter(|other| *other != algorithm) {
            assert!(SigningKey::from_pkcs8(other, &pkcs8(algorithm)).is_err(), "{algorithm:?} as {other:?}");
        }
    }
    assert_ne!(KeyId::from_text("a"), KeyId::from_text("b"));
}

/// The library that generates RSA keys and the one that signs with them must agree, whichever prime is larger.
#[test]
fn every_generated_rsa_key_can_sign() {
    for _ in 0..20 {
        let key = SigningKey::from_pkcs8(Algorithm::Rs256, &SigningKey::generate(Algorithm::Rs256).unwrap()).unwrap();
        let token = sign(&key, "JWT", &json!({})).unwrap();
        assert!(check(&token, key.public()).is_ok());
        let PublicKey::Rsa { n, e } = key.public() else { unreachable!() };
        assert_eq!((URL_SAFE_NO_PAD.decode(n).unwrap().len(), e.as_str()), (256, "AQAB"));
    }
}
