//! One value: from its words to a type in range.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use lvs_model::{AddressFamily, EscapeError, SchedulerName, unescape};

use crate::device::Device;
use crate::extension;
use crate::finding::{Reason, shown};
use crate::keyword::{Keyword, Kind, ORIGINAL_SCHEDULERS};
use crate::lookup::Hosts;

/// A value in range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Integer(u32),
    Bool(bool),
    Seconds(Duration),
    Address(IpAddr),
    AddressDevice(IpAddr, Device),
    /// A host name in the place of an address that does not resolve.
    Unresolved(String),
    Mask(Mask),
    Port(Port),
    Choice(&'static str),
    Text(Vec<u8>),
    Device(Device),
    Scheduler(SchedulerName),
    /// Refused, or a list, which has no effect in any program.
    Nothing,
}

/// A port number, or a name that the block's protocol decides about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Port {
    Number(u16),
    Name(String),
}

/// A contiguous netmask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mask {
    pub(crate) family: AddressFamily,
    /// 0 is no mask.
    pub(crate) prefix: u8,
}

/// Why words are no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) reason: Reason,
    pub(crate) expected: Cow<'static, str>,
    /// The second word is meant, not the first.
    pub(crate) in_second: bool,
}

/// The words of a value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words<'a> {
    pub(crate) first: &'a [u8],
    pub(crate) quote: Option<u8>,
    /// Only there where the kind takes two.
    pub(crate) second: &'a [u8],
}

fn problem(reason: Reason, expected: impl Into<Cow<'static, str>>) -> Problem {
    Problem {
        reason,
        expected: expected.into(),
        in_second: false,
    }
}

/// Reads the words as the keyword's kind says.
pub(crate) fn parse(
    keyword: &Keyword,
    words: Words<'_>,
    hosts: &mut Hosts<'_>,
) -> Result<Value, Problem> {
    let first = words.first;
    match keyword.kind {
        Kind::Integer { min, max } => integer(first, min, max).map(Value::Integer),
        Kind::Bool => boolean(first).map(Value::Bool),
        Kind::Seconds { min, max } => seconds(first, min, max).map(Value::Seconds),
        Kind::Host => match host(first, hosts)? {
            Host::Address(address) => not_zero(address).map(Value::Address),
            Host::Unresolved(name) => Ok(Value::Unresolved(name)),
        },
        Kind::HostOrNone => Ok(match host(first, hosts)? {
            Host::Address(address) => Value::Address(address),
            Host::Unresolved(name) => Value::Unresolved(name),
        }),
        Kind::Address => literal(first).map(Value::Address).ok_or_else(|| {
            problem(
                Reason::InvalidHost,
                "an address without port expected, no name",
            )
        }),
        Kind::AddressDevice => {
            let host = host(first, hosts)?;
            let device = device(words.second).map_err(|problem| Problem {
                in_second: true,
                ..problem
            })?;
            Ok(match host {
                Host::Address(address) => Value::AddressDevice(address, device),
                Host::Unresolved(name) => Value::Unresolved(name),
            })
        }
        Kind::Mask => mask(first).map(Value::Mask),
        Kind::Port => port(first).map(Value::Port),
        Kind::Choice(choices) => choice(first, choices, keyword).map(Value::Choice),
        Kind::Word | Kind::User | Kind::Command => Ok(Value::Text(first.to_vec())),
        Kind::Program => program(first),
        Kind::QuotedCommand => double_quoted(words).map(|text| Value::Text(text.to_vec())),
        Kind::CheckProgram => double_quoted(words).and_then(program),
        Kind::Text => escaped(words),
        Kind::Device => device(first).map(Value::Device),
        Kind::Scheduler => scheduler(first).map(Value::Scheduler),
        Kind::List => Ok(Value::Nothing),
    }
}

/// Why an original would refuse words that we take, if it would.
pub(crate) fn original_refuses(
    keyword: &Keyword,
    words: Words<'_>,
    value: &Value,
) -> Option<&'static str> {
    let is_six = |address: &IpAddr| address.is_ipv6();
    match value {
        Value::Address(address) | Value::AddressDevice(address, _) if is_six(address) => {
            Some("an original director refuses IPv6 addresses")
        }
        Value::Mask(mask) if mask.family == AddressFamily::Inet6 => {
            Some("an original director refuses prefix lengths")
        }
        Value::Seconds(_) if words.first.contains(&b'.') => {
            Some("an original director refuses decimals")
        }
        Value::Scheduler(name) if !ORIGINAL_SCHEDULERS.contains(&name.as_str()) => {
            Some("an original director refuses this scheduler")
        }
        Value::Choice(choice) if is_extended(keyword, choice) => {
            Some("an original director refuses this value")
        }
        _ => None,
    }
}

