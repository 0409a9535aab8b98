//! What the original has not: `--atomic`, `--dry-run`, `--ensure`, `--json`, `--watch`.

use std::cell::{Cell, RefCell};
use std::ffi::OsString;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use ipvs::Errno;
use lvs_model::{DestinationKey, IpvsOp, Protocol, ServiceKey};
use testkit::FakeIpvs;

use crate::test_names::TestNames;
use crate::tests::{Outcome, done, failed, run_line, run_words, saved, table_with};
use crate::{Environment, Pace, Streams, run};

const RULES: &str = "\
-A -t 10.0.0.1:80 -s rr
-a -t 10.0.0.1:80 -r 10.1.0.1:80 -m -w 1
-a -t 10.0.0.1:80 -r 10.1.0.2:80 -m -w 1
-A -u 10.0.0.2:53 -s wlc
-a -u 10.0.0.2:53 -r 10.1.0.1:53 -m -w 1
";

fn table_of(rules: &str) -> FakeIpvs {
    let lines: Vec<_> = rules.lines().collect();
    let mut table = table_with(&lines);
    table.forget_done();
    table
}

fn replaced(table: &mut FakeIpvs, rules: &str) -> Outcome {
    run_words(table, &["-R", "--atomic"], rules)
}

fn printed(ops: &[IpvsOp]) -> Vec<String> {
    ops.iter().map(ToString::to_string).collect()
}

#[test]
fn an_atomic_restore_changes_what_differs_and_nothing_else() {
    let mut table = table_of(RULES);
    let wanted = "\
# comments are welcome
-A -t 10.0.0.1:80 -s rr
-a -t 10.0.0.1:80 -r 10.1.0.2:80 -m -w 5
-a -t 10.0.0.1:80 -r 10.1.0.3:80 -m -w 1

-A -t 10.0.0.3:443 -s rr
";
    assert_eq!(replaced(&mut table, wanted), done(""));
    assert_eq!(
        printed(table.done()),
        [
            "-e -t 10.0.0.1:80 -r 10.1.0.2:80 -m -w 5",
            "-a -t 10.0.0.1:80 -r 10.1.0.3:80 -m -w 1",
            "-A -t 10.0.0.3:443 -s rr",
            "-d -t 10.0.0.1:80 -r 10.1.0.1:80",
            "-D -u 10.0.0.2:53",
        ]
    );
    table.forget_done();
    assert_eq!(replaced(&mut table, wanted), done(""));
    assert!(table.done().is_empty());
    assert_eq!(replaced(&mut table, ""), done(""));
    assert_eq!(printed(table.done()), ["-C"]);
}

#[test]
fn an_atomic_restore_names_every_wrong_line_and_touches_nothing() {
    let mut table = table_of(RULES);
    let wanted = "\
-A -t 10.0.0.9:80
-A -t 10.0.0.9:80
-a -t 10.0.0.8:80 -r 10.1.0.1
-A -t bad:port:x
-A -t 10.0.0.7:80 -q
--set 1 2 3
-L
-R
-e -t 10.0.0.9:80 -r 10.1.0.1
-A -6 -f 1
";
    assert_eq!(
        replaced(&mut table, wanted),
        failed(
            2,
            "\
line 2: Service already exists
line 3: Service not defined
line 4: illegal virtual server address[:port] specified
line 5: -q: unknown option
line 6: only -A, -E, -D, -a, -e, -d and -C describe a table
line 7: only -A, -E, -D, -a, -e, -d and -C describe a table
line 8: only -A, -E, -D, -a, -e, -d and -C describe a table
line 9: No such destination
line 10: -6 used before -f
"
        )
    );
    assert!(table.done().is_empty());
}

#[test]
fn what_the_kernel_refuses_is_named_by_its_line_and_undone() {
    let mut table = table_of(RULES);
    let wanted = "-A -t 10.0.0.3:80 -s rr\n-A -t 10.0.0.1:80 -s wrr\n-A -t 10.0.0.4:80 -s nosuch\n";
    assert_eq!(
        replaced(&mut table, wanted),
        failed(255, "line 3: Scheduler or persistence engine not found\n")
    );
    assert_eq!(saved(&mut table), RULES);
    let removed = |op: &IpvsOp| matches!(op, IpvsOp::DeleteDestination(..));
    assert!(!table.done().iter().any(removed), "{:?}", table.done());
}

