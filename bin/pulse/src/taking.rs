//! What has become of the `active_cmd` that is to bring the addresses, as far as that has not been told.

use crate::hook_orders::HookOrders;

/// The last one that counts.
#[derive(Debug, Default)]
pub struct Taking(Option<State>);

#[derive(Clone, Copy, Debug)]
enum State {
    /// Ordered under this number.
    Ordered(u32),
    /// Ended, or never begun; whether well.
    Ended(bool),
}

impl Taking {
    /// lvs.cf has nothing to run.
    pub fn needs_nothing(&mut self) {
        self.note(State::Ended(true));
    }

    /// It is ordered under this number; `None`: it cannot be run.
    pub fn order(&mut self, number: Option<u32>) {
        self.note(number.map_or(State::Ended(false), State::Ordered));
    }

    fn note(&mut self, ordered: State) {
        // One that is run again does not say whether the addresses have come.
        let is_open = matches!(self.0, Some(State::Ordered(_)));
        if !is_open || matches!(ordered, State::Ended(false)) {
            self.0 = Some(ordered);
        }
    }

    /// The addresses are given up: nothing is told of it any more.
    pub const fn forget(&mut self) {
        self.0 = None;
    }

    /// Whether it has ended since this was asked, and well. Without a runner it does not.
    pub fn has_ended(&mut self, orders: &HookOrders, has_runner: bool) -> Option<bool> {
        let is_well = match self.0? {
            State::Ended(is_well) => is_well,
            State::Ordered(_) if !has_runner => false,
            State::Ordered(number) => orders.outcome(number)?,
        };
        self.0 = None;
        Some(is_well)
    }

    /// Whether the loop need not wait before it asks [`has_ended`](Self::has_ended).
    pub const fn has_news(&self, has_runner: bool) -> bool {
        matches!(self.0, Some(State::Ended(_))) || self.0.is_some() && !has_runner
    }
}
