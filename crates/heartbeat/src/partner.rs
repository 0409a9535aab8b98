//! What a node knows of its partner: what it said last, when, and on which path.

use std::time::Duration;

use crate::datagram::Value;
use crate::datagram::details::Details;
use crate::datagram::signed::Statement;
use lvs_model::Mono;

use crate::notice::Notice;
use crate::pair::PairPath;
use crate::said::Form;
use crate::said::Said;

/// Incompatible heartbeats are logged this often at most.
const LOG_PAUSE: Duration = Duration::from_secs(60);

/// The partner as heard.
#[derive(Clone, Debug)]
pub struct Partner {
    started: Mono,
    /// Until then nothing came on either path.
    unheard: Mono,
    last_value: Option<Value>,
    said: Option<Said>,
    /// How its last heartbeat was signed; it outlives the partner's death.
    form: Option<Form>,
    /// What this start of the partner last told by version 2.
    details: Option<Details>,
    last_heard: Option<Mono>,
    public: PathState,
    private: PathState,
    incompatible: Option<Mono>,
    incompatible_logged: Option<Mono>,
    held_back_logged: Option<Mono>,
    /// When something unproven was last answered.
    pub challenged: Option<Mono>,
}

/// One way to the partner.
#[derive(Clone, Copy, Debug, Default)]
struct PathState {
    heard: Option<Mono>,
    silent: bool,
}

impl Partner {
    /// Nothing is known at the start.
    #[must_use]
    pub const fn new(now: Mono) -> Self {
        let path = PathState {
            heard: None,
            silent: false,
        };
        Self {
            started: now,
            unheard: now,
            last_value: None,
            said: None,
            form: None,
            details: None,
            last_heard: None,
            public: path,
            private: path,
            incompatible: None,
            incompatible_logged: None,
            held_back_logged: None,
            challenged: None,
        }
    }

    /// What it said last, unless it has been forgotten.
    #[must_use]
    pub const fn last_value(&self) -> Option<Value> {
        self.last_value
    }

    /// What stood under its last signature; nothing if its last heartbeat had none.
    #[must_use]
    pub const fn said(&self) -> Option<Said> {
        self.said
    }

    /// How its last heartbeat was signed.
    #[must_use]
    pub const fn form(&self) -> Option<Form> {
        self.form
    }

    /// When it was heard last.
    #[must_use]
    pub const fn last_heard(&self) -> Option<Mono> {
        self.last_heard
    }

    /// When it was heard last on `path`.
    #[must_use]
    pub const fn heard(&self, path: PairPath) -> Option<Mono> {
        match path {
            PairPath::Public => self.public.heard,
            PairPath::Private => self.private.heard,
        }
    }

    /// What it told by version 2, unless it has been forgotten.
    #[must_use]
    pub const fn details(&self) -> Option<Details> {
        self.details
    }

    /// Whether it was heard within `dead_time`.
    #[must_use]
    pub fn is_alive(&self, now: Mono, dead_time: Duration) -> bool {
        self.last_heard.is_some_and(|heard| now - heard < dead_time)
    }

    /// Forgets what it said: it is dead, or we were away.
    pub const fn forget(&mut self) {
        self.last_value = None;
        self.said = None;
        self.details = None;
    }

    /// Notes a heartbeat; returns what it had said before.
    pub const fn hear(&mut self, value: Value, said: Option<Said>) -> Option<Value> {
        match said {
            // Version 1 of the same start tells no details, but a fit node is under no order and lacks
            // nothing.
            Some(Said {
                first: false,
                statement: Statement {
                    details: None, fit, ..
                },
                form: Form::Signed(_),
                ..
            }) => {
                if fit && let Some(details) = &mut self.details {
                    details.standby = false;
                    details.frozen = false;
                    details.unserved = Some(0);
                }
            }
            Some(said) => self.details = said.statement.details,
            None => self.details = None,
        }
        self.form = Some(match said {
            Some(said) => said.form,
            None => Form::Unsigned,
        });
        self.said = said;
        self.last_value.replace(value)
    }

    /// Notes a sign of life; whether the path was silent.
    pub fn hear_life(&mut self, now: Mono, path: PairPath) -> Option<Notice> {
        self.last_heard = Some(now);
        let state = match path {
            PairPath::Public => &mut self.public,
            PairPath::Private => &mut self.private,
        };
        state.heard = Some(now);
        let was_silent = std::mem::take(&mut state.silent);
        was_silent.then_some(Notice::PathBack(path))
    }

    /// Reports once that a path has been silent for a dead time while the other one has not. A partner that
    /// comes back is heard on one of them first.
    pub fn check_paths(&mut self, now: Mono, dead_time: Duration) -> Option<Notice> {
        let fresh = |state: &PathState| state.heard.is_some_and(|heard| now - heard < dead_time);
        let (public, private) = (fresh(&self.public), fresh(&self.private));
        if !public && !private {
            self.unheard = now;
        }
        if now - self.unheard < dead_time || public == private {
            return None;
        }
        let (state, path) = if public {
            (&mut self.private, PairPath::Private)
        } else {
            (&mut self.public, PairPath::Public)
        };
        if std::mem::replace(&mut state.silent, true) {
            return None;
        }
        Some(Notice::PathSilent(path))
    }

    /// Notes bytes that mean nothing here or do not count; returns whether to log them.
    pub fn hear_incompatible(&mut self, now: Mono) -> bool {
        self.incompatible = Some(now);
        let log = self
            .incompatible_logged
            .is_none_or(|logged| now - logged >= LOG_PAUSE);
        if log {
            self.incompatible_logged = Some(now);
        }
        log
    }

    /// Notes a datagram that somebody held back; returns whether to log it.
    pub fn hear_held_back(&mut self, now: Mono) -> bool {
        let recent = |logged: Mono| now - logged < LOG_PAUSE;
        let log = !self.held_back_logged.is_some_and(recent);
        if log {
            self.held_back_logged = Some(now);
        }
        log
    }

    /// Whether a live, misconfigured partner is likely: a young node hears incompatible bytes.
    #[must_use]
    pub fn is_misconfigured(&self, now: Mono, dead_time: Duration) -> bool {
        now - self.started < 2 * dead_time
            && self
                .incompatible
                .is_some_and(|heard| now - heard < dead_time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEAD_TIME: Duration = Duration::from_secs(3);

    fn at(seconds: f64) -> Mono {
        Mono::new(Duration::from_secs_f64(seconds))
    }

    #[test]
    fn a_partner_that_comes_back_has_its_time_on_both_paths() {
        let mut partner = Partner::new(at(0.0));
        let said = |partner: &mut Partner, now| partner.check_paths(at(now), DEAD_TIME);
        for second in 0..10 {
            assert_eq!(said(&mut partner, f64::from(second)), None);
        }
        // Its first heartbeat on the other path comes a moment later.
        partner.hear_life(at(10.0), PairPath::Public);
        assert_eq!(said(&mut partner, 10.0), None);
        assert_eq!(partner.hear_life(at(10.3), PairPath::Private), None);

        // If it comes back on one path only, that is reported a dead time later.
        for second in 14..20 {
            assert_eq!(said(&mut partner, f64::from(second)), None);
        }
        let mut notices = Vec::new();
        for second in 20..30 {
            partner.hear_life(at(second.into()), PairPath::Public);
            notices.extend(said(&mut partner, second.into()).map(|notice| (second, notice)));
        }
        assert_eq!(notices, [(22, Notice::PathSilent(PairPath::Private))]);
    }
}
