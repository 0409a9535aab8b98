//! Room for many descriptors. A process usually begins with a limit of 1 024, which programs that use
//! select(2) rely on, and may raise it itself. Called by lvsd, whose nannies inherit it.

use std::io;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// A socket for each of 5 000 nannies, or a connection to each of 20 000 real servers at once, and room.
const WANTED: u64 = 65_536;

/// Raises the number of descriptors that this process may have, as far as it is allowed to; never lowers
/// it.
///
/// # Errors
/// None that a kernel gives for what its own limit permits.
pub fn make_room_for_descriptors() -> io::Result<()> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let wanted = WANTED.min(hard);
    if soft < wanted {
        setrlimit(Resource::RLIMIT_NOFILE, wanted, hard)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_raised_as_far_as_is_allowed_and_never_lowered() {
        let hard = getrlimit(Resource::RLIMIT_NOFILE).unwrap().1;
        setrlimit(Resource::RLIMIT_NOFILE, hard.min(64), hard).unwrap();
        make_room_for_descriptors().unwrap();
        let soft = || getrlimit(Resource::RLIMIT_NOFILE).unwrap().0;
        assert_eq!(soft(), hard.min(WANTED));
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard).unwrap();
        make_room_for_descriptors().unwrap();
        assert_eq!(soft(), hard);
    }
}
