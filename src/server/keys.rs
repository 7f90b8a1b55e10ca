//! The secret that small values are hashed with, and where it comes from when nobody set one.

use crate::server::Unavailable;
use crate::server::secret::{Entropy, Secret, Token};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use sha2::Sha256;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Settings `SECRET_KEY` and `SECRET_KEY_PREVIOUS`: new hashes are made with the first, what is alive is checked with
/// either.
#[derive(Clone, Debug)]
pub struct Keys {
    current: Secret<Vec<u8>>,
    previous: Vec<Secret<Vec<u8>>>,
}

/// HMAC-SHA-256 (RFC 2104) of something that could be guessed without the key.
pub type KeyedHash = [u8; 32];

impl Keys {
    #[must_use]
    pub fn new<'a>(current: &Secret<String>, previous: impl IntoIterator<Item = &'a Secret<String>>) -> Self {
        let bytes = |key: &Secret<String>| Secret::new(key.expose().as_bytes().to_vec());
        Self { current: bytes(current), previous: previous.into_iter().map(bytes).collect() }
    }

    /// The one that hashes are made with, then those that are still accepted.
    fn all(&self) -> impl Iterator<Item = &Secret<Vec<u8>>> {
        std::iter::once(&self.current).chain(&self.previous)
    }

    /// Hashes `value`; `context` says what it is for and to what it belongs, so that no hash fits anything else.
    #[must_use]
    pub fn hash(&self, context: &[&[u8]], value: &[u8]) -> KeyedHash {
        mac(&self.current, context, value).finalize().into_bytes().into()
    }

    /// As [`Keys::hash`], with each key that is still accepted.
    #[must_use]
    pub fn hashes(&self, context: &[&[u8]], value: &[u8]) -> Vec<KeyedHash> {
        self.all().map(|key| mac(key, context, value).finalize().into_bytes().into()).collect()
    }

    /// Encrypts `value` so that it can be read and changed by nobody without the key: AES-256-GCM under a random nonce
    /// (NIST SP 800-38D) and a key derived from the secret. It can be opened with the same `context` alone.
    ///
    /// # Errors
    /// When `value` is longer than a message may be, which takes gigabytes.
    pub fn seal(&self, context: &[u8], value: &[u8], entropy: &dyn Entropy) -> Result<Vec<u8>, Unavailable> {
        let mut nonce = [0; NONCE_LEN];
        entropy.fill(&mut nonce);
        let mut sealed = value.to_vec();
        sealing_key(&self.current)
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(context), &mut sealed)
            .map_err(|_| Unavailable::new("secret key", "a value is too long to be sealed"))?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Decrypts what [`Keys::seal`] encrypted; `None` for anything else.
    #[must_use]
    pub fn open(&self, context: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>()?;
        self.all().find_map(|key| {
            let mut buffer = sealed.to_vec();
            let nonce = Nonce::assume_unique_for_key(*nonce);
            let opened = sealing_key(key).open_in_place(nonce, Aad::from(context), &mut buffer).ok()?.len();
            buffer.truncate(opened);
            Some(buffer)
        })
    }

    /// Whether `hash` was made of this value, in constant time.
    #[must_use]
    pub fn matches(&self, hash: &KeyedHash, context: &[&[u8]], value: &[u8]) -> bool {
        self.all().any(|key| mac(key, context, value).verify_slice(hash).is_ok())
    }
}

/// A key of its own, so that no hash says anything about it (HKDF's "extract", RFC 5869, section 2.2, gives as many bits).
fn sealing_key(key: &Secret<Vec<u8>>) -> LessSafeKey {
    let derived = mac(key, &[b"seal"], b"").finalize().into_bytes();
    #[expect(clippy::expect_used, reason = "HMAC-SHA-256 gives the 32 bytes that AES-256 takes")]
    let derived = UnboundKey::new(&AES_256_GCM, &derived).expect("32 bytes");
    LessSafeKey::new(derived)
}

/// Each part is preceded by its length, so that two contexts never run into the same bytes.
fn mac(key: &Secret<Vec<u8>>, context: &[&[u8]], value: &[u8]) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length (RFC 2104, section 2)")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose()).expect("a key of any length");
    for part in context.iter().copied().chain([value]) {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac
}

/// Reads the key in `file`, making it first when it is missing: 32 random bytes as base64, readable by its owner alone.
/// Of several processes that start at once, one makes it and all read the same.
///
/// # Errors
/// When the file cannot be written or read, or holds less than 32 bytes.
pub fn read_or_make(file: &Path, entropy: &dyn Entropy) -> Result<Secret<String>, Unavailable> {
    let failed = |cause: std::io::Error| Unavailable::new("secret key", format!("{}: {cause}", file.display()));
    if !file.exists() {
        let mut bytes = [0; 32];
        entropy.fill(&mut bytes);
        place(file, &STANDARD.encode(bytes), &Token::random(entropy).encode()).map_err(failed)?;
    }
    read(file)
}

