//! What pulse has ordered of its runner: kept until the runner has it, and a hook until it has ended.
//!
//! The runner's socket is full when the runner is stopped, or is told of hundreds of addresses; and a runner
//! may be killed. Neither loses an order. What did not go is told later, hooks before programs for addresses,
//! and another runner is told of each hook that has not ended.

use std::collections::VecDeque;

use crate::beside::{TOO_LONG, TOO_MANY, Waiting};
use crate::hook_queue::{Job, Order, Words};
use crate::runner_letter::{self, Failures, Letter, RunnerState};

/// Commands that are kept at most.
const MOST_COMMANDS: usize = 64;

/// Orders and what has become of them.
#[derive(Debug, Default)]
pub struct HookOrders {
    last: u32,
    /// Those that have not ended, by their numbers.
    open: VecDeque<Order>,
    failures: Failures,
    /// What the runner does not know yet.
    untold: VecDeque<Letter>,
    will: Words,
    beside: Waiting,
}

impl HookOrders {
    /// Takes an order; its number. `None`: too many commands wait, or it is longer than a message.
    ///
    /// What a role orders replaces what has not been told of the opposite one, and of itself, as in the runner's
    /// queue. An `active_cmd` that the runner knows may run: it stays open until it has ended.
    pub fn order(&mut self, job: Job) -> Option<u32> {
        let is_kept = |it: &Job| match job {
            Job::Active(_) => !matches!(it, Job::Active(_)),
            Job::Inactive(_) => matches!(it, Job::Command(..)),
            Job::Command(..) => true,
        };
        let is_again = matches!(job, Job::Active(_));
        let untold = self.first_untold();
        let is_open = |it: &Order| is_kept(&it.job) || is_again && it.number < untold;
        self.open.retain(is_open);
        self.untold.retain(|letter| match letter {
            Letter::Order(it) => is_kept(&it.job),
            _ => true,
        });
        if matches!(job, Job::Inactive(_)) {
            // Nothing is announced any more.
            self.beside.clear();
        }
        let is_command = |it: &Order| matches!(it.job, Job::Command(..));
        let commands = self.open.iter().filter(|it| is_command(it)).count();
        if matches!(job, Job::Command(..)) && commands >= MOST_COMMANDS {
            return None;
        }
        let number = self.last + 1;
        let order = Order { number, job };
        let letter = Letter::Order(order.clone());
        if !runner_letter::can_be_told(&letter) {
            return None;
        }
        self.last = number;
        self.open.push_back(order);
        self.untold.push_back(letter);
        Some(number)
    }

    /// The number of the first order that the runner does not know.
    fn first_untold(&self) -> u32 {
        let untold = self.untold.iter().find_map(|letter| match letter {
            Letter::Order(it) => Some(it.number),
            _ => None,
        });
        untold.unwrap_or(u32::MAX)
    }

    /// What is to be run when pulse is killed. It has its place among the orders: taken back behind
    /// `inactive_cmd`, it is in force until the runner has that. Whether it is taken: in the place of one
    /// that is longer than a message nothing is run, as the one before is out of date.
    pub fn leave(&mut self, words: Words) -> bool {
        let is_taken = runner_letter::can_be_told(&Letter::Will(words.clone()));
        self.will = if is_taken { words } else { Words::new() };
        let is_will = |letter: &Letter| matches!(letter, Letter::Will(_));
        self.untold.retain(|letter| !is_will(letter));
        self.untold.push_back(Letter::Will(self.will.clone()));
        is_taken
    }

