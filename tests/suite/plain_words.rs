//! The words of files, and the length of sentences in documents.

use crate::documents::{documents, has_extension, paths};
use std::fs;

/// Words of the first version's dialect, which standard terms have replaced.
const DIALECT: [&str; 6] = ["letter", "letters", "whoever", "somebody", "nobody", "bears"];

/// How often [`DIALECT`] may occur: letters of the alphabet, stored values, former names, and this test.
const MAX_OUTDATED_TERMS: usize = 60;

#[test]
fn files_use_standard_terms() {
    // Migrations never change. In `end2end`, there are also the installed packages and results.
    let folders = [
        ".ci",
        ".github",
        "base",
        "benches",
        "deploy",
        "docs",
        "end2end/parties",
        "end2end/tests",
        "front",
        "fuzz/fuzz_targets",
        "public",
        "scripts",
        "src",
        "style",
        "tests",
        "texts",
    ];
    let top_level = fs::read_dir(".").unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let top_level = top_level.map(|path| path.display().to_string()).filter(|file| !has_extension(file, "lock"));
    let files = folders.into_iter().flat_map(paths).chain(top_level);
    let (mut found, mut comments) = (Vec::new(), Vec::new());
    // Dumps of the previous version's database are data.
    for file in files.filter(|file| !file.contains("/fixtures/")) {
        let Ok(text) = fs::read_to_string(&file) else { continue };
        for line in text.lines() {
            let words = line.split(|character: char| !character.is_alphanumeric() && character != '_');
            let old = words.filter(|word| DIALECT.contains(&word.to_lowercase().as_str()));
            found.extend(old.map(|_| format!("{file}: {line}")));
            let comment = line.trim_start().trim_start_matches(['/', '!', '*', '#']);
            if line.trim_start().starts_with("//") && comment.starts_with(" What ") {
                comments.push(format!("{file}: {line}"));
            }
        }
    }
    assert!(found.len() < MAX_OUTDATED_TERMS, "{} words: {found:#?}", found.len());
    assert!(comments.len() < 10, "comments that begin with \"What\": {comments:#?}");
}

/// The longest sentence in a document, in words; code does not count, and a colon or a semicolon ends a part.
const MAX_WORDS: usize = 25;

/// The paragraphs, list items and table cells of a document, without code blocks.
fn paragraphs(text: &str) -> Vec<String> {
    let (mut all, mut current, mut is_code) = (Vec::new(), String::new(), false);
    for line in text.lines().map(str::trim) {
        if line.starts_with("```") {
            is_code = !is_code;
        }
        let is_item =
            line.starts_with("- ") || line.split_once(". ").is_some_and(|(number, _)| number.parse::<u8>().is_ok());
        if is_item || line.is_empty() || line.starts_with(['#', '|']) {
            all.push(std::mem::take(&mut current));
        }
        if line.starts_with('|') {
            all.extend(line.split('|').map(str::to_owned));
        } else if !is_code && !line.starts_with(['#', '<']) {
            current = format!("{current} {line}");
        }
    }
    all.push(current);
    all
}

/// The words of a sentence: without code, and without the targets of links.
fn words_of(sentence: &str) -> usize {
    let prose: String = sentence.split('`').step_by(2).collect::<Vec<_>>().join(" ");
    let prose = prose.split("](").enumerate().map(|(index, part)| match index {
        0 => part,
        _ => part.split_once(')').map_or("", |(_, rest)| rest),
    });
    let prose = prose.collect::<Vec<_>>().join(" ");
    prose.split_whitespace().filter(|word| word.chars().any(char::is_alphanumeric)).count()
}

#[test]
fn sentences_in_documents_are_short() {
    for document in documents() {
        for paragraph in paragraphs(&fs::read_to_string(&document).unwrap()) {
            for sentence in paragraph.split(". ") {
                for part in sentence.split([';', ':', '?', '!']) {
                    let words = words_of(part);
                    assert!(words <= MAX_WORDS, "{document}: {words} words: {part}");
                }
            }
        }
    }
    assert_eq!(words_of("A [link](to/a.file) and `some code` here."), 4);
}
