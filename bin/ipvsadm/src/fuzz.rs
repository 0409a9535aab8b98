//! Random input against a fake table: no panic, a known status, a table that can be saved and
//! restored. Targets are functions of bytes; a seeded generator drives them here, any fuzzer may.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;

use lvs_model::Random;
use testkit::FakeIpvs;

use crate::test_names::ENVIRONMENT;
use crate::{Streams, run};

/// 100 000 runs.
const TABLES: u64 = 400;
/// After this many runs a table is thrown away, before it grows slow.
const RUNS_A_TABLE: usize = 250;

/// Runs `arguments` behind the program's name; the status.
fn run_words(
    table: &mut FakeIpvs,
    arguments: &[OsString],
    mut input: &[u8],
    out: &mut dyn Write,
) -> u8 {
    let mut words = vec![OsString::from("ipvsadm")];
    words.extend_from_slice(arguments);
    let streams = Streams {
        input: &mut input,
        out,
        err: &mut io::sink(),
    };
    run(&words, || Ok(table), ENVIRONMENT, streams)
}

fn check_status(status: u8) {
    assert!([0, 1, 2, 255].contains(&status), "{status}");
}

/// Words end at NUL bytes.
fn argv_scan_sound(table: &mut FakeIpvs, bytes: &[u8]) {
    let words = bytes.split(|byte| *byte == 0);
    let words: Vec<_> = words.map(|it| OsStr::from_bytes(it).to_owned()).collect();
    check_status(run_words(table, &words, &[], &mut io::sink()));
}

/// The data is standard input of `-R`, then of `-R --atomic`.
fn restore_lines_sound(table: &mut FakeIpvs, bytes: &[u8]) {
    check_status(run_words(table, &["-R".into()], bytes, &mut io::sink()));
    let atomic = ["-R", "--atomic"].map(OsString::from);
    check_status(run_words(table, &atomic, bytes, &mut io::sink()));
}

/// What is in the table comes back from its saved rules.
fn save_restore_round_trip(table: &mut FakeIpvs) {
    let save = ["-S", "-n"].map(OsString::from);
    let (mut saved, mut again) = (Vec::new(), Vec::new());
    assert_eq!(run_words(table, &save, &[], &mut saved), 0);
    let mut copy = FakeIpvs::new();
    let status = run_words(&mut copy, &["-R".into()], &saved, &mut io::sink());
    let text = String::from_utf8_lossy(&saved);
    assert_eq!(status, 0, "{text}");
    assert_eq!(run_words(&mut copy, &save, &[], &mut again), 0);
    assert_eq!(saved, again, "{text}");
}

/// Pieces that lead deep into the program, separated by blanks.
const PIECES: &str = "-A -E -D -a -e -d -L -l -S -Z -C -R -h -v -n -c -t -u -f -r -s -p -M -b -o -w -x \
    -y -g -i -m -X -6 -q -Ln -At -- - = , --add-service --tcp-service --udp-service --sctp-service \
    --fwmark-service --real-server --scheduler --persistent --netmask --pe --ops --weight --set \
    --start-daemon --stop-daemon --mcast-interface --mcast-group --mcast-port --mcast-ttl \
    --sync-maxlen --syncid --stats --rate --thresholds --timeout --daemon --exact --nosort --sort \
    --persistent-conn --tun-info --tun-type --tun-port --tun-csum --tun-remcsum --tun-nocsum \
    --sched-flags --ensure --json --watch --atomic --dry-run --restore --ipv6 --help --version \
    10.0.0.1:80 10.0.0.2 [fd00::1]:443 fd00::2 [::1 :: ::1.2.3.4 0x7f.1 010.1 256.1.1.1 1.2.3.4:http \
    localhost:80 :80 80 1 0 9 -1 4294967295 4294967296 99999999999999999999 2147483648 65536 rr wlc sh \
    mh none nosuch sip sh-port,mh-port sh-fallback flag-1,flag-3 master backup eth0 224.0.0.1 ff02::1 \
    gue gre ipip 255.255.255.0 64 129 ipvsadm #";

/// Pieces, often such that make a whole command, at times with a byte changed.
fn words(random: &mut Random, pieces: &[&str], separator: u8) -> Vec<u8> {
    const STARTS: [&str; 6] = [
        "-A -t 10.0.0.1:80",
        "-A -f 9 -6",
        "-a -t 10.0.0.1:80 -r 10.1.0.1",
        "-a -f 9 -6 -r fd00::3",
        "-E -u [fd00::1]:53",
        "--start-daemon backup",
    ];
    let mut bytes = Vec::new();
    if !random.once_in(3) {
        let start = random.pick(&STARTS);
        bytes.extend(
            start
                .bytes()
                .map(|it| if it == b' ' { separator } else { it }),
        );
        bytes.push(separator);
    }
    for _ in 0..random.below(7) {
        bytes.extend_from_slice(random.pick(pieces).as_bytes());
        if !random.once_in(12) {
            bytes.push(separator);
        }
    }
    if random.once_in(8) && !bytes.is_empty() {
        let place = random.index(bytes.len());
        bytes[place] = u8::try_from(random.below(256)).unwrap();
    }
    bytes
}

fn drive(separator: u8, target: impl Fn(&mut FakeIpvs, &[u8])) {
    let pieces: Vec<_> = PIECES.split_whitespace().collect();
    for seed in testkit::seeds(TABLES) {
        let mut random = Random::new(seed);
        let mut table = FakeIpvs::new();
        for _ in 0..RUNS_A_TABLE {
            target(&mut table, &words(&mut random, &pieces, separator));
        }
        save_restore_round_trip(&mut table);
    }
}

#[test]
fn random_argument_vectors_end_with_a_known_status() {
    drive(0, argv_scan_sound);
}

#[test]
fn random_restore_lines_end_with_a_known_status() {
    drive(b' ', restore_lines_sound);
}
