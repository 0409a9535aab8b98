//! How many of the partner's datagrams counted, and why the others did not: for the status.

use std::collections::BTreeMap;

use heartbeat::DiscardReason;
use heartbeat::auth::Received;
use heartbeat::datagram::signed::SignatureError;

/// Since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    accepted: u64,
    refused: BTreeMap<&'static str, u64>,
}

impl Tally {
    /// Counts one datagram.
    pub fn count(&mut self, received: &Received) {
        let word = match received {
            Received::Beat(..) | Received::Question(..) | Received::Unproven(Some(_)) => {
                self.accepted += 1;
                return;
            }
            Received::Unproven(None) => "unproven",
            Received::Refused(refusal) => word(*refusal),
        };
        *self.refused.entry(word).or_default() += 1;
    }

    /// Those that counted.
    pub const fn accepted(&self) -> u64 {
        self.accepted
    }

    /// Those that did not, by the reason.
    pub fn refused(&self) -> BTreeMap<String, u64> {
        let refused = self.refused.iter();
        refused
            .map(|(word, count)| ((*word).to_owned(), *count))
            .collect()
    }
}

/// A reason in a word or two: nothing of the datagram is in it, so there are few.
const fn word(refusal: DiscardReason) -> &'static str {
    match refusal {
        DiscardReason::NoHeartbeat(_) => "no heartbeat",
        DiscardReason::Signature(SignatureError::Missing) => "not signed",
        DiscardReason::Signature(SignatureError::Format) => "unknown form",
        DiscardReason::Signature(SignatureError::UnknownKey(_)) => "unknown key",
        DiscardReason::Signature(SignatureError::Wrong) => "wrong signature",
        DiscardReason::Replayed => "replayed",
        DiscardReason::Reflected => "our own, sent back",
        DiscardReason::HeldBack => "held back",
    }
}

#[cfg(test)]
mod tests {
    use heartbeat::datagram::Value;

    use super::*;

    #[test]
    fn what_counted_and_what_did_not_is_counted_apart() {
        let mut tally = Tally::default();
        for id in 0..=255 {
            tally.count(&Received::Refused(DiscardReason::Signature(
                SignatureError::UnknownKey(id),
            )));
        }
        for received in [
            Received::Beat(Value::Running, None),
            Received::Question(Value::Running, None),
            Received::Unproven(Some(Value::Running)),
            Received::Unproven(None),
            Received::Refused(DiscardReason::Replayed),
        ] {
            tally.count(&received);
        }
        assert_eq!(tally.accepted(), 3);
        let refused: Vec<(String, u64)> = tally.refused().into_iter().collect();
        let wanted = [("replayed", 1), ("unknown key", 256), ("unproven", 1)];
        assert_eq!(
            refused,
            wanted.map(|(word, count)| (word.to_owned(), count))
        );
    }
}
