//! Messages between lvsd and a process that does the work of many nannies (lvs.cf `nannies =
//! shared`): an order or a report, and which nanny it is for.
//!
//! Nannies are numbered by lvsd. Both ways a datagram carries several messages: of errands, whose
//! arguments may hold any byte but NUL, each says how many strings it has; news are lines.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;

use crate::{MessageError, Order, Report};

/// Longest datagram of errands in bytes: a nanny's arguments, of which the longest stand in lvs.cf,
/// may fill one.
pub const MAX_ERRANDS: usize = 64 * 1024;

/// Longest datagram of news in bytes.
pub const MAX_NEWS: usize = 16 * 1024;

/// What lvsd says to the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Errand<'a> {
    /// Be this nanny; it waits for its first order. On the wire: `start NUMBER COUNT` and so many
    /// arguments, a NUL behind each of them all.
    Start(u64, Vec<&'a OsStr>),
    /// `tell NUMBER ORDER` and a NUL.
    Tell(u64, Order),
    /// Be it no longer. `end NUMBER` and a NUL.
    End(u64),
}

impl<'a> Errand<'a> {
    /// The errand as it stands in a datagram, behind others or alone.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut text = match self {
            Self::Start(nanny, args) => format!("start {nanny} {}\0", args.len()),
            Self::Tell(nanny, order) => format!("tell {nanny} {order}\0"),
            Self::End(nanny) => format!("end {nanny}\0"),
        }
        .into_bytes();
        if let Self::Start(_, args) = self {
            text.reserve(args.iter().map(|arg| arg.len() + 1).sum());
            for arg in args {
                text.extend_from_slice(arg.as_bytes());
                text.push(0);
            }
        }
        text
    }

    /// Takes the first errand off a datagram.
    ///
    /// # Errors
    /// [`MessageError`] for anything that [`encode`](Self::encode) does not write. Where the next
    /// errand begins is not known then: the rest is taken off too.
    pub fn decode(datagram: &mut &'a [u8]) -> Result<Self, MessageError> {
        Self::take(datagram).inspect_err(|_| *datagram = &[])
    }

    fn take(datagram: &mut &'a [u8]) -> Result<Self, MessageError> {
        let head = std::str::from_utf8(take_string(datagram)?);
        let head = head.map_err(|_| MessageError::NotText)?;
        let (word, rest) = head
            .split_once(' ')
            .ok_or(MessageError::Missing("number of a nanny"))?;
        match word {
            "start" => {
                let (nanny, count) = numbered(rest)?;
                let count: usize = (count.parse()).map_err(|_| MessageError::Bad("count"))?;
                let args = (0..count).map(|_| take_string(datagram).map(OsStr::from_bytes));
                Ok(Self::Start(nanny, args.collect::<Result<_, _>>()?))
            }
            "tell" => {
                let (nanny, order) = numbered(rest)?;
                Ok(Self::Tell(nanny, Order::decode(order.as_bytes())?))
            }
            "end" => Ok(Self::End(number(rest)?)),
            _ => Err(MessageError::UnknownWord),
        }
    }
}

/// What stands before the next NUL.
fn take_string<'d>(datagram: &mut &'d [u8]) -> Result<&'d [u8], MessageError> {
    let end = datagram.iter().position(|byte| *byte == 0);
    let (string, rest) = end
        .and_then(|end| Some((datagram.get(..end)?, datagram.get(end + 1..)?)))
        .ok_or(MessageError::Missing("end"))?;
    *datagram = rest;
    Ok(string)
}

/// What the process says to lvsd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// A nanny says something. `NUMBER REPORT`
    Report(u64, Report),
    /// A nanny has ended with this status; its number will not be heard again. `NUMBER ended STATUS`
    Ended(u64, u8),
}

impl News {
    /// Reads one line.
    ///
    /// # Errors
    /// [`MessageError`] for anything that `to_string()` of news does not write.
    pub fn decode(line: &[u8]) -> Result<Self, MessageError> {
        let text = std::str::from_utf8(line).map_err(|_| MessageError::NotText)?;
        let (nanny, rest) = numbered(text)?;
        match rest.strip_prefix("ended ") {
            Some(status) => {
                let status = status.parse().map_err(|_| MessageError::Bad("status"))?;
                Ok(Self::Ended(nanny, status))
            }
            None => Ok(Self::Report(nanny, Report::decode(rest.as_bytes())?)),
        }
    }

    /// The lines of a datagram.
    pub fn lines(datagram: &[u8]) -> impl Iterator<Item = &[u8]> {
        let lines = datagram.split(|byte| *byte == b'\n');
        lines.filter(|line| !line.is_empty())
    }
}

impl fmt::Display for News {
    /// The line, without its end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Report(nanny, report) => write!(f, "{nanny} {report}"),
            Self::Ended(nanny, status) => write!(f, "{nanny} ended {status}"),
        }
    }
}

fn numbered(text: &str) -> Result<(u64, &str), MessageError> {
    let (nanny, rest) = text
        .split_once(' ')
        .ok_or(MessageError::Missing("message"))?;
    Ok((number(nanny)?, rest))
}

fn number(text: &str) -> Result<u64, MessageError> {
    text.parse()
        .map_err(|_| MessageError::Bad("number of a nanny"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Standing;

    #[test]
    fn errands_survive_the_wire_one_behind_the_other() {
        let odd = OsStr::from_bytes(b"\xff \"x\"\n");
        let errands = [
            Errand::Start(7, vec![OsStr::new("-h"), odd, OsStr::new("")]),
            Errand::Start(u64::MAX, Vec::new()),
            Errand::Tell(7, Order::Adopt(Standing::default())),
            Errand::Tell(8, Order::Check),
            Errand::End(0),
        ];
        let datagram = errands.each_ref().map(Errand::encode).concat();
        let mut rest = datagram.as_slice();
        for errand in errands {
            assert_eq!(Errand::decode(&mut rest), Ok(errand));
        }
        assert!(rest.is_empty());
    }

    #[test]
    fn nothing_is_read_behind_what_is_no_errand() {
        let mut rest = b"stop 7\0end 7\0".as_slice();
        assert_eq!(Errand::decode(&mut rest), Err(MessageError::UnknownWord));
        assert!(rest.is_empty());
    }

    #[test]
    fn news_survive_the_wire_line_by_line() {
        let news = [
            News::Report(7, Report::Alive),
            News::Ended(8, 1),
            News::Report(9, Report::Alive),
        ];
        let datagram: String = news.iter().map(|news| format!("{news}\n")).collect();
        let read: Result<Vec<News>, _> =
            News::lines(datagram.as_bytes()).map(News::decode).collect();
        assert_eq!(read.as_deref(), Ok(news.as_slice()));
    }

    #[test]
    fn what_is_neither_is_refused() {
        for text in [
            "",
            "\0",
            "start\0",
            "start x 0\0",
            "start 7 1\0",
            "start 7 1\0cut",
            "start 7 99999999999999999999\0",
            "end 7",
            "end 7 x\0",
            "tell 7\0",
            "tell 7 sing\0",
            "stop 7\0",
        ] {
            assert!(Errand::decode(&mut text.as_bytes()).is_err(), "{text:?}");
        }
        for text in ["", "7", "x alive", "7 ended", "7 ended 256", "7 sing"] {
            assert!(News::decode(text.as_bytes()).is_err(), "{text:?}");
        }
    }
}
