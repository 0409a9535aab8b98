//! Reads lvs.cf, at start and at SIGHUP, and says what is wrong with it in the original's words.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use lvs_config::{Loaded, MAX_FILE, Severity};

use crate::lookup::SystemNames;

/// Reads and checks the file.
///
/// # Errors
/// The lines to log or print: the original's first, then one for each finding.
pub fn load(path: &Path) -> Result<Loaded, Vec<String>> {
    let name = path.display().to_string();
    let text = read(path).map_err(|error| {
        vec![
            format!("lvs: failed to open {name}"),
            format!("{name}: {error}"),
        ]
    })?;
    lvs_config::read(&text, &mut SystemNames::new()).map_err(|refusal| {
        let mut lines = vec![format!(
            "lvs: error parsing {name} on line {}.",
            refusal.line()
        )];
        lines.extend(
            refusal
                .findings
                .iter()
                .map(|finding| finding.in_file(&name)),
        );
        lines
    })
}

/// The first of the candidates that exists, else the first.
pub fn find(named: Option<&Path>) -> PathBuf {
    let candidates = lvs_config::candidates(named);
    let first = candidates.first().cloned().unwrap_or_default();
    let existing = candidates.into_iter().find(|path| path.exists());
    existing.unwrap_or(first)
}

/// Reads no more than a file may have; one byte more is enough to see that it is too long.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let limit = u64::try_from(MAX_FILE)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    let mut text = Vec::new();
    File::open(path)?.take(limit).read_to_end(&mut text)?;
    Ok(text)
}

/// What is odd about an accepted file, as log lines; notes are for `-t` only.
pub fn remarks(loaded: &Loaded, path: &Path, with_notes: bool) -> Vec<String> {
    let name = path.display().to_string();
    let shown = |severity| with_notes || severity != Severity::Note;
    let findings = loaded.findings.iter().filter(|f| shown(f.severity));
    findings.map(|finding| finding.in_file(&name)).collect()
}
