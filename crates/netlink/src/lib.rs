//! One netlink socket: batches out, answers in, by sequence number.
//!
//! `ipvs` (generic netlink) and `link` (rtnetlink) talk to the kernel through it. The bytes are
//! [`kernel_wire::netlink`]'s; what they mean is the caller's. Nothing here runs by itself: no thread, no
//! retry but of interrupted calls.
//!
//! ```no_run
//! use netlink::{NetlinkSocket, Protocol};
//! use kernel_wire::netlink::{DUMP, Requests};
//!
//! # fn main() -> Result<(), netlink::NetlinkError> {
//! // All addresses of the namespace: RTM_GETADDR with an empty struct ifaddrmsg.
//! let mut socket = NetlinkSocket::open(Protocol::Route)?;
//! let mut requests = Requests::new();
//! let sequence = socket.next_sequence();
//! requests.message(22, DUMP, sequence, |message| message.raw(&[0; 8]));
//! let mut addresses = 0;
//! socket.send(&requests)?;
//! socket.answers(sequence, |message| {
//!     addresses += usize::from(message.kind == 20);
//!     Ok::<_, netlink::NetlinkError>(())
//! })?;
//! # Ok(())
//! # }
//! ```

mod error;
mod socket;
#[cfg(test)]
mod tests;

pub use error::NetlinkError;
pub use socket::{Calls, Completeness, NetlinkSocket, Protocol};
