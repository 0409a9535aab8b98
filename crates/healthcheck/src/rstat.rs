//! Asking a server's rstatd for its load: ONC RPC over UDP (RFC 5531, RFC 4506), the portmapper's
//! GETPORT (RFC 1833) and RSTATPROG (rpcsvc/rstat.x).
//!
//! Two questions: [`port_call`] to port [`PORTMAPPER`], then [`stats_call`] to the port that came
//! back. [`RstatQuery`](crate::RstatQuery) asks them for nanny's load monitor `rup`.

use std::fmt;

/// UDP port of the portmapper, today's rpcbind.
pub const PORTMAPPER: u16 = 111;

/// `RSTATVERS_TIME`, the version that every rstatd of the last decades has.
pub const VERSION: u32 = 3;

/// Longest answer that is read; a good one has 128 bytes.
pub const LONGEST_ANSWER: usize = 512;

/// `PMAPPROG`, version 2, `PMAPPROC_GETPORT`.
const GETPORT: Procedure = Procedure {
    program: 100_000,
    version: 2,
    number: 3,
};

/// `RSTATPROG`, `RSTATPROC_STATS`.
const STATS: Procedure = Procedure {
    program: 100_001,
    version: VERSION,
    number: 1,
};

/// Words of `struct statstime` before `avenrun`: 4 of cp_time, 4 of dk_xfer, 10 counters.
const WORDS_BEFORE_LOAD: usize = 18;

/// Words of it from `avenrun` on: three loads, two times of two words, `if_opackets`.
const WORDS_FROM_LOAD: usize = 8;

/// `FSCALE`: load averages are whole numbers of this fraction.
const SCALE: f64 = 256.0;

const CALL: u32 = 0;
const REPLY: u32 = 1;
const RPC_VERSION: u32 = 2;
const IPPROTO_UDP: u32 = 17;

#[derive(Clone, Copy)]
struct Procedure {
    program: u32,
    version: u32,
    number: u32,
}

/// Why a datagram is no answer to the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerError {
    /// Too short, or no RPC reply at all.
    Malformed,
    /// A reply to another call: late, or not for us.
    Stranger,
    /// The server does not do that: denied, no such program, version or procedure.
    Refused,
}

impl fmt::Display for AnswerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "no RPC reply",
            Self::Stranger => "reply to another call",
            Self::Refused => "call refused",
        })
    }
}

impl std::error::Error for AnswerError {}

/// Asks the portmapper where rstatd listens. `xid` comes back in the answer.
#[must_use]
pub fn port_call(xid: u32) -> Vec<u8> {
    call(
        xid,
        GETPORT,
        &[STATS.program, STATS.version, IPPROTO_UDP, 0],
    )
}

/// Asks rstatd for its figures. `xid` comes back in the answer.
#[must_use]
pub fn stats_call(xid: u32) -> Vec<u8> {
    call(xid, STATS, &[])
}

/// The UDP port of rstatd; `None` if it is not registered.
///
/// # Errors
/// [`AnswerError`], also for a number that is no port.
pub fn decode_port(datagram: &[u8], xid: u32) -> Result<Option<u16>, AnswerError> {
    let port = result(datagram, xid)?.next();
    match port.map(u16::try_from) {
        Some(Ok(0)) => Ok(None),
        Some(Ok(port)) => Ok(Some(port)),
        Some(Err(_)) | None => Err(AnswerError::Malformed),
    }
}

/// The one-minute load average.
///
/// # Errors
/// [`AnswerError`], also for an answer that ends before its last word.
pub fn decode_load(datagram: &[u8], xid: u32) -> Result<f64, AnswerError> {
    let words: Vec<u32> = result(datagram, xid)?.collect();
    if words.len() < WORDS_BEFORE_LOAD + WORDS_FROM_LOAD {
        return Err(AnswerError::Malformed);
    }
    let load = words.get(WORDS_BEFORE_LOAD).ok_or(AnswerError::Malformed)?;
    Ok(f64::from(*load) / SCALE)
}

/// A call without credentials (`AUTH_NONE` twice, each of no length).
fn call(xid: u32, procedure: Procedure, arguments: &[u32]) -> Vec<u8> {
    let Procedure {
        program,
        version,
        number,
    } = procedure;
    let header = [xid, CALL, RPC_VERSION, program, version, number, 0, 0, 0, 0];
    let words = header.iter().chain(arguments);
    words.flat_map(|word| word.to_be_bytes()).collect()
}

