//! The command line and what it means.

use std::ffi::OsString;
use std::time::Duration;

use healthcheck::{Check, Command, LoadSource, Transport};
use lvs_model::{ForwardingMethod, Weight};

use crate::options::Kind;
use crate::setup::{self, Setup};

/// What a command line comes to, or the message and status it ends with.
fn resolved(args: &[&str]) -> Result<Setup, String> {
    let args: Vec<OsString> = args.iter().map(OsString::from).collect();
    let request = crate::options::parse(&args, &popt::Aliases::default());
    let crate::options::Request::Run(options) = request.map_err(|error| error.to_string())? else {
        return Err("printed".into());
    };
    setup::resolve(&options, false, 1).map_err(|error| error.to_string())
}

/// As a nanny that was started by hand understands it.
pub fn by_hand(args: &[&str]) -> Setup {
    resolved(args).unwrap()
}

/// The same as a nanny under lvsd understands it.
pub fn under_lvsd(args: &[&str]) -> Setup {
    let request = crate::options::parse(args, &popt::Aliases::default());
    let Ok(crate::options::Request::Run(options)) = request else {
        panic!("{args:?}");
    };
    setup::resolve(&options, true, 1).unwrap()
}

#[test]
fn only_what_starts_a_program_or_reads_what_rwhod_keeps_needs_files() {
    let needs = |more: &[&'static str]| {
        let all = [&["-h", "192.0.2.1", "--lvs"], more].concat();
        under_lvsd(&all).needs_files()
    };
    assert!(!needs(&[]));
    assert!(!needs(&["-s", "GET /", "-x", "OK"]));
    assert!(!needs(&["-U", "none"]));
    assert!(!needs(&["-U", "rup"]));
    assert!(needs(&["-U", "ruptime"]));
    assert!(needs(&["-U", "/bin/load"]));
    assert!(needs(&["-e", "/bin/check %h"]));
}

