//! Signed heartbeats: what a datagram of the partner is worth, and what ours look like.
//!
//! Called by the shell of `bin/pulse` with whole datagrams, and by the simulation. Freshness needs
//! no clock. Every start draws a boot id, every datagram has a counter that begins at a random
//! number, and every datagram echoes the counter of the partner's newest that was good. A new boot
//! id of the partner counts once it echoes what we sent after its last one was accepted: no
//! recording can, and nothing that was under way while the partner was started again. Unsigned ones
//! say by a mark what a clean stop needs, and nothing else.

use std::fmt;

use wire::heartbeat::signed::{self, Key, SignatureError, Signed, State, Statement};
use wire::heartbeat::{ByteOrder, DecodeError, Mark, Service, Value, decode, encode};

/// How far signed heartbeats are rolled out. lvs.cf: `heartbeat_auth`.
///
/// Each is safe beside itself and its neighbours; `off` beside `sign` is, too. Beside `require`,
/// `off` and `accept` count for nothing.
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
}

/// What the partner said besides the value: under its signature, or unsigned by a [`Mark`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    /// The statement.
    pub statement: Statement,
    /// It has verified a heartbeat of ours: what we say under our signature reaches it.
    pub knows_us: bool,
    /// Nothing newer came before it. What is not new is a sign of life and nothing else.
    pub newest: bool,
    /// The first of its boot id: the partner may not know yet that we hear it.
    pub first: bool,
}

impl Said {
    /// What a mark says. There is no term, and whoever marks hears us.
    pub(crate) const fn unsigned(state: State) -> Self {
        Self {
            statement: Statement {
                state,
                term: 0,
                by_term: false,
                hears: true,
                fit: true,
                asks: false,
            },
            knows_us: true,
            newest: true,
            first: false,
        }
    }
}

/// What a datagram is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A heartbeat.
    Beat(Value, Option<Said>),
    /// A heartbeat of a partner that misses ours and asks for one.
    Question(Value, Option<Said>),
    /// The partner's, but perhaps a recording: it counts once the partner has heard us.
    Unproven,
    /// Nothing.
    Refused(Refusal),
}

/// Why a datagram counts for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The four bytes are no heartbeat's.
    NoHeartbeat(DecodeError),
    /// Signatures are required, and this one is not good.
    Signature(SignatureError),
    /// It was heard before, or comes from an earlier start of the partner.
    Replayed,
    /// It is ours, or that of another node in our role.
    Reflected,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoHeartbeat(error) => error.fmt(f),
            Self::Signature(error) => write!(f, "heartbeat refused: {error}"),
            Self::Replayed => f.write_str("heartbeat refused: replayed"),
            Self::Reflected => f.write_str("heartbeat refused: from our own role"),
        }
    }
}

/// What has changed about the signatures of the partner: for the log, while not every heartbeat
/// must have one.
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
    session: Option<Session>,
    /// Our counter at the start, and when the session was accepted.
    first: u64,
    accepted_at: u64,
    /// Counter of a datagram that was signed but not proven; cleared by the session's next.
    candidate: Option<u64>,
    /// The partner's newest heartbeat said, by a mark, that it leaves.
    partner_leaves: bool,
    /// The partner's last signature, and the one that was remarked on.
    signature: Option<Remark>,
    remarked: Option<Remark>,
}

/// One start of the partner.
#[derive(Clone, Copy, Debug)]
struct Session {
    boot: u64,
    highest: u64,
    /// Bit n: `highest - n` was heard.
    window: u64,
    knows_us: bool,
}

impl Session {
    /// Notes `counter`: whether it is the newest; `None` if it was heard before or is too old.
    fn note(&mut self, counter: u64) -> Option<bool> {
        if let Some(ahead) = counter.checked_sub(self.highest).filter(|ahead| *ahead > 0) {
            let shift = u32::try_from(ahead).unwrap_or(u32::MAX);
            self.window = self.window.checked_shl(shift).unwrap_or(0) | 1;
            self.highest = counter;
            return Some(true);
        }
        let behind = u32::try_from(self.highest - counter).unwrap_or(u32::MAX);
        let bit = 1_u64.checked_shl(behind)?;
        let is_new = self.window & bit == 0;
        self.window |= bit;
        is_new.then_some(false)
    }
}

