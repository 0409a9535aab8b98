//! Signed heartbeats: what a datagram of the partner is worth, and what ours look like.
//!
//! The shell of `bin/pulse` calls it with whole datagrams, and the simulation does. Freshness needs no
//! common clock. Every start draws a boot id. Every datagram has a counter that begins at a random number,
//! and echoes the counter of the partner's newest good one. A new boot id of the partner counts once it
//! echoes something that we sent after its last boot id was accepted: no recording can, nor can anything
//! that was under way while the partner started again. Where signatures are required, somebody held back a
//! datagram that echoes nothing that we sent within the last dead time, unless it says that it does not
//! hear us. Unsigned heartbeats say by a mark what a clean stop needs, and that a standby is not fit.

mod candidates;
mod sent;
mod session;

use std::fmt;
use std::time::Duration;

use crate::datagram::signed::{
    self, Key, SignatureError, Signed, State, Statement, VERSION, VERSION_WITH_DETAILS,
};
use crate::datagram::{ByteOrder, Mark, Service, Value, decode, encode};
use lvs_model::Mono;

use crate::model::Input;
use crate::pair::{ConfiguredRole, PairPath};
use crate::said::{DiscardReason, Form, Said};
pub use candidates::DOUBTED;

use candidates::Candidates;
use sent::Sent;
use session::Session;

/// How far signed heartbeats are rolled out. lvs.cf: `heartbeat_auth`.
///
/// Each mode is safe beside itself and its neighbours, and `off` beside `sign`. Beside `require` heartbeats
/// in `off` and `accept` do not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Sends four bytes, reads four bytes.
    #[default]
    Off,
    /// Sends unsigned, takes everything; says whether the partner's signatures are good.
    Accept,
    /// Sends signed, takes unsigned.
    Sign,
    /// Sends signed, takes only signed.
    Require,
}

impl Mode {
    /// Whether our heartbeats are signed.
    #[must_use]
    pub const fn signs(self) -> bool {
        matches!(self, Self::Sign | Self::Require)
    }

    /// Whether the way from here to `next` leaves out a step that a living partner needs, which signs or does not:
    /// then the heartbeats of one of the two do not count at the other one, and both serve.
    #[must_use]
    pub const fn leaves_out_a_step(self, next: Self, partner_signs: bool) -> bool {
        match (self, next) {
            (Self::Off | Self::Accept | Self::Sign, Self::Require) => !partner_signs,
            // It may be in `require` still.
            (Self::Require, Self::Off | Self::Accept) => partner_signs,
            _ => false,
        }
    }
}

/// What a datagram is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// A heartbeat.
    Beat(Value, Option<Said>),
    /// A heartbeat of a partner that misses ours and asks for one.
    Question(Value, Option<Said>),
    /// The partner's, but perhaps a recording: it counts once the partner has heard us. It has a value
    /// where unsigned heartbeats count; then it counts as one of those.
    Unproven(Option<Value>),
    /// Nothing.
    Refused(DiscardReason),
}

impl Received {
    /// What it says to the machine, in this order.
    pub fn inputs(self, path: PairPath) -> impl Iterator<Item = Input> {
        let beat = |value, said| Input::Beat { value, path, said };
        let (first, second) = match self {
            Self::Beat(value, said) => (Some(beat(value, said)), None),
            Self::Question(value, said) => (Some(beat(value, said)), Some(Input::Asked)),
            Self::Unproven(value) => {
                let counts = value.map(|value| beat(value, None));
                (counts, Some(Input::Unproven))
            }
            Self::Refused(refusal) => (Some(Input::Refused(refusal, path)), None),
        };
        first.into_iter().chain(second)
    }
}

/// What a datagram of ours echoes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Echo {
    /// The partner's newest datagram: every heartbeat.
    Partner,
    /// One that is not proven: the answer to it.
    Unproven,
}

/// What has changed about the signatures of the partner, for the log: a line for each change, not for each
/// heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remark(Result<(), SignatureError>);

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Ok(()) => f.write_str("partner's heartbeats: signed, with a key known here"),
            Err(error) => write!(f, "partner's heartbeats: {error}"),
        }
    }
}

/// Keys, boot ids, counters.
#[derive(Clone, Debug)]
pub struct Auth {
    service: Service,
    mode: Mode,
    /// The first one signs.
    keys: Vec<Key>,
    primary: bool,
    boot: u64,
    counter: u64,
    dead_time: Duration,
    session: Option<Session>,
    /// Our counter at the start, and when the session was accepted.
    first: u64,
    accepted_at: u64,
    sent: Sent,
    candidates: Candidates,
    /// The number of the key of the partner's last good one.
    partner_key: Option<u8>,
    /// The partner's newest heartbeat said, by a mark, that it leaves.
    partner_leaves: bool,
    /// When the partner said last that it serves and stays.
    claimed: Option<Mono>,
    /// When it said last that it is of our own role.
    same_role: Option<Mono>,
    /// The partner's last signature, and the one that was remarked on.
    signature: Option<Remark>,
    remarked: Option<Remark>,
}

