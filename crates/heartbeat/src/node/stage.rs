//! Where a node is, with what it knows and needs only there.
//!
//! ```text
//!             take over               raise              hand over
//!  ┌─────────┐         ┌──────────┐         ┌─────────┐           ┌─────────────┐
//!  │ Standby ├────────▶│ Starting ├────────▶│ Active  ├──────────▶│ HandingOver │
//!  │         │         │          │         │         │◀──────────┤             │
//!  │ since   │         │ relief   │         │ holding │  resume   │ holding     │
//!  │ cleared │         │ sync     │         │ control │           │ cause       │
//!  │ trial   │         │ control  │         │         │           │ until       │
//!  │ network │         └────┬─────┘         └────┬────┘           └──────┬──────┘
//!  └─┬──┬──▲─┘              │ give up, yield     │ the same              │ taken, give up
//!    │  │  │                ▼                    ▼                       ▼
//!    │  │  │  rest    ┌──────────────────────────────────────────────────────────┐  end
//!    │  │  └──────────┤ Releasing: are addresses up, does it end then, trial     ├───────▶ Gone
//!    │  └────────────▶└──────────────────────────────────────────────────────────┘          ▲
//!    │  stop, warm                                                                          │
//!    └──────────────────────────────────────────────────────────────────────────────────────┘
//!       stop
//! ```
//!
//! Which event leads where, under which condition, is [`TABLE`](crate::transitions::TABLE);
//! `docs/internals/heartbeat.md` prints the same rows. [`Timer::runs_in`](super::timer::Timer::runs_in) says what is
//! waited for in which phase. The addresses are up in Active and HandingOver, and in Releasing until they are
//! dropped: no field can say otherwise.

use lvs_model::Mono;

use super::relief::Relief;
use crate::duplicates::Duplicates;
use crate::schedule::Announcements;
use crate::transitions::Phase;

/// A phase of the table, with what belongs to it alone.
#[derive(Clone, Debug)]
pub enum Stage {
    /// Inactive.
    Standby(Standby),
    /// The service is being started.
    Starting(Starting),
    /// The addresses are up.
    Active(Active),
    /// They are up until the partner has them.
    HandingOver(HandingOver),
    /// Service and addresses are being given up.
    Releasing(Releasing),
    /// The program is to end.
    Gone,
}

/// What a standby knows.
#[derive(Clone, Copy, Debug)]
pub struct Standby {
    /// It is on standby, and so listening for the partner's connections, since then.
    pub since: Mono,
    /// Our services have been taken out of the kernel's table meanwhile.
    pub is_cleared: bool,
    /// That has failed, and is tried again then.
    pub clear_again: Option<Mono>,
    /// The service did not stay up. Without `warm_standby` it runs on standby all the same until it stays
    /// up.
    pub on_trial: bool,
    /// fos: what is thought of the network after the monitors have ended.
    pub network: Network,
}

/// fos: why a service of the partner may not be reachable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// The partner's fault: the monitors have said nothing, or the gateway answered.
    Trusted,
    /// The gateway is being asked for.
    Tested,
    /// Our own fault: neither the partner's service nor the gateway answers.
    Lost,
}

/// What a takeover waits for.
#[derive(Clone, Copy, Debug)]
pub struct Starting {
    /// A partner that leaves serves until we do.
    pub relief: Option<Relief>,
    /// The sync daemon is switched when the addresses come up, not before.
    pub sync_at_raise: bool,
    /// fos: whether the partner is to let go first.
    pub control: Control,
}

/// fos: whether the partner is told to go inactive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// It is not.
    Left,
    /// FAILPARTNER: it is.
    Wanted,
    /// The same, and the log says so.
    Told,
}

/// What the owner knows.
#[derive(Clone, Debug)]
pub struct Active {
    /// The addresses.
    pub holding: Holding,
    /// fos: whether the partner, which may be active too, is to give up.
    pub control: Control,
}

/// What goes with addresses that are up.
#[derive(Clone, Debug)]
pub struct Holding {
    /// When they are announced again.
    pub announcements: Announcements,
    /// Those that another machine has, too.
    pub duplicates: Duplicates,
    /// When some were removed a short while ago.
    pub removals: Vec<Mono>,
}

