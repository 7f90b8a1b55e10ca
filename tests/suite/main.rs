//! One test binary: the house, the settings, the stores and the whole program from outside.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod architecture;