/// Reads the key in `file`, and closes it to others.
///
/// # Errors
/// When it is not there, cannot be read, or holds less than 32 bytes.
pub fn read(file: &Path) -> Result<Secret<String>, Unavailable> {
    let failed = |cause: std::io::Error| Unavailable::new("secret key", format!("{}: {cause}", file.display()));
    let text = fs::read_to_string(file).map_err(failed)?;
    if fs::metadata(file).map_err(failed)?.permissions().mode() & 0o077 != 0 {
        tracing::warn!("{} could be read by others; it is closed to them now", file.display());
        fs::set_permissions(file, Permissions::from_mode(0o600)).map_err(failed)?;
    }
    let text = text.trim();
    if text.len() < 32 {
        return Err(Unavailable::new("secret key", format!("{} holds less than 32 bytes", file.display())));
    }
    Ok(Secret::new(text.to_owned()))
}

/// Where the key before stands, beside the one in `file`.
#[must_use]
pub fn previous_file(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".previous");
    name.into()
}

/// How long a key is needed after another took its place: names are held that long (`model::user::USERNAME_HELD`).
pub const STILL_NEEDED: Duration = Duration::from_hours(30 * 24);

/// Makes a new key in `file`; the one that was there is kept beside it as the previous one. Whoever reads both meanwhile
/// finds at least every key that is in use.
///
/// # Errors
/// When there is no key yet, the previous one is still needed, or a file cannot be written.
pub fn rotate(file: &Path, entropy: &dyn Entropy) -> Result<(), Unavailable> {
    let failed = |cause: std::io::Error| Unavailable::new("secret key", format!("{}: {cause}", file.display()));
    let before = previous_file(file);
    let age = match fs::metadata(&before).and_then(|facts| facts.modified()) {
        // From the future it is where the clock was set back: as good as new.
        Ok(made) => Some(made.elapsed().unwrap_or_default()),
        Err(cause) if cause.kind() == ErrorKind::NotFound => None,
        Err(cause) => return Err(failed(cause)),
    };
    // Where both hold the same key, an earlier rotation was cut between its two steps, and this one goes on with it.
    let was_cut = age.is_some() && read(&before)? == read(file)?;
    if let Some(age) = age.filter(|age| *age < STILL_NEEDED && !was_cut) {
        let days = STILL_NEEDED.saturating_sub(age).as_secs().div_ceil(24 * 60 * 60);
        return Err(Unavailable::new(
            "secret key",
            format!(
                "{} is needed for {days} days more; remove it only if names and codes of before may end",
                before.display()
            ),
        ));
    }
    let current = read(file)?.expose().to_owned();
    let mut bytes = [0; 32];
    entropy.fill(&mut bytes);
    for (target, text) in [(previous_file(file), current), (file.to_owned(), STANDARD.encode(bytes))] {
        let draft = write_draft(&target, &text, &Token::random(entropy).encode()).map_err(failed)?;
        fs::rename(&draft, &target).map_err(failed)?;
    }
    Ok(())
}

/// Writes the file whole or not at all, by way of a draft of that name; one that appeared meanwhile stays.
fn place(file: &Path, text: &str, draft: &str) -> std::io::Result<()> {
    let draft = write_draft(file, text, draft)?;
    let placed = fs::hard_link(&draft, file);
    fs::remove_file(&draft)?;
    match placed {
        Err(cause) if cause.kind() != ErrorKind::AlreadyExists => Err(cause),
        _ => Ok(()),
    }
}

