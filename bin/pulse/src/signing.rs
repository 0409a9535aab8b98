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

/// What stands in lvs.cf for it.
pub const fn name(authentication: Authentication) -> &'static str {
    match authentication {
        Authentication::Off => "off",
        Authentication::Accept => "accept",
        Authentication::Sign => "sign",
        Authentication::Require => "require",
    }
}

/// Why heartbeats are not to be signed as `next` says while a partner lives that signs its own or does not.
pub fn refusal(
    before: Authentication,
    next: Authentication,
    partner_signs: bool,
) -> Option<String> {
    if !mode(before).leaves_out_a_step(mode(next), partner_signs) {
        return None;
    }
    let next = name(next);
    let (why, steps) = if partner_signs {
        (
            "the partner may refuse heartbeats that are not signed",
            "require, sign, accept, off",
        )
    } else {
        (
            "the partner's heartbeats are not known to be signed, and would be refused",
            "off, accept, sign, require",
        )
    };
    Some(format!(
        "heartbeat_auth = {next}: {why}, and both directors would serve: take one step after the other on both, {steps}"
    ))
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
