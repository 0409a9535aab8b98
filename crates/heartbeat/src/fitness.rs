//! Why a node should not be the one that serves while a better one lives.
//!
//! These reasons count towards a living partner only: a node that is left alone serves what it can.

use std::fmt;
use std::net::IpAddr;

/// A virtual or NAT router address that this node could not serve, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The address.
    pub address: IpAddr,
    /// The device that it belongs on, as lvs.cf names it.
    pub device: String,
    /// What is wrong with the device.
    pub what: TroubleKind,
}

/// What is wrong with a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TroubleKind {
    /// There is none of that name.
    NoDevice,
    /// Somebody has set it down.
    Down,
    /// Its link is dead. Only with lvs.cf `monitor_links`.
    NoCarrier,
    /// IPv6 is switched off on it.
    NoIpv6,
    /// The kernel refuses the address on it.
    Refused,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            address, device, ..
        } = self;
        match self.what {
            TroubleKind::NoDevice => write!(f, "address {address}: there is no device {device}"),
            TroubleKind::Down => write!(f, "address {address}: device {device} is down"),
            TroubleKind::NoCarrier => {
                write!(f, "address {address}: device {device} has no carrier")
            }
            TroubleKind::NoIpv6 => {
                write!(f, "address {address}: device {device} takes no IPv6")
            }
            TroubleKind::Refused => {
                write!(
                    f,
                    "address {address}: refused by the kernel on device {device}"
                )
            }
        }
    }
}

/// Whether the own addresses, which heartbeats are sent from, can be used: each is on this machine, and the partner's
/// end of its path is not. Without a private path
/// both fields are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnAddresses {
    /// That of the public path.
    pub public: bool,
    /// That of the private path.
    pub private: bool,
}

impl OwnAddresses {
    /// Both are there.
    pub const PRESENT: Self = Self {
        public: true,
        private: true,
    };

    /// Nothing can be heard or said. The silence is our own fault.
    #[must_use]
    pub const fn is_cut_off(self) -> bool {
        !self.public && !self.private
    }

    /// Both are there.
    #[must_use]
    pub const fn is_whole(self) -> bool {
        self.public && self.private
    }
}

/// A reason for which a node does not take over from a living partner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// The service does not stay up.
    Service,
    /// The service was killed and does not end: the kernel keeps it.
    ServiceStuck,
    /// With `vip = external`: `active_cmd` failed when it was run last.
    HookFailed,
    /// With `vip = external`: no process is there to run a hook.
    NoHooks,
    /// A monitored link under the heartbeat has no carrier.
    Links,
    /// The addresses or the services were lost here a short while ago.
    Banned,
    /// Every address was another machine's here a short while ago.
    WereInUse,
    /// A young node hears a partner that is configured otherwise.
    Misconfigured,
    /// An address that our own heartbeats are sent from is gone.
    OwnAddress,
    /// It serves, and can neither hear the partner nor be heard.
    Unheard,
    /// A virtual or NAT router address could not be served.
    Unserved(Trouble),
    /// It serves without this address, which another machine has.
    InUse(IpAddr),
    /// It is ordered to stand by.
    OrderedStandby,
    /// It is ordered to leave everything as it is.
    Frozen,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service => f.write_str("the service does not stay up"),
            Self::ServiceStuck => f.write_str("the service does not end though it was killed"),
            Self::HookFailed => f.write_str("active_cmd failed"),
            Self::NoHooks => f.write_str("nothing could run active_cmd"),
            Self::Links => f.write_str("a link under the heartbeat is down"),
            Self::Banned => f.write_str("addresses or services were lost here a short while ago"),
            Self::WereInUse => {
                f.write_str("every address was in use by another machine a short while ago")
            }
            Self::InUse(address) => write!(f, "address {address} is in use by another machine"),
            Self::Misconfigured => f.write_str("the partner is configured otherwise"),
            Self::OwnAddress => f.write_str("an own address of the heartbeat cannot be used"),
            Self::Unheard => {
                f.write_str("serves, and the partner, which cannot hear it, may serve as well")
            }
            Self::Unserved(trouble) => trouble.fmt(f),
            Self::OrderedStandby => f.write_str("ordered to stand by"),
            Self::Frozen => f.write_str("frozen by order"),
        }
    }
}
