#![expect(clippy::doc_markdown, reason = "the command line shows these comments as they are")]

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
    /// Makes a new key; the previous key stays valid for existing data
    ///
    /// With the key in DATA_DIR it does everything, and the server has to be started again. With SECRET_KEY it writes a new
    /// key to standard output, and says what to set.
    Rotate,
}

pub fn run(Keys::Rotate: &Keys, config: &Config) -> Result<(), Failure> {
    if config.secret_key.is_some() {
        let mut bytes = [0; 32];
        SystemEntropy.fill(&mut bytes);
        write(&STANDARD.encode(bytes))?;
        say(
            "set SECRET_KEY_PREVIOUS to what SECRET_KEY is now, SECRET_KEY to the line above, and start the server again; \
             the previous one may go after 30 days",
        );
        if config.secret_key_previous.is_some() {
            say("SECRET_KEY_PREVIOUS is set already: wait until it is 30 days old, or what it still stands for ends");
        }
        return Ok(());
    }
    let file = bootstrap::key_file(config);
    keys::file::rotate(&file, &SystemEntropy)?;
    let before = keys::file::previous_file(&file);
    say(&format!(
        "{} is new; start the server again. {} is still accepted, and may be removed after 30 days",
        file.display(),
        before.display()
    ));
    Ok(())
}
