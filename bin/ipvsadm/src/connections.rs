//! The connection table: lines of `/proc/net/ip_vs_conn` in, lines of `-L -c` out, as they come.

use std::io::{self, BufRead};
use std::net::{IpAddr, Ipv4Addr};

use lvs_model::Protocol;

use crate::inet::{parse_ipv4, parse_ipv6};
use crate::json::Json;
use crate::names::Names;
use crate::number;
use crate::output::Output;
use crate::printed_name::Style;

/// Where the kernel shows its connections.
pub(crate) const PATH: &str = "/proc/net/ip_vs_conn";

/// How the table is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Columns {
    pub(crate) numeric: bool,
    /// Also what a persistence engine knows.
    pub(crate) with_engine: bool,
    /// As JSON, with everything.
    pub(crate) json: bool,
}

/// Why the table could not be listed.
#[derive(Debug)]
pub(crate) enum ConnectionsError {
    /// The file has not even a title.
    Empty,
    /// It could not be read on.
    Read(io::Error),
}

/// One entry, its texts as the kernel wrote them.
struct Entry<'l> {
    protocol: &'l [u8],
    client: (IpAddr, u16),
    virtual_: (IpAddr, u16),
    destination: (IpAddr, u16),
    state: &'l [u8],
    expires: u64,
    engine: Option<(&'l [u8], &'l [u8])>,
}

/// Prints every entry.
pub(crate) fn print(
    mut file: impl BufRead,
    columns: Columns,
    names: &dyn Names,
    out: &mut Output<'_>,
) -> Result<(), ConnectionsError> {
    let mut title = Vec::new();
    let read = file.read_until(b'\n', &mut title);
    if read.map_err(ConnectionsError::Read)? == 0 {
        return Err(ConnectionsError::Empty);
    }
    if columns.json {
        return Json::document(out, |json| {
            json.array("connections", |json| {
                each(file, |entry| {
                    json.item(|json| json_entry(json, entry));
                    !json.is_broken()
                })
            })
        });
    }
    out.text("IPVS connection entries").end();
    print_title(out, columns.with_engine);
    let style = Style::new(columns.numeric, names);
    each(file, |entry| {
        print_entry(out, entry, columns.with_engine, style);
        !out.is_broken()
    })
}

/// Shows every entry behind the title, until `visit` returns that nobody reads any more.
fn each(
    mut file: impl BufRead,
    mut visit: impl FnMut(&Entry<'_>) -> bool,
) -> Result<(), ConnectionsError> {
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = file.read_until(b'\n', &mut line);
        if read.map_err(ConnectionsError::Read)? == 0 {
            return Ok(());
        }
        if parse(&line).is_some_and(|entry| !visit(&entry)) {
            return Ok(());
        }
    }
}

fn json_entry(json: &mut Json<'_, '_>, entry: &Entry<'_>) {
    let text = |bytes| String::from_utf8_lossy(bytes);
    json.text("protocol", &text(entry.protocol).to_ascii_lowercase());
    for (name, (address, port)) in [
        ("client", entry.client),
        ("virtual", entry.virtual_),
        ("destination", entry.destination),
    ] {
        json.object(name, |json| {
            json.text("address", &address.to_string());
            json.number("port", port);
        });
    }
    json.text("state", &text(entry.state));
    json.number("expires", entry.expires);
    if let Some((engine, data)) = entry.engine {
        json.text("engine", &text(engine));
        json.text("engine_data", &text(data));
    }
}

/// `None` for a line that is no entry, an empty one among them.
fn parse(line: &[u8]) -> Option<Entry<'_>> {
    let mut fields = line
        .split(|byte| byte.is_ascii_whitespace())
        .filter(|field| !field.is_empty());
    let protocol = fields.next()?;
    let client = parse_endpoint(fields.next()?, fields.next()?)?;
    let virtual_ = parse_endpoint(fields.next()?, fields.next()?)?;
    let destination = parse_endpoint(fields.next()?, fields.next()?)?;
    let state = fields.next()?;
    let expires = number::parse(fields.next()?, 0..=i64::MAX)?.unsigned_abs();
    let engine = match (fields.next(), fields.next()) {
        (Some(name), Some(data)) => Some((name, data)),
        _ => None,
    };
    Some(Entry {
        protocol,
        client,
        virtual_,
        destination,
        state,
        expires,
        engine,
    })
}

/// An address in the kernel's digits, a port in hexadecimal.
fn parse_endpoint(address: &[u8], port: &[u8]) -> Option<(IpAddr, u16)> {
    let address = match hexadecimal(address) {
        Some(bits) => Ipv4Addr::from(bits).into(),
        None if address.contains(&b':') => parse_ipv6(address)?.into(),
        None => parse_ipv4(address)?.into(),
    };
    Some((address, u16::try_from(hexadecimal(port)?).ok()?))
}

fn hexadecimal(text: &[u8]) -> Option<u32> {
    if text.is_empty() || text.len() > 8 {
        return None;
    }
    text.iter().try_fold(0, |value, &byte| {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'A'..=b'F' => byte - b'A' + 10,
            b'a'..=b'f' => byte - b'a' + 10,
            _ => return None,
        };
        Some(value << 4 | u32::from(digit))
    })
}

