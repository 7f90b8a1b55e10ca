//! No import cycles: modules of a layer import each other one way, so each can be read without the others' internals.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// A module's path, such as `server::auth::sign_in`; `mod.rs` has the path of its folder.
type Module = String;

/// All modules of the crate with their sources, without tests.
fn modules() -> BTreeMap<Module, String> {
    fn below(folder: &Path, prefix: &str, found: &mut BTreeMap<Module, String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let name = if prefix.is_empty() { stem.clone() } else { format!("{prefix}::{stem}") };
            if path.is_dir() {
                below(&path, &name, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let text = text.split("#[cfg(test)]").next().unwrap().to_owned();
                let name = if matches!(stem.as_str(), "mod" | "lib") { prefix.to_owned() } else { name };
                found.insert(name, text);
            }
        }
    }
    let mut found = BTreeMap::new();
    below(Path::new("src"), "", &mut found);
    found.remove("main");
    found
}

/// The paths of all `use` declarations, with groups expanded.
fn uses(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in text.split(';') {
        let line = line.trim_start();
        let start = line.rfind("\nuse ").map(|at| at + 5).or_else(|| line.rfind("\npub use ").map(|at| at + 9));
        let start =
            start.or_else(|| line.strip_prefix("use ").map(|_| 4)).or_else(|| line.strip_prefix("pub use ").map(|_| 8));
        if let Some(start) = start {
            expand(&line[start..], "", &mut found);
        }
    }
    found
}

fn expand(tree: &str, prefix: &str, found: &mut Vec<String>) {
    let tree = tree.trim();
    let Some((head, group)) = tree.split_once('{') else {
        let name = tree.split(" as ").next().unwrap().trim();
        found.push(format!("{prefix}{}", name.strip_suffix("::self").unwrap_or(name)));
        return;
    };
    let (mut depth, mut item) = (0, String::new());
    let prefix = format!("{prefix}{}", head.trim());
    for character in group.chars() {
        match character {
            '}' if depth == 0 => break,
            ',' if depth == 0 => {
                expand(&std::mem::take(&mut item), &prefix, found);
                continue;
            }
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        item.push(character);
    }
    if !item.trim().is_empty() {
        if item.trim() == "self" {
            found.push(prefix.trim_end_matches("::").to_owned());
        } else {
            expand(&item, &prefix, found);
        }
    }
}

/// The path from the crate root; `None` for other crates and for bare paths to the module's own children.
fn absolute(path: &str, module: &str) -> Option<String> {
    if let Some(rest) = path.strip_prefix("crate::") {
        return Some(rest.to_owned());
    }
    if let Some(rest) = path.strip_prefix("self::") {
        return Some(format!("{module}::{rest}"));
    }
    let mut steps: Vec<_> = module.split("::").collect();
    let mut rest = path;
    while let Some(further) = rest.strip_prefix("super::") {
        steps.pop();
        rest = further;
    }
    (rest != path).then(|| steps.into_iter().chain([rest]).collect::<Vec<_>>().join("::"))
}

/// The module that a path refers to: the deepest matching module, then through its re-exports.
fn resolve(path: &str, all: &BTreeMap<Module, String>) -> Option<Module> {
    let mut module = String::new();
    let mut rest = path.split("::").peekable();
    while let Some(step) = rest.peek() {
        let deeper = if module.is_empty() { (*step).to_owned() } else { format!("{module}::{step}") };
        if !all.contains_key(&deeper) {
            break;
        }
        module = deeper;
        rest.next();
    }
    let text = all.get(&module)?;
    // A whole module was imported.
    let Some(name) = rest.next() else { return Some(module) };
    // `pub use child::Name` in `mod.rs` refers to the child.
    let exported =
        uses(text).into_iter().find(|used| used.rsplit("::").next() == Some(name) && !used.starts_with("crate"));
    let child = exported.and_then(|used| {
        let used = used.strip_prefix("self::").unwrap_or(&used).to_owned();
        let inner = format!("{module}::{used}");
        (inner != path).then(|| resolve(&inner, all)).flatten()
    });
    Some(child.unwrap_or(module))
}

/// The imports of each module from its own crate.
fn imports(all: &BTreeMap<Module, String>) -> BTreeMap<Module, BTreeSet<Module>> {
    let mut graph = BTreeMap::new();
    for (module, text) in all {
        let mut targets = BTreeSet::new();
        for path in uses(text) {
            let Some(target) = absolute(&path, module).and_then(|path| resolve(&path, all)) else { continue };
            // A module may import its own children.
            if target != *module && !target.starts_with(&format!("{module}::")) {
                targets.insert(target);
            }
        }
        graph.insert(module.clone(), targets);
    }
    graph
}

/// An import cycle through a module, if there is one.
fn find_cycle(start: &str, graph: &BTreeMap<Module, BTreeSet<Module>>) -> Option<Vec<Module>> {
    let mut paths = vec![vec![start.to_owned()]];
    let mut seen = BTreeSet::new();
    while let Some(path) = paths.pop() {
        for next in graph.get(path.last().unwrap()).into_iter().flatten() {
            if next == start {
                return Some(path);
            }
            if seen.insert(next.clone()) {
                paths.push(path.iter().cloned().chain([next.clone()]).collect());
            }
        }
    }
    None
}

#[test]
fn there_are_no_import_cycles() {
    let all = modules();
    let graph = imports(&all);
    let edges: usize = graph.values().map(BTreeSet::len).sum();
    assert!(all.len() > 150 && edges > 500, "{} modules with {edges} imports were found", all.len());
    let cycles: BTreeSet<_> = all
        .keys()
        .filter_map(|module| find_cycle(module, &graph))
        .map(|mut cycle| {
            cycle.sort();
            cycle
        })
        .collect();
    assert!(cycles.is_empty(), "{cycles:#?}");
}

#[test]
fn a_cycle_is_found() {
    let module = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    let all = BTreeMap::from([
        module("a", "mod one;\nmod two;\npub use one::One;\npub use two::Two;"),
        module("a::one", "use super::Two;\npub struct One;"),
        module("a::two", "use crate::a::{One};\npub struct Two;"),
        module("b", "use crate::a::One;"),
        module("c", "mod one;\nmod two;"),
        module("c::one", "use super::two;"),
        module("c::two", "use super::one::One;"),
    ]);
    let graph = imports(&all);
    assert_eq!(graph["a::one"], BTreeSet::from(["a::two".to_owned()]));
    assert!(find_cycle("a::one", &graph).is_some());
    assert!(find_cycle("b", &graph).is_none());
    assert!(find_cycle("c::one", &graph).is_some(), "importing a whole module counts");
}
