//! A heartbeat of the partner as a [`Bench`] hears it: what it says, how it is signed, how it came.

use super::Bench;
use crate::datagram::Value;
use crate::datagram::details::Details;
use crate::datagram::signed::{State, Statement};
use crate::model::{Action, Input};
use crate::pair::PairPath;
use crate::said::{Form, Said};

/// One heartbeat, on the public path and the newest unless it says otherwise.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Beat {
    said: Said,
    path: PairPath,
}

/// A signed one: term 1, hears us, fit, asks for nothing.
pub(crate) const fn signed(state: State) -> Beat {
    let mut said = Said::unsigned(state);
    said.statement.term = 1;
    said.form = Form::Signed(1);
    Beat {
        said,
        path: PairPath::Public,
    }
}

/// One without a signature, of a partner of ours that marks what it says.
pub(crate) const fn marked(state: State) -> Beat {
    Beat {
        said: Said::unsigned(state),
        path: PairPath::Public,
    }
}

impl Beat {
    pub(crate) const fn state(mut self, state: State) -> Self {
        self.said.statement.state = state;
        self
    }

    pub(crate) const fn term(mut self, term: u64) -> Self {
        self.said.statement.term = term;
        self
    }

    /// When both are active the higher term is to stay.
    pub(crate) const fn by_term(mut self, by_term: bool) -> Self {
        self.said.statement.by_term = by_term;
        self
    }

    /// It does not hear us.
    pub(crate) const fn deaf(mut self) -> Self {
        self.said.statement.hears = false;
        self
    }

    pub(crate) const fn fit(mut self, fit: bool) -> Self {
        self.said.statement.fit = fit;
        self
    }

    pub(crate) const fn unfit(self) -> Self {
        self.fit(false)
    }

    /// With details, by version 2.
    pub(crate) const fn details(mut self, details: Details) -> Self {
        self.said.statement.details = Some(details);
        self.said.form = Form::Signed(2);
        self
    }

    /// Something newer came before it.
    pub(crate) const fn older(mut self) -> Self {
        self.said.newest = false;
        self
    }

    /// Of our own role.
    pub(crate) const fn same_role(mut self) -> Self {
        self.said.same_role = true;
        self
    }

    pub(crate) const fn on(mut self, path: PairPath) -> Self {
        self.path = path;
        self
    }

    pub(crate) const fn said(self) -> Said {
        self.said
    }

    pub(crate) const fn statement(self) -> Statement {
        self.said.statement
    }

    /// What an original reads of it.
    pub(crate) const fn value(self) -> Value {
        match self.said.statement.state {
            State::Inactive => Value::Stopped,
            State::Starting | State::Active | State::Leaving => Value::Running,
        }
    }

    pub(crate) const fn input(self) -> Input {
        Input::Beat {
            value: self.value(),
            path: self.path,
            said: Some(self.said),
        }
    }
}

impl Bench {
    pub(super) fn hear_beat(&mut self, seconds: f64, beat: Beat) -> Vec<Action> {
        self.put(seconds, beat.input())
    }
}
