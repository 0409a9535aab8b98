//! The one place where a daemon sleeps.

use std::io;
use std::time::Duration;

use lvs_model::Mono;
use nix::errno::Errno;
use nix::poll::{PollFd, ppoll};
use nix::sys::time::TimeSpec;

use crate::Clock;
use crate::log::output;
use crate::notify;

/// Whoever did not read what we said is tried again after so long.
const OWED_PAUSE: Duration = Duration::from_secs(1);

/// Sleeps until one of `fds` has what it waits for, or until `deadline`; for ever without one.
///
/// Returns whether a descriptor is ready (see [`PollFd::revents`]). A signal ends the sleep early
/// with `false`; so the caller looks at the clock and at its signals in any case. Deadlines are
/// kept to the kernel's resolution, not rounded to milliseconds. So long as the reader of standard
/// output or the service manager is owed something the sleep lasts a second at most.
///
/// # Errors
/// Those of ppoll(2): more descriptors than the process may have, no memory.
pub fn wait(fds: &mut [PollFd<'_>], clock: &Clock, deadline: Option<Mono>) -> io::Result<bool> {
    if output::is_behind() {
        output::catch_up();
    }
    if notify::is_behind() {
        notify::catch_up();
    }
    let now = clock.now();
    let is_owed = output::is_behind() || notify::is_behind();
    let owed = is_owed.then(|| now + OWED_PAUSE);
    let deadline = deadline.into_iter().chain(owed).min();
    let timeout = deadline.map(|deadline| TimeSpec::from(deadline.since(now)));
    match ppoll(fds, timeout, None) {
        Ok(ready) => Ok(ready > 0),
        Err(Errno::EINTR) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;
    use std::time::Duration;

    use nix::poll::PollFlags;

    use super::*;

    #[test]
    fn the_sleep_ends_at_the_deadline_or_with_a_ready_descriptor() {
        let clock = Clock::start();
        let (reader, mut writer) = UnixStream::pair().unwrap();
        let mut fds = [PollFd::new(reader.as_fd(), PollFlags::POLLIN)];
        let deadline = clock.now() + Duration::from_millis(5);
        assert!(!wait(&mut fds, &clock, Some(deadline)).unwrap());
        assert!(clock.now() >= deadline);

        writer.write_all(b"x").unwrap();
        assert!(wait(&mut fds, &clock, None).unwrap());
        assert_eq!(fds[0].any(), Some(true));
    }

    #[test]
    fn a_deadline_that_has_passed_only_looks() {
        let clock = Clock::start();
        assert!(!wait(&mut [], &clock, Some(Mono::ZERO)).unwrap());
    }
}