#[test]
fn the_lines_before_count_in_an_atomic_restore_as_they_do_in_any() {
    let mut table = FakeIpvs::new();
    let wanted = "\
-A -t 10.0.0.5:80
-C
-A -t 10.0.0.1:80 -s rr
-a -t 10.0.0.1:80 -r 10.1.0.1 -m
-a -t 10.0.0.1:80 -r 10.1.0.2 -m
-e -t 10.0.0.1:80 -r 10.1.0.1 -m -w 9
-d -t 10.0.0.1:80 -r 10.1.0.2:80
-E -t 10.0.0.1:80 -s wrr
-A -f 1
-D -f 1
-A -t 10.0.0.1:80 -s sh --ensure
";
    assert_eq!(replaced(&mut table, wanted), done(""));
    assert_eq!(
        printed(table.done()),
        [
            "-A -t 10.0.0.1:80 -s sh",
            "-a -t 10.0.0.1:80 -r 10.1.0.1:80 -m -w 9"
        ]
    );
}

#[test]
fn a_dry_run_prints_the_changes_and_says_by_its_status_whether_there_are_any() {
    let mut table = table_of(RULES);
    let dry_run = |table: &mut FakeIpvs, rules: &str| {
        run_words(table, &["--restore", "--atomic", "--dry-run"], rules)
    };
    let wanted = RULES.replace("-w 1\n-A", "-w 2\n-A");
    let outcome = dry_run(&mut table, &wanted);
    assert_eq!(outcome.status, 2);
    assert_eq!(outcome.out, "-e -t 10.0.0.1:80 -r 10.1.0.2:80 -m -w 2\n");
    assert_eq!(dry_run(&mut table, RULES), done(""));
    assert_eq!(dry_run(&mut table, "-A").status, 1);
    assert!(table.done().is_empty());
    assert_eq!(
        run_line(&mut table, "-R --dry-run"),
        failed(
            2,
            "You need to supply the 'atomic' option for the 'restore' command\n"
        )
    );
}

#[test]
fn ensure_adds_edits_or_finds_nothing_to_do() {
    let mut table = table_of(RULES);
    for (line, wanted) in [
        ("-A --ensure -t 10.0.0.1:80 -s rr", None),
        (
            "-A --ensure -t 10.0.0.1:80 -s wrr",
            Some("-E -t 10.0.0.1:80 -s wrr"),
        ),
        ("-A --ensure -f 7 -s rr", Some("-A -f 7 -s rr")),
        ("-a --ensure -t 10.0.0.1:80 -r 10.1.0.1:80 -m", None),
        (
            "-a --ensure -t 10.0.0.1:80 -r 10.1.0.1:80 -m -w 3",
            Some("-e -t 10.0.0.1:80 -r 10.1.0.1:80 -m -w 3"),
        ),
        (
            "-a --ensure -f 7 -r 10.1.0.1",
            Some("-a -f 7 -r 10.1.0.1:0 -g -w 1"),
        ),
    ] {
        table.forget_done();
        assert_eq!(run_line(&mut table, line), done(""), "{line}");
        assert_eq!(printed(table.done()), Vec::from_iter(wanted), "{line}");
    }
    assert_eq!(
        run_line(&mut table, "-a --ensure -f 8 -r 10.1.0.1"),
        failed(255, "Service not defined\n")
    );
    assert_eq!(
        run_line(&mut table, "-E --ensure -f 8"),
        failed(
            2,
            "Illegal 'ensure' option with the 'edit-service' command\n"
        )
    );
    let input = "-A -f 9 -s rr\n-A -f 9 -s wrr --ensure\n-L --watch\n-A -f 10\n";
    assert_eq!(
        run_words(&mut table, &["-R"], input),
        failed(2, "a restore has no time to watch\n")
    );
    assert!(saved(&mut table).contains("-A -f 9 -s wrr\n"));
}

