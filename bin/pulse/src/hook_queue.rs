//! Which hook runs next, which one is ended for it, and when: the runner's decisions.
//!
//! One hook runs at a time. What a takeover or give-up orders replaces what still waits for it: a
//! director that lets go does not first do everything that it wanted as the active one.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::time::Duration;

use lvs_model::{EndStep, Ending, Mono, Patience};

/// Time that a hook has.
const HOOK_WITHIN: Duration = Duration::from_secs(30);
/// Time between SIGTERM and SIGKILL of a hook that took too long.
const PATIENCE: Patience = Patience::even(Duration::from_secs(5));
/// How long the last hook may take until nothing of it is left: its time, and twice the time to end.
pub const LAST_HOOK_WITHIN: Duration = Duration::from_secs(40);
/// The same if its opposite waits.
const SHORT_PATIENCE: Patience = Patience::even(Duration::from_secs(2));
/// Time that a running `inactive_cmd` still has when a takeover begins.
const INACTIVE_WITHIN: Duration = Duration::from_secs(5);
/// Commands that wait at most.
pub const MOST_WAITING: usize = 64;

/// A program and its arguments.
pub type Words = Vec<OsString>;

/// What is to be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Job {
    /// `active_cmd`.
    Active(Words),
    /// `inactive_cmd`, or no words where lvs.cf has none.
    Inactive(Words),
    /// A command that has nothing to do with who is active, and the file that it reads.
    Command(OsString, Words),
}

/// A job with the number under which its end is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// From 1 on, growing.
    pub number: u32,
    /// What is to be run.
    pub job: Job,
}

/// Which of the two hooks, if it is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Active,
    Inactive,
    Command,
}

#[derive(Clone, Copy, Debug)]
struct Running {
    number: u32,
    kind: Kind,
    ending: Ending,
}

/// What waits and what runs.
#[derive(Clone, Debug, Default)]
pub struct HookQueue {
    waiting: VecDeque<Order>,
    running: Option<Running>,
    /// Run when pulse has been killed.
    will: Words,
}

impl Order {
    const fn kind(&self) -> Kind {
        match self.job {
            Job::Active(_) => Kind::Active,
            Job::Inactive(_) => Kind::Inactive,
            Job::Command(..) => Kind::Command,
        }
    }
}

impl HookQueue {
    /// Takes an order; whether there was room for it. An `active_cmd` that waits already is run once, as it was
    /// ordered last, and keeps its number: its end is waited for.
    pub fn order(&mut self, now: Mono, order: Order) -> bool {
        match order.kind() {
            Kind::Active => {
                self.shorten(Kind::Inactive, now + INACTIVE_WITHIN);
                let mut waiting = self.waiting.iter_mut();
                if let Some(before) = waiting.find(|it| it.kind() == Kind::Active) {
                    before.job = order.job;
                    return true;
                }
            }
            Kind::Inactive => {
                self.waiting.retain(|it| it.kind() == Kind::Command);
                self.shorten(Kind::Active, now);
            }
            Kind::Command if self.waiting.len() >= MOST_WAITING => return false,
            Kind::Command => {}
        }
        // What is ordered of a role goes before commands, which nobody waits for.
        let is_command = |it: &Order| it.kind() == Kind::Command;
        let place = match is_command(&order) {
            true => self.waiting.len(),
            false => self.waiting.iter().take_while(|it| !is_command(it)).count(),
        };
        self.waiting.insert(place, order);
        true
    }

    /// What is to be run when pulse is killed; no words take it back.
    pub fn leave(&mut self, words: Words) {
        self.will = words;
    }

    /// pulse is gone: nobody is active any more. What it left to be done comes next.
    pub fn close(&mut self, now: Mono) -> bool {
        let will = std::mem::take(&mut self.will);
        self.waiting.retain(|it| it.kind() != Kind::Active);
        if will.is_empty() {
            return false;
        }
        // Nobody is left to hear of its end.
        let (number, job) = (0, Job::Inactive(will));
        self.order(now, Order { number, job })
    }

    /// The next one to start, if none runs.
    pub fn next(&mut self, now: Mono) -> Option<Order> {
        if self.running.is_some() {
            return None;
        }
        let order = self.waiting.pop_front()?;
        self.running = Some(Running {
            number: order.number,
            kind: order.kind(),
            ending: Ending::at(now + HOOK_WITHIN, PATIENCE),
        });
        Some(order)
    }

    /// The running one has ended, or could not be started.
    pub fn ended(&mut self) {
        self.running = None;
    }

    /// The numbers of those that have not ended.
    pub fn open(&self) -> impl Iterator<Item = u32> {
        let running = self.running.iter().map(|it| it.number);
        running.chain(self.waiting.iter().map(|it| it.number))
    }

    /// Whether the running one has been asked to end: then all that it started goes with it.
    pub fn is_ending(&self) -> bool {
        self.running
            .is_some_and(|running| running.ending.is_asked())
    }

    /// Whether nothing runs and nothing waits.
    pub fn is_idle(&self) -> bool {
        self.running.is_none() && self.waiting.is_empty()
    }

    /// When to ask [`due`](Self::due) again.
    pub fn deadline(&self) -> Option<Mono> {
        self.running.and_then(|running| running.ending.deadline())
    }

    /// Whether the running one is known not to end though it was killed.
    pub fn is_stuck(&self) -> bool {
        self.running
            .is_some_and(|running| running.ending.is_stuck())
    }

    /// How the running hook is to be ended now.
    pub fn due(&mut self, now: Mono) -> Option<EndStep> {
        self.running.as_mut()?.ending.due(now)
    }

