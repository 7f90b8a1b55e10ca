//! Messages of the program on standard error; standard output is for results.

use std::io::Write as _;
use std::process::ExitCode;

/// Writes text. If that fails, the exit code still tells the result.
pub fn write(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// Writes a message, with the program's name before it.
pub fn say(sentence: &str) {
    write(&format!("latchkey: {sentence}\n"));
}

/// Writes why the program ends, and returns exit code 1.
pub fn fail(sentence: &str) -> ExitCode {
    say(sentence);
    ExitCode::from(1)
}
