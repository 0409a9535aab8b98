//! pulse's decisions: who is active, when to take over, when to give up.
//!
//! [`Node`] is one director's view of its partner. It never reads a clock or a socket: the shell
//! (`bin/pulse`) hands it the time and an [`Input`], and carries out the [`Action`]s in order.
//!
//! - [`datagram`]: the bytes, signed or not
//! - [`auth`]: signed heartbeats: which of the partner's datagrams count
//! - [`transitions`]: the transition table, as data; the program walks the same rows that are documented
//! - [`node`]: the machine: phases with their data, deadlines, and what each verdict of the table means in actions
//! - [`partner`]: what is known of the partner, path by path
//! - [`fitness`]: why a node should leave the service to a living partner
//! - [`orders`]: what an administrator may order
//! - [`view`]: what a status shows
//! - [`question`]: a heartbeat that does not come is asked for
//! - [`supervise`]: the service as a process: started, ready, ending, tried again
//! - [`notice`]: every log line, in the original's words
//! - [`duplicates`]: IPv6 addresses that another machine has, too
//! - [`schedule`]: when announcements of the addresses are repeated
//! - [`Input`], [`Action`], [`Settings`] (`model`): what goes into the machine, what comes out, what lvs.cf sets
//! - [`PairPath`], [`Ends`] (`pair`): the two directors, the ways between them
//! - [`Said`] (`said`): what a heartbeat says besides its value
//! - [`HandOverFailed`] (`hand_over`): why a hand-over by order failed

pub mod auth;
pub mod datagram;
pub mod duplicates;
pub mod fitness;
pub mod node;
pub mod notice;
pub mod orders;
pub mod partner;
pub mod question;
pub mod schedule;
pub mod supervise;
pub mod transitions;
pub mod view;

mod hand_over;
mod model;
mod pair;
mod said;

pub use auth::{Auth, Echo, Mode};
pub use fitness::{OwnAddresses, Trouble, TroubleKind, Unfit};
pub use hand_over::HandOverFailed;
pub use model::{Action, Gateway, Hook, Input, Links, Settings};
pub use node::Node;
pub use notice::Notice;
pub use orders::{Begun, Order, OrderRefused, Orders};
pub use pair::{ConfiguredRole, Ends, PairPath};
pub use said::{DiscardReason, Form, Said};
pub use transitions::{Event, Facts, Phase, Verdict, When, decide};
pub use view::{PartnerView, PathView, Reason, Silence, Transition, View};

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod traces;
