//! Our end of the socket to a nanny, or to a process of many.

use daemon::{Child, Signal};
use nix::sys::epoll::Epoll;

/// Closes our end of a socket, after taking it out of the set. A copy of this process, which looks names
/// up, may hold the socket too; then its end would wake us up again and again.
pub fn close(links: &Epoll, child: &mut Child) {
    // An error says that it is not in there.
    let _ = child.link().map(|link| links.delete(link));
    child.close_link();
}

/// The same with a process that is not reaped yet, and from which nothing will come any more.
pub fn give_up(links: &Epoll, child: &mut Child) {
    close(links, child);
    if let Err(error) = child.signal(Signal::SIGKILL) {
        log::error!("cannot kill process {}: {error}", child.pid());
    }
}
