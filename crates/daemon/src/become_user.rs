//! How a monitor of this suite becomes the user that root's lvsd or fos names: by itself, as its first act.
//!
//! So its parent starts it without a copy of itself, which a change of user between fork and exec would be. Any
//! other program is started as that user: nothing else says that it would give up root.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::Path;

use lvs_sys::Capabilities;
use nix::unistd::{Gid, Uid, setgid, setgroups, setuid};

use crate::installed::is_installed_beside;

/// The environment variable that names the user: `UID:GID`.
pub const USER_VARIABLE: &str = "CARIBE_USER";

/// The path by which the suite's own monitor is started.
const MONITOR: &str = "/usr/sbin/nanny";

/// Whom a child runs as, by numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User {
    /// User id.
    pub uid: u32,
    /// Group id; the child has no other groups.
    pub gid: u32,
}

impl User {
    fn parse(text: &str) -> Option<Self> {
        let (uid, gid) = text.split_once(':')?;
        Some(Self {
            uid: uid.parse().ok()?,
            gid: gid.parse().ok()?,
        })
    }
}

impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.uid, self.gid)
    }
}

/// Whether the program at `path` calls [`become_named_user`]: the monitor that is installed beside us.
pub fn becomes_its_user(path: &Path) -> bool {
    path == Path::new(MONITOR) && is_installed_beside(path)
}

/// Becomes the user that [`USER_VARIABLE`] names, for good: without other groups, and without a
/// capability unless that is root. Does nothing where it is not set. To be called before anything else.
///
/// # Errors
/// The variable names nobody; no right to become that user.
pub fn become_named_user() -> io::Result<()> {
    match std::env::var_os(USER_VARIABLE) {
        Some(name) => become_user(&name)
            .map_err(|error| io::Error::other(format!("cannot become user {name:?}: {error}"))),
        None => Ok(()),
    }
}

fn become_user(name: &OsString) -> io::Result<()> {
    let user = name.to_str().and_then(User::parse);
    let user = user.ok_or_else(|| io::Error::other("not UID:GID"))?;
    setgroups(&[])?;
    setgid(Gid::from_raw(user.gid))?;
    setuid(Uid::from_raw(user.uid))?;
    if user.uid == 0 {
        return Ok(());
    }
    // The change of user takes them, but not where securebits say otherwise: capabilities(7).
    lvs_sys::keep_capabilities(Capabilities::NONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_read_as_it_is_written() {
        let user = User {
            uid: 64_001,
            gid: u32::MAX,
        };
        assert_eq!(User::parse(&user.to_string()), Some(user));
        for text in ["", "1", "1:", ":1", "-1:1", "1:2:3", "1:4294967296", "a:b"] {
            assert_eq!(User::parse(text), None, "{text}");
        }
    }

    #[test]
    fn no_program_but_our_own_monitor_is_left_to_become_its_user() {
        // No nanny lies beside this test.
        for path in ["/usr/sbin/nanny", "/opt/nanny", "nanny", "/bin/sh"] {
            assert!(!becomes_its_user(Path::new(path)), "{path}");
        }
    }
}
