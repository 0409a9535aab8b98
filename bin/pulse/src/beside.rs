//! Programs that the runner runs beside its hooks: `send_arp` of lvs.cf, a bounded number at a time.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use daemon::{Child, Signal};
use lvs_model::{ChildExit, Mono};

use crate::repeats::Repeats;
use crate::runner;

/// Time that each has.
const WITHIN: Duration = Duration::from_secs(5);
/// So many run at a time, and so many wait.
const MOST: usize = 16;
const MOST_WAITING: usize = 4096;

/// What waits and what runs.
#[derive(Default)]
pub struct Beside {
    waiting: VecDeque<Vec<OsString>>,
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
    /// Takes an order; whether there was room for it.
    pub fn order(&mut self, words: Vec<OsString>) -> bool {
        let has_room = self.waiting.len() < MOST_WAITING;
        if has_room {
            self.waiting.push_back(words);
        }
        has_room
    }

    /// Nothing more of it.
    pub fn end(&mut self) {
        self.waiting.clear();
        self.running.iter().for_each(kill);
    }

    /// Whether nothing runs and nothing waits.
    pub fn is_idle(&self) -> bool {
        self.running.is_empty() && self.waiting.is_empty()
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
            let Some(words) = self.waiting.pop_front() else {
                return;
            };
            let Some((path, args)) = words.split_first() else {
                continue;
            };
            let path = Path::new(path);
            match runner::start(path, args, None) {
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