/// The words of an accepted, successful reply behind its header.
fn result(datagram: &[u8], xid: u32) -> Result<impl Iterator<Item = u32>, AnswerError> {
    let whole = datagram.chunks_exact(4);
    let mut words = whole.filter_map(|bytes| Some(u32::from_be_bytes(*bytes.first_chunk()?)));
    let mut word = || words.next().ok_or(AnswerError::Malformed);
    let (of, kind) = (word()?, word()?);
    if kind != REPLY {
        return Err(AnswerError::Malformed);
    }
    if of != xid {
        return Err(AnswerError::Stranger);
    }
    // reply_stat MSG_ACCEPTED
    if word()? != 0 {
        return Err(AnswerError::Refused);
    }
    let (_flavour, length) = (word()?, word()?);
    // A verifier has at most 400 bytes (RFC 5531 8.2).
    for _ in 0..length.min(400).div_ceil(4) {
        word()?;
    }
    // accept_stat SUCCESS
    if word()? != 0 {
        return Err(AnswerError::Refused);
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use lvs_model::Random;

    use super::*;

    fn bytes(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    /// xid, REPLY, MSG_ACCEPTED, AUTH_NONE of no length, SUCCESS.
    const GOOD: [u32; 6] = [7, 1, 0, 0, 0, 0];

    #[test]
    fn calls_are_as_rpcinfo_and_rup_send_them() {
        let port = [7, 0, 2, 100_000, 2, 3, 0, 0, 0, 0, 100_001, 3, 17, 0];
        assert_eq!(port_call(7), bytes(&port));
        let stats = [7, 0, 2, 100_001, 3, 1, 0, 0, 0, 0];
        assert_eq!(stats_call(7), bytes(&stats));
    }

    #[test]
    fn the_port_is_read_and_0_means_not_registered() {
        let answer = |port: u32| bytes(&[GOOD.as_slice(), &[port]].concat());
        assert_eq!(decode_port(&answer(700), 7), Ok(Some(700)));
        assert_eq!(decode_port(&answer(0), 7), Ok(None));
        assert_eq!(decode_port(&answer(70_000), 7), Err(AnswerError::Malformed));
        assert_eq!(decode_port(&bytes(&GOOD), 7), Err(AnswerError::Malformed));
    }

    #[test]
    fn the_load_is_the_first_of_three_in_256ths() {
        let mut figures = [1; WORDS_BEFORE_LOAD + WORDS_FROM_LOAD];
        figures[WORDS_BEFORE_LOAD] = 384;
        let answer = bytes(&[GOOD.as_slice(), &figures].concat());
        assert_eq!(decode_load(&answer, 7), Ok(1.5));
        assert_eq!(answer.len(), 128);
        for length in 0..answer.len() {
            let cut = decode_load(&answer[..length], 7);
            assert_eq!(cut, Err(AnswerError::Malformed), "{length}");
        }
    }

    #[test]
    fn a_verifier_is_passed_over() {
        let answer = bytes(&[7, 1, 0, 1, 6, 0xdead, 0xbeef, 0, 700]);
        assert_eq!(decode_port(&answer, 7), Ok(Some(700)));
    }

    #[test]
    fn no_answer_makes_a_decoder_panic() {
        for seed in testkit::seeds(20_000) {
            let mut random = Random::new(seed);
            let mut answer = bytes(&[GOOD.as_slice(), &[1; 26]].concat());
            for _ in 0..4 {
                let [place, byte, length, ..] = random.number().to_le_bytes();
                let at = usize::from(place) % answer.len();
                answer[at] = byte;
                answer.truncate(usize::from(length).max(1));
            }
            crate::fuzz::load_answer(&answer);
        }
    }

    #[test]
    fn refusals_and_strangers_are_told_apart() {
        let with = |place: usize, word: u32| {
            let mut words = [7, 1, 0, 0, 0, 0, 700];
            words[place] = word;
            decode_port(&bytes(&words), 7)
        };
        assert_eq!(with(0, 8), Err(AnswerError::Stranger));
        assert_eq!(with(1, 0), Err(AnswerError::Malformed));
        assert_eq!(with(2, 1), Err(AnswerError::Refused));
        for accept_stat in 1..=5 {
            assert_eq!(with(5, accept_stat), Err(AnswerError::Refused));
        }
        assert_eq!(with(4, u32::MAX), Err(AnswerError::Malformed));
    }
}
