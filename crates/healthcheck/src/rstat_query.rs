//! One question for the load of a server's rstatd: the portmapper first, then rstatd, each asked
//! again while no answer comes.

use std::time::Duration;

use crate::rstat::{self, AnswerError};
use lvs_model::Mono;

use crate::event::LoadAnswer;

/// Time after which a datagram or its answer counts as lost.
const AGAIN: Duration = Duration::from_secs(1);

/// A question on its way. Whenever there is a [`request`](Self::request) the shell sends it from one UDP
/// socket, and hands in what comes back.
#[derive(Clone, Debug)]
pub struct RstatQuery {
    xid: u32,
    /// Port of rstatd, once the portmapper has told it.
    port: Option<u16>,
    end: Mono,
    again: Mono,
    is_due: bool,
    answer: Option<LoadAnswer>,
}

/// A datagram for the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// UDP port that it goes to. Only answers from it count.
    pub port: u16,
    /// What to send.
    pub datagram: Vec<u8>,
}

impl RstatQuery {
    /// A question that may last for `limit`. Answers must name `xid`, any number that differs from question
    /// to question.
    #[must_use]
    pub fn new(xid: u32, now: Mono, limit: Duration) -> Self {
        Self {
            xid,
            port: None,
            end: now + limit,
            again: now + AGAIN,
            is_due: true,
            answer: None,
        }
    }

    /// What to send now, once each time.
    pub fn request(&mut self) -> Option<Request> {
        if self.answer.is_some() || !std::mem::take(&mut self.is_due) {
            return None;
        }
        Some(match self.port {
            None => Request {
                port: rstat::PORTMAPPER,
                datagram: rstat::port_call(self.xid),
            },
            Some(port) => Request {
                port,
                datagram: rstat::stats_call(self.xid),
            },
        })
    }

    /// A datagram came from the port that was asked last.
    pub fn received(&mut self, now: Mono, datagram: &[u8]) {
        if self.answer.is_some() {
            return;
        }
        let step = if self.port.is_some() {
            rstat::decode_load(datagram, self.xid).map(|load| {
                self.answer = Some(LoadAnswer::Average(load));
            })
        } else {
            rstat::decode_port(datagram, self.xid).map(|port| match port {
                Some(port) => self.ask_rstatd(now, port),
                None => self.failed(),
            })
        };
        match step {
            // Late, or not for us: the right one may still come.
            Ok(()) | Err(AnswerError::Stranger) => {}
            Err(AnswerError::Malformed | AnswerError::Refused) => self.failed(),
        }
    }

    fn ask_rstatd(&mut self, now: Mono, port: u16) {
        self.port = Some(port);
        self.xid = self.xid.wrapping_add(1);
        self.again = now + AGAIN;
        self.is_due = true;
    }

    /// No answer can come: no socket, port unreachable.
    pub fn failed(&mut self) {
        self.answer.get_or_insert(LoadAnswer::Failed);
    }

    /// Looks at the time: asks again, or gives up.
    pub fn expire(&mut self, now: Mono) {
        if now >= self.end {
            self.failed();
        } else if now >= self.again {
            self.again = now + AGAIN;
            self.is_due = true;
        }
    }

    /// When to call [`expire`](Self::expire) at the latest.
    #[must_use]
    pub fn deadline(&self) -> Mono {
        self.again.min(self.end)
    }

    /// How it ended, once it has.
    #[must_use]
    pub fn answer(&self) -> Option<&LoadAnswer> {
        self.answer.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(3);

    fn reply(xid: u32, result: &[u32]) -> Vec<u8> {
        let words = [&[xid, 1, 0, 0, 0, 0], result].concat();
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    fn figures(load: u32) -> Vec<u32> {
        let mut words = vec![0; 26];
        words[18] = load;
        words
    }

    fn port_of(query: &mut RstatQuery) -> Option<u16> {
        query.request().map(|request| request.port)
    }

    #[test]
    fn the_portmapper_is_asked_and_then_rstatd() {
        let mut query = RstatQuery::new(7, Mono::ZERO, LIMIT);
        assert_eq!(port_of(&mut query), Some(111));
        assert_eq!(port_of(&mut query), None);
        query.received(Mono::ZERO, &reply(7, &[700]));
        assert_eq!(port_of(&mut query), Some(700));
        assert_eq!(query.answer(), None);
        query.received(Mono::ZERO, &reply(8, &figures(128)));
        assert_eq!(query.answer(), Some(&LoadAnswer::Average(0.5)));
        assert_eq!(port_of(&mut query), None);
    }

    #[test]
    fn what_is_lost_is_asked_again_until_the_limit() {
        let mut query = RstatQuery::new(7, Mono::ZERO, LIMIT);
        query.request();
        let mut asked = 1;
        while query.answer().is_none() {
            query.expire(query.deadline());
            asked += usize::from(query.request().is_some());
        }
        assert_eq!(asked, 3);
        assert_eq!(query.answer(), Some(&LoadAnswer::Failed));
    }

    #[test]
    fn an_answer_to_another_question_changes_nothing() {
        let mut query = RstatQuery::new(7, Mono::ZERO, LIMIT);
        query.received(Mono::ZERO, &reply(6, &[700]));
        assert_eq!(query.answer(), None);
        query.received(Mono::ZERO, &reply(7, &[700]));
        query.received(Mono::ZERO, &reply(7, &[700]));
        assert_eq!(query.answer(), None);
    }

    #[test]
    fn a_server_without_rstatd_fails_at_once() {
        for answer in [reply(7, &[0]), reply(7, &[]), b"no".to_vec()] {
            let mut query = RstatQuery::new(7, Mono::ZERO, LIMIT);
            query.received(Mono::ZERO, &answer);
            assert_eq!(query.answer(), Some(&LoadAnswer::Failed));
        }
    }
}