    fn shorten(&mut self, kind: Kind, until: Mono) {
        if let Some(running) = self.running.as_mut().filter(|it| it.kind == kind) {
            running.ending.hurry(until, SHORT_PATIENCE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Mono {
        Mono::new(Duration::from_secs(seconds))
    }

    fn words(word: &str) -> Words {
        vec![word.into()]
    }

    fn active() -> Order {
        let (number, job) = (100, Job::Active(words("active")));
        Order { number, job }
    }

    fn inactive(number: u32) -> Order {
        let job = Job::Inactive(words("inactive"));
        Order { number, job }
    }

    fn copy() -> Order {
        let (number, job) = (200, Job::Command("file".into(), words("copy")));
        Order { number, job }
    }

    fn will() -> Order {
        let (number, job) = (0, Job::Inactive(words("away")));
        Order { number, job }
    }

    /// A queue whose first order runs since second 0.
    fn running(order: &Order) -> HookQueue {
        let mut queue = HookQueue::default();
        assert!(queue.order(at(0), order.clone()));
        assert_eq!(queue.next(at(0)).as_ref(), Some(order));
        queue
    }

    /// Everything that would run, one after the other.
    fn order_of(queue: &mut HookQueue) -> Vec<Order> {
        let mut jobs = Vec::new();
        while let Some(job) = {
            queue.ended();
            queue.next(at(100))
        } {
            jobs.push(job);
        }
        jobs
    }

    #[test]
    fn a_give_up_ends_the_running_active_cmd_within_two_seconds() {
        let mut queue = running(&active());
        queue.order(at(3), inactive(1));
        assert_eq!(queue.due(at(3)), Some(EndStep::Ask));
        assert!(queue.is_ending());
        assert_eq!(queue.due(at(4)), None);
        assert_eq!(queue.due(at(5)), Some(EndStep::Kill));
        assert_eq!(queue.open().collect::<Vec<_>>(), [100, 1]);
        queue.ended();
        assert_eq!(queue.next(at(5)), Some(inactive(1)));
        assert_eq!(queue.open().collect::<Vec<_>>(), [1]);
        queue.ended();
        assert!(queue.is_idle() && queue.open().next().is_none());
    }

    #[test]
    fn an_active_cmd_that_was_asked_already_is_killed_sooner_for_a_give_up() {
        let mut queue = running(&active());
        assert_eq!(queue.due(at(30)), Some(EndStep::Ask));
        queue.order(at(31), inactive(1));
        assert_eq!(queue.deadline(), Some(at(33)));
        assert_eq!(queue.due(at(33)), Some(EndStep::Kill));
    }

    #[test]
    fn a_give_up_drops_what_the_active_one_still_wanted() {
        let mut queue = running(&copy());
        for job in [active(), inactive(1), active(), inactive(2)] {
            queue.order(at(1), job);
        }
        assert_eq!(order_of(&mut queue), [inactive(2)]);
    }

    #[test]
    fn a_takeover_lets_inactive_cmd_end_and_waits_five_seconds_at_most() {
        let mut queue = running(&inactive(1));
        queue.order(at(1), active());
        assert_eq!(queue.due(at(5)), None);
        assert_eq!(queue.due(at(6)), Some(EndStep::Ask));
        assert_eq!(queue.due(at(8)), Some(EndStep::Kill));
        assert_eq!(order_of(&mut queue), [active()]);
    }

    #[test]
    fn a_takeover_during_a_give_up_runs_both_hooks_in_their_order() {
        let mut queue = running(&active());
        queue.order(at(1), inactive(1));
        queue.order(at(2), active());
        assert_eq!(order_of(&mut queue), [inactive(1), active()]);
    }

    #[test]
    fn active_cmd_waits_once_however_often_it_is_ordered() {
        let mut queue = running(&active());
        for number in 101..300 {
            let job = Job::Active(words(&number.to_string()));
            assert!(queue.order(at(1), Order { number, job }));
        }
        let (number, job) = (101, Job::Active(words("299")));
        assert_eq!(order_of(&mut queue), [Order { number, job }]);
    }

    #[test]
    fn roles_go_before_commands_and_commands_have_a_limit() {
        let mut queue = running(&copy());
        for _ in 0..MOST_WAITING {
            assert!(queue.order(at(1), copy()));
        }
        assert!(!queue.order(at(1), copy()));
        assert!(queue.order(at(1), inactive(1)));
        queue.ended();
        assert_eq!(queue.next(at(2)), Some(inactive(1)));
    }

    #[test]
    fn a_hook_has_thirty_seconds_and_five_to_end() {
        let mut queue = running(&inactive(1));
        assert_eq!(queue.due(at(29)), None);
        assert_eq!(queue.due(at(30)), Some(EndStep::Ask));
        assert_eq!(queue.due(at(34)), None);
        assert_eq!(queue.due(at(35)), Some(EndStep::Kill));
        assert!(!queue.is_stuck());
        assert_eq!(queue.due(at(40)), Some(EndStep::Stuck));
        assert!(queue.is_stuck());
        queue.ended();
        assert!(!queue.is_stuck());
    }

    #[test]
    fn the_will_of_a_killed_pulse_ends_the_running_active_cmd() {
        let mut queue = running(&active());
        queue.leave(words("away"));
        queue.order(at(1), active());
        assert!(queue.close(at(2)));
        assert_eq!(queue.due(at(2)), Some(EndStep::Ask));
        assert_eq!(order_of(&mut queue), [will()]);
    }

    #[test]
    fn without_a_will_nothing_new_is_begun_for_the_active_one() {
        let mut queue = running(&copy());
        queue.order(at(1), active());
        queue.leave(words("away"));
        queue.leave(Vec::new());
        assert!(!queue.close(at(2)));
        assert_eq!(order_of(&mut queue), []);
    }
}
