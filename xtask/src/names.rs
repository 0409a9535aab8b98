//! Documents that name tests and files: each must be there.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Documents whose tables say which test shows what.
const DOCUMENTS: [&str; 5] = [
    "docs/guide/differences.md",
    "docs/internals/faults.md",
    "docs/internals/heartbeat.md",
    "docs/internals/known-faults.md",
    "docs/internals/promises.md",
];

/// Where tests lie.
const FOLDERS: [&str; 7] = ["bench", "bin", "crates", "fuzz", "lab", "tests", "xtask"];

/// The name of a test is a sentence: no file, crate or option has this many underscores.
const SHORTEST_SENTENCE: usize = 3;

/// Which files have a function of this name, from the root of the workspace.
type Functions = BTreeMap<String, Vec<PathBuf>>;

/// One line for each test and file that a document of the workspace at `root` names and that is not
/// there. A document that is not there names none.
///
/// # Errors
/// A file or directory could not be read.
pub fn check(root: &Path) -> io::Result<Vec<String>> {
    let mut functions = Functions::new();
    for folder in FOLDERS {
        collect(root, Path::new(folder), &mut functions)?;
    }
    let mut breaches = Vec::new();
    for document in DOCUMENTS {
        let text = match fs::read_to_string(root.join(document)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        let missing = tests(&text).filter(|name| !is_there(name, &functions));
        breaches.extend(missing.map(|name| format!("{document} names {name}, which is no test")));
        let missing = files(&text).filter(|file| !root.join(file).is_file());
        breaches.extend(missing.map(|file| format!("{document} names {file}, which is no file")));
    }
    Ok(breaches)
}

/// Adds the functions of all Rust files below `folder`.
fn collect(root: &Path, folder: &Path, functions: &mut Functions) -> io::Result<()> {
    let entries = match fs::read_dir(root.join(folder)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let path = folder.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            if path.file_name() != Some("target".as_ref()) {
                collect(root, &path, functions)?;
            }
        } else if path.extension() == Some("rs".as_ref()) {
            let text = fs::read_to_string(entry.path())?;
            for name in functions_of(&text) {
                functions
                    .entry(name.to_owned())
                    .or_default()
                    .push(path.clone());
            }
        }
    }
    Ok(())
}

fn functions_of(text: &str) -> impl Iterator<Item = &str> {
    let behind = text.split("fn ").skip(1);
    behind.filter_map(|rest| rest.split(|c: char| !is_of_a_name(c)).next())
}

fn is_of_a_name(c: char) -> bool {
    c == '_' || c.is_ascii_alphanumeric()
}

fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .flat_map(|line| line.split('`').skip(1).step_by(2))
}

/// The tests that stand in backticks: `room::name`, or a sentence: `name`, `name…` for its beginning.
fn tests(text: &str) -> impl Iterator<Item = &str> {
    quoted(text).filter(|quoted| {
        let name = quoted.rsplit("::").next().unwrap_or(quoted);
        let bare = name.trim_end_matches('…');
        let is_path = name.len() < quoted.len() && bare.starts_with(|c: char| c.is_lowercase());
        let is_sentence = bare.matches('_').count() >= SHORTEST_SENTENCE;
        (is_path || is_sentence) && bare.chars().all(is_of_a_name)
    })
}

/// The files that stand in backticks, from the root of the workspace.
fn files(text: &str) -> impl Iterator<Item = &str> {
    quoted(text).filter(|quoted| quoted.contains('/') && quoted.ends_with(".rs"))
}

/// Whether there is such a function, in the room if one stands before it: a crate, a program, a
/// test binary, or a module of them. Types are no rooms.
fn is_there(test: &str, functions: &Functions) -> bool {
    let (rooms, name) = test.rsplit_once("::").unwrap_or(("", test));
    let mut rooms = rooms
        .split("::")
        .filter(|room| room.starts_with(|c: char| c.is_lowercase()));
    let is_in = |path: &PathBuf, room: &str| {
        let is_file = path.file_stem() == Some(room.as_ref());
        is_file || path.iter().any(|part| part == room)
    };
    let mut found: Vec<&PathBuf> = match name.strip_suffix('…') {
        Some(head) => functions
            .iter()
            .filter(|(function, _)| function.starts_with(head))
            .flat_map(|(_, paths)| paths)
            .collect(),
        None => functions.get(name).into_iter().flatten().collect(),
    };
    rooms.all(|room| {
        found.retain(|path| is_in(path, room));
        !found.is_empty()
    }) && !found.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tests_of_a_document_are_told_from_other_words() {
        let text = "| row | `kill -9` | `lvsd_kernel`: `a_test_with_a_name` |\n\
                    `pulse_pair::another_test_of_ours`, `only_the_beginning_…` and `by_hand::*`\n\
                    `bin/a/src/b.rs` `Site`, `a::checks`, `a::Type`, `x.rs`\n\
                    ```\nnot ` balanced_in_this_line_here\n";
        let expected = [
            "a_test_with_a_name",
            "pulse_pair::another_test_of_ours",
            "only_the_beginning_…",
            "a::checks",
        ];
        assert_eq!(tests(text).collect::<Vec<_>>(), expected);
        assert_eq!(files(text).collect::<Vec<_>>(), ["bin/a/src/b.rs"]);
    }

    #[test]
    fn a_test_that_is_not_there_or_not_in_its_room_is_named() {
        let text = "    fn a_test_that_is_there() {\npub(crate) fn helper<'a>(x: &'a str) {}\n";
        let path = PathBuf::from("crates/popt/src/scan.rs");
        let functions: Functions = functions_of(text)
            .map(|name| (name.to_owned(), vec![path.clone()]))
            .collect();
        for there in [
            "a_test_that_is_there",
            "a_test_that_…",
            "popt::a_test_that_…",
            "popt::scan::helper",
            "Table::helper",
        ] {
            assert!(is_there(there, &functions), "{there}");
        }
        for missing in [
            "a_test_that_is",
            "a_test_that_was_…",
            "link::helper",
            "popt::link::helper",
        ] {
            assert!(!is_there(missing, &functions), "{missing}");
        }
    }

    #[test]
    fn every_test_and_file_that_the_documents_name_is_there() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        assert_eq!(check(&root).unwrap(), Vec::<String>::new());
    }
}
