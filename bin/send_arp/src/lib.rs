//! Sends gratuitous ARP: the original's command line, messages and bytes. Ours beside them: IPv6,
//! and more than one frame.
//!
//! pulse announces by itself; this is for people and scripts.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;
use std::time::Duration;

use link::{Announcer, LinkError};
use lvs_model::{Mac, MacError};

/// What is printed for any command line that does not fit.
const USAGE: &str =
    "usage: send_arp [-i dev] [-6] [-c count] src_ip_addr src_hw_addr targ_ip_addr tar_hw_addr";
const DEFAULT_DEVICE: &str = "eth0";
/// Between two frames.
const PAUSE: Duration = Duration::from_secs(1);

/// What is to be sent, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Request {
    device: String,
    /// Frames, 1 to 1000.
    count: u16,
    address: IpAddr,
    mac: Mac,
    destination: Mac,
}

/// The options in front of the four arguments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Options<'a> {
    device: Option<&'a OsStr>,
    ipv6: bool,
    count: Option<u16>,
}

/// Why nothing was sent; the text is the original's.
#[derive(Debug, PartialEq)]
enum Error {
    Usage,
    UnknownHost(OsString),
    HardwareAddress(MacError),
    Link(LinkError),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage => f.write_str(USAGE),
            Self::UnknownHost(name) => {
                write!(f, "send_arp: unknown host {}", name.to_string_lossy())
            }
            Self::HardwareAddress(error) => error.fmt(f),
            Self::Link(error) => error.fmt(f),
        }
    }
}

