//! Programs that the runner runs beside its hooks: `send_arp` of lvs.cf, a bounded number at a time.

use std::collections::{BTreeSet, VecDeque};
use std::path::Path;
use std::time::Duration;

use daemon::{Child, Signal};
use lvs_model::{ChildExit, Mono};

use crate::hook_queue::Words;
use crate::program;
use crate::repeats::Repeats;

/// Time that each has.
const WITHIN: Duration = Duration::from_secs(5);
/// So many run at a time, and so many wait: one for each address.
const MOST: usize = 16;
const MOST_WAITING: usize = 16384;

/// What is said of those for which there is no room.
pub const TOO_MANY: &str = "send_arp: too many addresses wait for it: some are left out";

/// What is said of one that cannot be told to the runner.
pub const TOO_LONG: &str = "send_arp: not run: its words are too long";

/// What waits, each once: a program that has not been run for an address need not be run twice for it.
#[derive(Debug, Default)]
pub struct Waiting {
    queue: VecDeque<Words>,
    known: BTreeSet<Words>,
}

impl Waiting {
    /// Takes one; whether there was room for it.
    pub fn add(&mut self, words: Words) -> bool {
        if self.known.contains(&words) {
            return true;
        }
        let has_room = self.queue.len() < MOST_WAITING;
        if has_room {
            self.known.insert(words.clone());
            self.queue.push_back(words);
        }
        has_room
    }

    /// The next one.
    pub fn first(&self) -> Option<&Words> {
        self.queue.front()
    }

    /// Takes it out.
    pub fn take(&mut self) -> Option<Words> {
        let words = self.queue.pop_front()?;
        self.known.remove(&words);
        Some(words)
    }

    /// None waits any more.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

/// What waits and what runs.
#[derive(Default)]
pub struct Beside {
    waiting: Waiting,
    running: Vec<Running>,
    /// The same fault of each of a hundred addresses is said once.
    faults: Repeats,
}

struct Running {
    child: Child,
    path: String,
    deadline: Mono,
}

impl Beside {
    /// Takes an order. What there is no room for is said.
    pub fn order(&mut self, now: Mono, words: Words) {
        if !self.waiting.add(words) {
            self.say(now, TOO_MANY);
        }
    }

    /// Nothing more of it.
    pub fn end(&mut self) {
        self.waiting.clear();
        self.running.iter().for_each(kill);
    }

    /// Whether nothing runs and nothing waits.
    pub fn is_idle(&self) -> bool {
        self.running.is_empty() && self.waiting.first().is_none()
    }

    /// The processes that run.
    pub fn pids(&self) -> impl Iterator<Item = i32> {
        self.running.iter().map(|it| it.child.pid())
    }

    /// When to look at the time again.
    pub fn deadline(&self) -> Option<Mono> {
        self.running.iter().map(|it| it.deadline).min()
    }

    /// Ends what takes too long, starts what waits.
    pub fn turn(&mut self, now: Mono) {
        for it in self.running.iter_mut().filter(|it| it.deadline <= now) {
            it.deadline = now + WITHIN;
            kill(it);
        }
        while self.running.len() < MOST {
            let Some(words) = self.waiting.take() else {
                return;
            };
            let Some((path, args)) = words.split_first() else {
                continue;
            };
            let path = Path::new(path);
            match program::start(path, args, None) {
                Ok(child) => self.running.push(Running {
                    child,
                    path: path.display().to_string(),
                    deadline: now + WITHIN,
                }),
                Err(error) => self.say(now, &format!("{} was not run: {error}", path.display())),
            }
        }
    }

    /// Takes an end, if `pid` was one of these.
    pub fn ended(&mut self, now: Mono, pid: i32, exit: ChildExit) {
        let place = self.running.iter().position(|it| it.child.pid() == pid);
        if let Some(ended) = place.map(|place| self.running.swap_remove(place))
            && !exit.is_success()
        {
            self.say(now, &format!("{} {exit}", ended.path));
        }
    }

    fn say(&mut self, now: Mono, line: &str) {
        if self.faults.is_news(now, &[line.to_owned()]) {
            log::warn!("{line}");
        }
    }
}

fn kill(it: &Running) {
    // ESRCH: it has just ended, and is reaped at the next turn.
    let _ = it.child.signal_group(Signal::SIGKILL);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_bounded_and_waits_once() {
        let mut waiting = Waiting::default();
        let words = |number: usize| vec![number.to_string().into()];
        for number in 0..MOST_WAITING {
            assert!(waiting.add(words(number)));
        }
        assert!(!waiting.add(words(MOST_WAITING)));
        // It waits already.
        assert!(waiting.add(words(0)));
        assert_eq!(waiting.take(), Some(words(0)));
        assert!(waiting.add(words(0)));
        let count = std::iter::from_fn(|| waiting.take()).count();
        assert_eq!(count, MOST_WAITING);
    }
}
