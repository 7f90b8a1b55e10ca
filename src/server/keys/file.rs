//! The key file for servers without `SECRET_KEY`: created once, rotated on demand.

use crate::server::Unavailable;
use crate::server::secret::{Entropy, Secret};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fs::{self, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::NamedTempFile;

/// Reads the key in `file`, and creates it first if it is missing: 32 random bytes as base64, readable only by its
/// owner. If several processes start at once, one creates the key and all read the same one.
///
/// # Errors
/// When the file cannot be written or read, or holds less than 32 bytes.
pub fn read_or_create(file: &Path, entropy: &dyn Entropy) -> Result<Secret<String>, Unavailable> {
    let failed = |cause: std::io::Error| Unavailable::new("secret key", format!("{}: {cause}", file.display()));
    if !file.exists() {
        place(file, &new_key(entropy)).map_err(failed)?;
    }
    read(file)
}

/// Reads the key in `file`, and makes the file readable only by its owner.
///
/// # Errors
/// When the file does not exist, cannot be read, or holds less than 32 bytes.
pub fn read(file: &Path) -> Result<Secret<String>, Unavailable> {
    let failed = |cause: std::io::Error| Unavailable::new("secret key", format!("{}: {cause}", file.display()));
    let text = fs::read_to_string(file).map_err(failed)?;
    if fs::metadata(file).map_err(failed)?.permissions().mode() & 0o077 != 0 {
        tracing::warn!(file = %file.display(), "key file was readable by other users; permissions fixed");
        fs::set_permissions(file, Permissions::from_mode(0o600)).map_err(failed)?;
    }
    let text = text.trim();
    if text.len() < 32 {
        return Err(Unavailable::new("secret key", format!("{} holds less than 32 bytes", file.display())));
    }
    Ok(Secret::new(text.to_owned()))
}

/// The file of the previous key, next to `file`.
#[must_use]
pub fn previous_file(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".previous");
    name.into()
}

/// How long a key is needed after it was replaced: usernames are held that long (`model::user::USERNAME_HOLD`).
pub const PREVIOUS_KEY_LIFETIME: Duration = Duration::from_hours(30 * 24);

/// Writes a new key to `file` and keeps the old one next to it as the previous key. A server that reads both files
/// meanwhile finds at least every key that is in use.
///
/// # Errors
/// When there is no key yet, the previous one is still needed, or a file cannot be written.
pub fn rotate(file: &Path, entropy: &dyn Entropy) -> Result<(), Unavailable> {
    let failed = |cause: std::io::Error| Unavailable::new("secret key", format!("{}: {cause}", file.display()));
    let before = previous_file(file);
    let age = match fs::metadata(&before).and_then(|facts| facts.modified()) {
        // A time in the future means that the clock was set back: the key counts as new.
        Ok(made) => Some(made.elapsed().unwrap_or_default()),
        Err(cause) if cause.kind() == ErrorKind::NotFound => None,
        Err(cause) => return Err(failed(cause)),
    };
    // If both files hold the same key, an earlier rotation was interrupted between its two steps; this one completes
    // it.
    let was_cut = age.is_some() && read(&before)? == read(file)?;
    if let Some(age) = age.filter(|age| *age < PREVIOUS_KEY_LIFETIME && !was_cut) {
        let days = PREVIOUS_KEY_LIFETIME.saturating_sub(age).as_secs().div_ceil(24 * 60 * 60);
        return Err(Unavailable::new(
            "secret key",
            format!(
                "{} is needed for {days} more days; remove it only if held usernames and older codes may be lost",
                before.display()
            ),
        ));
    }
    let current = read(file)?.expose().to_owned();
    for (target, key) in [(previous_file(file), current), (file.to_owned(), new_key(entropy))] {
        written(&target, &key).map_err(failed)?.persist(&target).map_err(|refused| failed(refused.error))?;
    }
    Ok(())
}

