//! Sends one gratuitous ARP frame: the original's command line, messages and bytes.
//!
//! pulse announces by itself; this is for people and scripts.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::Write;
use std::net::Ipv4Addr;
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;

use link::{Announcer, LinkError};
use wire::arp::{Mac, MacError};

/// What is printed for any command line that does not fit.
const USAGE: &str = "usage: send_arp [-i dev] src_ip_addr src_hw_addr targ_ip_addr tar_hw_addr";
const DEFAULT_DEVICE: &str = "eth0";

/// What is to be sent, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Request {
    device: String,
    address: Ipv4Addr,
    mac: Mac,
    destination: Mac,
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
    resolve: impl Fn(&OsStr) -> Option<Ipv4Addr>,
) -> Result<Request, Error> {
    let (device, rest) = match args {
        [option, device, rest @ ..] if option == "-i" && rest.len() == 4 => {
            (device.to_string_lossy().into_owned(), rest)
        }
        rest => (DEFAULT_DEVICE.to_owned(), rest),
    };
    // The third is required and means nothing.
    let [address, mac, _, destination] = rest else {
        return Err(Error::Usage);
    };
    Ok(Request {
        device,
        address: resolve(address).ok_or_else(|| Error::UnknownHost(address.clone()))?,
        mac: hardware_address(mac)?,
        destination: hardware_address(destination)?,
    })
}

fn hardware_address(text: &OsStr) -> Result<Mac, Error> {
    let text = text.to_string_lossy();
    text.parse().map_err(Error::HardwareAddress)
}

/// A dotted quad, its short forms, or a host name, as the C library takes them.
fn resolve(text: &OsStr) -> Option<Ipv4Addr> {
    let literal = text.to_str().and_then(|text| text.parse().ok());
    literal.or_else(|| lvs_sys::host_address(&lvs_sys::c_name(text.as_bytes())?))
}

fn send(request: &Request) -> Result<(), Error> {
    Announcer::open()
        .and_then(|announcer| {
            announcer.send_reply(
                &request.device,
                request.destination,
                request.mac,
                request.address,
            )
        })
        .map_err(Error::Link)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Result<Request, Error> {
        let args: Vec<OsString> = words.iter().map(OsString::from).collect();
        parse(&args, |text| text.to_str()?.parse().ok())
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
    fn anything_else_is_a_matter_of_usage() {
        let [a, b, c, d] = FOUR;
        for words in [
            &[] as &[&str],
            &["--help"],
            &[a, b, c],
            &[a, b, c, d, "-i", "eth1"],
            &["-i", "eth1", a, b, c],
            &[a, b, c, d, "x"],
        ] {
            assert_eq!(parsed(words), Err(Error::Usage), "{words:?}");
        }
    }

    #[test]
    fn errors_have_the_words_of_the_original() {
        let [a, b, c, d] = FOUR;
        let text = |words: &[&str]| parsed(words).unwrap_err().to_string();
        assert_eq!(text(&["nohost", b, c, d]), "send_arp: unknown host nohost");
        assert_eq!(text(&[a, "zz", c, d]), "Invalid hardware address");
        let error = Error::Link(LinkError::Send(nix::errno::Errno::ENODEV));
        assert_eq!(error.to_string(), "sendto: No such device");
    }
}
