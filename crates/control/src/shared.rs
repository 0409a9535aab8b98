//! Messages between lvsd and a process of nannies: an order or a report, and which nanny it is for.
//!
//! lvsd numbers the nannies. A process that was started as one nanny has no other: its messages carry no
//! number, and every version of both programs understands them. In a process of many (lvs.cf
//! `nannies = shared`) a datagram carries several messages, both ways. Each errand says how many strings it
//! has, for its arguments may hold any byte but NUL; news are lines.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::{MessageError, Order, Report};

/// Longest datagram of errands in bytes. The arguments of one nanny, the longest of which stand in lvs.cf,
/// may fill it.
pub const MAX_ERRANDS: usize = 64 * 1024;

/// Longest datagram of news in bytes.
pub const MAX_NEWS: usize = 16 * 1024;

/// Who is in a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crew {
    /// The nanny with this number. It came with the process's command line, is told to end by SIGTERM, and its
    /// end is the process's.
    One(u64),
    /// As many as lvsd starts by errands.
    Many,
}

/// What lvsd says to the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Errand<'a> {
    /// Be this nanny, and wait for the first order. On the wire: `start NUMBER COUNT` and COUNT arguments,
    /// a NUL behind each string.
    Start(u64, Vec<&'a OsStr>),
    /// `tell NUMBER ORDER` and a NUL; to a [`Crew::One`] the order alone.
    Tell(u64, Order),
    /// Be it no longer. `end NUMBER` and a NUL.
    End(u64),
}

impl<'a> Errand<'a> {
    /// The errand as it stands in a datagram to such a process, among others, or alone for a [`Crew::One`].
    #[must_use]
    pub fn encode(&self, crew: Crew) -> Vec<u8> {
        let mut text = match self {
            Self::Tell(_, order) if crew != Crew::Many => order.to_string(),
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
    /// [`MessageError`] for anything that [`encode`](Self::encode) does not write. Then the
    /// beginning of the next errand is not known, and the rest is taken off too.
    pub fn decode(datagram: &mut &'a [u8], crew: Crew) -> Result<Self, MessageError> {
        match crew {
            Crew::Many => Self::take(datagram).inspect_err(|_| *datagram = &[]),
            Crew::One(nanny) => {
                let order = Order::decode(std::mem::take(datagram))?;
                Ok(Self::Tell(nanny, order))
            }
        }
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
    /// A nanny says something. `NUMBER REPORT`; from a [`Crew::One`] the report alone.
    Report(u64, Report),
    /// One of many has ended with this status; its number will not be heard again. `NUMBER ended STATUS`
    Ended(u64, u8),
}

impl News {
    /// The line, without its end, that such a process says.
    #[must_use]
    pub fn encode(&self, crew: Crew) -> String {
        match self {
            Self::Report(_, report) if crew != Crew::Many => report.to_string(),
            Self::Report(nanny, report) => format!("{nanny} {report}"),
            Self::Ended(nanny, status) => format!("{nanny} ended {status}"),
        }
    }

    /// Reads one line of such a process.
    ///
    /// # Errors
    /// [`MessageError`] for anything that [`encode`](Self::encode) does not write.
    pub fn decode(line: &[u8], crew: Crew) -> Result<Self, MessageError> {
        if let Crew::One(nanny) = crew {
            return Ok(Self::Report(nanny, Report::decode(line)?));
        }
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
        let encode = |errand: &Errand<'_>| errand.encode(Crew::Many);
        let datagram = errands.each_ref().map(encode).concat();
        let mut rest = datagram.as_slice();
        for errand in errands {
            assert_eq!(Errand::decode(&mut rest, Crew::Many), Ok(errand));
        }
        assert!(rest.is_empty());
    }

    /// Programs of before an upgrade and of after it speak like that.
    #[test]
    fn the_messages_of_a_nanny_of_its_own_are_bare_orders_and_reports() {
        let crew = Crew::One(7);
        let tell = Errand::Tell(7, Order::Check);
        assert_eq!(tell.encode(crew), b"check");
        let mut datagram = b"check".as_slice();
        assert_eq!(Errand::decode(&mut datagram, crew), Ok(tell));
        assert!(datagram.is_empty());
        let alive = News::Report(7, Report::Alive);
        assert_eq!(alive.encode(crew), "alive");
        assert_eq!(News::decode(b"alive", crew), Ok(alive));
        for text in ["7 alive", "7 ended 0", "ended 0", ""] {
            assert!(News::decode(text.as_bytes(), crew).is_err(), "{text:?}");
        }
        for text in ["tell 7 check\0", "end 7\0", "start 7 0\0", "check\0", ""] {
            let errand = Errand::decode(&mut text.as_bytes(), crew);
            assert!(errand.is_err(), "{text:?}");
        }
    }

    #[test]
    fn nothing_is_read_behind_what_is_no_errand() {
        let mut rest = b"stop 7\0end 7\0".as_slice();
        let error = Err(MessageError::UnknownWord);
        assert_eq!(Errand::decode(&mut rest, Crew::Many), error);
        assert!(rest.is_empty());
    }

    #[test]
    fn news_survive_the_wire_line_by_line() {
        let news = [
            News::Report(7, Report::Alive),
            News::Ended(8, 1),
            News::Report(9, Report::Alive),
        ];
        let lines = news.iter().map(|news| news.encode(Crew::Many) + "\n");
        let datagram: String = lines.collect();
        let lines = News::lines(datagram.as_bytes());
        let read: Result<Vec<News>, _> = lines.map(|it| News::decode(it, Crew::Many)).collect();
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
            let errand = Errand::decode(&mut text.as_bytes(), Crew::Many);
            assert!(errand.is_err(), "{text:?}");
        }
        for text in ["", "7", "x alive", "7 ended", "7 ended 256", "7 sing"] {
            let news = News::decode(text.as_bytes(), Crew::Many);
            assert!(news.is_err(), "{text:?}");
        }
    }
}
