//! Addresses on interfaces, their announcement, the state of links.
//!
//! - [`Links`]: asks and changes the kernel's addresses over rtnetlink
//! - [`Watch`]: hears when somebody else changes them
//! - [`Announcer`]: gratuitous ARP and unsolicited neighbour advertisements; asks who else has an address
//! - [`Answers`]: hears what is answered
//! - [`plan`]: which addresses are missing, which are left over; pure
//! - [`own`]: the addresses that heartbeats are sent from; pure
//! - [`partners`]: the partner's addresses, which must not be here; pure
//! - [`trouble`]: addresses that could not be served from here; pure
//! - [`unannounced`]: addresses on a device that no announcement leaves; pure
//! - [`Sightings`]: hears who says to have an IPv4 address; [`rivals`]: who of them is one too many, pure
//! - [`strays`]: lvs.cf's addresses that are here though they are not held; pure
//! - [`lone`]: addresses of lvs.cf that alone lead to the partner; pure
//! - [`left`]: addresses that could not be taken down; pure
//! - [`held`]: what is held, on which interfaces, and what a notification means for it; pure
//!
//! `bin/pulse` and `bin/send_arp` are the callers. Nothing in here decides who holds an address.

mod announce;
mod answers;
mod error;
pub mod held;
pub mod left;
mod links;
pub mod lone;
pub mod own;
pub mod partners;
pub mod plan;
mod refusals;
pub mod rivals;
#[cfg(test)]
mod samples;
mod sightings;
pub mod strays;
pub mod trouble;
pub mod unannounced;
mod watch;

pub use announce::Announcer;
pub use answers::Answers;
pub use error::LinkError;
pub use held::{Found, Held, Missing};
pub use kernel_wire::ndisc::Advertisement;
pub use kernel_wire::rtnetlink::{Address, Link};
pub use links::{Links, Outcome};
pub use lvs_model::Mac;
pub use own::{Own, OwnChange};
pub use partners::{PartnerChange, Partners};
pub use plan::{Assignment, Change};
pub use rivals::{More, Rival, Rivals, Sighting};
pub use sightings::Sightings;
pub use strays::{Stray, Strays};
pub use trouble::{Fault, Trouble, TroubleNews, Troubles};
pub use watch::{Event, Watch};
