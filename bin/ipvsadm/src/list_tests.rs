//! Tests of the listing formats, against lines that the original printed.

use super::*;
use lvs_model::{Counters, DestinationKey};
use testkit::FakeIpvs;

use crate::test_names::{ENVIRONMENT, TestNames};

fn address(text: &str) -> ServiceKey {
    let address: std::net::SocketAddr = text.parse().unwrap();
    ServiceKey::Address {
        protocol: lvs_model::Protocol::Tcp,
        address: address.ip(),
        port: address.port(),
    }
}

fn server(text: &str) -> DestinationKey {
    let address: std::net::SocketAddr = text.parse().unwrap();
    DestinationKey {
        address: address.ip(),
        port: address.port(),
    }
}

fn filled(commands: &str) -> FakeIpvs {
    let mut table = FakeIpvs::default();
    let streams = crate::Streams {
        input: &mut commands.as_bytes(),
        out: &mut std::io::sink(),
        err: &mut std::io::sink(),
    };
    let arguments = ["ipvsadm", "-R"].map(std::ffi::OsString::from);
    assert_eq!(
        crate::run(&arguments, || Ok(&mut table), ENVIRONMENT, streams),
        0
    );
    table
}

fn listed(table: &mut FakeIpvs, listing: Listing) -> String {
    let mut target = Vec::new();
    let mut out = Output::new(&mut target);
    let info = table.info().unwrap();
    listing.print(table, info, &TestNames, &mut out).unwrap();
    out.flush().unwrap();
    String::from_utf8(target).unwrap()
}

fn numeric(format: Format) -> Listing {
    Listing {
        format,
        numeric: true,
        ..Listing::ALL
    }
}

const COMMANDS: &str = "\
-A -t 10.1.0.100:82 -s wrr
-a -t 10.1.0.100:82 -r [fd02::2]:82 -i
-a -t 10.1.0.100:82 -r 10.2.0.3:82 -i --tun-type gre --tun-csum
-a -t 10.1.0.100:82 -r 10.2.0.4:82 -i --tun-type gue --tun-port 6080 --tun-remcsum
-a -t 10.1.0.100:82 -r 10.3.0.2:8080 -m -w 7 -x 1000 -y 800
-A -t 10.1.0.100:443 -s mh -p 300 -M 255.255.255.0 -b mh-fallback,mh-port
-A -u 10.1.0.100:5060 -s sh -b sh-port -p 60 --pe sip -o
-A -t [2001:db8:1234:5678:9abc:def0:1234:5678]:65535 -s rr
-a -t [2001:db8:1234:5678:9abc:def0:1234:5678]:65535 -r [2001:db8:1234:5678:9abc:def0:1234:5679]:65535 -m
-A -f 9 -6 -s rr -p 77 -M 64
-A -f 4294967295 -s rr
-a -f 4294967295 -r 255.254.253.252 -w 1234567
";

#[test]
fn the_plain_listing_has_the_originals_columns() {
    let mut table = filled(COMMANDS);
    let text = listed(&mut table, numeric(Format::TunInfo));
    let wanted = "
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward TunnelInfo    Weight ActiveConn InActConn
FWM  4294967295 rr
  -> 255.254.253.252:0            Route   n/a           1234567 0          0         
TCP  10.1.0.100:82 wrr
  -> [fd02::2]:82                 Tunnel  ipip          1      0          0         
  -> 10.2.0.3:82                  Tunnel  gre:+c        1      0          0         
  -> 10.2.0.4:82                  Tunnel  gue:6080:r+c  1      0          0         
  -> 10.3.0.2:8080                Masq    n/a           7      0          0         
TCP  10.1.0.100:443 mh (mh-fallback,mh-port) persistent 300 mask 255.255.255.0
UDP  10.1.0.100:5060 sh (sh-port) persistent 60 pe sip ops
TCP  [2001:db8:1234:5678:9abc:def0:1234:5678]:65535 rr
  -> [2001:db8:1234:5678:9abc:def0:1234:5679]:65535 Masq    n/a           1      0          0         
FWM  9 IPv6 rr persistent 77 mask 64
";
    assert!(text.starts_with("IP Virtual Server version 1.2.1 (size="));
    assert_eq!(text.split_once('\n').unwrap().1, &wanted[1..]);
    let plain = listed(&mut table, numeric(Format::Plain));
    let line = "\n  -> 10.3.0.2:8080                Masq    7      0          0         \n";
    assert!(plain.contains(line));
}

#[test]
fn thresholds_and_persistent_connections_have_columns_of_their_own() {
    let mut table = filled(COMMANDS);
    let key = address("10.1.0.100:82");
    let entry = table
        .destination_mut(&key, &server("10.3.0.2:8080"))
        .unwrap();
    entry.persistent_connections = 3;
    entry.active_connections = 1;
    let text = listed(&mut table, numeric(Format::Thresholds));
    let line = "\n  -> 10.3.0.2:8080                1000       800        1          0         \n";
    assert!(text.contains(line), "{text}");
    let text = listed(&mut table, numeric(Format::PersistentConn));
    let line = "\n  -> 10.3.0.2:8080                7         3           1          0         \n";
    assert!(text.contains(line), "{text}");
}

#[test]
fn a_listing_of_one_service_has_titles_but_no_version() {
    let mut table = filled(COMMANDS);
    let key = address("10.1.0.100:82");
    let counters = Counters {
        connections: (1 << 32) + 5,
        packets_in: 379,
        packets_out: 4897,
        bytes_in: 19767,
        bytes_out: 300_254_688,
        bytes_out_per_second: 16_226_174,
        ..Counters::default()
    };
    let entry = table
        .destination_mut(&key, &server("10.3.0.2:8080"))
        .unwrap();
    entry.counters = counters;
    let listing = Listing {
        service: Some(key),
        ..numeric(Format::Stats)
    };
    let text = listed(&mut table, listing);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(
        lines[..3],
        [
            "Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes",
            "  -> RemoteAddress:Port",
            "TCP  10.1.0.100:82                       0        0        0        0        0",
        ]
    );
    assert_eq!(
        lines[6],
        "  -> 10.3.0.2:8080                   4294M      379     4897    19767  300254K"
    );
    let exact = Listing {
        exact: true,
        ..listing
    };
    assert!(
        listed(&mut table, exact).ends_with(" 4294967301      379     4897    19767 300254688\n")
    );
    let rate = Listing {
        format: Format::Rate,
        ..listing
    };
    assert!(listed(&mut table, rate).ends_with(
        "  -> 10.3.0.2:8080                       0        0        0        0 16226174\n"
    ));
}

#[test]
fn names_are_cut_where_the_original_cuts_them() {
    let mut table =
        filled("-A -t 10.9.9.9:80 -s rr\n-a -t 10.9.9.9:80 -r 10.9.9.9:80\n-A -t [::1]:443\n");
    let text = listed(&mut table, Listing::ALL);
    let lines: Vec<_> = text.lines().skip(3).collect();
    assert_eq!(
        lines,
        [
            "TCP  a-very-long-real-server-name rr",
            "  -> a-very-long-real-server-name Route   1      0          0         ",
            "TCP  [localhost6]:https wlc",
        ]
    );
}
