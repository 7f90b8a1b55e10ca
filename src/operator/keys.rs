#![expect(clippy::doc_markdown, reason = "the command line shows these comments verbatim")]

use super::{Failure, say, write};
use crate::bootstrap;
use crate::server::config::Config;
use crate::server::keys;
use crate::server::secret::{Entropy, SystemEntropy};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Subcommand;

#[derive(Subcommand)]
pub enum Keys {
    /// Creates a new key; the previous key stays valid for existing data
    ///
    /// If the key is in DATA_DIR, replaces it; restart the server afterwards. If SECRET_KEY is set, prints a new key to
    /// standard output and says which settings to change.
    Rotate,
}

pub fn run(Keys::Rotate: &Keys, config: &Config) -> Result<(), Failure> {
    if config.secret_key.is_some() {
        let mut bytes = [0; 32];
        SystemEntropy.fill(&mut bytes);
        write(&STANDARD.encode(bytes))?;
        say(
            "set SECRET_KEY_PREVIOUS to the current value of SECRET_KEY, set SECRET_KEY to the line above, and restart \
             the server; you can remove SECRET_KEY_PREVIOUS after 30 days",
        );
        if config.secret_key_previous.is_some() {
            say(
                "SECRET_KEY_PREVIOUS is already set: replace it after 30 days of use; earlier, reserved usernames and \
                 pending codes that depend on it are lost",
            );
        }
        return Ok(());
    }
    let file = bootstrap::key_file(config);
    keys::file::rotate(&file, &SystemEntropy)?;
    let before = keys::file::previous_file(&file);
    say(&format!(
        "replaced {}; restart the server. {} is still accepted; you can remove it after 30 days",
        file.display(),
        before.display()
    ));
    Ok(())
}
