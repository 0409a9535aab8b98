//! Signs and checks heartbeats: from the set-up to what `heartbeat::Auth` works with.

use std::fs::File;
use std::io::{self, Read};

use heartbeat::{Auth, ConfiguredRole, Settings};

use crate::setup::Setup;
use crate::signing::mode;

/// Signs and checks from this start on, with a boot id of its own.
///
/// # Errors
/// No randomness.
pub fn begin(setup: &Setup) -> io::Result<Auth> {
    let mut boot = [0; 8];
    File::open("/dev/urandom")?.read_exact(&mut boot)?;
    let Settings {
        service,
        role,
        dead_time,
        ..
    } = setup.settings;
    let mode = mode(setup.config.heartbeat.authentication);
    let primary = role == ConfiguredRole::Primary;
    let boot = u64::from_ne_bytes(boot).max(1);
    let keys = setup.keys.clone();
    Ok(Auth::new(service, primary, mode, keys, boot, dead_time))
}

/// Why the keys of `next` are not to be taken while the partner lives.
pub fn refusal(auth: &Auth, next: &Setup) -> Option<String> {
    let mode = mode(next.config.heartbeat.authentication);
    let id = auth.lost_key(mode, &next.keys)?;
    Some(format!(
        "{}: the partner signs with key {id}, which would not be known here any more, and both directors would \
         serve: let it sign with another one first",
        next.settings.keys
    ))
}

/// Signs and checks with what lvs.cf says now.
pub fn change(auth: &mut Auth, setup: &Setup) {
    let mode = mode(setup.config.heartbeat.authentication);
    auth.change(mode, setup.keys.clone(), setup.settings.dead_time);
}
