//! The signed heartbeat: what stands behind the four bytes that an original reads.
//!
//! Layout, all numbers little-endian; `docs/internals/heartbeat.md` is the frozen description, with the test
//! vectors. Version 2 has [`Details`] between counter and signature, version 1 has nothing there.
//!
//! ```text
//!  0  magic (4)      8  boot id (8)      24  ownership term (8)    40  fields of version 2
//!  4  version (1)   16  echo (8)         32  counter (8)            n  HMAC-SHA256 (32)
//!  5  state (1)      6  flags (1)         7  key id (1)                over bytes 0 to n - 1
//! ```
//!
//! `heartbeat::auth` decides what a datagram that passes here is worth.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::details::Details;
use crate::pair::ConfiguredRole;

use super::length::{MAGIC_LENGTH, MAX_LENGTH};
pub use super::signature_error::SignatureError;

/// The version that every reader knows.
pub const VERSION: u8 = 1;
/// The version with [`Details`].
pub const VERSION_WITH_DETAILS: u8 = 2;
/// Length of a signed datagram of version 1, and the least one of any other.
pub const LENGTH: usize = 72;
/// Length of what is in front of the fields.
const HEAD: usize = 40;
/// Length of the signature.
const SIGNATURE: usize = LENGTH - HEAD;

const BY_TERM: u8 = 1;
const HEARS: u8 = 2;
const FIT: u8 = 4;
const PRIMARY: u8 = 8;
const ASKS: u8 = 16;
const READS_DETAILS: u8 = 32;

/// Finer than RUNNING and STOPPED, which an original reads in front of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Holds nothing (STOPPED).
    Inactive,
    /// Is about to take the addresses (RUNNING, STOPME).
    Starting,
    /// Holds the addresses (RUNNING).
    Active,
    /// Holds the addresses until the partner has them: take over now (RUNNING).
    Leaving,
}

/// What a node says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "flags of the datagram, independent of each other"
)]
pub struct Statement {
    /// Where it is.
    pub state: State,
    /// Its ownership term if it is active, else the highest one it knows.
    pub term: u64,
    /// When both are active, it wants the higher term to stay (lvs.cf `stay_active = 1`).
    pub by_term: bool,
    /// It heard its partner within the dead time.
    pub hears: bool,
    /// It could take over: neither its service nor a monitored link is known bad.
    pub fit: bool,
    /// A heartbeat of the partner is overdue: the partner is to send some now.
    pub asks: bool,
    /// What version 1 has no room for. With it the datagram is of version 2.
    pub details: Option<Details>,
}

/// Everything in a signed datagram but magic and signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signed {
    /// What it says.
    pub statement: Statement,
    /// Whether the sender is the configured primary.
    pub primary: bool,
    /// Drawn at random at each start of the sender; never 0.
    pub boot: u64,
    /// Counter of the receiver's newest datagram that the sender found good, 0 if there is none.
    pub echo: u64,
    /// Grows by one with every datagram of this boot id, from a random number on.
    pub counter: u64,
    /// The sender reads version 2.
    pub reads_details: bool,
}

/// Where the number of the key stands.
const KEY_PLACE: usize = 7;

/// A shared secret with its number.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    /// Names the key in a datagram.
    pub id: u8,
    /// 32 to 64 bytes; overwritten when it goes.
    secret: Zeroizing<Vec<u8>>,
}

impl Key {
    /// Shortest and longest secret in bytes.
    pub const LENGTHS: std::ops::RangeInclusive<usize> = 32..=64;

    /// A key; `None` if the secret is shorter or longer than [`Key::LENGTHS`].
    #[must_use]
    pub fn new(id: u8, secret: impl Into<Zeroizing<Vec<u8>>>) -> Option<Self> {
        let secret = secret.into();
        Self::LENGTHS
            .contains(&secret.len())
            .then_some(Self { id, secret })
    }

    fn mac(&self, body: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.secret)
            .expect("HMAC takes a key of any length (RFC 2104, 2)");
        mac.update(body);
        mac
    }
}

impl fmt::Debug for Key {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.id)
    }
}

