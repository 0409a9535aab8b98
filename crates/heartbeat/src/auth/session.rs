//! One start of the partner: which of its datagrams were heard.

use crate::datagram::signed::Signed;
use lvs_model::Mono;

/// One start of the partner.
#[derive(Clone, Copy, Debug)]
pub(super) struct Session {
    pub boot: u64,
    /// The newest counter that was good.
    pub highest: u64,
    /// Bit n: `highest - n` was heard.
    window: u64,
    /// It has verified a heartbeat of ours.
    pub knows_us: bool,
    /// It reads version 2.
    pub reads_details: bool,
    /// When its last datagram was good.
    pub heard: Mono,
}

impl Session {
    /// Begins with `signed`, which is noted next.
    pub const fn begin(now: Mono, signed: &Signed) -> Self {
        Self {
            boot: signed.boot,
            highest: signed.counter.saturating_sub(1),
            // What came before does not count, except this one's copy on the other path.
            window: u64::MAX << 1,
            knows_us: false,
            reads_details: false,
            heard: now,
        }
    }

    /// Notes `counter`: whether it is the newest; `None` if it was heard before or is too old.
    pub fn note(&mut self, counter: u64) -> Option<bool> {
        if let Some(ahead) = counter.checked_sub(self.highest).filter(|ahead| *ahead > 0) {
            let shift = u32::try_from(ahead).unwrap_or(u32::MAX);
            self.window = self.window.checked_shl(shift).unwrap_or(0) | 1;
            self.highest = counter;
            return Some(true);
        }
        let behind = u32::try_from(self.highest - counter).unwrap_or(u32::MAX);
        let bit = 1_u64.checked_shl(behind)?;
        let is_new = self.window & bit == 0;
        self.window |= bit;
        is_new.then_some(false)
    }
}
