//! popt's alias files: the system's, and the user's in the home directory, which wins.

use std::path::{Path, PathBuf};

use popt::Aliases;

/// Those of everybody.
const FILE: &str = "/etc/popt";
/// Those of a user, in the home directory.
const OWN_FILE: &str = ".popt";

/// The aliases of `program`, from the files that exist. A program reads them once, at its start.
#[must_use]
pub fn aliases(program: &str) -> Aliases {
    let home = std::env::var_os("HOME").map(|home| Path::new(&home).join(OWN_FILE));
    let mut aliases = Aliases::default();
    for path in [Some(PathBuf::from(FILE)), home].into_iter().flatten() {
        if let Ok(text) = std::fs::read(path) {
            aliases.add(program, &text);
        }
    }
    aliases
}
