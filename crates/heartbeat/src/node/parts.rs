//! What a node knows in every phase, by subject.

use lvs_model::Mono;

use super::conflict::Conflict;
use crate::fitness::OwnAddresses;
use crate::hand_over::OrderedHandOver;
use crate::model::Links;
use crate::orders::Orders;

/// What our heartbeats need to go out and the partner's to come in.
#[derive(Clone, Copy, Debug)]
pub struct Ways {
    /// The carriers below.
    pub links: Links,
    /// The addresses that ours are sent from.
    pub own: OwnAddresses,
    /// When one could go out last.
    pub sent_at: Mono,
    /// And when the one before it.
    pub sent_before: Mono,
    /// The last one could be sent on no path.
    pub is_mute: bool,
}

/// Takeovers, ours and the partner's: who has precedence, and what must not follow too soon.
#[derive(Clone, Copy, Debug)]
pub struct Claims {
    /// The highest ownership term heard of; ours while we claim or hold.
    pub term: u64,
    /// No offer is taken before this time: our own addresses have just come back.
    pub offers_from: Mono,
    /// Addresses were brought up last.
    pub last_takeover: Option<Mono>,
    /// When addresses were last announced again because the partner was active, too.
    pub last_reassert: Option<Mono>,
    /// The partner is active, too, and has said nothing else since.
    pub conflict: Option<Conflict>,
}

/// What an administrator has ordered.
#[derive(Clone, Copy, Debug)]
pub struct Ordered {
    /// The orders in force.
    pub kept: Orders,
    /// How far a hand-over is that was ordered.
    pub hand_over: OrderedHandOver,
}

/// The calls of the shell.
#[derive(Clone, Copy, Debug, Default)]
pub struct Calls {
    /// Deadline given to the shell. A much later call means this process was paused.
    pub promised: Option<Mono>,
    /// What is read now arrived while we were away.
    pub is_stale: bool,
}

/// What the log has been told, so that it is told once.
#[derive(Clone, Copy, Debug, Default)]
pub struct Told {
    /// The partner is lost.
    pub partner_lost: bool,
    /// Nothing counts that the partner sends.
    pub nothing_counts: bool,
    /// Who serves; or this node has served.
    pub who_serves: bool,
    /// This node serves and is heard on no path.
    pub is_unheard: bool,
    /// Nothing could be said and nothing served here, and this node claims nothing.
    pub is_stranded: bool,
    /// The partner is active beside this node, and neither yields.
    pub two_owners: bool,
    /// Whether the partner's lvs.cf is ours.
    pub same_content: Option<bool>,
    /// Nobody serves because of an order, then.
    pub barred: Option<Mono>,
}

/// Whether the partner is of our own role.
#[derive(Clone, Copy, Debug, Default)]
pub struct SameRole {
    /// When the partner told it last.
    pub told: Option<Mono>,
    /// When it was said last, unless it is over.
    pub said: Option<Mono>,
}

impl Ways {
    /// Everything is there.
    pub const fn whole(now: Mono) -> Self {
        Self {
            links: Links::UP,
            own: OwnAddresses::PRESENT,
            sent_at: now,
            sent_before: now,
            is_mute: false,
        }
    }

    /// A heartbeat is sent, as far as is known.
    pub fn note_sent(&mut self, now: Mono) {
        let goes = !self.own.is_cut_off() && !self.is_mute;
        if goes && self.sent_at < now {
            self.sent_before = self.sent_at;
            self.sent_at = now;
        }
    }

    /// No path works: each lacks its own address or its carrier.
    pub const fn has_no_path(&self) -> bool {
        let public = self.own.public && self.links.public_up;
        let private = self.own.private && self.links.private_up;
        !public && !private
    }
}

impl Claims {
    /// Nothing has happened.
    pub const fn none(now: Mono) -> Self {
        Self {
            term: 0,
            offers_from: now,
            last_takeover: None,
            last_reassert: None,
            conflict: None,
        }
    }
}

impl Ordered {
    /// Nothing is.
    pub const NOTHING: Self = Self {
        kept: Orders {
            standby: false,
            frozen: false,
        },
        hand_over: OrderedHandOver::No,
    };

    /// An order forbids to take over.
    pub const fn is_barred(&self) -> bool {
        self.kept.standby || self.kept.frozen
    }
}
