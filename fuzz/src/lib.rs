//! What the fuzz targets share: a run of ipvsadm on a table without a kernel.

use std::ffi::{OsStr, OsString};
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use ipvsadm::{Environment, Names, Pace, Streams, run};
use lvs_model::Protocol;
use testkit::FakeIpvs;

/// No names, no time.
struct Nothing;

impl Names for Nothing {
    fn host_address(&self, _: &[u8]) -> Option<Ipv4Addr> {
        None
    }

    fn service_port(&self, _: &[u8], _: Protocol) -> Option<u16> {
        None
    }

    fn host_name(&self, _: IpAddr) -> Option<String> {
        None
    }

    fn service_name(&self, _: u16, _: Protocol) -> Option<String> {
        None
    }
}

impl Pace for Nothing {
    fn wait(&self, _: Duration) -> Option<Duration> {
        None
    }

    fn is_screen(&self) -> bool {
        false
    }
}

/// Runs ipvsadm with these words and this standard input on an empty table; its status.
pub fn ipvsadm<'w>(words: impl Iterator<Item = &'w OsStr>, mut input: &[u8]) -> u8 {
    let program = OsString::from("ipvsadm");
    let arguments: Vec<_> = [program]
        .into_iter()
        .chain(words.map(OsStr::to_owned))
        .collect();
    let environment = Environment {
        names: &Nothing,
        pace: &Nothing,
        posixly_correct: false,
    };
    let streams = Streams {
        input: &mut input,
        out: &mut io::sink(),
        err: &mut io::sink(),
    };
    run(&arguments, || Ok(FakeIpvs::new()), environment, streams)
}
