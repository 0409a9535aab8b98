//! ldirectord, Debian's package as it is, drives our ipvsadm.

use std::fs::File;
use std::net::IpAddr;
use std::time::Duration;

use caribe_lab::measure::{HttpServer, Table};
use caribe_tests::wait_until;

use crate::Served;

const CONFIGURATION: &str = "/run/ldirectord.cf";
const LOG: &str = "/tmp/ldirectord.log";

fn has(served: &Served, rip: IpAddr) -> bool {
    let table = Table::of(served.director()).unwrap();
    !table.0.is_empty() && table.weight(rip).is_some_and(|weight| weight > 0)
}

#[test]
fn ldirectord_fills_the_table_takes_a_dead_server_out_and_brings_it_back() {
    let mut served = Served::build();
    let rips: Vec<_> = served.site.real_servers();
    let text = format!(
        "checktimeout = 2\ncheckinterval = 1\nautoreload = no\nquiescent = no\n\
         logfile = \"/run/ldirectord.log\"\n\
         virtual = {}\n\treal = {}:80 gate\n\treal = {}:80 gate 5\n\tservice = http\n\t\
         checktype = connect\n\tscheduler = wrr\n\tprotocol = tcp\n",
        served.target, rips[0].1, rips[1].1
    );
    let director = served.director();
    director.write_file(CONFIGURATION, &text).unwrap();
    let argv = ["ldirectord", "-d", CONFIGURATION, "start"];
    let mut process = director
        .spawn(&argv, Some(File::create(LOG).unwrap()))
        .unwrap();
    let said = || std::fs::read_to_string(LOG).unwrap_or_default();
    let limit = Duration::from_secs(40);
    let is_in = |served: &Served, number: usize| has(served, rips[number].1);
    wait_until(limit, || is_in(&served, 0) && is_in(&served, 1))
        .unwrap_or_else(|| panic!("both servers in the table: {}", said()));
    let table = Table::of(served.director()).unwrap();
    assert_eq!(table.0[0].scheduler, "wrr");
    assert_eq!(table.weight(rips[1].1), Some(5));

    drop(served.servers.remove(0));
    wait_until(limit, || !is_in(&served, 0))
        .unwrap_or_else(|| panic!("the dead server out: {}", said()));
    assert!(is_in(&served, 1));

    let back = HttpServer::start(served.site.host(&rips[0].0).unwrap(), 80).unwrap();
    served.servers.push(back);
    wait_until(limit, || is_in(&served, 0))
        .unwrap_or_else(|| panic!("the server back: {}", said()));
    process.signal(nix::sys::signal::Signal::SIGTERM).unwrap();
    wait_until(limit, || process.ended().unwrap().is_some())
        .unwrap_or_else(|| panic!("ldirectord ends: {}", said()));
}
