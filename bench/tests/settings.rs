//! The daemons take every lvs.cf that is measured.

use std::net::IpAddr;

use caribe_bench::checks::settings::Settings;
use caribe_bench::failover::settings::{Beat, lvs_cf};
use lvs_config::{Lookup, read};
use lvs_model::{Account, Protocol};

/// These files name nothing but addresses.
struct NoNames;

impl Lookup for NoNames {
    fn host(&mut self, _name: &str) -> Option<IpAddr> {
        None
    }

    fn service(&mut self, _name: &str, _protocol: Protocol) -> Option<u16> {
        None
    }

    fn user(&mut self, _name: &str) -> Option<Account> {
        None
    }

    fn check_expression(&mut self, _expression: &[u8]) -> Result<(), String> {
        Ok(())
    }
}

#[track_caller]
fn assert_taken(text: &str) {
    if let Err(refusal) = read(text.as_bytes(), &mut NoNames) {
        panic!("{refusal}\n{text}");
    }
}

#[test]
fn the_daemons_take_the_files_with_many_real_servers() {
    for servers in [2, 101, 15_000] {
        let settings = Settings {
            servers,
            interval: 6,
        };
        for form in ["process", "shared"] {
            assert_taken(&settings.lvs_cf(form));
        }
    }
}

#[test]
fn the_daemons_take_the_files_of_the_pairs() {
    let address = IpAddr::from([10, 9, 0, 21]);
    let servers = [("rs1".to_owned(), address)];
    for beat in ["1", "0.1", "0.01", "default"] {
        let beat: Beat = beat.parse().unwrap();
        for warm in [false, true] {
            let vip = IpAddr::from([10, 9, 0, 100]);
            assert_taken(&lvs_cf(beat, warm, vip, &servers));
        }
    }
}