/// Writes the key to a temporary file next to `file`, readable only by its owner.
fn written(file: &Path, key: &str) -> io::Result<NamedTempFile> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut draft = tempfile::Builder::new().prefix("key-").suffix(".part").tempfile_in(folder)?;
    draft.write_all(key.as_bytes())?;
    draft.as_file().sync_all()?;
    Ok(draft)
}

/// Writes this key to `file`, unless another process created the file meanwhile.
fn place(file: &Path, key: &str) -> io::Result<()> {
    match written(file, key)?.persist_noclobber(file) {
        Err(refused) if refused.error.kind() != ErrorKind::AlreadyExists => Err(refused.error),
        _ => Ok(()),
    }
}

fn new_key(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; 32];
    entropy.fill(&mut bytes);
    STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::secret::SystemEntropy;
    use std::fs::File;

    #[test]
    fn a_key_is_created_once_and_readable_only_by_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret.key");
        let made = read_or_create(&file, &SystemEntropy).unwrap();
        assert_eq!(read_or_create(&file, &SystemEntropy).unwrap(), made);
        assert!(made.expose().len() >= 32);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left");
    }

    #[test]
    fn rotation_keeps_the_previous_key() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret.key");
        assert!(rotate(&file, &SystemEntropy).is_err(), "there is nothing to rotate");
        let first = read_or_create(&file, &SystemEntropy).unwrap();
        rotate(&file, &SystemEntropy).unwrap();
        let second = read_or_create(&file, &SystemEntropy).unwrap();
        assert_ne!(first, second);
        assert_eq!(read_or_create(&previous_file(&file), &SystemEntropy).unwrap(), first);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "no draft is left");
        assert!(rotate(&file, &SystemEntropy).unwrap_err().to_string().contains("30 more days"));
        assert_eq!(read_or_create(&file, &SystemEntropy).unwrap(), second, "a refused rotation keeps the key");
    }

    #[test]
    fn an_interrupted_rotation_can_be_repeated() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret.key");
        let first = read_or_create(&file, &SystemEntropy).unwrap();
        // The first step was done, the second was not.
        fs::copy(&file, previous_file(&file)).unwrap();
        rotate(&file, &SystemEntropy).unwrap();
        assert_ne!(read(&file).unwrap(), first);
        assert_eq!(read(&previous_file(&file)).unwrap(), first);
        assert!(rotate(&file, &SystemEntropy).is_err(), "now the previous key is needed");
    }

    #[test]
    fn a_key_with_a_future_time_is_still_needed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret.key");
        read_or_create(&file, &SystemEntropy).unwrap();
        rotate(&file, &SystemEntropy).unwrap();
        let before = fs::read_to_string(previous_file(&file)).unwrap();
        let ahead = fs::metadata(previous_file(&file)).unwrap().modified().unwrap() + Duration::from_hours(24);
        File::options().append(true).open(previous_file(&file)).unwrap().set_modified(ahead).unwrap();
        assert!(rotate(&file, &SystemEntropy).is_err());
        assert_eq!(fs::read_to_string(previous_file(&file)).unwrap(), before);
    }

    #[test]
    fn an_invalid_key_is_not_rotated() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret.key");
        fs::write(&file, "short").unwrap();
        assert!(rotate(&file, &SystemEntropy).unwrap_err().to_string().contains("less than 32 bytes"));
        assert_eq!(fs::read_to_string(&file).unwrap(), "short");
    }

    #[test]
    fn a_key_that_another_process_created_first_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret.key");
        place(&file, &"a".repeat(40)).unwrap();
        place(&file, &"b".repeat(40)).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "a".repeat(40));
    }

    #[test]
    fn a_readable_key_file_gets_its_permissions_fixed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret.key");
        fs::write(&file, "k".repeat(40)).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        read_or_create(&file, &SystemEntropy).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn an_invalid_key_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret.key");
        fs::write(&file, "short").unwrap();
        assert!(read_or_create(&file, &SystemEntropy).unwrap_err().to_string().contains("less than 32 bytes"));
    }
}
