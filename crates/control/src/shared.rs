//! Messages between lvsd and a process that does the work of many nannies (lvs.cf `nannies =
//! shared`): an order or a report, and which nanny it is for.
//!
//! Nannies are numbered by lvsd. An errand is a datagram of its own; news come in datagrams of
//! several lines.

use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use crate::{MessageError, Order, Report};

/// Longest errand in bytes: a nanny's arguments, of which the longest stand in lvs.cf.
pub const MAX_ERRAND: usize = 64 * 1024;

/// Longest datagram of news in bytes.
pub const MAX_NEWS: usize = 16 * 1024;

/// What lvsd says to the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Errand {
    /// Be this nanny; it waits for its first order. On the wire: `start NUMBER` and the arguments,
    /// each behind a NUL.
    Start(u64, Vec<OsString>),
    /// `tell NUMBER ORDER`
    Tell(u64, Order),
    /// Be it no longer. `end NUMBER`
    End(u64),
}

impl Errand {
    /// The datagram.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Start(nanny, args) => {
                let mut datagram = format!("start {nanny}").into_bytes();
                for arg in args {
                    datagram.push(0);
                    datagram.extend_from_slice(arg.as_bytes());
                }
                datagram
            }
            Self::Tell(nanny, order) => format!("tell {nanny} {order}").into_bytes(),
            Self::End(nanny) => format!("end {nanny}").into_bytes(),
        }
    }

    /// Reads one datagram.
    ///
    /// # Errors
    /// [`MessageError`] for anything that [`encode`](Self::encode) does not write.
    pub fn decode(datagram: &[u8]) -> Result<Self, MessageError> {
        let mut parts = datagram.split(|byte| *byte == 0);
        let head = std::str::from_utf8(parts.next().unwrap_or_default());
        let head = head.map_err(|_| MessageError::NotText)?;
        let (word, rest) = head
            .split_once(' ')
            .ok_or(MessageError::Missing("number of a nanny"))?;
        let args: Vec<OsString> = parts
            .map(|part| OsString::from_vec(part.to_vec()))
            .collect();
        match word {
            "start" => Ok(Self::Start(number(rest)?, args)),
            _ if !args.is_empty() => Err(MessageError::Trailing),
            "tell" => {
                let (nanny, order) = numbered(rest)?;
                Ok(Self::Tell(nanny, Order::decode(order.as_bytes())?))
            }
            "end" => Ok(Self::End(number(rest)?)),
            _ => Err(MessageError::UnknownWord),
        }
    }
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
    fn errands_survive_the_wire() {
        let odd = OsString::from_vec(b"\xff \"x\"\n".to_vec());
        for errand in [
            Errand::Start(7, vec!["-h".into(), odd, OsString::new()]),
            Errand::Start(u64::MAX, Vec::new()),
            Errand::Tell(7, Order::Adopt(Standing::default())),
            Errand::Tell(8, Order::Check),
            Errand::End(0),
        ] {
            assert_eq!(Errand::decode(&errand.encode()), Ok(errand));
        }
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
            "start",
            "start x",
            "end 7\0x",
            "tell 7",
            "tell 7 sing",
            "stop 7",
        ] {
            assert!(Errand::decode(text.as_bytes()).is_err(), "{text:?}");
        }
        for text in ["", "7", "x alive", "7 ended", "7 ended 256", "7 sing"] {
            assert!(News::decode(text.as_bytes()).is_err(), "{text:?}");
        }
    }
}