fn service() -> ServiceKey {
    ServiceKey::Address {
        protocol: Protocol::Tcp,
        address: IpAddr::from([10, 0, 0, 1]),
        port: 80,
    }
}

fn server() -> DestinationKey {
    DestinationKey {
        address: IpAddr::from([10, 1, 0, 1]),
        port: 80,
    }
}

#[test]
fn json_has_every_field_of_the_listing_in_full() {
    let mut table = table_with(&[
        "-A -t 10.0.0.1:80 -s mh -b mh-port -p 60 -M 255.255.255.0",
        "-a -t 10.0.0.1:80 -r 10.1.0.1:80 -m -w 3 -x 9 -y 8",
        "-a -t 10.0.0.1:80 -r [fd00::1]:80 -i --tun-type gue --tun-port 6080 --tun-csum",
        "-A -f 9 -6 -s rr",
    ]);
    let entry = table.destination_mut(&service(), &server()).unwrap();
    entry.active_connections = 4;
    entry.counters.bytes_in = 1 << 40;
    let json = run_line(&mut table, "-L --json");
    assert_eq!((json.status, json.err.as_str()), (0, ""));
    let zero = "\"stats\":{\"connections\":0,\"packets_in\":0,\"packets_out\":0,\"bytes_in\":0,\
                \"bytes_out\":0},\"rate\":{\"connections\":0,\"packets_in\":0,\"packets_out\":0,\
                \"bytes_in\":0,\"bytes_out\":0}";
    let counted = zero.replacen("\"bytes_in\":0", "\"bytes_in\":1099511627776", 1);
    let wanted = format!(
        "{{\"version\":\"1.2.1\",\"connection_table_size\":4096,\"services\":[\
         {{\"protocol\":\"tcp\",\"address\":\"10.0.0.1\",\"port\":80,\"family\":\"inet\",\
         \"scheduler\":\"mh\",\"flags\":[\"mh-port\"],\"persistence\":60,\
         \"netmask\":\"255.255.255.0\",\"one_packet\":false,{zero},\"destinations\":[\
         {{\"address\":\"fd00::1\",\"port\":80,\"family\":\"inet6\",\"forwarding\":\"tunnel\",\
         \"weight\":1,\"upper_threshold\":0,\"lower_threshold\":0,\"tunnel\":{{\"type\":\"gue\",\
         \"port\":6080,\"checksum\":\"csum\"}},\"active_connections\":0,\
         \"inactive_connections\":0,\"persistent_connections\":0,{zero}}},\
         {{\"address\":\"10.1.0.1\",\"port\":80,\"family\":\"inet\",\"forwarding\":\"masq\",\
         \"weight\":3,\"upper_threshold\":9,\"lower_threshold\":8,\"active_connections\":4,\
         \"inactive_connections\":0,\"persistent_connections\":0,{counted}}}]}},\
         {{\"fwmark\":9,\"family\":\"inet6\",\"scheduler\":\"rr\",\"flags\":[],\
         \"netmask\":\"128\",\"one_packet\":false,{zero},\"destinations\":[]}}]}}\n"
    );
    assert_eq!(json.out, wanted);
    for (line, wanted) in [
        (
            "-L --timeout --json",
            "{\"timeouts\":{\"tcp\":900,\"tcp_fin\":120,\"udp\":300}}\n",
        ),
        ("-L --daemon --json", "{\"daemons\":[]}\n"),
    ] {
        assert_eq!(run_line(&mut table, line), done(wanted));
    }
    let nothing = run_line(&mut table, "-L --json -f 77");
    assert_eq!(nothing, failed(1, "No such service\n"));
}

/// Traffic between two looks, then the end.
struct Traffic<'t> {
    table: &'t RefCell<FakeIpvs>,
    looks: Cell<u32>,
}

impl Pace for Traffic<'_> {
    fn wait(&self, interval: Duration) -> Option<Duration> {
        assert_eq!(interval, Duration::from_secs(5));
        let looks = self.looks.get();
        self.looks.set(looks.checked_sub(1)?);
        let mut table = self.table.borrow_mut();
        let entry = table.destination_mut(&service(), &server()).unwrap();
        entry.counters.connections += 100;
        entry.counters.bytes_out += 5_000_000_000;
        Some(Duration::from_secs(10))
    }

    fn is_screen(&self) -> bool {
        false
    }
}