impl Auth {
    /// At a start: `boot` is random and not 0, `keys` may only be empty with [`Mode::Off`].
    #[must_use]
    pub fn new(
        service: Service,
        primary: bool,
        mode: Mode,
        keys: Vec<Key>,
        boot: u64,
        dead_time: Duration,
    ) -> Self {
        Self {
            service,
            mode,
            keys,
            primary,
            boot,
            // Far from its end, whatever was drawn.
            counter: boot / 2,
            first: boot / 2,
            accepted_at: boot / 2,
            dead_time,
            session: None,
            sent: Sent::default(),
            candidates: Candidates::default(),
            partner_key: None,
            partner_leaves: false,
            claimed: None,
            same_role: None,
            signature: None,
            remarked: None,
        }
    }

    /// Another mode, other keys and another dead time, after a reload; the partner's session goes on.
    pub fn change(&mut self, mode: Mode, keys: Vec<Key>, dead_time: Duration) {
        self.mode = mode;
        self.keys = keys;
        self.dead_time = dead_time;
    }

    /// The number of the key with which the partner signs, if none of its heartbeats would count any more with `mode`
    /// and `keys` for that.
    #[must_use]
    pub fn lost_key(&self, mode: Mode, keys: &[Key]) -> Option<u8> {
        let id = self.partner_key.filter(|_| mode == Mode::Require)?;
        let key = self.keys.iter().find(|key| key.id == id)?;
        (!keys.contains(key)).then_some(id)
    }

    /// One datagram that says `value`. Each copy on each path is a datagram of its own.
    pub fn seal(&mut self, now: Mono, echo: Echo, value: Value, statement: Statement) -> Vec<u8> {
        let magic = encode(self.service, value, ByteOrder::Little);
        if self.keys.is_empty() || !self.mode.signs() {
            let mark = self.mark(now, statement).map(Mark::byte);
            return magic.into_iter().chain(mark).collect();
        }
        self.sent.note(now, self.counter, self.dead_time);
        self.counter += 1;
        // What is not proven may come from an older program.
        let partner = self
            .session
            .filter(|session| echo == Echo::Partner && now - session.heard < self.dead_time);
        let details = statement
            .details
            .filter(|_| partner.is_some_and(|partner| partner.reads_details));
        let signed = Signed {
            statement: Statement {
                details,
                ..statement
            },
            primary: self.primary,
            boot: self.boot,
            echo: self.echo(now, partner),
            counter: self.counter,
            reads_details: true,
        };
        let key = self.keys.first();
        key.map(|key| signed::encode(magic, &signed, key))
            .unwrap_or_default()
    }

    /// The counter of `partner`'s newest, or of one that is not proven; 0 for none.
    fn echo(&mut self, now: Mono, partner: Option<Session>) -> u64 {
        if let Some(partner) = partner {
            return partner.highest;
        }
        let unproven = self.candidates.echo(now, self.dead_time);
        let last = self.session.map(|session| session.highest);
        unproven.or(last).unwrap_or(0)
    }

    /// What stands behind an unsigned heartbeat. Nothing, unless it has to say what an original would not
    /// say.
    fn mark(&self, now: Mono, statement: Statement) -> Option<Mark> {
        match statement.state {
            State::Leaving => Some(Mark::Leaving),
            State::Active if self.partner_leaves => Some(Mark::Taken),
            State::Inactive if !statement.fit && matches!(self.service, Service::Lvs) => {
                Some(if statement.asks {
                    Mark::UnfitQuestion
                } else {
                    Mark::Unfit
                })
            }
            _ if statement.asks => Some(Mark::Question),
            state => self.tells_role(now, state).then_some(match self.role() {
                ConfiguredRole::Primary => Mark::Primary,
                ConfiguredRole::Backup => Mark::Backup,
            }),
        }
    }

    /// Whether an unsigned heartbeat tells our role: both claim, or both are of one role.
    fn tells_role(&self, now: Mono, state: State) -> bool {
        let recent = |at: Option<Mono>| at.is_some_and(|at| now - at < self.dead_time);
        let claims = matches!(state, State::Starting | State::Active);
        claims && recent(self.claimed) || recent(self.same_role)
    }

    const fn role(&self) -> ConfiguredRole {
        ConfiguredRole::of_primary(self.primary)
    }

    /// What an unsigned heartbeat of a partner of our own role says by that.
    fn read_role(&self, value: Value, role: Option<ConfiguredRole>) -> Option<Said> {
        let state = match value {
            Value::Stopped => State::Inactive,
            _ => State::Starting,
        };
        (role == Some(self.role())).then(|| Said {
            knows_us: !self.mode.signs(),
            same_role: true,
            ..Said::unsigned(state)
        })
    }

    /// Notes what a counting heartbeat says about claims and roles.
    fn note_claim(&mut self, now: Mono, value: Value, said: Option<Said>) {
        let leaves = said.is_some_and(|said| said.statement.state == State::Leaving);
        self.claimed = (value == Value::Running && !leaves).then_some(now);
        match said {
            Some(said) if said.same_role => self.same_role = Some(now),
            Some(said) if said.form != Form::Unsigned => self.same_role = None,
            _ => {}
        }
    }

