//! A compiled expression, and the search for it in bytes that come one after the other.
//!
//! It follows all ways through the expression at once (Thompson). So it looks at no byte twice, and each
//! byte takes at most two steps for each state. Used by `expression`.

use crate::pattern::{Assertion, Bytes, Item, Part, is_word};

/// Where a way goes on.
#[derive(Clone, Copy, Debug)]
enum State {
    /// With one of these bytes, then there.
    One(Bytes, usize),
    /// If this holds, there.
    Assertion(Assertion, usize),
    /// In both places.
    Both(usize, usize),
    /// Nowhere: it is found.
    Found,
}

/// The states of an expression.
#[derive(Clone, Debug)]
pub struct Nfa {
    states: Vec<State>,
    start: usize,
}

impl Nfa {
    /// Compiles an expression.
    pub fn new(expression: &Item) -> Self {
        let mut nfa = Self {
            states: vec![State::Found],
            start: 0,
        };
        nfa.start = nfa.compile(&expression.part, 0);
        nfa
    }

    fn push(&mut self, state: State) -> usize {
        self.states.push(state);
        self.states.len() - 1
    }

    /// Where `part` begins that goes on at `next`.
    fn compile(&mut self, part: &Part, next: usize) -> usize {
        match part {
            Part::One(bytes) => self.push(State::One(*bytes, next)),
            Part::Assertion(assertion) => self.push(State::Assertion(*assertion, next)),
            Part::Sequence(parts) => {
                let from_behind = parts.iter().rev();
                from_behind.fold(next, |next, part| self.compile(part, next))
            }
            Part::Choice(parts) => {
                let starts: Vec<usize> =
                    parts.iter().map(|part| self.compile(part, next)).collect();
                let mut starts = starts.into_iter();
                let first = starts.next().unwrap_or(next);
                starts.fold(first, |one, other| self.push(State::Both(one, other)))
            }
            Part::Repeat(part, least, most) => {
                let (behind, copies) = match most {
                    Some(most) => (self.optional(part, most - least, next), *least),
                    None => (
                        self.endless(part, *least > 0, next),
                        least.saturating_sub(1),
                    ),
                };
                (0..copies).fold(behind, |next, _| self.compile(part, next))
            }
        }
    }

    /// At most `most` times.
    fn optional(&mut self, part: &Part, most: u32, next: usize) -> usize {
        (0..most).fold(next, |behind, _| {
            let once_more = self.compile(part, behind);
            self.push(State::Both(once_more, next))
        })
    }

    /// Any number of times, once at least if `is_needed`.
    fn endless(&mut self, part: &Part, is_needed: bool, next: usize) -> usize {
        let fork = self.push(State::Both(next, next));
        let body = self.compile(part, fork);
        if let Some(state) = self.states.get_mut(fork) {
            *state = State::Both(body, next);
        }
        if is_needed { body } else { fork }
    }
}

/// A search on its way.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// Where the ways stand, before those that need no byte are followed.
    places: Places,
    /// The same behind it.
    reached: Places,
    /// The last byte.
    before: Option<u8>,
    is_found: bool,
    steps: u64,
}

/// Numbers of states, each once.
#[derive(Clone, Debug, Default)]
struct Places {
    list: Vec<usize>,
    is_in: Vec<bool>,
}

impl Places {
    fn add(&mut self, place: usize) {
        if place >= self.is_in.len() {
            self.is_in.resize(place + 1, false);
        }
        if let Some(is_in) = self.is_in.get_mut(place)
            && !std::mem::replace(is_in, true)
        {
            self.list.push(place);
        }
    }

    fn clear(&mut self) {
        for place in self.list.drain(..) {
            if let Some(is_in) = self.is_in.get_mut(place) {
                *is_in = false;
            }
        }
    }
}

impl Search {
    /// Takes the bytes that come next; returns whether the expression is found if no more come.
    pub fn feed(&mut self, nfa: &Nfa, bytes: &[u8]) -> bool {
        for byte in bytes {
            self.is_found = self.is_found || self.reach(nfa, Some(*byte));
            if self.is_found {
                return true;
            }
            self.advance(nfa, *byte);
        }
        self.is_found || self.reach(nfa, None)
    }

    /// Steps so far: each look at a state is one.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Follows the ways that need no byte, also from a beginning in this place; returns whether that finds
    /// it.
    fn reach(&mut self, nfa: &Nfa, next: Option<u8>) -> bool {
        self.reached.clear();
        for place in &self.places.list {
            self.reached.add(*place);
        }
        self.reached.add(nfa.start);
        let mut at = 0;
        while let Some(place) = self.reached.list.get(at).copied() {
            at += 1;
            self.steps += 1;
            match nfa.states.get(place) {
                Some(State::Both(one, other)) => {
                    self.reached.add(*one);
                    self.reached.add(*other);
                }
                Some(State::Assertion(assertion, then)) if holds(*assertion, self.before, next) => {
                    self.reached.add(*then);
                }
                Some(State::Found) => return true,
                Some(State::One(..) | State::Assertion(..)) | None => {}
            }
        }
        false
    }

    /// Takes a byte.
    fn advance(&mut self, nfa: &Nfa, byte: u8) {
        self.places.clear();
        for place in &self.reached.list {
            self.steps += 1;
            if let Some(State::One(bytes, then)) = nfa.states.get(*place)
                && bytes.has(byte)
            {
                self.places.add(*then);
            }
        }
        self.before = Some(byte);
    }
}

/// Whether a condition is true between two bytes, or at an end.
fn holds(assertion: Assertion, before: Option<u8>, next: Option<u8>) -> bool {
    let [behind_word, before_word] = [before, next].map(|byte| byte.is_some_and(is_word));
    match assertion {
        Assertion::Start => before.is_none(),
        Assertion::End => next.is_none(),
        Assertion::Edge => behind_word != before_word,
        Assertion::NoEdge => behind_word == before_word,
        Assertion::WordStart => !behind_word && before_word,
        Assertion::WordEnd => behind_word && !before_word,
    }
}