/// What an owner knows that asks the partner to take over.
#[derive(Clone, Debug)]
pub struct HandingOver {
    /// The addresses.
    pub holding: Holding,
    /// Why.
    pub cause: Cause,
    /// How long the partner has, in all.
    pub until: Mono,
    /// The partner is known to understand.
    pub is_answered: bool,
}

/// Why a node hands over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A clean stop.
    Stop,
    /// An order.
    Order,
}

/// What is left of an owner, or of a warm standby that stops.
#[derive(Clone, Copy, Debug)]
pub struct Releasing {
    /// The addresses are, or may be, still up.
    pub holding: bool,
    /// A clean stop: the program ends, and does not go on as standby.
    pub ends: bool,
    /// See [`Standby::on_trial`].
    pub on_trial: bool,
}

impl Standby {
    /// From `now` on, with nothing known.
    pub const fn begin(now: Mono) -> Self {
        Self {
            since: now,
            is_cleared: false,
            clear_again: None,
            on_trial: false,
            network: Network::Trusted,
        }
    }
}

impl Holding {
    /// Addresses that are brought up and announced `now`.
    pub fn begin(now: Mono) -> Self {
        Self {
            announcements: Announcements::begin(now),
            duplicates: Duplicates::default(),
            removals: Vec::new(),
        }
    }
}

impl Stage {
    /// The phase, as the table knows it.
    pub const fn phase(&self) -> Phase {
        match self {
            Self::Standby(_) => Phase::Standby,
            Self::Starting(_) => Phase::Starting,
            Self::Active(_) => Phase::Active,
            Self::HandingOver(_) => Phase::HandingOver,
            Self::Releasing(_) => Phase::Releasing,
            Self::Gone => Phase::Gone,
        }
    }

    /// Whether the addresses are, or may be, up.
    pub const fn is_holding(&self) -> bool {
        match self {
            Self::Active(_) | Self::HandingOver(_) => true,
            Self::Releasing(releasing) => releasing.holding,
            Self::Standby(_) | Self::Starting(_) | Self::Gone => false,
        }
    }

    /// Whether this node has the addresses, or is about to, for good.
    pub const fn is_claiming(&self) -> bool {
        matches!(self, Self::Starting(_) | Self::Active(_))
    }

    /// Whether a clean stop is under way.
    pub const fn is_leaving(&self) -> bool {
        match self {
            Self::HandingOver(it) => matches!(it.cause, Cause::Stop),
            Self::Releasing(it) => it.ends,
            Self::Gone => true,
            Self::Standby(_) | Self::Starting(_) | Self::Active(_) => false,
        }
    }

    /// Whether the service has yet to show that it stays up.
    pub const fn is_on_trial(&self) -> bool {
        match self {
            Self::Standby(it) => it.on_trial,
            Self::Releasing(it) => it.on_trial,
            _ => false,
        }
    }

    /// fos: whether the partner is to go inactive.
    pub const fn wants_control(&self) -> bool {
        match self {
            Self::Starting(Starting { control, .. }) | Self::Active(Active { control, .. }) => {
                !matches!(control, Control::Left)
            }
            _ => false,
        }
    }

    /// The same, to change it.
    pub const fn control_mut(&mut self) -> Option<&mut Control> {
        match self {
            Self::Starting(Starting { control, .. }) | Self::Active(Active { control, .. }) => {
                Some(control)
            }
            _ => None,
        }
    }

    /// What goes with the addresses that are up.
    pub const fn holding(&self) -> Option<&Holding> {
        match self {
            Self::Active(Active { holding, .. })
            | Self::HandingOver(HandingOver { holding, .. }) => Some(holding),
            _ => None,
        }
    }

    /// The same, to change it.
    pub const fn holding_mut(&mut self) -> Option<&mut Holding> {
        match self {
            Self::Active(Active { holding, .. })
            | Self::HandingOver(HandingOver { holding, .. }) => Some(holding),
            _ => None,
        }
    }

    /// The same, for the next stage.
    pub fn take_holding(&mut self, now: Mono) -> Holding {
        let new = Holding::begin(now);
        match self.holding_mut() {
            Some(holding) => std::mem::replace(holding, new),
            None => new,
        }
    }
}