/// Runs the command; `args` without the program's name. Status 0 if the frame was sent, else 1.
pub fn run(args: &[OsString], err: &mut impl Write) -> ExitCode {
    match parse(args, resolve).and_then(|request| send(&request)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody reads: the status says it all the same.
            let _ = writeln!(err, "{error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(
    args: &[OsString],
    resolve: impl Fn(&OsStr, bool) -> Option<IpAddr>,
) -> Result<Request, Error> {
    let (options, rest) = parse_options(args)?;
    // The third is required and means nothing.
    let [address, mac, _, destination] = rest else {
        return Err(Error::Usage);
    };
    let device = options.device.unwrap_or(OsStr::new(DEFAULT_DEVICE));
    let unknown = || Error::UnknownHost(address.clone());
    Ok(Request {
        device: device.to_string_lossy().into_owned(),
        count: options.count.unwrap_or(1),
        address: resolve(address, options.ipv6).ok_or_else(unknown)?,
        mac: hardware_address(mac)?,
        destination: hardware_address(destination)?,
    })
}

/// An option in front of the arguments, and how it is set.
struct OptionRow {
    name: &'static str,
    set: Set,
}

enum Set {
    Flag(fn(&mut Options<'_>)),
    Value(for<'a> fn(&mut Options<'a>, &'a OsStr) -> Result<(), Error>),
}

static OPTIONS: [OptionRow; 3] = [
    OptionRow {
        name: "-i",
        set: Set::Value(|options, device| {
            options.device = Some(device);
            Ok(())
        }),
    },
    OptionRow {
        name: "-c",
        set: Set::Value(|options, count| {
            options.count = Some(frame_count(count).ok_or(Error::Usage)?);
            Ok(())
        }),
    },
    OptionRow {
        name: "-6",
        set: Set::Flag(|options| options.ipv6 = true),
    },
];

/// Each option once at most, in any order; what is none of these, or none of them any more, is left.
fn parse_options(args: &[OsString]) -> Result<(Options<'_>, &[OsString]), Error> {
    let (mut options, mut rest) = (Options::default(), args);
    let mut rows: Vec<&OptionRow> = OPTIONS.iter().collect();
    while let [word, tail @ ..] = rest
        && let Some(place) = rows.iter().position(|row| word == row.name)
    {
        match (&rows.swap_remove(place).set, tail) {
            (Set::Flag(set), tail) => {
                set(&mut options);
                rest = tail;
            }
            (Set::Value(set), [value, tail @ ..]) => {
                set(&mut options, value)?;
                rest = tail;
            }
            (Set::Value(_), []) => return Err(Error::Usage),
        }
    }
    Ok((options, rest))
}

fn frame_count(text: &OsStr) -> Option<u16> {
    let count = text.to_str()?.parse().ok()?;
    (1..=1000).contains(&count).then_some(count)
}

fn hardware_address(text: &OsStr) -> Result<Mac, Error> {
    let text = text.to_string_lossy();
    text.parse().map_err(Error::HardwareAddress)
}

/// An address, for IPv4 in its short forms too, or a host name, as the C library takes them.
fn resolve(text: &OsStr, ipv6: bool) -> Option<IpAddr> {
    let name = || lvs_sys::c_name(text.as_bytes());
    if ipv6 {
        let literal = text.to_str().and_then(|text| text.parse::<Ipv6Addr>().ok());
        let found = literal.or_else(|| lvs_sys::host_address6(&name()?));
        return found.map(IpAddr::V6);
    }
    let literal = text.to_str().and_then(|text| text.parse::<Ipv4Addr>().ok());
    let found = literal.or_else(|| lvs_sys::host_address(&name()?));
    found.map(IpAddr::V4)
}

fn send(request: &Request) -> Result<(), Error> {
    let announcer = Announcer::open().map_err(Error::Link)?;
    for number in 0..request.count {
        if number > 0 {
            std::thread::sleep(PAUSE);
        }
        announcer
            .send_reply(
                &request.device,
                request.destination,
                request.mac,
                request.address,
            )
            .map_err(Error::Link)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Result<Request, Error> {
        let args: Vec<OsString> = words.iter().map(OsString::from).collect();
        parse(&args, |text, ipv6| {
            let address: IpAddr = text.to_str()?.parse().ok()?;
            (address.is_ipv6() == ipv6).then_some(address)
        })
    }

    const FOUR: [&str; 4] = [
        "10.1.0.77",
        "020000000100",
        "10.1.0.255",
        "FF:ff:ff:ff:ff:ff",
    ];

    #[test]
    fn four_arguments_mean_eth0_and_six_name_the_device_first() {
        assert_eq!(parsed(&FOUR).unwrap().device, "eth0");
        let [a, b, c, d] = FOUR;
        let request = parsed(&["-i", "eth1", a, b, c, d]).unwrap();
        assert_eq!(request.device, "eth1");
        assert_eq!(request.destination, Mac::BROADCAST);
    }

    #[test]
    fn options_of_ours_stand_in_front_in_any_order() {
        let [_, b, c, d] = FOUR;
        let request = parsed(&["-6", "-c", "3", "-i", "eth1", "2001:db8::77", b, c, d]).unwrap();
        assert_eq!((request.count, request.device.as_str()), (3, "eth1"));
        assert_eq!(request.address, "2001:db8::77".parse::<IpAddr>().unwrap());
        assert_eq!(parsed(&FOUR).unwrap().count, 1);
    }

    #[test]
    fn anything_else_is_a_matter_of_usage() {
        let [a, b, c, d] = FOUR;
        for words in [
            &[] as &[&str],
            &["--help"],
            &[a, b, c],
            &[a, b, c, d, "-i", "eth1"],
            &["-i", "eth1", a, b, c],
            &[a, b, c, d, "x"],
            &["-c", "0", a, b, c, d],
            &["-c", "1001", a, b, c, d],
            &["-c", a, b, c, d],
            &["-6", "-6", a, b, c, d],
            &["-i", "eth1", "-i", "eth1", a, b, c, d],
        ] {
            assert_eq!(parsed(words), Err(Error::Usage), "{words:?}");
        }
    }

    #[test]
    fn errors_have_the_words_of_the_original() {
        let [a, b, c, d] = FOUR;
        let text = |words: &[&str]| parsed(words).unwrap_err().to_string();
        assert_eq!(text(&["nohost", b, c, d]), "send_arp: unknown host nohost");
        assert_eq!(
            text(&["-6", a, b, c, d]),
            "send_arp: unknown host 10.1.0.77"
        );
        assert_eq!(text(&[a, "zz", c, d]), "Invalid hardware address");
        let error = Error::Link(LinkError::Send(nix::errno::Errno::ENODEV));
        assert_eq!(error.to_string(), "sendto: No such device");
    }
}