    /// A program for an address. The same one waits once.
    ///
    /// # Errors
    /// What is to be said of one that is not taken.
    pub fn order_beside(&mut self, words: Words) -> Result<(), &'static str> {
        if !runner_letter::can_be_told(&Letter::Beside(words.clone())) {
            return Err(TOO_LONG);
        }
        self.beside.add(words).then_some(()).ok_or(TOO_MANY)
    }

    /// What the runner is to be told next.
    pub fn next(&self) -> Option<Letter> {
        let beside = || self.beside.first().cloned().map(Letter::Beside);
        self.untold.front().cloned().or_else(beside)
    }

    /// The runner has been told what was [`next`](Self::next).
    pub fn told(&mut self) {
        if self.untold.pop_front().is_none() {
            self.beside.take();
        }
    }

    /// Whether a hook or command waits to be told.
    pub fn is_behind(&self) -> bool {
        !self.untold.is_empty()
    }

    /// What the runner says has not ended, or has not been heard by it, stays.
    pub fn take(&mut self, state: &RunnerState) {
        let is_open = |it: &Order| it.number > state.heard || state.open.contains(&it.number);
        self.open.retain(is_open);
        self.failures.learn(&state.failures);
    }

    /// Whether this one has not ended.
    pub fn is_open(&self, number: u32) -> bool {
        self.open.iter().any(|it| it.number == number)
    }

    /// How this one has ended: whether well; `None` while it has not.
    pub fn outcome(&self, number: u32) -> Option<bool> {
        (!self.is_open(number)).then(|| !self.failures.has(number))
    }

    /// Whether one has not ended.
    pub fn has_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// No program for an address is begun any more.
    pub fn finish(&mut self) {
        self.beside.clear();
    }

    /// Another runner, which knows nothing yet.
    pub fn begin_again(&mut self) {
        let orders = self.open.iter().cloned().map(Letter::Order);
        let will = Letter::Will(self.will.clone());
        self.untold = std::iter::once(will).chain(orders).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(word: &str) -> Words {
        vec![word.into()]
    }

    fn active() -> Job {
        Job::Active(words("active"))
    }

    fn inactive() -> Job {
        Job::Inactive(words("inactive"))
    }

    fn copy() -> Job {
        Job::Command("file".into(), words("copy"))
    }

    fn order(number: u32, job: Job) -> Letter {
        Letter::Order(Order { number, job })
    }

    /// Everything that a runner with room is told.
    fn tell(orders: &mut HookOrders) -> Vec<Letter> {
        let mut told = Vec::new();
        while let Some(letter) = orders.next() {
            told.push(letter);
            orders.told();
        }
        told
    }

    #[test]
    fn hooks_go_before_whatever_waits_for_addresses() {
        let mut orders = HookOrders::default();
        for number in 0..1000 {
            orders.order_beside(words(&number.to_string())).unwrap();
        }
        orders.order(active());
        assert_eq!(orders.next(), Some(order(1, active())));
        assert!(orders.is_behind());
        assert_eq!(tell(&mut orders).len(), 1001);
        assert!(!orders.is_behind());
    }

    #[test]
    fn a_program_for_an_address_waits_once_and_not_beyond_a_give_up() {
        let mut orders = HookOrders::default();
        for _ in 0..5 {
            orders.order_beside(words("one")).unwrap();
            orders.order_beside(words("two")).unwrap();
        }
        let both = ["one", "two"].map(|word| Letter::Beside(words(word)));
        assert_eq!(tell(&mut orders), both);
        orders.order_beside(words("one")).unwrap();
        orders.order(inactive());
        assert_eq!(tell(&mut orders), [order(1, inactive())]);
        orders.order_beside(words("one")).unwrap();
        orders.finish();
        assert_eq!(tell(&mut orders), []);
    }

    #[test]
    fn a_role_that_was_not_told_yet_gives_way_to_its_opposite() {
        let mut orders = HookOrders::default();
        for job in [active(), copy(), inactive(), active(), active()] {
            orders.order(job);
        }
        let told = [order(2, copy()), order(3, inactive()), order(5, active())];
        assert_eq!(tell(&mut orders), told);
    }

    #[test]
    fn another_runner_is_told_of_what_has_not_ended() {
        let mut orders = HookOrders::default();
        assert!(orders.leave(words("away")));
        for job in [inactive(), active(), copy()] {
            orders.order(job);
        }
        tell(&mut orders);
        orders.take(&RunnerState {
            heard: 2,
            open: vec![2],
            running: vec![7],
            ..RunnerState::default()
        });
        assert!(!orders.is_open(1) && orders.is_open(2) && orders.is_open(3));
        orders.begin_again();
        let will = Letter::Will(words("away"));
        let told = [will, order(2, active()), order(3, copy())];
        assert_eq!(tell(&mut orders), told);
        // It has said nothing yet.
        orders.take(&RunnerState::default());
        assert!(orders.has_open());
        orders.take(&RunnerState {
            heard: 3,
            ..RunnerState::default()
        });
        assert!(!orders.has_open());
    }

    #[test]
    fn a_will_is_taken_back_behind_inactive_cmd_and_left_before_active_cmd() {
        let mut orders = HookOrders::default();
        assert!(orders.leave(words("away")));
        orders.order(active());
        orders.order(inactive());
        assert!(orders.leave(Vec::new()));
        let none = Letter::Will(Vec::new());
        assert_eq!(tell(&mut orders), [order(2, inactive()), none]);
        assert!(orders.leave(words("away")));
        orders.order(active());
        let will = Letter::Will(words("away"));
        assert_eq!(tell(&mut orders), [will, order(3, active())]);
    }

    #[test]
    fn commands_have_a_limit_and_roles_have_none() {
        let mut orders = HookOrders::default();
        for _ in 0..MOST_COMMANDS {
            assert!(orders.order(copy()).is_some());
        }
        assert_eq!(orders.order(copy()), None);
        assert_eq!(orders.order(Job::Active(words(&"a".repeat(4096)))), None);
        assert!(orders.order(inactive()).is_some());
    }

    /// It would be in the way of whatever comes behind it, for ever.
    #[test]
    fn what_can_never_be_told_is_not_taken() {
        let mut orders = HookOrders::default();
        let long = words(&"a".repeat(4096));
        assert_eq!(orders.order_beside(long), Err(TOO_LONG));
        assert_eq!(orders.next(), None);
        orders.order_beside(words("one")).unwrap();
        assert_eq!(tell(&mut orders), [Letter::Beside(words("one"))]);
    }

    #[test]
    fn a_will_that_is_too_long_takes_the_old_one_back() {
        let mut orders = HookOrders::default();
        assert!(orders.leave(words("away")));
        tell(&mut orders);
        assert!(!orders.leave(words(&"a".repeat(4096))));
        let none = Letter::Will(Vec::new());
        assert_eq!(tell(&mut orders), std::slice::from_ref(&none));
        // Another runner is told the same.
        orders.begin_again();
        assert_eq!(tell(&mut orders), [none]);
    }
}
