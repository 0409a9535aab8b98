//! Who reads our lines: systemd's journal takes a line's severity from its beginning, sd-daemon(3).

use std::ffi::OsStr;
use std::io;
use std::os::fd::AsFd;

use nix::sys::stat::{SFlag, fstat};

use crate::PARENT_VARIABLE;

/// The service manager's word: device and inode of what leads to the journal. systemd.exec(5)
const STREAM: &str = "JOURNAL_STREAM";

/// Whether lines on standard output go to the journal, on their own or by a parent that hands them on.
pub(super) fn reads_output() -> bool {
    leads_there(io::stdout()) || is_handed_on() && reads_errors()
}

/// Whether lines on standard error do.
pub(super) fn reads_errors() -> bool {
    leads_there(io::stderr())
}

/// Whether a parent of ours reads our standard output: it hands lines on to where our standard error is.
fn is_handed_on() -> bool {
    let kind = fstat(io::stdout()).map_or(0, |status| status.st_mode) & SFlag::S_IFMT.bits();
    kind == SFlag::S_IFIFO.bits() && std::env::var_os(PARENT_VARIABLE).is_some()
}

fn leads_there(fd: impl AsFd) -> bool {
    let named = std::env::var_os(STREAM);
    named.zip(fstat(fd).ok()).is_some_and(|(named, status)| {
        let own = format!("{}:{}", status.st_dev, status.st_ino);
        named.as_os_str() == OsStr::new(&own)
    })
}
