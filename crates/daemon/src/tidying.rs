//! When freed memory goes back to the kernel: some time after a start or a reload, whose peak would
//! else stay with the process for ever. Asked for by the loops of `lvsd` and of `nanny --shared`.

use std::time::Duration;

use lvs_model::Mono;

/// By then what a start has begun has settled.
const AFTER: Duration = Duration::from_secs(10);

/// Once for each start or reload.
#[derive(Debug)]
pub struct Tidying(Option<Mono>);

impl Tidying {
    /// Something has begun that needs much memory for a moment.
    #[must_use]
    pub fn after(now: Mono) -> Self {
        Self(Some(now + AFTER))
    }

    /// Gives back what there is if it is time. Nobody need wake up for it.
    pub fn turn(&mut self, now: Mono) {
        if self.0.take_if(|due| now >= *due).is_some() {
            lvs_sys::give_back_memory();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_given_back_once_and_not_at_once() {
        let mut tidying = Tidying::after(Mono::ZERO);
        tidying.turn(Mono::ZERO);
        assert!(tidying.0.is_some());
        tidying.turn(Mono::ZERO + AFTER);
        assert!(tidying.0.is_none());
    }
}
