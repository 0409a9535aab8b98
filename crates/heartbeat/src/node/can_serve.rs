//! What is known of what this node can serve.

use std::collections::BTreeSet;
use std::time::Duration;

use lvs_model::{Backoff, Mono};

use crate::fitness::Trouble;

/// First pause before a node that gave up in vain gives up again; the next ones double.
const FIRST_PAUSE: Duration = Duration::from_secs(60);
/// The longest of these pauses.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);
/// First time for which a node that lost addresses or services takes nothing over; the next ones double.
const FIRST_BAN: Duration = Duration::from_secs(10);
/// The longest of these times.
const LONGEST_BAN: Duration = Duration::from_secs(60);
/// A node begins with the first of these times again when it lost nothing for this many times the last one.
const FORGIVEN_AFTER: u32 = 10;
/// How long a node keeps its addresses, although other machines have them, after it left them to its
/// partner once and has them again with the same result.
const LEFT_AGAIN_AFTER: Duration = Duration::from_secs(3600);

/// What is known of what this node can serve.
#[derive(Clone, Debug)]
pub struct Fitness {
    pub troubles: Vec<Trouble>,
    /// How many addresses could not be served.
    pub unserved: u16,
    /// It gave up to a partner that was expected to do better, and has not heard it serve since.
    pub has_let_go: bool,
    /// It let go in vain: not again until then.
    pub keep_until: Option<Mono>,
    pub keep_pause: Backoff,
    /// Addresses or services were lost here: nothing is taken over before.
    pub banned_until: Option<Mono>,
    /// How long that lasts the next time.
    ban: Backoff,
    /// When the last time is forgiven.
    forgiven_at: Option<Mono>,
    /// When it gave up because other machines had every address; none has been free here since.
    pub left_duplicates: Option<Mono>,
    /// With `vip = external`.
    pub hooks: Hooks,
}

/// With `vip = external`: what has become of `active_cmd`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hooks {
    /// It runs.
    pub is_running: bool,
    /// It failed when it was run last.
    pub has_failed: bool,
    /// No process is there that could run it.
    pub are_missing: bool,
}

impl Default for Fitness {
    fn default() -> Self {
        Self {
            troubles: Vec::new(),
            unserved: 0,
            has_let_go: false,
            keep_until: None,
            keep_pause: Backoff::new(FIRST_PAUSE, LONGEST_PAUSE),
            hooks: Hooks::default(),
            banned_until: None,
            ban: Backoff::new(FIRST_BAN, LONGEST_BAN),
            forgiven_at: None,
            left_duplicates: None,
        }
    }
}

impl Fitness {
    /// Takes what is wrong now; returns how many addresses could not be served before.
    pub fn change(&mut self, troubles: Vec<Trouble>) -> u16 {
        let addresses: BTreeSet<_> = troubles.iter().map(|it| it.address).collect();
        let unserved = u16::try_from(addresses.len()).unwrap_or(u16::MAX);
        self.troubles = troubles;
        std::mem::replace(&mut self.unserved, unserved)
    }

    /// The partner serves, or may serve: what was tried in vain may be tried again.
    pub const fn partner_serves(&mut self) {
        self.has_let_go = false;
        self.keep_until = None;
        self.keep_pause.reset();
    }

    /// Addresses or services were lost here: nothing is taken over for a while.
    pub fn ban(&mut self, now: Mono) {
        if self.forgiven_at.is_some_and(|at| at <= now) {
            self.ban.reset();
        }
        let pause = self.ban.pause();
        self.banned_until = Some(now + pause);
        self.forgiven_at = Some(now + pause + pause * FORGIVEN_AFTER);
    }

    /// Whether a node may leave its addresses to its partner because other machines have every one: the
    /// partner may be on another network. Two nodes that both find them in use do not go on with that.
    pub fn may_leave_duplicates(&self, now: Mono) -> bool {
        let recent = |at: Mono| now - at < LEFT_AGAIN_AFTER;
        !self.left_duplicates.is_some_and(recent)
    }

    /// A takeover begins.
    pub const fn take_over(&mut self) {
        self.has_let_go = false;
    }
}