#[test]
fn bad_command_lines_are_refused_in_the_originals_words() {
    const SERVER: [&str; 3] = ["-h", "192.0.2.1", "--lvs"];
    let with = |more: &[&'static str]| [&SERVER[..], more].concat();
    let rows: [(Vec<&str>, &str); 14] = [
        (vec![], "No address supplied. Use '--help' for help. "),
        (vec!["-h", "192.0.2.1"], "unknown service type"),
        (vec!["-h", "foo", "--lvs"], "bad IP address -- foo"),
        (with(&["foo"]), "unexpected arguments"),
        (with(&["-t", "x"]), "bad argument x: invalid numeric value"),
        (with(&["-t"]), "bad argument -t: missing argument"),
        (vec!["-Z"], "bad argument -Z: unknown option"),
        (
            with(&["-t", "0"]),
            "bad argument 0: an interval must be more than 0",
        ),
        (with(&["-p", "x"]), "bad argument x: invalid numeric value"),
        (
            with(&["-p", "65536"]),
            "bad argument 65536: number too large or too small",
        ),
        (
            with(&["-w", "-1"]),
            "bad argument -1: number too large or too small",
        ),
        (
            with(&["-x", r"\d+"]),
            r"bad argument -x: unknown escape \d at byte 0",
        ),
        (
            with(&["--regex", "-x", "(a"]),
            "bad argument -x: regular expression: '(' without ')' at byte 1",
        ),
        (with(&["-e", " "]), "bad argument -e: no program"),
    ];
    for (args, message) in rows {
        assert_eq!(resolved(&args).err().as_deref(), Some(message), "{args:?}");
    }
    let no_vip = resolved(&SERVER).err();
    assert!(no_vip.is_some_and(|text| text.starts_with("No virtual address")));
}

#[test]
fn the_argument_vector_of_lvsd_is_understood() {
    let setup = resolved(&[
        "-c",
        "-h",
        "192.0.2.101",
        "-p",
        "80",
        "-r",
        "8080",
        "-s",
        r"GET /health HTTP/1.0\r\n\r\n",
        "-x",
        r"^HTTP/1\\.[01] 2[0-9][0-9] ",
        "--regex",
        "-a",
        "20",
        "-I",
        "/sbin/ipvsadm",
        "-t",
        "5",
        "-w",
        "100",
        "-V",
        "192.0.2.100",
        "-M",
        "g",
        "-U",
        "ssh",
        "--lvs",
    ])
    .unwrap();
    assert_eq!(setup.kind, Kind::RealServer);
    assert_eq!(setup.settings.rise, 4);
    assert_eq!(setup.settings.weight, Weight::new(100).unwrap());
    let ssh = Command::load("ssh", "192.0.2.101").unwrap();
    assert_eq!(setup.load, Some(LoadSource::Program(ssh)));
    assert_eq!(setup.external, None);
    let Check::Network(check) = setup.check else {
        panic!("no network check");
    };
    assert_eq!(
        check.send.as_deref(),
        Some(&b"GET /health HTTP/1.0\r\n\r\n"[..])
    );
    let entry = setup.entry.unwrap();
    assert_eq!(entry.service.to_string(), "-t 192.0.2.100:80");
    assert_eq!(
        entry.destination.forwarding,
        ForwardingMethod::DirectRouting
    );
}

/// `lvsd -t` prints lines to be copied: each nanny of its recorded plans starts.
#[test]
fn each_nanny_that_a_dry_run_of_lvsd_prints_is_understood() {
    let plans = concat!(env!("CARGO_MANIFEST_DIR"), "/../lvsd/golden");
    let mut count = 0;
    for entry in std::fs::read_dir(plans).unwrap() {
        let plan = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        for line in plan.lines().filter(|line| line.contains("/nanny ")) {
            let script = format!("set -- {line}\nshift\nprintf '%s\\0' \"$@\"");
            let mut shell = std::process::Command::new("/bin/sh");
            let output = shell.args(["-c", &script]).output().unwrap();
            let words = String::from_utf8(output.stdout).unwrap();
            let words: Vec<&str> = words.trim_end_matches('\0').split('\0').collect();
            let setup = resolved(&words).unwrap_or_else(|error| panic!("{line}: {error}"));
            assert!(setup.entry.is_some(), "{line}");
            count += 1;
        }
    }
    assert!(count >= 15, "{count} nannies");
}

/// As lvsd writes it to a command line, or to an errand of a process that many share.
#[test]
fn a_check_comes_through_the_command_line_and_through_an_errand_as_it_was() {
    use control::{Crew, Errand};
    use lvs_model::CheckSpec;

    let text = |bit: bool, text: &'static str| bit.then(|| OsString::from(text));
    for bits in 0..128_u32 {
        let bit = |place: u32| bits & 1 << place != 0;
        let check = CheckSpec {
            port: Some(if bit(0) { 8080 } else { 80 }),
            send: text(bit(1), "-x \\r\\n"),
            expect: text(bit(2), "--regex"),
            use_regex: bit(3),
            send_program: text(bit(4), "/bin/check %h"),
            timeout: Duration::from_millis(if bit(5) { 250 } else { 10_000 }),
            fall: if bit(6) { 3 } else { 1 },
            rise: bit(5).then_some(2),
            ..CheckSpec::default()
        };
        let argv = told_by_lvsd(check.clone()).argv();
        let args: Vec<&std::ffi::OsStr> = argv.iter().skip(1).map(|word| &**word).collect();
        let datagram = Errand::Start(7, args.clone()).encode(Crew::Many);
        let Ok(Errand::Start(7, heard)) = Errand::decode(&mut datagram.as_slice(), Crew::Many)
        else {
            panic!("{argv:?}");
        };
        for args in [args, heard] {
            match crate::options::parse(&args, &popt::Aliases::default()) {
                Ok(crate::options::Request::Run(options)) => assert_eq!(options.check, check),
                other => panic!("{other:?}"),
            }
        }
    }
}

fn told_by_lvsd(check: lvs_model::CheckSpec) -> director::NannyOptions {
    director::NannyOptions {
        program: "/usr/sbin/nanny".into(),
        rip: [192, 0, 2, 1].into(),
        port: 80,
        fwmark: None,
        protocol: lvs_model::Protocol::Tcp,
        check,
        quiesce: true,
        verbose: true,
        ipvsadm: "/sbin/ipvsadm".into(),
        weight: Weight::ONE,
        vip: [192, 0, 2, 9].into(),
        forwarding: ForwardingMethod::DirectRouting,
        load_program: None,
        foreground: false,
        shared: true,
        deaths: 0,
        account: None,
    }
}

#[test]
fn what_is_not_given_has_the_originals_default() {
    let setup = resolved(&["--lvs", "-h", "192.0.2.1", "-V", "192.0.2.9"]).unwrap();
    let settings = &setup.settings;
    assert_eq!(settings.interval, Duration::from_secs(10));
    assert_eq!((settings.rise, settings.fall), (18, 1));
    assert_eq!((settings.weight, settings.scale), (Weight::ONE, 10));
    assert_eq!(settings.subject.real, "192.0.2.1:80".parse().unwrap());
    assert!(!settings.quiesce && !settings.has_load);
    assert_eq!((setup.load, setup.external), (None, None));
    let entry = setup.entry.unwrap();
    assert_eq!(entry.service.to_string(), "-t 192.0.2.9:80");
    assert_eq!(entry.destination.to_string(), "-r 192.0.2.1:80 -m -w 1");

    let ports = resolved(&["--lvs", "-h", "192.0.2.1", "-V", "192.0.2.9", "-p", "25"]).unwrap();
    assert_eq!(ports.settings.subject.real.port(), 25);
    let both = resolved(&["--fos", "--lvs", "-h", "192.0.2.1"]).unwrap();
    assert_eq!(both.kind, Kind::FailoverService);
}

/// The status says it if the server could not be taken out at the end.
#[test]
fn the_end_of_a_nanny_by_hand_tells_whether_its_server_is_out() {
    use healthcheck::{Input, Signal};
    use lvs_model::{IpvsOp, Mono, VirtualService};

    for refused in [None, Some(ipvs::Errno::EPERM)] {
        // One that says nothing.
        let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = server.local_addr().unwrap().port().to_string();
        let args = ["--lvs", "-h", "127.0.0.1", "-V", "192.0.2.9", "-p", &port];
        let setup = resolved(&[&args[..], &["-x", "220"]].concat()).unwrap();
        let entry = setup.entry.clone().unwrap();
        let mut fake = testkit::FakeIpvs::new();
        let ops = [
            IpvsOp::AddService(VirtualService::new(entry.service)),
            IpvsOp::AddDestination(entry.service, entry.destination),
        ];
        assert!(ipvs::Ipvs::apply(&mut fake, &ops).unwrap().is_empty());
        if let Some(errno) = refused {
            fake.refuse_op(0, errno);
        }
        let table = crate::own_destination::OwnDestination::new(Box::new(fake), entry);
        let mut watch = crate::watch::Watch::start(setup, Some(table), Mono::ZERO);
        watch.feed(Mono::ZERO, Input::Signal(Signal::Terminate(15)));
        assert_eq!(watch.exit(), Some(u8::from(refused.is_some())));
    }
}

#[test]
fn the_destination_has_the_servers_port_only_where_the_kernel_can_change_it() {
    let port = |more: &[&'static str]| {
        let args = [
            "--lvs",
            "-h",
            "192.0.2.1",
            "-V",
            "192.0.2.9",
            "-p",
            "80",
            "-r",
            "8080",
        ];
        let setup = resolved(&[&args[..], more].concat()).unwrap();
        setup.entry.unwrap().destination.key.port
    };
    assert_eq!(port(&["-M", "m"]), 8080);
    assert_eq!(port(&["-M", "g"]), 80);
    assert_eq!(port(&["-M", "-i"]), 80);
    assert_eq!(port(&["-M", "g", "-f", "7"]), 8080);
    assert_eq!(port(&["-f", "7", "--dport", "0"]), 0);
}

#[test]
fn a_mark_has_32_bits_however_it_is_written() {
    let service = |mark| {
        let args = ["--lvs", "-h", "192.0.2.1", "-f", mark];
        resolved(&args).map(|setup| setup.entry.unwrap().service.to_string())
    };
    for mark in ["4294967295", "-1", "0xffffffff"] {
        assert_eq!(service(mark).unwrap(), "-f 4294967295");
    }
    for (mark, why) in [
        ("4294967296", "number too large or too small"),
        ("-2147483649", "number too large or too small"),
        ("1x", "invalid numeric value"),
    ] {
        let refused = service(mark).map_err(|error| error.to_string());
        assert_eq!(refused, Err(format!("bad argument {mark}: {why}")));
    }
}

/// A tunnel may lead to a server of the other family.
#[test]
fn r_a_mark_has_the_family_of_the_virtual_address_if_that_is_given() {
    let family = |args: &[&str]| {
        let always = ["--lvs", "-f", "7", "-M", "i", "-h", "192.0.2.1"];
        match resolved(&[&always[..], args].concat()).unwrap().entry {
            Some(entry) => entry.service.family(),
            None => panic!("{args:?}"),
        }
    };
    assert_eq!(
        family(&["-V", "2001:db8::9"]),
        lvs_model::AddressFamily::Inet6
    );
    assert_eq!(family(&["-V", "192.0.2.9"]), lvs_model::AddressFamily::Inet);
    assert_eq!(family(&[]), lvs_model::AddressFamily::Inet);
}

#[test]
fn sctp_is_checked_and_entered_as_sctp() {
    let args = ["--lvs", "-h", "192.0.2.1", "-V", "192.0.2.9", "--sctp"];
    let setup = resolved(&args).unwrap();
    let service = setup.entry.unwrap().service.to_string();
    assert_eq!(service, "--sctp-service 192.0.2.9:80");
    let Check::Network(check) = setup.check else {
        panic!("no network check");
    };
    assert_eq!(check.transport, Transport::Sctp);
    assert!(check.send.is_none(), "no page is asked for");
    assert_eq!(setup.programs.variables, [], "no program is run");
    let with_load = [&args[..], &["-U", "/usr/bin/load"]].concat();
    let variables = resolved(&with_load).unwrap().programs.variables;
    assert!(variables.contains(&("PROTOCOL".into(), "sctp".into())));
}

#[test]
fn without_any_check_port_80_is_asked_for_a_page() {
    let check = |args: &[&'static str]| {
        let args = [&["--lvs", "--norun", "-h", "192.0.2.1"], args].concat();
        let setup = resolved(&args).unwrap();
        let Check::Network(check) = setup.check else {
            panic!("no network check");
        };
        (
            check.send.is_some(),
            check.expect.is_some(),
            usize::from(setup.remark.is_some()),
        )
    };
    assert_eq!(check(&[]), (true, true, 1));
    assert_eq!(check(&["-r", "8080"]), (true, true, 1));
    assert_eq!(check(&["-p", "25"]), (false, false, 0));
    assert_eq!(check(&["-s", "x"]), (true, false, 0));
}

/// lvs.cf cannot have any of these: its reader refuses them.
#[test]
fn a_backslash_alone_stands_for_itself_and_suppress_leaves_them_all() {
    let sent = |args: &[&'static str]| {
        let args = [&["--lvs", "--norun", "-h", "192.0.2.1"], args].concat();
        let Check::Network(check) = resolved(&args)?.check else {
            panic!("no network check");
        };
        Ok(check.send.clone().unwrap_or_default().into_vec())
    };
    assert_eq!(sent(&["-s", "\\"]), Ok(b"\\".to_vec()));
    assert_eq!(sent(&["-s", "a\\n"]), Ok(b"a\n".to_vec()));
    assert_eq!(sent(&["-s", "\\d\\", "-T"]), Ok(b"\\d\\".to_vec()));
    let refused: Result<Vec<u8>, String> = sent(&["-s", "a\\"]);
    assert_eq!(refused, Err("bad argument -s: backslash at the end".into()));
}

#[test]
fn other_programs_than_ipvsadm_itself_are_run() {
    let external = |path| {
        let args = ["--lvs", "--norun", "-h", "192.0.2.1", "-I", path];
        resolved(&args).unwrap().external.is_some()
    };
    assert!(!external("/sbin/ipvsadm") && !external("/usr/sbin/ipvsadm"));
    assert!(external("/usr/local/bin/ipvsadm-log"));
}

#[test]
fn a_change_of_the_table_may_find_it_done_already() {
    use control::Place;
    use lvs_model::{IpvsOp, VirtualService};

    let args = ["--lvs", "-h", "192.0.2.1", "-V", "192.0.2.9", "-w", "4"];
    let entry = resolved(&args).unwrap().entry.unwrap();
    let mut fake = testkit::FakeIpvs::new();
    let service = VirtualService::new(entry.service);
    assert!(
        ipvs::Ipvs::apply(&mut fake, &[IpvsOp::AddService(service)])
            .unwrap()
            .is_empty()
    );
    let mut table = crate::own_destination::OwnDestination::new(Box::new(fake), entry);
    let within = |number| Place::In(Weight::new(number).unwrap());
    for (from, to) in [
        (Place::Out, within(1)),
        (Place::Out, within(2)),
        (within(2), within(4)),
        (within(4), Place::Out),
        (within(4), Place::Out),
        (within(4), within(3)),
    ] {
        table.write(from, to).unwrap();
        assert_eq!(table.place().unwrap(), to, "{from} to {to}");
    }
}
