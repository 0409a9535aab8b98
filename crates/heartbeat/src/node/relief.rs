//! What this node waits for while a partner that leaves serves.

use lvs_model::Mono;

/// What this node waits for while a partner that leaves serves.
#[derive(Clone, Copy, Debug)]
pub struct Relief {
    /// Our first checks, until then.
    pub checks_by: Mono,
    /// When our sync daemon has listened for long enough.
    pub synchronised_at: Mono,
}

impl Relief {
    /// When there is nothing more to wait for, if nothing happens until then.
    pub fn due(&self, is_checked: bool) -> Mono {
        if is_checked {
            self.synchronised_at
        } else {
            self.checks_by.max(self.synchronised_at)
        }
    }
}