impl Auth {
    /// At a start: `boot` is random and not 0, `keys` may only be empty with [`Mode::Off`].
    #[must_use]
    pub const fn new(
        service: Service,
        primary: bool,
        mode: Mode,
        keys: Vec<Key>,
        boot: u64,
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
            session: None,
            candidate: None,
            partner_leaves: false,
            signature: None,
            remarked: None,
        }
    }

    /// Another mode and other keys, after a reload; the partner's session goes on.
    pub fn change(&mut self, mode: Mode, keys: Vec<Key>) {
        self.mode = mode;
        self.keys = keys;
    }

    /// One datagram that says `value`; every copy on every path is one of its own.
    pub fn seal(&mut self, value: Value, statement: Statement) -> Vec<u8> {
        let magic = encode(self.service, value, ByteOrder::Little);
        let Some(key) = self.keys.first().filter(|_| self.mode.signs()) else {
            let mark = self.mark(statement).map(Mark::byte);
            return magic.into_iter().chain(mark).collect();
        };
        self.counter += 1;
        let heard = self.session.map(|session| session.highest);
        let signed = Signed {
            statement,
            primary: self.primary,
            boot: self.boot,
            echo: self.candidate.or(heard).unwrap_or(0),
            counter: self.counter,
        };
        signed::encode(magic, &signed, key)
    }

    /// What stands behind an unsigned heartbeat. Fewer than five bytes wherever nothing has to be said
    /// that an original would not say.
    const fn mark(&self, statement: Statement) -> Option<Mark> {
        match statement.state {
            State::Leaving => Some(Mark::Leaving),
            State::Active if self.partner_leaves => Some(Mark::Taken),
            _ if statement.asks => Some(Mark::Question),
            _ => None,
        }
    }

    /// What the mark of an unsigned heartbeat says, in the modes in which ours have marks, too.
    fn read_mark(&mut self, value: Value, mark: Option<Mark>) -> Option<Said> {
        let is_read = value == Value::Running && self.service == Service::Lvs && !self.mode.signs();
        let mark = mark.filter(|_| is_read);
        self.partner_leaves = mark == Some(Mark::Leaving);
        match mark? {
            Mark::Leaving => Some(Said::unsigned(State::Leaving)),
            Mark::Taken => Some(Said::unsigned(State::Active)),
            Mark::Question => None,
        }
    }

    /// What a datagram from the partner's address is worth.
    pub fn open(&mut self, bytes: &[u8]) -> Verdict {
        let datagram = match decode(bytes, self.service, ByteOrder::Little) {
            Ok(datagram) => datagram,
            Err(error) => return Verdict::Refused(Refusal::NoHeartbeat(error)),
        };
        let marked = self.read_mark(datagram.value, datagram.mark());
        match self.weigh(bytes, datagram.value) {
            Verdict::Beat(value, said) if datagram.asks() => Verdict::Question(value, said),
            Verdict::Beat(value, said) => Verdict::Beat(value, said.or(marked)),
            verdict => verdict,
        }
    }

    fn weigh(&mut self, bytes: &[u8], value: Value) -> Verdict {
        if self.mode == Mode::Off {
            return Verdict::Beat(value, None);
        }
        let signed = signed::decode(bytes, &self.keys);
        if signed.is_ok() || self.mode != Mode::Require {
            self.signature = Some(Remark(signed.map(|_| ())));
        }
        match signed {
            Ok(signed) => self.judge(value, &signed),
            Err(error) if self.mode == Mode::Require => Verdict::Refused(Refusal::Signature(error)),
            // Whoever can forge can leave the signature away as well.
            Err(_) => Verdict::Beat(value, None),
        }
    }

    /// What to log about the partner's signatures, once for each change. The caller sees to it that
    /// a forger who changes them all the time does not fill the log.
    pub fn remark(&mut self) -> Option<Remark> {
        let changed = self.signature.filter(|_| self.signature != self.remarked);
        self.remarked = self.signature;
        changed
    }

    fn judge(&mut self, value: Value, signed: &Signed) -> Verdict {
        if signed.primary == self.primary || signed.boot == self.boot {
            return Verdict::Refused(Refusal::Reflected);
        }
        let sent_since = |first| signed.echo > first && signed.echo <= self.counter;
        let (echoes_us, is_proven) = (sent_since(self.first), sent_since(self.accepted_at));
        let known = self.session.map(|session| session.boot);
        let first = known != Some(signed.boot);
        if first {
            if !is_proven {
                self.candidate = Some(signed.counter);
                // In the modes before, unsigned ones count; so does this, as one of those.
                return match self.mode {
                    Mode::Require => Verdict::Unproven,
                    _ => Verdict::Beat(value, None),
                };
            }
            self.begin(signed);
        }
        let Some(session) = &mut self.session else {
            return Verdict::Unproven;
        };
        let Some(newest) = session.note(signed.counter) else {
            return Verdict::Refused(Refusal::Replayed);
        };
        session.knows_us |= echoes_us;
        self.candidate = None;
        let said = Said {
            statement: signed.statement,
            knows_us: session.knows_us,
            newest,
            first,
        };
        Verdict::Beat(value, Some(said))
    }

    const fn begin(&mut self, signed: &Signed) {
        self.accepted_at = self.counter;
        self.session = Some(Session {
            boot: signed.boot,
            highest: signed.counter.saturating_sub(1),
            // What came before does not count, but for this one's copy on the other path.
            window: u64::MAX << 1,
            knows_us: false,
        });
    }
}

#[cfg(test)]
mod tests;
