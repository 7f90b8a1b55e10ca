//! A software passkey for tests: correct by default, but every field of a response can be changed before it is sent.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use latchkey::server::secret::{Entropy, SystemEntropy};
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use serde_cbor_2::Value as Cbor;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

pub const UP: u8 = 0x01;
pub const UV: u8 = 0x04;
pub const BE: u8 = 0x08;
pub const BS: u8 = 0x10;
pub const AT: u8 = 0x40;

pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemEntropy.fill(&mut bytes);
    bytes
}

/// One passkey on one device.
#[derive(Clone)]
pub struct SoftPasskey {
    pub key: SigningKey,
    pub credential_id: Vec<u8>,
    pub user_handle: Vec<u8>,
    pub counter: u32,
    pub flags: u8,
}

impl SoftPasskey {
    /// A passkey without a counter that can be backed up, like those of password managers.
    pub fn new(creation_options: &Value) -> Self {
        let handle = creation_options["user"]["id"].as_str().unwrap();
        Self {
            key: SigningKey::from_slice(&random::<32>()).unwrap(),
            credential_id: random::<32>().to_vec(),
            user_handle: decode(handle),
            counter: 0,
            flags: UP | UV | BE | BS,
        }
    }

    /// The passkey's response to registration options.
    pub fn registration(&self, options: &Value, origin: &str) -> Registration {
        let point = self.key.verifying_key().to_sec1_point(false);
        let (x, y) = (point.x().unwrap().to_vec(), point.y().unwrap().to_vec());
        let key = [
            (1, Cbor::Integer(2)),
            (3, Cbor::Integer(-7)),
            (-1, Cbor::Integer(1)),
            (-2, Cbor::Bytes(x)),
            (-3, Cbor::Bytes(y)),
        ];
        Registration {
            client_data: client_data("webauthn.create", options, origin),
            rp_id: options["rp"]["id"].as_str().unwrap().to_owned(),
            flags: self.flags | AT,
            counter: self.counter,
            aaguid: [0; 16],
            credential_id: self.credential_id.clone(),
            raw_id: self.credential_id.clone(),
            id: self.credential_id.clone(),
            r#type: "public-key".to_owned(),
            cose_key: key.into_iter().map(|(label, value)| (Cbor::Integer(label), value)).collect(),
            trailing: Vec::new(),
            fmt: "none".to_owned(),
            statement: BTreeMap::new(),
        }
    }

    /// The passkey's response to sign-in options.
    pub fn assertion(&self, options: &Value, origin: &str) -> Assertion {
        Assertion {
            key: self.key.clone(),
            client_data: client_data("webauthn.get", options, origin),
            rp_id: options["rpId"].as_str().unwrap().to_owned(),
            flags: self.flags,
            counter: self.counter,
            trailing: Vec::new(),
            raw_id: self.credential_id.clone(),
            id: self.credential_id.clone(),
            r#type: "public-key".to_owned(),
            user_handle: Some(self.user_handle.clone()),
            spoil_signature: false,
        }
    }
}

fn client_data(purpose: &str, options: &Value, origin: &str) -> Value {
    json!({ "type": purpose, "challenge": options["challenge"], "origin": origin, "crossOrigin": false })
}

/// A response to `create()`, before it is sent.
pub struct Registration {
    pub client_data: Value,
    pub rp_id: String,
    pub flags: u8,
    pub counter: u32,
    pub aaguid: [u8; 16],
    pub credential_id: Vec<u8>,
    pub raw_id: Vec<u8>,
    pub id: Vec<u8>,
    pub r#type: String,
    pub cose_key: BTreeMap<Cbor, Cbor>,
    pub trailing: Vec<u8>,
    pub fmt: String,
    pub statement: BTreeMap<Cbor, Cbor>,
}

impl Registration {
    pub fn json(&self) -> Value {
        let length = u16::try_from(self.credential_id.len()).unwrap().to_be_bytes();
        let key = serde_cbor_2::to_vec(&self.cose_key).unwrap();
        let attested = [&self.aaguid[..], &length, &self.credential_id, &key, &self.trailing].concat();
        let auth_data = [authenticator_data(&self.rp_id, self.flags, self.counter), attested].concat();
        let object = BTreeMap::from([
            (Cbor::Text("fmt".into()), Cbor::Text(self.fmt.clone())),
            (Cbor::Text("attStmt".into()), Cbor::Map(self.statement.clone())),
            (Cbor::Text("authData".into()), Cbor::Bytes(auth_data)),
        ]);
        json!({
            "id": encode(&self.id),
            "rawId": encode(&self.raw_id),
            "type": self.r#type,
            "authenticatorAttachment": "platform",
            "clientExtensionResults": { "credProps": { "rk": true } },
            "response": {
                "clientDataJSON": encode(self.client_data.to_string()),
                "attestationObject": encode(serde_cbor_2::to_vec(&object).unwrap()),
                "transports": ["internal", "hybrid"],
            },
        })
    }
}

/// A response to `get()`, before it is signed and sent.
pub struct Assertion {
    key: SigningKey,
    pub client_data: Value,
    pub rp_id: String,
    pub flags: u8,
    pub counter: u32,
    pub trailing: Vec<u8>,
    pub raw_id: Vec<u8>,
    pub id: Vec<u8>,
    pub r#type: String,
    pub user_handle: Option<Vec<u8>>,
    pub spoil_signature: bool,
}

impl Assertion {
    pub fn json(&self) -> Value {
        let client_data = self.client_data.to_string();
        let auth_data = [authenticator_data(&self.rp_id, self.flags, self.counter), self.trailing.clone()].concat();
        let signed = [&auth_data[..], &Sha256::digest(&client_data)].concat();
        let signature: Signature = self.key.sign(&signed);
        let mut signature = signature.to_der().as_bytes().to_vec();
        if self.spoil_signature {
            *signature.last_mut().unwrap() ^= 1;
        }
        json!({
            "id": encode(&self.id),
            "rawId": encode(&self.raw_id),
            "type": self.r#type,
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": encode(client_data),
                "authenticatorData": encode(auth_data),
                "signature": encode(signature),
                "userHandle": self.user_handle.as_ref().map(encode),
            },
        })
    }
}

fn authenticator_data(rp_id: &str, flags: u8, counter: u32) -> Vec<u8> {
    [&Sha256::digest(rp_id)[..], &[flags], &counter.to_be_bytes()].concat()
}
