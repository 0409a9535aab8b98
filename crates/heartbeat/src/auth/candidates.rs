//! Boot ids that are signed but not proven: the partner's new start, or recordings of an earlier one.
//!
//! It shows when one echoes what we sent: a recording never does. So each is answered with an echo of its
//! own, first the one that has had the fewest. A recording that is sent again and again keeps nobody else
//! from being answered.

use std::time::Duration;

use lvs_model::Mono;

/// This many are kept, and this many answers are sent in a keepalive: each gets its own.
pub const DOUBTED: u32 = 32;

/// One boot id.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    boot: u64,
    /// Its newest datagram.
    counter: u64,
    heard: Mono,
    /// How often it was answered without proving itself.
    answered: u32,
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Candidates {
    all: Vec<Candidate>,
    /// Every path of one heartbeat has the same echo.
    round: Option<(Mono, u64)>,
}

impl Candidates {
    /// Notes a datagram. If there is no room, the one goes that was answered most often.
    pub fn hear(&mut self, now: Mono, boot: u64, counter: u64) {
        if let Some(known) = self.all.iter_mut().find(|it| it.boot == boot) {
            known.counter = known.counter.max(counter);
            known.heard = now;
            return;
        }
        if self.all.len() >= usize::try_from(DOUBTED).unwrap_or(usize::MAX) {
            let weight = |it: &Candidate| (it.answered, now - it.heard);
            let most = (0..self.all.len()).max_by_key(|n| self.all.get(*n).map(weight));
            most.map(|place| self.all.swap_remove(place));
        }
        self.all.push(Candidate {
            boot,
            counter,
            heard: now,
            answered: 0,
        });
    }

    /// `boot` has proven itself.
    pub fn forget(&mut self, boot: u64) {
        self.all.retain(|it| it.boot != boot);
    }

    /// The counter to echo at `now`: that of the one answered least often. Forgets one that has not been
    /// heard within `dead_time`.
    pub fn echo(&mut self, now: Mono, dead_time: Duration) -> Option<u64> {
        self.all.retain(|it| now - it.heard < dead_time);
        let of_round = self.round.filter(|(at, _)| *at == now);
        if let Some((_, boot)) = of_round
            && let Some(chosen) = self.all.iter().find(|it| it.boot == boot)
        {
            return Some(chosen.counter);
        }
        let chosen = self.all.iter_mut().min_by_key(|it| it.answered)?;
        chosen.answered += 1;
        self.round = Some((now, chosen.boot));
        Some(chosen.counter)
    }
}