    /// What the mark of an unsigned heartbeat says, in the modes in which ours have marks, too.
    fn read_mark(&mut self, value: Value, mark: Option<Mark>) -> Option<Said> {
        let is_read = self.service == Service::Lvs && !self.mode.signs();
        let mark = mark.filter(|_| is_read);
        self.partner_leaves = value == Value::Running && mark == Some(Mark::Leaving);
        match (value, mark?) {
            (Value::Running, Mark::Leaving) => Some(Said::unsigned(State::Leaving)),
            (Value::Running, Mark::Taken) => Some(Said::unsigned(State::Active)),
            (Value::Stopped, Mark::Unfit | Mark::UnfitQuestion) => {
                let mut said = Said::unsigned(State::Inactive);
                said.statement.fit = false;
                Some(said)
            }
            _ => None,
        }
    }

    /// What a datagram from the partner's address is worth.
    pub fn receive(&mut self, now: Mono, bytes: &[u8]) -> Received {
        let datagram = match decode(bytes, self.service, ByteOrder::Little) {
            Ok(datagram) => datagram,
            Err(error) => return Received::Refused(DiscardReason::NoHeartbeat(error)),
        };
        let marked = self.read_mark(datagram.value, datagram.mark());
        let marked = marked.or_else(|| self.read_role(datagram.value, datagram.role()));
        match self.weigh(now, bytes, datagram.value) {
            Received::Beat(value, said) => {
                let said = said.or(marked);
                self.note_claim(now, value, said);
                if datagram.asks() {
                    Received::Question(value, said)
                } else {
                    Received::Beat(value, said)
                }
            }
            received => received,
        }
    }

    fn weigh(&mut self, now: Mono, bytes: &[u8], value: Value) -> Received {
        if self.mode == Mode::Off {
            return Received::Beat(value, None);
        }
        let signed = signed::decode(bytes, &self.keys);
        if signed.is_ok() || self.mode != Mode::Require {
            self.signature = Some(Remark(signed.map(|_| ())));
        }
        match signed {
            Ok(signed) => {
                let received = self.judge(now, value, &signed);
                if matches!(received, Received::Beat(..)) {
                    self.partner_key = signed::key_id(bytes);
                }
                received
            }
            Err(error) if self.mode == Mode::Require => {
                Received::Refused(DiscardReason::Signature(error))
            }
            // A forger can leave the signature away as well.
            Err(_) => Received::Beat(value, None),
        }
    }

    /// What to log about the partner's signatures, once for each change. The caller must keep a forger who
    /// changes them all the time from filling the log.
    pub fn remark(&mut self) -> Option<Remark> {
        let changed = self.signature.filter(|_| self.signature != self.remarked);
        self.remarked = self.signature;
        changed
    }

    fn judge(&mut self, now: Mono, value: Value, signed: &Signed) -> Received {
        if signed.boot == self.boot {
            return Received::Refused(DiscardReason::Reflected);
        }
        let sent_since = |first| signed.echo > first && signed.echo <= self.counter;
        let is_fresh = self.sent.is_fresh(now, signed.echo, self.dead_time);
        let (echoes_us, is_proven) = (sent_since(self.first), sent_since(self.accepted_at));
        let known = self.session.map(|session| session.boot);
        let first = known != Some(signed.boot);
        if first {
            if !is_proven || !is_fresh {
                return self.doubt(now, value, signed);
            }
            self.accepted_at = self.counter;
            self.candidates.forget(signed.boot);
            self.session = Some(Session::begin(now, signed));
        }
        let Some(session) = &mut self.session else {
            return Received::Unproven(None);
        };
        let Some(newest) = session.note(signed.counter) else {
            return Received::Refused(DiscardReason::Replayed);
        };
        // A partner that does not hear us can echo nothing new; its newest word has to do.
        let is_deaf = newest && !signed.statement.hears;
        if self.mode == Mode::Require && !(echoes_us && is_fresh || is_deaf) {
            return Received::Refused(DiscardReason::HeldBack);
        }
        session.heard = now;
        session.knows_us |= echoes_us;
        session.reads_details |= signed.reads_details || signed.statement.details.is_some();
        Received::Beat(
            value,
            Some(Said {
                statement: signed.statement,
                knows_us: session.knows_us,
                newest,
                first,
                form: Form::Signed(match signed.statement.details {
                    Some(_) => VERSION_WITH_DETAILS,
                    None => VERSION,
                }),
                same_role: signed.primary == self.primary,
            }),
        )
    }

    /// Signed, but perhaps a recording. It takes nothing from an exchange that is under way.
    fn doubt(&mut self, now: Mono, value: Value, signed: &Signed) -> Received {
        if self.mode.signs() {
            self.candidates.hear(now, signed.boot, signed.counter);
        }
        match self.mode {
            Mode::Require => Received::Unproven(None),
            Mode::Sign => Received::Unproven(Some(value)),
            // Nothing that we send could prove it.
            Mode::Off | Mode::Accept => Received::Beat(value, None),
        }
    }
}

#[cfg(test)]
mod tests;
