//! What a pulse that was killed has left, at the next start of a director without a partner: nobody else has its
//! addresses, so they are still up, and nobody looks after their services.
//!
//! Where lvs.cf is refused, gone or without anything to serve, that start goes on with what was in force, as
//! behind a refused reload. A start that comes to nothing takes the addresses away.

use std::path::Path;

use config_file::{ConfigFile, read_in_force};
use daemon::{Lock, LockError};

use crate::addresses;
use crate::held_file::HeldFile;
use crate::setup;

/// What was in force, if a pulse was killed here that had no partner.
pub fn in_force(path: &Path) -> Option<ConfigFile> {
    let was_killed = !HeldFile::find_quietly().read().is_empty();
    let file = was_killed.then(|| read_in_force(path)).flatten()?.ok()?;
    let config = &file.loaded.config;
    let serves = setup::service(config, path).is_ok();
    (serves && !setup::has_partner(&config.heartbeat)).then_some(file)
}

/// Takes down what the last one held, unless a pulse runs: nobody serves here.
pub fn let_go() {
    let mut file = HeldFile::find_quietly();
    let held = file.read();
    if held.is_empty() {
        return;
    }
    // While it is ours none is started, which would adopt what is about to go.
    let lock = Lock::take("pulse");
    if matches!(lock, Err(LockError::Held(..))) {
        return;
    }
    log::error!("pulse was killed and does not start: its addresses go");
    match addresses::drop_left(&held) {
        Ok(()) => file.write(&[]),
        Err(error) => log::error!("its addresses stay: {error}"),
    }
    drop(lock);
}
