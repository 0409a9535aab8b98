//! Addresses that should have been taken down and could not be. Pure.
//!
//! The partner may have them by now, so each is tried again until it is gone or held again.

use std::net::IpAddr;
use std::time::Duration;

use lvs_model::Mono;

use crate::Outcome;
use crate::plan::{Assignment, Change};

/// What is left is tried again after so long.
const RETRIED_AFTER: Duration = Duration::from_secs(1);

/// What is left.
#[derive(Clone, Debug, Default)]
pub struct Left {
    all: Vec<Assignment>,
    retry_at: Option<Mono>,
}

impl Left {
    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[Assignment] {
        &self.all
    }

    /// `tried` was to be taken down, and `failed` of it is still there. Returns those that are new.
    pub fn note(
        &mut self,
        now: Mono,
        tried: &[Assignment],
        failed: &[Assignment],
    ) -> Vec<Assignment> {
        let known = |it: &Assignment| self.all.iter().any(|left| is_same(left, it));
        let news: Vec<_> = failed.iter().filter(|it| !known(it)).cloned().collect();
        let is_gone = |it: &Assignment| contains(tried, it) && !contains(failed, it);
        self.all.retain(|it| !is_gone(it));
        self.all.extend_from_slice(&news);
        self.retry_at = (!self.all.is_empty()).then_some(now + RETRIED_AFTER);
        news
    }

    /// When [`Left::due`] has something to say.
    #[must_use]
    pub const fn next(&self) -> Option<Mono> {
        self.retry_at
    }

    /// What has to be tried again by now. Returns each once.
    pub fn due(&mut self, now: Mono) -> Vec<Assignment> {
        match self.retry_at.take_if(|at| *at <= now) {
            Some(_) => self.all.clone(),
            None => Vec::new(),
        }
    }

    /// `placed` is held from now on.
    pub fn forget(&mut self, placed: &[Assignment]) {
        self.all.retain(|it| !contains(placed, it));
        if self.all.is_empty() {
            self.retry_at = None;
        }
    }

    /// An interface has another name.
    pub fn rename(&mut self, before: &str, after: &str) {
        for it in &mut self.all {
            if it.interface == before {
                after.clone_into(&mut it.interface);
            }
        }
    }
}

/// Those of `tried` that the kernel refused to take down, and its first reason.
#[must_use]
pub fn refused(tried: &[Assignment], outcomes: &[Outcome]) -> (Vec<Assignment>, Option<String>) {
    let refused = outcomes.iter().filter_map(|outcome| match outcome {
        (Change::Remove(it), Err(errno)) => Some((it.address, errno.desc())),
        _ => None,
    });
    let refused: Vec<(IpAddr, &str)> = refused.collect();
    let is_refused = |it: &&Assignment| refused.iter().any(|(address, _)| *address == it.address);
    let left = tried.iter().filter(is_refused).cloned().collect();
    (left, refused.first().map(|(_, why)| (*why).to_owned()))
}

fn contains(all: &[Assignment], it: &Assignment) -> bool {
    all.iter().any(|other| is_same(other, it))
}

/// Label and prefix do not matter.
fn is_same(one: &Assignment, other: &Assignment) -> bool {
    (one.address, &one.interface) == (other.address, &other.interface)
}

#[cfg(test)]
mod tests {
    use nix::errno::Errno;

    use super::*;

    fn at(seconds: u64) -> Mono {
        Mono::new(Duration::from_secs(seconds))
    }

    fn assignment(host: u8) -> Assignment {
        Assignment {
            address: [10, 1, 0, host].into(),
            prefix: 24,
            interface: "eth0".to_owned(),
            label: "eth0:1".to_owned(),
        }
    }

    #[test]
    fn what_is_left_is_tried_again_each_second_and_news_once() {
        let mut left = Left::default();
        let all = [assignment(50), assignment(51)];
        assert_eq!(left.note(at(1), &all, &all), all);
        assert_eq!((left.next(), left.due(at(1))), (Some(at(2)), Vec::new()));
        assert_eq!(left.due(at(2)), all);
        assert_eq!(left.due(at(2)), [], "once");
        assert_eq!(left.note(at(2), &all, &all), []);
        assert_eq!(left.due(at(3)), all);
        // One is gone, the other one later.
        assert_eq!(left.note(at(3), &all, &all[1..]), []);
        assert_eq!(left.all(), &all[1..]);
        assert_eq!(left.due(at(4)), &all[1..]);
        assert_eq!(left.note(at(4), &all[1..], &[]), []);
        assert_eq!((left.all(), left.next()), (&[][..], None));
        // It is news when it happens again.
        assert_eq!(left.note(at(5), &all, &all[..1]), &all[..1]);
    }

    #[test]
    fn what_was_not_tried_stays_and_what_is_held_again_does_not() {
        let mut left = Left::default();
        let all = [assignment(50), assignment(51)];
        left.note(at(1), &all[..1], &all[..1]);
        left.note(at(2), &all[1..], &all[1..]);
        assert_eq!(left.all(), all);
        left.rename("eth0", "lan0");
        let renamed = Assignment {
            interface: "lan0".to_owned(),
            ..assignment(50)
        };
        left.forget(&[renamed, assignment(51)]);
        assert_eq!(left.all().len(), 1);
        let elsewhere = left.all().to_vec();
        left.forget(&elsewhere);
        assert_eq!((left.all(), left.next()), (&[][..], None));
    }

    #[test]
    fn the_kernels_refusals_are_told_from_its_consent() {
        let all = [assignment(50), assignment(51)];
        let change = |host: u8| {
            Change::Remove(crate::Address {
                interface: 2,
                address: [10, 1, 0, host].into(),
                peer: None,
                prefix: 24,
                label: None,
                flags: 0,
            })
        };
        let outcomes = [
            (Change::Promote(2, true), Err(Errno::ENODEV)),
            (change(50), Ok(())),
            (change(51), Err(Errno::EPERM)),
        ];
        let (left, why) = refused(&all, &outcomes);
        assert_eq!(left, &all[1..]);
        assert_eq!(why.as_deref(), Some("Operation not permitted"));
        assert_eq!(refused(&all, &outcomes[..2]), (Vec::new(), None));
    }
}
