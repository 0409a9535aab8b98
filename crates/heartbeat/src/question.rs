//! Lost heartbeats: a node that misses its partner's asks for one, and the partner answers with some.
//!
//! A heartbeat is overdue an eighth of `keepalive` (K) after it should have come. From then until
//! `deadtime` (D) is over, [`QUESTIONS`] of our heartbeats ask. A node that hears one sends heartbeats at
//! the same pace, for as long as the other one may still be asking. A false death then needs the loss of
//! all questions up to one, and of all answers after it, instead of one heartbeat and the next.
//!
//! It cannot feed itself. An answer is no question. Nobody asks who has heard the partner within K and an
//! eighth. After D the questions end until the partner is heard again. No input makes a node send faster
//! than the pace and K together. `docs/internals/heartbeat.md` has the arithmetic.

use std::time::Duration;

use lvs_model::Mono;

/// Number of questions between the first one and the end of the dead time.
pub const QUESTIONS: u32 = 24;

/// What a node asks and is asked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Questions {
    /// From when on the partner's heartbeat is overdue; `None` while nothing is asked.
    overdue: Option<Mono>,
    next_question: Option<Mono>,
    /// The partner asks, and is answered until then.
    answer_until: Option<Mono>,
    next_answer: Option<Mono>,
}

/// Time from the last heartbeat to the first question, and from there to the end of the dead time.
fn times(keepalive: Duration, dead_time: Duration) -> (Duration, Duration) {
    let patience = keepalive + keepalive / 8;
    (patience, dead_time.saturating_sub(patience))
}

impl Questions {
    /// The partner was heard, or is listened to from now on.
    pub fn listen(&mut self, now: Mono, keepalive: Duration, dead_time: Duration) {
        let (patience, rest) = times(keepalive, dead_time);
        self.overdue = (rest > Duration::ZERO).then(|| now + patience);
        self.next_question = self.overdue;
    }

    /// The dead time is over: nothing is asked until the partner is heard again.
    pub const fn give_up(&mut self) {
        self.overdue = None;
        self.next_question = None;
    }

    /// Whether what is sent now asks.
    #[must_use]
    pub fn is_asking(&self, now: Mono) -> bool {
        self.overdue.is_some_and(|at| at <= now)
    }

    /// The partner asks: until when it is answered.
    pub fn asked(&mut self, now: Mono, keepalive: Duration, dead_time: Duration) {
        let (_, rest) = times(keepalive, dead_time);
        self.answer_until = Some(now + rest);
        self.next_answer.get_or_insert(now);
    }

    /// When [`Questions::due`] is to be asked.
    pub fn next(&self) -> Option<Mono> {
        self.next_question.into_iter().chain(self.next_answer).min()
    }

    /// Whether a heartbeat is to be sent now, as a question, an answer or both.
    pub fn due(&mut self, now: Mono, keepalive: Duration, dead_time: Duration) -> bool {
        if self.next().is_none_or(|at| now < at) {
            return false;
        }
        let (_, rest) = times(keepalive, dead_time);
        // Rounded up: the next one after the last would come when the dead time is over.
        let then = now + rest / QUESTIONS + Duration::from_nanos(1);
        let (asks, answers) = (self.is_asking(now), self.next_answer.is_some());
        let over = self.answer_until.is_none_or(|until| until <= now);
        if asks {
            self.next_question = Some(then);
        }
        // One more pause after the last answer, so that the next question does not shorten it.
        self.next_answer = (answers && !over).then_some(then);
        asks || answers && !over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEEPALIVE: Duration = Duration::from_secs(2);
    const DEAD_TIME: Duration = Duration::from_secs(5);

    fn at(millis: u64) -> Mono {
        Mono::new(Duration::from_millis(millis))
    }

    /// Runs until `end`; when something was sent.
    fn run(questions: &mut Questions, end: Mono) -> Vec<Mono> {
        let mut sent = Vec::new();
        while let Some(now) = questions.next().filter(|next| *next < end) {
            if questions.due(now, KEEPALIVE, DEAD_TIME) {
                sent.push(now);
            }
        }
        sent
    }

    #[test]
    fn questions_fill_the_time_from_a_late_heartbeat_to_the_dead_time() {
        let mut questions = Questions::default();
        questions.listen(at(0), KEEPALIVE, DEAD_TIME);
        assert!(!questions.is_asking(at(2249)));
        let sent = run(&mut questions, at(5000));
        assert_eq!(sent.first(), Some(&at(2250)));
        assert_eq!(sent.len(), 24);
        assert!(sent.last() < Some(&at(4900)));
        assert!(questions.is_asking(at(4999)));
        questions.give_up();
        assert_eq!(questions.next(), None);
        assert!(!questions.is_asking(at(5000)));
    }

    #[test]
    fn whoever_is_heard_is_not_asked() {
        let mut questions = Questions::default();
        questions.listen(at(0), KEEPALIVE, DEAD_TIME);
        assert!(questions.due(at(2300), KEEPALIVE, DEAD_TIME));
        questions.listen(at(2400), KEEPALIVE, DEAD_TIME);
        assert!(!questions.is_asking(at(2400)));
        assert_eq!(questions.next(), Some(at(4650)));
    }

    #[test]
    fn a_question_is_answered_at_once_and_until_the_partner_has_asked_its_last() {
        let mut questions = Questions::default();
        questions.asked(at(0), KEEPALIVE, DEAD_TIME);
        let sent = run(&mut questions, at(60_000));
        assert_eq!((sent.first(), sent.len()), (Some(&at(0)), 24));
        assert!(sent.last() < Some(&at(2750)));
    }

    #[test]
    fn a_flood_of_questions_does_not_make_a_node_send_faster() {
        let mut questions = Questions::default();
        let mut sent = 0_u32;
        for millis in 0..60_000 {
            questions.asked(at(millis), KEEPALIVE, DEAD_TIME);
            sent += u32::from(questions.due(at(millis), KEEPALIVE, DEAD_TIME));
        }
        // 2.75 s / 24 is 0.1146 s.
        assert!(sent <= 524, "{sent}");
    }

    #[test]
    fn nothing_is_asked_or_answered_where_the_dead_time_leaves_no_room() {
        let (keepalive, dead_time) = (Duration::from_secs(8), Duration::from_secs(9));
        let mut questions = Questions::default();
        questions.listen(at(0), keepalive, dead_time);
        assert_eq!(questions.next(), None);
        questions.asked(at(1), keepalive, dead_time);
        assert!(!questions.due(at(1), keepalive, dead_time));
        assert_eq!(questions.next(), None);
    }
}
