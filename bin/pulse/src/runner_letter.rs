//! What pulse tells its runner and the runner answers, and the bytes of both.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::str::FromStr;

use crate::helper::{self, LONGEST};
use crate::hook_queue::{Job, MOST_WAITING, Order, Words};

/// What a message begins with: what is to be run when pulse has been killed; `active_cmd`, `inactive_cmd` and
/// a command, each behind its number, the command behind the file that it reads, or an empty word, too; a
/// program that runs beside the others.
const WILL: u8 = b'!';
const ACTIVE: u8 = b'A';
const INACTIVE: u8 = b'I';
const COMMAND: u8 = b'C';
const BESIDE: u8 = b'B';

/// What the runner is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Letter {
    /// One of its hooks or commands.
    Order(Order),
    /// What is to be run when pulse is killed; no words take it back.
    Will(Words),
    /// A program for an address that is held: beside the others, and ended by a give-up.
    Beside(Words),
}

/// What a runner says of itself, whenever that has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunnerState {
    /// The number of the last order that it has heard.
    pub heard: u32,
    /// The numbers of those that have not ended.
    pub open: Vec<u32>,
    /// The processes that it runs, each the leader of its group.
    pub running: Vec<i32>,
    /// Those that failed or could not be run.
    pub failures: Failures,
}

/// The numbers of the orders that failed last: as many as can end between two looks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failures(BTreeSet<u32>);

impl Failures {
    /// This one failed.
    pub fn add(&mut self, number: u32) {
        self.0.insert(number);
        while self.0.len() > MOST_WAITING {
            self.0.pop_first();
        }
    }

    /// Takes over what another one knows.
    pub fn learn(&mut self, other: &Self) {
        for number in &other.0 {
            self.add(*number);
        }
    }

    /// Whether this one did.
    pub fn has(&self, number: u32) -> bool {
        self.0.contains(&number)
    }
}

/// Whether a runner can be told: the command line is not too long.
pub fn can_be_told(letter: &Letter) -> bool {
    encode(letter).len() <= LONGEST
}

/// The bytes of a letter.
pub fn encode(letter: &Letter) -> Vec<u8> {
    let (what, before, words) = match letter {
        Letter::Will(words) => (WILL, Vec::new(), words),
        Letter::Beside(words) => (BESIDE, Vec::new(), words),
        Letter::Order(Order { number, job }) => {
            let number = number.to_string().into();
            match job {
                Job::Active(words) => (ACTIVE, vec![number], words),
                Job::Inactive(words) => (INACTIVE, vec![number], words),
                Job::Command(input, words) => (COMMAND, vec![number, input.clone()], words),
            }
        }
    };
    let mut message = vec![what];
    message.extend(helper::encode(&before));
    message.extend(helper::encode(words));
    message
}

/// The letter that these bytes are.
pub fn decode(message: &[u8]) -> Option<Letter> {
    let (what, words) = message.split_first()?;
    let mut words = helper::decode(words).into_iter();
    match *what {
        WILL => return Some(Letter::Will(words.collect())),
        BESIDE => return Some(Letter::Beside(words.collect())),
        _ => {}
    }
    let number = words.next()?.to_str()?.parse().ok()?;
    let job = match *what {
        ACTIVE => Job::Active(words.collect()),
        INACTIVE => Job::Inactive(words.collect()),
        COMMAND => Job::Command(words.next()?, words.collect()),
        _ => return None,
    };
    Some(Letter::Order(Order { number, job }))
}

/// Four words: what was heard last, what has not ended, what runs, what failed; numbers apart by blanks.
pub fn encode_state(state: &RunnerState) -> Vec<u8> {
    let open: Vec<String> = state.open.iter().map(ToString::to_string).collect();
    let running: Vec<String> = state.running.iter().map(ToString::to_string).collect();
    let failures: Vec<String> = state.failures.0.iter().map(ToString::to_string).collect();
    let words = [
        state.heard.to_string(),
        open.join(" "),
        running.join(" "),
        failures.join(" "),
    ];
    helper::encode(&words.map(OsString::from))
}

/// The state that these bytes are.
pub fn decode_state(message: &[u8]) -> Option<RunnerState> {
    fn numbers<T: FromStr>(word: &OsString) -> Option<Vec<T>> {
        let words = word.to_str()?.split_ascii_whitespace();
        words.map(|word| word.parse().ok()).collect()
    }
    let words = helper::decode(message);
    let [heard, open, running, failures] = words.as_slice() else {
        return None;
    };
    Some(RunnerState {
        heard: heard.to_str()?.parse().ok()?,
        open: numbers(open)?,
        running: numbers(running)?,
        failures: Failures(numbers(failures)?.into_iter().collect()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_arrive_as_they_were_sent_with_empty_words_too() {
        let words = ["/bin/a b", "", "c"].map(OsString::from).to_vec();
        let number = 7;
        for job in [
            Job::Active(words.clone()),
            Job::Inactive(words.clone()),
            Job::Inactive(Vec::new()),
            Job::Command("file".into(), words.clone()),
            Job::Command(OsString::new(), words.clone()),
        ] {
            let letter = Letter::Order(Order { number, job });
            assert_eq!(decode(&encode(&letter)), Some(letter));
        }
        for letter in [
            Letter::Beside(words.clone()),
            Letter::Will(words),
            Letter::Will(Vec::new()),
        ] {
            assert_eq!(decode(&encode(&letter)), Some(letter));
        }
        for wrong in [&b""[..], b"?", b"?7\0", b"A", b"Ax\0/bin/a\0", b"C7\0"] {
            assert_eq!(decode(wrong), None);
        }
        assert!(helper::decode(b"unfinished").is_empty());
    }

    #[test]
    fn a_state_arrives_as_it_was_told() {
        for (heard, open, running) in [
            (0, vec![], vec![]),
            (7, vec![6, 7], vec![4000]),
            (u32::MAX, vec![7], (4000..4017).collect()),
        ] {
            let state = RunnerState {
                heard,
                open,
                running,
                failures: Failures((0..heard % 4).collect()),
            };
            assert_eq!(decode_state(&encode_state(&state)), Some(state));
        }
        for wrong in [&b""[..], b"7\0", b"x\0\0\0\0", b"7\0a\0\0\0", b"7\0\0\0a\0"] {
            assert_eq!(decode_state(wrong), None);
        }
    }
}
