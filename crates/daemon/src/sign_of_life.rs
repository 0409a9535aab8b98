//! The sign of life: a daemon shows its parent now and then that its loop turns.
//!
//! The parent asks for it by the environment, with the seconds between two signs. So neither one of before an
//! upgrade hears words that it does not know, nor is a child of before it taken for one that hangs: it never
//! begins.

use std::time::Duration;

use lvs_model::Mono;

use crate::ToParent;

/// The environment variable by which a parent asks for signs of life: the seconds between two of them.
pub const ALIVE_VARIABLE: &str = "CARIBE_ALIVE_EVERY";

/// The word, on a line of its own.
pub const ALIVE: &str = "alive";

/// Says [`ALIVE`] as often as the parent wants to hear it.
#[derive(Debug)]
pub struct SignOfLife {
    parent: ToParent,
    every: Duration,
    next: Mono,
}

impl SignOfLife {
    /// If the environment asks for it.
    #[must_use]
    pub fn as_asked(parent: &ToParent) -> Option<Self> {
        let seconds = std::env::var(ALIVE_VARIABLE).ok()?.parse().ok()?;
        Some(Self::new(parent, Duration::from_secs(seconds)))
    }

    fn new(parent: &ToParent, every: Duration) -> Self {
        Self {
            parent: parent.clone(),
            every: every.max(Duration::from_secs(1)),
            next: Mono::ZERO,
        }
    }

    /// When the next one is due.
    #[must_use]
    pub const fn deadline(&self) -> Mono {
        self.next
    }

    /// Shows it if it is due. A parent that does not read misses it.
    pub fn turn(&mut self, now: Mono) {
        if now >= self.next {
            self.parent.mention(ALIVE);
            self.next = now + self.every;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read;
    use std::rc::Rc;

    use nix::fcntl::OFlag;
    use nix::unistd::pipe2;

    use super::*;

    fn link() -> (File, SignOfLife) {
        let (read, write) = pipe2(OFlag::O_NONBLOCK).unwrap();
        let parent = ToParent::Pipe(Rc::new(write.into()));
        (
            read.into(),
            SignOfLife::new(&parent, Duration::from_secs(5)),
        )
    }

    fn heard(pipe: &mut File) -> Vec<u8> {
        let mut bytes = [0; 1 << 17];
        let length = pipe.read(&mut bytes).unwrap_or(0);
        bytes[..length].to_vec()
    }

    #[test]
    fn it_is_shown_as_often_as_it_is_asked_for() {
        let (mut pipe, mut sign) = link();
        let second = |n: u64| Mono::ZERO + Duration::from_secs(n);
        for now in 0..=12 {
            sign.turn(second(now));
        }
        assert_eq!(heard(&mut pipe), b"alive\nalive\nalive\n");
        assert_eq!(sign.deadline(), second(15));
    }

    /// pulse is stopped, for days.
    #[test]
    fn r_a_parent_that_does_not_read_is_not_waited_for() {
        let (mut pipe, mut sign) = link();
        let mut now = Mono::ZERO;
        for _ in 0..100_000 {
            now = now + Duration::from_secs(5);
            sign.turn(now);
        }
        let said = heard(&mut pipe);
        assert!(said.len() > 1000);
        // Whole lines only: a word in two parts would be none.
        assert_eq!(said.len() % b"alive\n".len(), 0);
        sign.turn(now + Duration::from_secs(5));
        assert_eq!(heard(&mut pipe), b"alive\n");
    }
}
