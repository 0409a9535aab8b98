//! What comes of sending on one path: what fails again and again is said once and then after growing pauses, and that it
//! works again is said, too.

use lvs_model::Mono;

use crate::repeats::Repeats;

/// One path.
#[derive(Clone, Debug, Default)]
pub struct SendFaults {
    fault: Option<String>,
    repeats: Repeats,
}

impl SendFaults {
    /// Takes the result of one attempt, to `place`.
    pub fn note(&mut self, now: Mono, place: &str, result: Result<(), String>) {
        match (self.change(now, result), &self.fault) {
            (true, Some(fault)) => log::error!("no heartbeat can be sent {place}: {fault}"),
            (true, None) => log::info!("heartbeats are sent {place} again"),
            (false, _) => {}
        }
    }

    /// Whether there is something to say.
    fn change(&mut self, now: Mono, result: Result<(), String>) -> bool {
        let failed_before = self.fault.is_some();
        self.fault = result.err();
        match &self.fault {
            Some(fault) => self.repeats.is_news(now, std::slice::from_ref(fault)),
            None => {
                self.repeats.forget();
                failed_before
            }
        }
    }

    /// Why the last heartbeat did not go.
    pub fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn r_what_cannot_be_sent_is_said_with_pauses_and_so_is_its_end() {
        let mut sending = SendFaults::default();
        let mut said = Vec::new();
        for second in 0..200_u64 {
            let result = match second {
                10..100 => Err("Permission denied".to_owned()),
                100..110 => Err("Network is unreachable".to_owned()),
                _ => Ok(()),
            };
            let now = Mono::new(Duration::from_secs(second));
            if sending.change(now, result) {
                said.push((second, sending.fault().map(str::len)));
            }
        }
        let (denied, unreachable) = (Some(17), Some(22));
        let expected = [
            (10, denied),
            (20, denied),
            (40, denied),
            (80, denied),
            (100, unreachable),
            (110, None),
        ];
        assert_eq!(said, expected);
    }
}
