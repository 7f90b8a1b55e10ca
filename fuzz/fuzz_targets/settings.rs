//! Settings with arbitrary values: the result is a configuration, or a list of problems without secrets.
#![no_main]

use latchkey::server::config::{NAMES, Source};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|values: Vec<(u8, String)>| {
    let pairs: Vec<_> =
        values.into_iter().map(|(name, value)| (NAMES[usize::from(name) % NAMES.len()], value)).collect();
    let key = pairs.iter().rev().find(|(name, _)| *name == "SECRET_KEY").map(|(_, value)| value.trim().to_owned());
    if let Err(problems) = latchkey::bootstrap::settings(&Source::from_pairs(pairs)) {
        for problem in problems.iter().filter(|problem| problem.setting == "SECRET_KEY") {
            let length = key.as_ref().map_or(0, String::len);
            assert!(problem.found == "nothing" || problem.found == format!("{length} bytes"), "{}", problem.found);
        }
    }
});