/// Whether a word is none of the original's choices.
fn is_extended(keyword: &Keyword, choice: &str) -> bool {
    match keyword.kind {
        Kind::Choice(choices) => !choices.contains(&choice),
        _ => false,
    }
}

/// Digits without sign or leading zero.
fn is_decimal(text: &[u8]) -> bool {
    match text {
        [] => false,
        [b'0', _, ..] => false,
        digits => digits.iter().all(u8::is_ascii_digit),
    }
}

/// The number of a decimal text; `None` if it does not fit.
fn number(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// What kind of number the text is, if it is not decimal.
fn not_decimal(text: &[u8], range: &str) -> Problem {
    let unsigned = text.strip_prefix(b"-").unwrap_or(text);
    if unsigned != text && is_decimal(unsigned) {
        problem(Reason::InvalidArgument, format!("{range} expected"))
    } else if matches!(unsigned, [b'0', b'0'..=b'9' | b'x' | b'X', ..]) {
        problem(
            Reason::IntegerExpected,
            format!("write decimal without leading zeros, {range}"),
        )
    } else {
        problem(Reason::IntegerExpected, format!("{range} expected"))
    }
}

fn integer(text: &[u8], min: u32, max: u32) -> Result<u32, Problem> {
    let range = || format!("{min} to {max}");
    if !is_decimal(text) {
        return Err(not_decimal(text, &range()));
    }
    number(text)
        .and_then(|number| u32::try_from(number).ok())
        .filter(|number| (min..=max).contains(number))
        .ok_or_else(|| problem(Reason::InvalidArgument, format!("{} expected", range())))
}

fn boolean(text: &[u8]) -> Result<bool, Problem> {
    match text {
        b"0" => Ok(false),
        b"1" => Ok(true),
        _ if is_decimal(text.strip_prefix(b"-").unwrap_or(text)) => {
            Err(problem(Reason::BooleanExpected, "0 or 1 expected"))
        }
        _ => Err(not_decimal(text, "0 or 1")),
    }
}

/// Most digits behind the point: nanoseconds.
const MAX_DECIMALS: usize = 9;

fn seconds(text: &[u8], min: u64, max: u64) -> Result<Duration, Problem> {
    let (min, max) = (Duration::from_millis(min), Duration::from_millis(max));
    let range = || format!("{} to {} seconds", min.as_secs_f64(), max.as_secs_f64());
    let mut parts = text.splitn(2, |byte| *byte == b'.');
    let whole = parts.next().unwrap_or_default();
    let decimals = parts.next();
    if !is_decimal(whole) || decimals.is_some_and(|decimals| !is_fraction(decimals)) {
        let is_long = decimals.is_some_and(|decimals| decimals.len() > MAX_DECIMALS);
        let most = if is_long {
            "at most nine decimals, "
        } else {
            ""
        };
        return Err(not_decimal(text, &format!("{most}{}", range())));
    }
    number(whole)
        .map(|whole| Duration::new(whole, nanoseconds(decimals.unwrap_or_default())))
        .filter(|time| (min..=max).contains(time))
        .ok_or_else(|| problem(Reason::InvalidArgument, format!("{} expected", range())))
}

fn is_fraction(digits: &[u8]) -> bool {
    (1..=MAX_DECIMALS).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit)
}

/// Nanoseconds of at most nine digits behind the point.
fn nanoseconds(digits: &[u8]) -> u32 {
    digits
        .iter()
        .chain(std::iter::repeat(&b'0'))
        .take(MAX_DECIMALS)
        .fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'))
}

/// An address in its written form, without leading zeros and not in short form.
fn literal(text: &[u8]) -> Option<IpAddr> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Whether a text is meant as an address, so that no resolver may guess at it.
fn looks_like_address(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let last = name.rsplit('.').next().unwrap_or_default();
    let is_hex = last.starts_with("0x") || last.starts_with("0X");
    name.contains(':') || is_hex || !last.is_empty() && last.bytes().all(|b| b.is_ascii_digit())
}

fn is_name(name: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    // A text that begins like an option or a negative number was never meant as a name.
    (1..=253).contains(&name.len()) && !name.starts_with('-') && name.bytes().all(fits)
}

/// What stands in the place of an address.
enum Host {
    Address(IpAddr),
    /// A name that does not resolve; judged where it is used.
    Unresolved(String),
}

fn host(text: &[u8], hosts: &mut Hosts<'_>) -> Result<Host, Problem> {
    if let Some(address) = literal(text) {
        return Ok(Host::Address(address));
    }
    let name = std::str::from_utf8(text).unwrap_or_default();
    if looks_like_address(name) {
        let expected =
            "four numbers of 0 to 255 without leading zeros, or an IPv6 address, expected";
        return Err(problem(Reason::InvalidArgument, expected));
    }
    if !is_name(name) {
        let expected = "an address or a host name expected";
        return Err(problem(Reason::InvalidArgument, expected));
    }
    Ok(match hosts.address(name) {
        Some(address) => Host::Address(address),
        None => Host::Unresolved(name.to_owned()),
    })
}

