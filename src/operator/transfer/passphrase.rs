//! A passphrase that replaces `SECRET_KEY` in an export, so that its keys can be decrypted elsewhere.

use super::super::Failure;
use crate::server::Unavailable;
use crate::server::keys::Keys;
use crate::server::model::signing_key::{SealedKey, Sealer, open};
use crate::server::secret::{Entropy, Secret, SystemEntropy};
use crate::server::store::{Line, Value};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::pbkdf2::{PBKDF2_HMAC_SHA256, derive};
use serde::{Deserialize, Serialize};
use std::io::{IsTerminal, stdin};
use std::num::NonZeroU32;
use std::path::Path;

/// PBKDF2 iterations (OWASP Password Storage Cheat Sheet, PBKDF2-HMAC-SHA256).
const ITERATIONS: u32 = 600_000;
/// The most iterations that a file may require: a minute of work.
const MAX_ITERATIONS: u32 = 100 * ITERATIONS;
const SHORTEST: usize = 12;

/// Key derivation parameters, stored in the file's header.
#[derive(Serialize, Deserialize)]
pub struct Passphrase {
    salt: String,
    iterations: NonZeroU32,
}

impl Passphrase {
    pub fn random(entropy: &dyn Entropy) -> Self {
        let mut salt = [0; 16];
        entropy.fill(&mut salt);
        let iterations = NonZeroU32::new(ITERATIONS).unwrap_or(NonZeroU32::MIN);
        Self { salt: URL_SAFE_NO_PAD.encode(salt), iterations }
    }

    /// Derives the keys from a passphrase.
    pub fn keys(&self, text: &Secret<String>) -> Keys {
        let mut key = [0; 32];
        derive(PBKDF2_HMAC_SHA256, self.iterations, self.salt.as_bytes(), text.expose().as_bytes(), &mut key);
        Keys::new(&Secret::new(URL_SAFE_NO_PAD.encode(key)), None)
    }

    /// Asks the administrator for the passphrase and derives the keys from it.
    ///
    /// # Errors
    /// When no passphrase is given, or the file requires too many iterations.
    pub fn ask_keys(&self, file: Option<&Path>) -> Result<Keys, Failure> {
        if self.iterations.get() > MAX_ITERATIONS {
            return Err(Failure::Message("the header of the file requires too many iterations".to_owned()));
        }
        let missing =
            || Failure::Message("the keys in this file are encrypted; pass --passphrase-file PATH".to_owned());
        Ok(self.keys(&ask(file, PassphraseUse::Known)?.ok_or_else(missing)?))
    }
}

/// The purpose of a passphrase.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum PassphraseUse {
    /// A new passphrase, typed twice.
    New,
    Known,
}

fn typed(usage: PassphraseUse) -> Result<String, Failure> {
    if usage == PassphraseUse::Known {
        return Ok(rpassword::prompt_password("Passphrase of the file: ")?);
    }
    let text = rpassword::prompt_password("Passphrase for the keys in the file (empty: keep them under SECRET_KEY): ")?;
    if !text.is_empty() && text != rpassword::prompt_password("Repeat the passphrase: ")? {
        return Err(Failure::Message("the two passphrases differ; nothing was written".to_owned()));
    }
    Ok(text)
}

/// Reads a passphrase from a file or a terminal; `None` if it is empty, or there is neither.
///
/// # Errors
/// When the file cannot be read, or the passphrase is too short.
pub fn ask(file: Option<&Path>, usage: PassphraseUse) -> Result<Option<Secret<String>>, Failure> {
    let text = match file {
        Some(path) => std::fs::read_to_string(path)
            .map_err(|cause| Failure::Message(format!("{}: {cause}", path.display())))?
            .trim_end_matches(['\r', '\n'])
            .to_owned(),
        None if stdin().is_terminal() => typed(usage)?,
        None => return Ok(None),
    };
    match text.chars().count() {
        0 if file.is_none() => Ok(None),
        0..SHORTEST => Err(Failure::Message(format!("a passphrase must have at least {SHORTEST} characters"))),
        _ => Ok(Some(Secret::new(text))),
    }
}

/// An encrypted key of a row: every row with a column `sealed` may have one.
struct EncryptedKey<'a> {
    name: &'a str,
    key: SealedKey,
    /// Column indexes of the encrypted key, and of the name of the key that encrypted it.
    places: (usize, usize),
}

fn encrypted_key(row: &Line) -> Option<EncryptedKey<'_>> {
    let place = |name: &str| row.table.columns.iter().position(|column| column.name == name);
    let places = (place("sealed")?, place("sealed_by")?);
    // The first column names the key.
    match (row.values.first(), row.values.get(places.0)) {
        (Some(Value::Text(Some(name))), Some(Value::Bytes(Some(bytes)))) => {
            Some(EncryptedKey { name, key: SealedKey { bytes: bytes.clone(), by: String::new() }, places })
        }
        _ => None,
    }
}

/// Whether these keys can decrypt the key of a row; true if it has none.
pub fn can_decrypt(row: &Line, keys: &Keys) -> bool {
    encrypted_key(row).is_none_or(|encrypted_key| open(keys, encrypted_key.name, &encrypted_key.key).is_ok())
}

/// Re-encrypts the key of a row, if it has one.
///
/// # Errors
/// When `from` cannot decrypt it.
pub fn reseal(row: &mut Line, from: &Keys, to: &Keys) -> Result<(), Unavailable> {
    let Some(EncryptedKey { name, key, places }) = encrypted_key(row) else { return Ok(()) };
    let key = open(from, name, &key).map_err(|_| wrong())?;
    let new = Sealer { keys: to, entropy: &SystemEntropy }.seal(name, &key)?;
    let new = [(places.0, Value::Bytes(Some(new.bytes))), (places.1, Value::Text(Some(new.by)))];
    for (place, value) in new {
        row.values.splice(place..=place, [value]);
    }
    Ok(())
}

fn wrong() -> Unavailable {
    Unavailable::new("keys", "wrong passphrase or SECRET_KEY; they cannot be decrypted")
}