fn watched(words: &[&str]) -> Outcome {
    let table = RefCell::new(table_of(RULES));
    let pace = Traffic {
        table: &table,
        looks: Cell::new(2),
    };
    let environment = Environment {
        names: &TestNames,
        pace: &pace,
        posixly_correct: false,
    };
    let words: Vec<OsString> = ["ipvsadm", "-Ln"]
        .iter()
        .chain(words)
        .map(OsString::from)
        .collect();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let streams = Streams {
        input: &mut io::empty(),
        out: &mut out,
        err: &mut err,
    };
    let status = run(&words, || Ok(Shared(&table)), environment, streams);
    Outcome {
        status,
        out: String::from_utf8(out).unwrap(),
        err: String::from_utf8(err).unwrap(),
    }
}

#[test]
fn watch_shows_what_came_since_the_last_look() {
    let outcome = watched(&["--watch=5"]);
    assert_eq!((outcome.status, outcome.err.as_str()), (0, ""));
    let line = "\n  -> 10.1.0.1:80                        10        0        0        0  500000K\n";
    assert_eq!(outcome.out.matches(line).count(), 2, "{}", outcome.out);
    assert_eq!(outcome.out.matches("InPPS").count(), 2);
    let json = watched(&["--json", "--watch", "5", "-t", "10.0.0.1:80"]);
    assert_eq!(json.out.lines().count(), 2);
    assert_eq!(json.out.matches("\"bytes_out\":500000000}").count(), 2);
}

#[test]
fn watch_goes_with_rates_only() {
    for (line, message) in [
        (
            "-L --watch --stats",
            "options conflicts in the list command",
        ),
        ("-L -c --watch", "options conflicts in the list command"),
        ("-L --watch=0", "illegal watch interval specified"),
        ("-L --watch x", "illegal watch interval specified"),
        (
            "-S --watch",
            "Illegal 'watch' option with the 'save' command",
        ),
    ] {
        let wanted = failed(2, &format!("{message}\n"));
        assert_eq!(run_line(&mut FakeIpvs::new(), line), wanted, "{line}");
    }
}

#[test]
fn a_kernel_that_is_gone_ends_a_replacement() {
    let mut table = table_of(RULES);
    table.refuse_op(0, Errno::EPERM);
    assert_eq!(
        replaced(&mut table, &format!("{RULES}-A -f 1\n")),
        failed(255, "line 6: Permission denied (you must be root)\n")
    );
}

/// A table that the traffic changes while the program has it.
struct Shared<'t>(&'t RefCell<FakeIpvs>);

mod shared {
    use ipvs::{Ipvs, IpvsError, Refusal};
    use lvs_model::{
        DestinationEntry, IpvsOp, KernelInfo, ServiceEntry, ServiceKey, SyncDaemon, Timeouts,
    };

    impl Ipvs for super::Shared<'_> {
        fn info(&mut self) -> Result<KernelInfo, IpvsError> {
            self.0.borrow_mut().info()
        }

        fn services(&mut self) -> Result<Vec<ServiceEntry>, IpvsError> {
            self.0.borrow_mut().services()
        }

        fn service(&mut self, key: &ServiceKey) -> Result<ServiceEntry, IpvsError> {
            self.0.borrow_mut().service(key)
        }

        fn destinations(&mut self, key: &ServiceKey) -> Result<Vec<DestinationEntry>, IpvsError> {
            self.0.borrow_mut().destinations(key)
        }

        fn timeouts(&mut self) -> Result<Timeouts, IpvsError> {
            self.0.borrow_mut().timeouts()
        }

        fn daemons(&mut self) -> Result<Vec<SyncDaemon>, IpvsError> {
            self.0.borrow_mut().daemons()
        }

        fn apply(&mut self, ops: &[IpvsOp]) -> Result<Vec<Refusal>, IpvsError> {
            self.0.borrow_mut().apply(ops)
        }
    }
}