fn not_zero(address: IpAddr) -> Result<IpAddr, Problem> {
    if address.is_unspecified() {
        return Err(problem(
            Reason::InvalidHost,
            "an address other than all zeros expected",
        ));
    }
    Ok(address)
}

fn mask(text: &[u8]) -> Result<Mask, Problem> {
    let wrong = || {
        problem(
            Reason::BadSubnetMask,
            "a netmask such as 255.255.255.0 without holes, or for IPv6 1 to 128, expected",
        )
    };
    if is_decimal(text) {
        let prefix = number(text).filter(|prefix| (1..=128).contains(prefix));
        return Ok(Mask {
            family: AddressFamily::Inet6,
            prefix: prefix
                .and_then(|prefix| u8::try_from(prefix).ok())
                .ok_or_else(wrong)?,
        });
    }
    let dotted: Ipv4Addr = std::str::from_utf8(text)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or_else(wrong)?;
    let bits = dotted.to_bits();
    if bits.leading_ones() + bits.trailing_zeros().min(32 - bits.leading_ones()) != 32 {
        return Err(wrong());
    }
    Ok(Mask {
        family: AddressFamily::Inet,
        prefix: u8::try_from(bits.leading_ones()).unwrap_or(32),
    })
}

fn port(text: &[u8]) -> Result<Port, Problem> {
    const EXPECTED: &str = "1 to 65535 or the name of a service expected";
    if is_decimal(text) {
        return number(text)
            .and_then(|number| u16::try_from(number).ok())
            .map(Port::Number)
            .ok_or_else(|| problem(Reason::InvalidArgument, EXPECTED));
    }
    match std::str::from_utf8(text) {
        Ok(name) if name.starts_with(|c: char| c.is_ascii_digit() || c == '+') => {
            Err(not_decimal(text, "1 to 65535"))
        }
        Ok(name) if name.starts_with('-') || name.is_empty() => {
            Err(problem(Reason::InvalidArgument, EXPECTED))
        }
        Ok(name) => Ok(Port::Name(name.to_owned())),
        Err(_) => Err(problem(Reason::InvalidArgument, EXPECTED)),
    }
}

/// One of the words, or of those that are an extension of the keyword.
fn choice(
    text: &[u8],
    choices: &[&'static str],
    keyword: &Keyword,
) -> Result<&'static str, Problem> {
    let all = || choices.iter().copied().chain(extension::values(keyword));
    let found = all().find(|choice| choice.as_bytes() == text);
    found.ok_or_else(|| {
        let all: Vec<&str> = all().collect();
        let expected = format!("one of {} expected", all.join(", "));
        problem(Reason::InvalidArgument, expected)
    })
}

fn program(text: &[u8]) -> Result<Value, Problem> {
    if text.iter().all(|byte| matches!(byte, b' ' | b'\t')) {
        return Err(problem(Reason::InvalidArgument, "a program expected"));
    }
    Ok(Value::Text(text.to_vec()))
}

/// The original keeps apostrophes as part of these values.
fn double_quoted(words: Words<'_>) -> Result<&[u8], Problem> {
    if words.quote == Some(b'\'') {
        return Err(problem(
            Reason::InvalidArgument,
            "double quotes expected: an original director keeps the single ones",
        ));
    }
    Ok(words.first)
}

fn escaped(words: Words<'_>) -> Result<Value, Problem> {
    let text = double_quoted(words)?;
    match unescape(text) {
        Ok(_) => Ok(Value::Text(text.to_vec())),
        Err(error) => {
            let next = match error {
                EscapeError::Unknown(byte, _) => shown(&[byte]),
                EscapeError::Trailing => String::new(),
            };
            Err(problem(
                Reason::InvalidArgument,
                format!("\\{next} is no escape: write \\\\{next} for a backslash"),
            ))
        }
    }
}

fn device(text: &[u8]) -> Result<Device, Problem> {
    std::str::from_utf8(text)
        .ok()
        .and_then(|text| Device::new(text).ok())
        .ok_or_else(|| {
            problem(
                Reason::InvalidArgument,
                "an interface of 1 to 15 bytes such as eth0:1 expected",
            )
        })
}

fn scheduler(text: &[u8]) -> Result<SchedulerName, Problem> {
    std::str::from_utf8(text)
        .ok()
        .and_then(|text| SchedulerName::new(text).ok())
        .ok_or_else(|| {
            problem(
                Reason::InvalidArgument,
                "a scheduler of 1 to 15 bytes such as wlc expected",
            )
        })
}