/// The datagram: `magic`, then `signed`, then the signature with `key`.
#[must_use]
pub fn encode(magic: [u8; MAGIC_LENGTH], signed: &Signed, key: &Key) -> Vec<u8> {
    let Statement {
        state,
        term,
        by_term,
        hears,
        fit,
        asks,
        details,
    } = signed.statement;
    let state = match state {
        State::Inactive => 0,
        State::Starting => 1,
        State::Active => 2,
        State::Leaving => 3,
    };
    let flag = |set, bit| if set { bit } else { 0 };
    let flags = flag(by_term, BY_TERM)
        | flag(hears, HEARS)
        | flag(fit, FIT)
        | flag(signed.primary, PRIMARY)
        | flag(asks, ASKS)
        | flag(signed.reads_details, READS_DETAILS);
    let version = details.map_or(VERSION, |_| VERSION_WITH_DETAILS);
    let mut bytes = Vec::with_capacity(MAX_LENGTH);
    bytes.extend(magic);
    bytes.extend([version, state, flags, key.id]);
    for number in [signed.boot, signed.echo, term, signed.counter] {
        bytes.extend(number.to_le_bytes());
    }
    if let Some(details) = details {
        details.encode(&mut bytes);
    }
    let signature = key.mac(&bytes).finalize().into_bytes();
    bytes.extend(signature);
    bytes
}

/// Whether a trailer has the form of a signed heartbeat and asks.
pub(super) fn asks(trailer: &[u8]) -> bool {
    flags(trailer).is_some_and(|flags| flags & ASKS != 0)
}

/// The role of the sender, if a trailer has the form of a signed heartbeat.
pub(super) fn role(trailer: &[u8]) -> Option<ConfiguredRole> {
    flags(trailer).map(|flags| ConfiguredRole::of_primary(flags & PRIMARY != 0))
}

/// The flags, if a trailer has the form of a signed heartbeat.
fn flags(trailer: &[u8]) -> Option<u8> {
    let least = LENGTH - MAGIC_LENGTH;
    let has_form = match trailer.first() {
        Some(&VERSION) => trailer.len() == least,
        Some(&VERSION_WITH_DETAILS) => trailer.len() >= least,
        _ => false,
    };
    trailer.get(2).copied().filter(|_| has_form)
}

/// The number of the key that a signed datagram names.
pub(crate) fn key_id(bytes: &[u8]) -> Option<u8> {
    bytes.get(KEY_PLACE).copied()
}

/// Reads a whole datagram, magic included, and checks its signature.
///
/// # Errors
/// [`SignatureError`].
pub fn decode(bytes: &[u8], keys: &[Key]) -> Result<Signed, SignatureError> {
    if matches!(bytes.get(MAGIC_LENGTH..), None | Some([] | [_])) {
        return Err(SignatureError::Missing);
    }
    let at = bytes.len().checked_sub(SIGNATURE);
    let (body, signature) = at
        .and_then(|at| bytes.split_at_checked(at))
        .ok_or(SignatureError::Format)?;
    let (head, fields) = body.split_at_checked(HEAD).ok_or(SignatureError::Format)?;
    let &[_, _, _, _, version, state, flags, id, ..] = head else {
        return Err(SignatureError::Format);
    };
    match version {
        VERSION if fields.is_empty() => {}
        VERSION_WITH_DETAILS => {}
        _ => return Err(SignatureError::Format),
    }
    let key = keys.iter().find(|key| key.id == id);
    let key = key.ok_or(SignatureError::UnknownKey(id))?;
    key.mac(body)
        .verify_slice(signature)
        .map_err(|_| SignatureError::Wrong)?;
    let state = match state {
        0 => State::Inactive,
        1 => State::Starting,
        2 => State::Active,
        3 => State::Leaving,
        _ => return Err(SignatureError::Format),
    };
    let has_details = version == VERSION_WITH_DETAILS;
    let details = has_details.then(|| Details::decode(fields)).transpose()?;
    let mut numbers = head.chunks_exact(8).skip(1).map(|number| {
        number
            .iter()
            .rfold(0_u64, |sum, byte| sum << 8 | u64::from(*byte))
    });
    let mut number = || numbers.next().unwrap_or_default();
    let (boot, echo, term, counter) = (number(), number(), number(), number());
    Ok(Signed {
        statement: Statement {
            state,
            term,
            by_term: flags & BY_TERM != 0,
            hears: flags & HEARS != 0,
            fit: flags & FIT != 0,
            asks: flags & ASKS != 0,
            details,
        },
        reads_details: flags & READS_DETAILS != 0,
        primary: flags & PRIMARY != 0,
        boot,
        echo,
        counter,
    })
}

#[cfg(test)]
mod tests;
