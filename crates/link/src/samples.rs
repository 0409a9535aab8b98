//! What the tests of this crate look at.

use kernel_wire::rtnetlink::Link;

/// An interface that is up, with everything that it can have.
pub(crate) fn link(index: u32, name: &str) -> Link {
    Link {
        index,
        name: name.to_owned(),
        mac: None,
        up: true,
        running: true,
        promotes: None,
        takes_ipv6: true,
        has_neighbours: true,
    }
}