fn write_draft(file: &Path, text: &str, name: &str) -> std::io::Result<PathBuf> {
    let draft = file.with_extension(format!("draft-{name}"));
    let mut opened: File = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    opened.write_all(text.as_bytes())?;
    opened.sync_all()?;
    Ok(draft)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::secret::SystemEntropy;

    fn key(letter: &str) -> Secret<String> {
        Secret::new(letter.repeat(32))
    }

    #[test]
    fn a_hash_fits_its_value_its_context_and_its_key_alone() {
        let keys = Keys::new(&key("a"), None);
        let hash = keys.hash(&[b"code", b"1"], b"123456");
        assert!(keys.matches(&hash, &[b"code", b"1"], b"123456"));
        assert!(!keys.matches(&hash, &[b"code", b"1"], b"123457"));
        assert!(!keys.matches(&hash, &[b"code", b"2"], b"123456"));
        assert!(!keys.matches(&hash, &[b"code1", b""], b"123456"));
        assert!(!Keys::new(&key("b"), None).matches(&hash, &[b"code", b"1"], b"123456"));
    }

    #[test]
    fn the_previous_key_is_still_accepted_and_no_longer_used() {
        let old = Keys::new(&key("a"), None).hash(&[], b"x");
        let keys = Keys::new(&key("b"), Some(&key("a")));
        assert!(keys.matches(&old, &[], b"x"));
        assert_ne!(keys.hash(&[], b"x"), old);
    }

    #[test]
    fn a_key_is_made_once_and_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret.key");
        let made = read_or_make(&file, &SystemEntropy).unwrap();
        assert_eq!(read_or_make(&file, &SystemEntropy).unwrap(), made);
        assert!(made.expose().len() >= 32);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left");
    }

    #[test]
    fn a_rotated_key_leaves_the_one_before_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret.key");
        assert!(rotate(&file, &SystemEntropy).is_err(), "there is nothing to rotate");
        let first = read_or_make(&file, &SystemEntropy).unwrap();
        rotate(&file, &SystemEntropy).unwrap();
        let second = read_or_make(&file, &SystemEntropy).unwrap();
        assert_ne!(first, second);
        assert_eq!(read_or_make(&previous_file(&file), &SystemEntropy).unwrap(), first);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "no draft is left");
        assert!(rotate(&file, &SystemEntropy).unwrap_err().to_string().contains("30 days more"));
        assert_eq!(read_or_make(&file, &SystemEntropy).unwrap(), second, "a key that is needed is not lost");
    }

    #[test]
    fn a_rotation_that_was_cut_between_its_steps_can_be_run_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret.key");
        let first = read_or_make(&file, &SystemEntropy).unwrap();
        // The first step was done, the second was not.
        fs::copy(&file, previous_file(&file)).unwrap();
        rotate(&file, &SystemEntropy).unwrap();
        assert_ne!(read(&file).unwrap(), first);
        assert_eq!(read(&previous_file(&file)).unwrap(), first);
        assert!(rotate(&file, &SystemEntropy).is_err(), "now the previous key is needed");
    }

    #[test]
    fn what_is_sealed_is_opened_by_its_context_and_either_key_alone() {
        let sealed = Keys::new(&key("a"), None).seal(b"one", b"a name and an address", &SystemEntropy).unwrap();
        assert!(!sealed.windows(4).any(|window| window == b"name"));
        for (current, previous) in [("a", None), ("b", Some("a"))] {
            let keys = Keys::new(&key(current), previous.map(key).as_ref());
            assert_eq!(keys.open(b"one", &sealed).unwrap(), b"a name and an address");
            assert_eq!(keys.open(b"other", &sealed), None);
        }
        assert_eq!(Keys::new(&key("b"), None).open(b"one", &sealed), None);
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(Keys::new(&key("a"), None).open(b"one", &changed), None, "{at}");
            assert_eq!(Keys::new(&key("a"), None).open(b"one", &sealed[..at]), None, "{at}");
        }
    }

    #[test]
    fn a_key_that_seems_to_come_from_the_future_is_still_needed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret.key");
        read_or_make(&file, &SystemEntropy).unwrap();
        rotate(&file, &SystemEntropy).unwrap();
        let before = fs::read_to_string(previous_file(&file)).unwrap();
        let ahead = fs::metadata(previous_file(&file)).unwrap().modified().unwrap() + Duration::from_hours(24);
        File::options().append(true).open(previous_file(&file)).unwrap().set_modified(ahead).unwrap();
        assert!(rotate(&file, &SystemEntropy).is_err());
        assert_eq!(fs::read_to_string(previous_file(&file)).unwrap(), before);
    }

    #[test]
    fn what_is_no_key_is_not_rotated() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret.key");
        fs::write(&file, "short").unwrap();
        assert!(rotate(&file, &SystemEntropy).unwrap_err().to_string().contains("less than 32 bytes"));
        assert_eq!(fs::read_to_string(&file).unwrap(), "short");
    }

    #[test]
    fn a_key_that_another_process_placed_first_stays() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret.key");
        place(&file, &"a".repeat(40), "1").unwrap();
        place(&file, &"b".repeat(40), "2").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "a".repeat(40));
    }

    #[test]
    fn a_key_that_others_could_read_is_closed_to_them() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret.key");
        fs::write(&file, "k".repeat(40)).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        read_or_make(&file, &SystemEntropy).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_file_that_is_no_key_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret.key");
        fs::write(&file, "short").unwrap();
        assert!(read_or_make(&file, &SystemEntropy).unwrap_err().to_string().contains("less than 32 bytes"));
    }
}
