//! What has become of the `active_cmd` that is to bring the addresses, as far as that has not been told.

use crate::hook_orders::HookOrders;

/// The last one that counts.
#[derive(Debug, Default)]
pub struct ActiveCmdOutcome(Option<State>);

#[derive(Clone, Copy, Debug)]
enum State {
    /// Ordered under this number.
    Ordered(u32),
    /// Ended, or never begun; whether well.
    Ended(bool),
}

impl ActiveCmdOutcome {
    /// Notes an end that nobody has asked about. To be called before it is ordered again.
    pub fn look(&mut self, orders: &HookOrders) {
        if let Some(State::Ordered(number)) = self.0
            && let Some(is_well) = orders.outcome(number)
        {
            self.0 = Some(State::Ended(is_well));
        }
    }

    /// lvs.cf has nothing to run.
    pub fn needs_nothing(&mut self, orders: &HookOrders) {
        self.note(orders, State::Ended(true));
    }

    /// It is ordered under this number; `None`: it cannot be run.
    pub fn order(&mut self, orders: &HookOrders, number: Option<u32>) {
        let ordered = number.map_or(State::Ended(false), State::Ordered);
        self.note(orders, ordered);
    }

    /// One that is run again may fail because the addresses are there: the one before says whether they have
    /// come, unless it was never begun and this one takes its place.
    fn note(&mut self, orders: &HookOrders, ordered: State) {
        let counts = match self.0 {
            Some(State::Ordered(before)) => orders.outcome(before).is_none(),
            Some(State::Ended(is_well)) => is_well,
            None => false,
        };
        if !counts || matches!(ordered, State::Ended(false)) {
            self.0 = Some(ordered);
        }
    }

    /// The addresses are given up: nothing is told of it any more.
    pub const fn forget(&mut self) {
        self.0 = None;
    }

    /// Whether it has ended since this was asked, and well. Without a runner it has failed.
    pub fn has_ended(&mut self, orders: &HookOrders, has_runner: bool) -> Option<bool> {
        self.look(orders);
        let is_well = match self.0? {
            State::Ended(is_well) => is_well,
            State::Ordered(_) if has_runner => return None,
            State::Ordered(_) => false,
        };
        self.0 = None;
        Some(is_well)
    }

    /// Whether the loop need not wait before it asks [`has_ended`](Self::has_ended).
    pub const fn has_news(&self, has_runner: bool) -> bool {
        matches!(self.0, Some(State::Ended(_))) || self.0.is_some() && !has_runner
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hook_queue::{HookQueue, Job, Words};
    use crate::runner_letter::{Letter, RunnerState};
    use lvs_model::Mono;

    const NOW: Mono = Mono::ZERO;

    /// pulse's side and its runner's, without the processes.
    #[derive(Default)]
    struct Pair {
        taking: ActiveCmdOutcome,
        orders: HookOrders,
        queue: HookQueue,
        state: RunnerState,
    }

    impl Pair {
        fn run_active(&mut self) {
            self.taking.look(&self.orders);
            let number = self.orders.order(Job::Active(words("active")));
            self.taking.order(&self.orders, number);
        }

        fn run_inactive(&mut self) {
            self.taking.forget();
            self.orders.order(Job::Inactive(words("inactive")));
        }

        /// The runner is told everything, and begins what it can.
        fn tell(&mut self) {
            while let Some(letter) = self.orders.next() {
                if let Letter::Order(order) = letter {
                    self.state.heard = order.number;
                    assert!(self.queue.order(NOW, order));
                }
                self.orders.told();
            }
            self.queue.next(NOW);
        }

        /// What runs ends; the next one begins.
        fn end(&mut self, is_well: bool) {
            let number = self.queue.open().next().expect("one runs");
            if !is_well {
                self.state.failures.add(number);
            }
            self.queue.ended();
            self.queue.next(NOW);
        }

        fn has_ended(&mut self) -> Option<bool> {
            self.state.open = self.queue.open().collect();
            self.orders.take(&self.state);
            self.taking.has_ended(&self.orders, true)
        }
    }

    fn words(word: &str) -> Words {
        vec![word.into()]
    }

    /// A conflict while it runs orders it once more.
    #[test]
    fn r_one_that_runs_is_not_done_because_it_is_ordered_again() {
        for is_well in [true, false] {
            let mut pair = Pair::default();
            pair.run_active();
            pair.tell();
            for _ in 0..3 {
                pair.run_active();
                assert_eq!(pair.has_ended(), None);
                pair.tell();
                assert_eq!(pair.has_ended(), None);
            }
            pair.end(is_well);
            assert_eq!(pair.has_ended(), Some(is_well));
            // The address is there already.
            pair.end(false);
            assert_eq!(pair.has_ended(), None);
        }
    }

    /// What fails right behind it does so before pulse has listened.
    #[test]
    fn r_a_failure_is_not_hidden_by_the_next_one() {
        let mut pair = Pair::default();
        pair.run_active();
        pair.tell();
        pair.run_active();
        pair.tell();
        pair.end(false);
        pair.end(false);
        assert_eq!(pair.has_ended(), Some(false));
    }

    #[test]
    fn r_one_that_waits_for_inactive_cmd_or_to_be_told_is_not_done_either() {
        let mut pair = Pair::default();
        pair.run_inactive();
        pair.tell();
        for _ in 0..3 {
            // Not told yet; then in the runner's queue.
            pair.run_active();
            pair.run_active();
            assert_eq!(pair.has_ended(), None);
            pair.tell();
            assert_eq!(pair.has_ended(), None);
        }
        pair.end(true);
        assert_eq!(pair.has_ended(), None);
        pair.end(false);
        assert_eq!(pair.has_ended(), Some(false));
    }

    #[test]
    fn r_another_runner_runs_it_to_its_end() {
        let mut pair = Pair::default();
        pair.run_active();
        pair.tell();
        pair.run_active();
        pair.tell();
        assert_eq!(pair.has_ended(), None);
        pair.orders.begin_again();
        pair.queue = HookQueue::default();
        pair.state = RunnerState::default();
        pair.tell();
        assert_eq!(pair.has_ended(), None);
        pair.end(false);
        assert_eq!(pair.has_ended(), Some(false));
    }

    /// It has ended, and nobody has asked yet.
    #[test]
    fn r_one_that_ended_well_brought_the_addresses_whatever_the_next_one_does() {
        let mut pair = Pair::default();
        pair.run_active();
        pair.tell();
        pair.end(true);
        pair.state.open.clear();
        pair.orders.take(&pair.state);
        pair.run_active();
        pair.tell();
        pair.end(false);
        assert_eq!(pair.has_ended(), Some(true));
    }

    #[test]
    fn without_a_runner_it_has_failed_unless_it_had_ended_before() {
        let mut pair = Pair::default();
        pair.run_active();
        pair.tell();
        let mut lost = std::mem::take(&mut pair.taking);
        assert!(lost.has_news(false));
        assert_eq!(lost.has_ended(&pair.orders, false), Some(false));
        pair.run_active();
        let mut done = std::mem::take(&mut pair.taking);
        let all_heard = RunnerState {
            heard: 2,
            ..RunnerState::default()
        };
        pair.orders.take(&all_heard);
        assert_eq!(done.has_ended(&pair.orders, false), Some(true));
        assert_eq!(done.has_ended(&pair.orders, false), None);
    }
}