fn print_title(out: &mut Output<'_>, with_engine: bool) {
    out.text("pro expire state       source             virtual            ");
    if with_engine {
        out.text("destination        pe name          pe_data")
            .end();
    } else {
        out.text("destination").end();
    }
}

fn print_entry(out: &mut Output<'_>, entry: &Entry<'_>, with_engine: bool, style: Style<'_>) {
    let protocol = match entry.protocol {
        b"TCP" => Protocol::Tcp,
        b"UDP" => Protocol::Udp,
        b"SCTP" => Protocol::Sctp,
        _ => Protocol::Other(0),
    };
    let endpoint = |out: &mut Output<'_>, (address, port), width| {
        out.text(" ").column(width, usize::MAX, |text| {
            style.write_endpoint(text, address, port, protocol);
        });
    };
    out.left(entry.protocol, 3).text(" ");
    print_expiry(out, entry.expires);
    out.text(" ").left(entry.state, 11);
    endpoint(out, entry.client, 18);
    endpoint(out, entry.virtual_, 18);
    match entry.engine {
        Some((engine, data)) if with_engine => {
            endpoint(out, entry.destination, 16);
            out.text(" ").left(engine, 18).text(" ").bytes(data);
        }
        _ => endpoint(out, entry.destination, 0),
    }
    out.end();
}

/// `%02d:%02d` of minutes and seconds, six columns wide.
fn print_expiry(out: &mut Output<'_>, seconds: u64) {
    let two = |number: u64| if number < 10 { "0" } else { "" };
    let (minutes, seconds) = (seconds / 60, seconds % 60);
    out.text(two(minutes)).number(minutes);
    out.text(":").text(two(seconds)).number(seconds);
    if minutes < 100 {
        out.text(" ");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_names::TestNames;

    const FILE: &str = "\
Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData
TCP 0A010002 BCA6 0A010064 0051 0A010001 1F90 CLOSE_WAIT       53

TCP 0A010002 E39C 0A010064 0053 fd02:0000:0000:0000:0000:0000:0000:0002 0053 SYN_RECV       6000
UDP fd01:0000:0000:0000:0000:0000:0000:0002 0000 fd01:0000:0000:0000:0000:0000:0000:0100 13C4 \
0A020002 13C4 ASSURED          52 sip 1234567890abcdef@host more
IP  0A010064 0000 00000009 0000 0A020002 0050 ASSURED          65
nonsense
";

    fn printed(file: &str, numeric: bool, with_engine: bool) -> Result<String, ConnectionsError> {
        let mut target = Vec::new();
        let mut out = Output::new(&mut target);
        let columns = Columns {
            numeric,
            with_engine,
            json: false,
        };
        print(file.as_bytes(), columns, &TestNames, &mut out)?;
        out.flush().unwrap();
        Ok(String::from_utf8(target).unwrap())
    }

    #[test]
    fn entries_are_printed_in_the_originals_columns() {
        assert_eq!(
            printed(FILE, true, false).unwrap(),
            "\
IPVS connection entries
pro expire state       source             virtual            destination
TCP 00:53  CLOSE_WAIT  10.1.0.2:48294     10.1.0.100:81      10.1.0.1:8080
TCP 100:00 SYN_RECV    10.1.0.2:58268     10.1.0.100:83      [fd02::2]:83
UDP 00:52  ASSURED     [fd01::2]:0        [fd01::100]:5060   10.2.0.2:5060
IP  01:05  ASSURED     10.1.0.100:0       0.0.0.9:0          10.2.0.2:80
"
        );
    }

    #[test]
    fn engine_data_have_columns_of_their_own_and_names_are_looked_up() {
        let text = printed(FILE, false, true).unwrap();
        let mut lines = text.lines().skip(1);
        assert_eq!(
            lines.next().unwrap(),
            "pro expire state       source             virtual            destination        \
             pe name          pe_data"
        );
        assert_eq!(
            lines.nth(2).unwrap(),
            "UDP 00:52  ASSURED     [fd01::2]:0        [fd01::100]:sip    10.2.0.2:sip     \
             sip                1234567890abcdef@host"
        );
        assert_eq!(
            lines.next().unwrap(),
            "IP  01:05  ASSURED     10.1.0.100:0       0.0.0.9:0          10.2.0.2:80"
        );
    }

    #[test]
    fn json_has_every_entry_with_all_that_is_known_of_it() {
        let mut target = Vec::new();
        let mut out = Output::new(&mut target);
        let columns = Columns {
            numeric: false,
            with_engine: false,
            json: true,
        };
        print(FILE.as_bytes(), columns, &TestNames, &mut out).unwrap();
        out.flush().unwrap();
        let text = String::from_utf8(target).unwrap();
        assert_eq!(text.matches("\"protocol\"").count(), 4);
        assert!(text.contains(
            "{\"protocol\":\"udp\",\"client\":{\"address\":\"fd01::2\",\"port\":0},\
             \"virtual\":{\"address\":\"fd01::100\",\"port\":5060},\
             \"destination\":{\"address\":\"10.2.0.2\",\"port\":5060},\"state\":\"ASSURED\",\
             \"expires\":52,\"engine\":\"sip\",\"engine_data\":\"1234567890abcdef@host\"}"
        ));
    }

    #[test]
    fn a_file_without_title_is_an_error() {
        assert!(matches!(
            printed("", true, false),
            Err(ConnectionsError::Empty)
        ));
    }
}
