//! The content of lvs.cf that pulse gives to the lvsd or fos that it starts: the child's end.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use daemon::PARENT_VARIABLE;

use crate::disk::{self, Reader};

/// The environment variable by which pulse says where the content in force is.
pub(crate) const VARIABLE: &str = "CARIBE_CONFIG";
/// Only pulse's own children go by that; their children inherit the variable too.
const PARENT: &str = "pulse";

/// Where pulse has put the content for us, if it is our parent and says so.
pub(crate) fn from_env() -> Option<PathBuf> {
    let is_child = std::env::var_os(PARENT_VARIABLE).is_some_and(|name| name == PARENT);
    std::env::var_os(VARIABLE)
        .filter(|_| is_child)
        .map(Into::into)
}

/// The content that pulse has put there. `None` if there is none, which pulse has logged, or if it cannot
/// be read: then lvs.cf itself counts.
pub(crate) fn read(place: &Path) -> Option<Vec<u8>> {
    match disk::read(place, Reader::Daemon) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => {
            let reason = disk::reason(&error);
            log::warn!("{}: {reason}: the file itself is read", place.display());
            None
        }
    }
}

/// The file beside `place` with the addresses that the names of the content had when it was accepted.
pub(crate) fn names_place(place: &Path) -> PathBuf {
    let mut name = place.as_os_str().to_owned();
    name.push(".names");
    name.into()
}

/// As they stand in that file.
pub(crate) fn print_names(names: &HashMap<String, IpAddr>) -> String {
    let lines = names
        .iter()
        .map(|(name, address)| format!("{address} {name}\n"));
    lines.collect()
}

/// The addresses that pulse has put there, for names that nobody knows now. Empty if there is no such file:
/// then the names are only looked up.
pub(crate) fn names(place: &Path) -> HashMap<String, IpAddr> {
    let text = disk::read(&names_place(place), Reader::Daemon).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let names = text.lines().filter_map(|line| {
        let (address, name) = line.split_once(' ')?;
        Some((name.to_owned(), address.parse().ok()?))
    });
    names.collect()
}
