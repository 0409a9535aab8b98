//! What an administrator may order, and why an order is not carried out.

use std::fmt;
use std::time::Duration;

/// An order. Each is answered by one [`Action::Answer`](crate::Action::Answer), in the same call of
/// [`Node::handle`](crate::Node::handle).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// Given to the active node: hand the service over to the partner. Accepted means begun;
    /// [`Action::HandOverEnded`](crate::Action::HandOverEnded) says how it ended.
    Failover,
    /// Stay alive but never take over, or take over again. The active node hands over first.
    Standby(bool),
    /// Leave everything as it is, or move again.
    Freeze(bool),
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Failover => "failover",
            Self::Standby(true) => "standby on",
            Self::Standby(false) => "standby off",
            Self::Freeze(true) => "freeze on",
            Self::Freeze(false) => "freeze off",
        })
    }
}

/// The orders in force. They outlive a restart: see [`Action::KeepOrders`](crate::Action::KeepOrders)
/// and [`Node::remember_orders`](crate::Node::remember_orders).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Orders {
    /// Never take over.
    pub standby: bool,
    /// Nothing moves.
    pub frozen: bool,
}

impl fmt::Display for Orders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.standby, self.frozen) {
            (true, true) => "standby, freeze",
            (true, false) => "standby",
            (false, true) => "freeze",
            (false, false) => "none",
        })
    }
}

/// What an obeyed order has begun, which its giver waits for. What another order began is not in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Begun {
    /// To keep the orders: [`Action::KeepOrders`](crate::Action::KeepOrders) went before the answer.
    pub keeping: bool,
    /// A hand-over, whose end is told by [`Action::HandOverEnded`](crate::Action::HandOverEnded).
    pub hand_over: bool,
}

/// Why an order is refused; its `Display` is the reason that the administrator reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderRefused {
    /// lvs.cf has no partner.
    NoPartner,
    /// Only the active node can hand over.
    NotActive,
    /// A takeover, a hand-over or a stop is under way.
    Busy,
    /// This node is frozen.
    Frozen,
    /// The partner has not been heard since the start.
    NeverHeard,
    /// The partner has not been heard for so long.
    Silent(Duration),
    /// The partner says that it is active as well.
    PartnerActive,
    /// The partner says that it is not fit.
    PartnerUnfit,
    /// The partner could not serve this many addresses.
    PartnerUnserved(u16),
    /// The partner is ordered to stand by.
    PartnerOrderedStandby,
    /// The partner is frozen.
    PartnerFrozen,
}

impl fmt::Display for OrderRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPartner => f.write_str("there is no partner"),
            Self::NotActive => {
                f.write_str("this node is not active: give the order on the active one")
            }
            Self::Busy => f.write_str("a takeover, a hand-over or a stop is under way"),
            Self::Frozen => f.write_str("this node is frozen"),
            Self::NeverHeard => f.write_str("partner has not been heard since the start"),
            Self::Silent(time) => {
                write!(f, "partner is not heard for {:.1} s", time.as_secs_f64())
            }
            Self::PartnerActive => f.write_str("partner says that it is active"),
            Self::PartnerUnfit => f.write_str("partner is not fit: pulse --status there says why"),
            Self::PartnerUnserved(1) => {
                f.write_str("partner is not fit: it could not serve 1 address")
            }
            Self::PartnerUnserved(count) => {
                write!(
                    f,
                    "partner is not fit: it could not serve {count} addresses"
                )
            }
            Self::PartnerOrderedStandby => f.write_str("partner is ordered to stand by"),
            Self::PartnerFrozen => f.write_str("partner is frozen"),
        }
    }
}

impl std::error::Error for OrderRefused {}
