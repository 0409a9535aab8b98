//! IPv6 addresses of ours that another machine has, too.
//!
//! A takeover raises them without waiting for the kernel's detection of duplicates, which a dying partner
//! would make fail. So each announcement also asks who has them. An answer counts if it cannot come from
//! the partner, which says STOPPED or is not there. It must come twice: the first one may have been under
//! way while the partner gave up.

use std::net::IpAddr;
use std::time::Duration;

use lvs_model::{Backoff, Mono};

/// Least time between the first answer and the second one.
const CONFIRMED_AFTER: Duration = Duration::from_millis(300);
/// An answer is forgotten after so long.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(2);
/// First pause before asking whether an address is free again; the next ones double.
const FIRST_PAUSE: Duration = Duration::from_secs(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// An address is free if nobody answers within this time.
const FREE_AFTER: Duration = Duration::from_secs(1);

/// What an answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Known, or already asked about.
    Nothing,
    /// Ask once more, by [`Duplicates::next`].
    Suspect,
    /// It is another machine's: not to be used here.
    Duplicate,
}

/// What the time brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Nothing.
    Nothing,
    /// Ask who has our addresses.
    Ask,
    /// Nobody has this one any more.
    Free(IpAddr),
}

/// What is known while this node is active.
#[derive(Clone, Debug, Default)]
pub struct Duplicates {
    suspects: Vec<(IpAddr, Mono)>,
    unused: Vec<Unused>,
    ask_at: Option<Mono>,
}

/// An address that is another machine's.
#[derive(Clone, Copy, Debug)]
struct Unused {
    address: IpAddr,
    /// Asked about again, then.
    retry_at: Mono,
    pause: Backoff,
    /// When it is free, if nobody answers until then.
    free_at: Option<Mono>,
}

impl Duplicates {
    /// Whether `address` is another machine's.
    pub fn is_unused(&self, address: IpAddr) -> bool {
        self.unused.iter().any(|unused| unused.address == address)
    }

    /// The addresses that are another machine's.
    pub fn unused(&self) -> impl Iterator<Item = IpAddr> {
        self.unused.iter().map(|unused| unused.address)
    }

    /// When [`Duplicates::due`] has something to say.
    pub fn next(&self) -> Option<Mono> {
        let unused = self.unused.iter();
        let retries = unused.map(|it| it.free_at.unwrap_or(it.retry_at));
        retries.chain(self.ask_at).min()
    }

    /// Somebody else says that it has `address`.
    pub fn answered(&mut self, now: Mono, address: IpAddr) -> Answer {
        let mut unused = self.unused.iter_mut();
        if let Some(unused) = unused.find(|unused| unused.address == address) {
            if unused.free_at.take().is_some() {
                unused.retry_at = now + unused.pause.pause();
            }
            return Answer::Nothing;
        }
        self.suspects.retain(|(_, at)| now - *at < FORGOTTEN_AFTER);
        let mut suspects = self.suspects.iter();
        let Some((_, first)) = suspects.find(|(suspect, _)| *suspect == address) else {
            self.suspects.push((address, now));
            self.ask_at.get_or_insert(now + CONFIRMED_AFTER);
            return Answer::Suspect;
        };
        if now - *first < CONFIRMED_AFTER {
            return Answer::Nothing;
        }
        self.suspects.retain(|(suspect, _)| *suspect != address);
        let mut pause = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        self.unused.push(Unused {
            address,
            retry_at: now + pause.pause(),
            pause,
            free_at: None,
        });
        Answer::Duplicate
    }

    /// What is to be done by now. Call it until it returns nothing.
    pub fn due(&mut self, now: Mono) -> Due {
        if self.ask_at.take_if(|at| *at <= now).is_some() {
            return Due::Ask;
        }
        let mut retries = self.unused.iter_mut();
        let retry = retries.find(|it| it.free_at.is_none() && it.retry_at <= now);
        if let Some(unused) = retry {
            unused.free_at = Some(now + FREE_AFTER);
            return Due::Ask;
        }
        let is_free = |unused: &Unused| unused.free_at.is_some_and(|at| at <= now);
        let Some(place) = self.unused.iter().position(is_free) else {
            return Due::Nothing;
        };
        Due::Free(self.unused.remove(place).address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: f64) -> Mono {
        Mono::new(Duration::from_secs_f64(seconds))
    }

    const ADDRESS: IpAddr = IpAddr::V6(std::net::Ipv6Addr::LOCALHOST);

    fn unused() -> Duplicates {
        let mut duplicates = Duplicates::default();
        assert_eq!(duplicates.answered(at(1.0), ADDRESS), Answer::Suspect);
        assert_eq!(duplicates.answered(at(1.1), ADDRESS), Answer::Nothing);
        assert_eq!(duplicates.next(), Some(at(1.3)));
        assert_eq!(duplicates.due(at(1.3)), Due::Ask);
        assert_eq!(duplicates.answered(at(1.31), ADDRESS), Answer::Duplicate);
        assert!(duplicates.is_unused(ADDRESS));
        duplicates
    }

    #[test]
    fn one_answer_alone_is_forgotten() {
        let mut duplicates = Duplicates::default();
        assert_eq!(duplicates.answered(at(1.0), ADDRESS), Answer::Suspect);
        assert_eq!(duplicates.due(at(1.3)), Due::Ask);
        assert_eq!(duplicates.answered(at(3.0), ADDRESS), Answer::Suspect);
        assert!(!duplicates.is_unused(ADDRESS));
    }

    #[test]
    fn an_address_is_asked_about_ever_more_rarely_and_free_when_nobody_answers() {
        let mut duplicates = unused();
        let mut now = 1.31;
        for pause in [10.0, 20.0, 40.0, 60.0, 60.0] {
            now += pause;
            assert_eq!(duplicates.due(at(now - 0.01)), Due::Nothing);
            assert_eq!(duplicates.due(at(now)), Due::Ask);
            assert_eq!(duplicates.due(at(now)), Due::Nothing);
            assert_eq!(duplicates.answered(at(now), ADDRESS), Answer::Nothing);
        }
        now += 60.0;
        assert_eq!(duplicates.due(at(now)), Due::Ask);
        assert_eq!(duplicates.next(), Some(at(now + 1.0)));
        assert_eq!(duplicates.due(at(now + 1.0)), Due::Free(ADDRESS));
        assert_eq!(duplicates.next(), None);
    }
}
