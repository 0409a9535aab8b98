//! What a status shows of a node.

use std::fmt;
use std::time::Duration;

use crate::datagram::Value;
use crate::datagram::signed::State;
use lvs_model::Mono;

use crate::fitness::{OwnAddresses, Unfit};
use crate::orders::Orders;
use crate::pair::{ConfiguredRole, OneRole, TwoOwners, Uninvited};
use crate::said::Form;
use crate::supervise;
use crate::transitions::{Event, Phase};

/// A node as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// Primary or backup.
    pub role: ConfiguredRole,
    /// Where it is.
    pub phase: Phase,
    /// The addresses are, or may be, up.
    pub holding: bool,
    /// Why it is not fit to take over from a living partner; empty if it is.
    pub unfit: Vec<Unfit>,
    /// Whether the addresses that its heartbeats are sent from are there.
    pub own: OwnAddresses,
    /// The public path.
    pub public: PathView,
    /// The private path, if there is one.
    pub private: Option<PathView>,
    /// The partner; `None` if lvs.cf has none.
    pub partner: Option<PartnerView>,
    /// lvsd or fos as a process.
    pub service: supervise::State,
    /// Whether it has checked every real server.
    pub is_checked: bool,
    /// The orders in force here.
    pub orders: Orders,
    /// The ownership term.
    pub term: u64,
    /// The hash of lvs.cf.
    pub content: u64,
    /// What to do about two directors of one role.
    pub same_role: Option<OneRole>,
    /// What to do about a partner that is active, too, and stays it.
    pub two_owners: Option<TwoOwners>,
    /// What to do about a partner that lvs.cf has switched off and that is heard.
    pub uninvited: Option<Uninvited>,
    /// The last sixteen changes of the phase, oldest first.
    pub transitions: Vec<Transition>,
}

/// One way to the partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathView {
    /// How long ago the last heartbeat came that counted; `None` if there was none.
    pub heard_ago: Option<Duration>,
}

/// What is known of the partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartnerView {
    /// It was heard within the dead time.
    pub alive: bool,
    /// What it said last, unless it has been silent for a dead time since.
    pub value: Option<Value>,
    /// The same, finer; only signed heartbeats say it.
    pub state: Option<State>,
    /// Whether it says that it could take over; unsigned heartbeats say only that it could not.
    pub fit: Option<bool>,
    /// How its last heartbeat that counted was signed; `None` if there was none.
    pub form: Option<Form>,
    /// The hash of its lvs.cf; known from the second version of signed heartbeats on.
    pub content: Option<u64>,
    /// How many addresses it could not serve; known as the hash is.
    pub unserved: Option<u16>,
    /// The orders in force there; known as the hash is.
    pub orders: Option<Orders>,
}

impl PartnerView {
    /// Whether its lvs.cf is the one whose hash is `own`; `None` while that is not known.
    #[must_use]
    pub fn has_content(&self, own: u64) -> Option<bool> {
        self.content.map(|content| content == own)
    }
}

/// A change of the phase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// When.
    pub at: Mono,
    /// From here.
    pub from: Phase,
    /// To there.
    pub to: Phase,
    /// Why; its `Display` is for people.
    pub reason: Reason,
    /// For how long each path had been silent when a takeover began.
    pub silence: Option<Silence>,
}

/// For how long the paths have been silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silence {
    /// The public path; `None` if nothing has ever come.
    pub public: Option<Duration>,
    /// The private path, if there is one.
    pub private: Option<Option<Duration>>,
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_silence(f, self.public, "public")?;
        if let Some(private) = self.private {
            f.write_str(", ")?;
            write_silence(f, private, "private")?;
        }
        Ok(())
    }
}

fn write_silence(f: &mut fmt::Formatter<'_>, silence: Option<Duration>, path: &str) -> fmt::Result {
    match silence {
        Some(time) => {
            let seconds = time.as_secs_f64();
            write!(f, "no heartbeat for {seconds:.3} s on the {path} path")
        }
        None => write!(f, "no heartbeat since the start on the {path} path"),
    }
}

/// Why a phase changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The program began.
    Started,
    /// Option `--forceactive`.
    Forced,
    /// lvs.cf has no partner.
    NoPartner,
    /// The partner says that it does not take what is handed over.
    HandOverRefused,
    /// Something happened.
    Event(Event),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Started => "started",
            Self::Forced => "forced active at the start",
            Self::NoPartner => "no partner, nothing to wait for",
            Self::HandOverRefused => "the partner says that it cannot take over",
            Self::Event(event) => event.text(),
        })
    }
}
