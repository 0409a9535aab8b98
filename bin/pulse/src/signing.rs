//! How heartbeats are signed: what lvs.cf says of it.

use heartbeat::Mode;
use heartbeat::datagram::signed::Key;
use lvs_config::{Authentication, Heartbeat};

use crate::keys::{self, KeyError};

/// The machine's word for lvs.cf `heartbeat_auth`.
pub const fn mode(authentication: Authentication) -> Mode {
    match authentication {
        Authentication::Off => Mode::Off,
        Authentication::Accept => Mode::Accept,
        Authentication::Sign => Mode::Sign,
        Authentication::Require => Mode::Require,
    }
}

/// The keys, if heartbeats are signed or checked.
///
/// # Errors
/// [`KeyError`].
pub fn keys(pair: &Heartbeat) -> Result<Vec<Key>, KeyError> {
    match pair.authentication {
        Authentication::Off => Ok(Vec::new()),
        _ => keys::read(pair.key_file.as_deref()),
    }
}

/// Where the keys lie, in words.
pub fn place(pair: &Heartbeat) -> String {
    match &pair.key_file {
        Some(file) => file.display().to_string(),
        None => "the credential heartbeat_key".to_owned(),
    }
}
