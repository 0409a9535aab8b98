//! Listings with counters and connections in them, beside the C program's.

use std::fmt::Write;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use caribe_lab::measure::Connections;
use caribe_tests::{SOON, c_ipvsadm, wait_until};

use crate::{OURS, Served, done, own_namespace, run};

/// Each with something in it that traffic makes.
const LISTINGS: [&str; 10] = [
    "-L -n",
    "-L -n --stats",
    "-L -n --stats --exact",
    "-L -n --rate",
    "-L -n --thresholds",
    "-L -n --persistent-conn",
    "-L -n -c",
    "-L -c",
    "-L -n -c --persistent-conn",
    "-L --stats -t 10.9.0.100:80",
];

#[test]
fn listings_of_live_traffic_are_the_originals() {
    let served = Served::build();
    served.done(OURS, "-R", &served.rules());
    let persistent = served.rules().replace(":80 ", ":0 ");
    served.done(OURS, "-R", &persistent.replace("-s rr", "-s rr -p 600"));
    let client = served.site.host("client").unwrap();
    let mut open = Connections::open(client, served.target, 30).unwrap();
    assert_eq!(open.lost(), 0);
    // The kernel adds its counters up every two seconds.
    let counted = || connections_counted(&served.done(OURS, "-L -n --stats", "")) == Some(30);
    wait_until(SOON, counted).expect("30 connections are counted");
    let c = c_ipvsadm();
    for listing in LISTINGS {
        let mut texts = Vec::new();
        // Expiry and rates move on between the two: then once more.
        let same = wait_until(SOON, || {
            texts = [&c, OURS]
                .map(|program| served.done(program, listing, ""))
                .into();
            texts[0] == texts[1]
        });
        assert!(same.is_some(), "{listing}: {texts:#?}");
    }
    let text = served.done(OURS, "-L -n -c", "");
    assert_eq!(text.matches("ESTABLISHED").count(), 30, "{text}");
    let json = served.done(OURS, "-L --json", "");
    assert!(json.contains("\"stats\":{\"connections\":30,"), "{json}");
    let connections = served.done(OURS, "-L -c --json", "");
    assert_eq!(connections.matches("\"state\":\"ESTABLISHED\"").count(), 30);
    assert_eq!(open.lost(), 0);
}

/// The connections of the service at port 80, as `-L -n --stats` has them.
fn connections_counted(stats: &str) -> Option<u32> {
    let service = stats
        .lines()
        .find(|line| line.starts_with("TCP  10.9.0.100:80 "))?;
    service.split_whitespace().nth(2)?.parse().ok()
}

#[test]
fn watch_shows_the_connections_of_the_interval() {
    let served = Served::build();
    served.done(OURS, "-R", &served.rules());
    // The kernel's counters lag by up to two seconds, and the machine may be slow.
    let script = "timeout 12 ipvsadm -L --watch=1 --json";
    let watching = served.director().run(move || {
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdout(Stdio::piped()).spawn()
    });
    let mut watching = watching.unwrap();
    let mut lines = BufReader::new(watching.stdout.take().unwrap());
    // The first second's line is without connections.
    let mut text = String::new();
    lines.read_line(&mut text).unwrap();
    let client = served.site.host("client").unwrap();
    let open = Connections::open(client, served.target, 20).unwrap();
    lines.read_to_string(&mut text).unwrap();
    watching.wait().unwrap();
    drop(open);
    assert!(text.lines().count() >= 2, "{text}");
    let service_rates: Vec<u32> = text
        .lines()
        .filter_map(|line| line.split("\"rate\":{\"connections\":").nth(1))
        .filter_map(|rest| rest.split(',').next()?.parse().ok())
        .collect();
    // Those of one interval or, if it fell between, of two.
    let sum: u32 = service_rates.iter().sum();
    assert!((10..=22).contains(&sum), "{service_rates:?}");
    assert!(service_rates.contains(&0), "{service_rates:?}");
}

/// As `ipvsadm -L -n | head`: the reader goes in the middle of a listing much longer than a pipe holds.
#[test]
fn a_listing_ends_quietly_with_status_1_when_its_reader_has_gone() {
    caribe_tests::demand_lab();
    own_namespace();
    let mut rules = String::new();
    for port in 1..=4000 {
        writeln!(rules, "-A -t 192.0.2.1:{port} -s rr").unwrap();
        writeln!(rules, "-a -t 192.0.2.1:{port} -r 192.0.2.9:{port} -m -w 1").unwrap();
    }
    done(OURS, "-R", &rules);
    for words in [
        "-L -n",
        "-L -n --rate",
        "-S -n",
        "-L --json",
        "-L -n --watch",
    ] {
        let mut listing = Command::new(OURS)
            .args(words.split(' '))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = [0; 10];
        listing
            .stdout
            .take()
            .unwrap()
            .read_exact(&mut first)
            .unwrap();
        let output = listing.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{words}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{words}");
    }
}

#[test]
fn without_standard_output_a_listing_fails_and_a_change_does_not() {
    caribe_tests::demand_lab();
    own_namespace();
    let closed = |words: &str| run("sh", "-s", &format!("{OURS} {words} >&-\n"));
    let change = closed("-A -t 192.0.2.1:80 -s rr");
    assert_eq!(
        (change.status.code(), change.stderr.len()),
        (Some(0), 0),
        "{change:?}"
    );
    for words in ["-L -n", "-S", "-L --json", "-L -c", "--version", ""] {
        let output = closed(words);
        assert_eq!(output.status.code(), Some(1), "{words}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(said, "standard output: Bad file descriptor\n", "{words}");
    }
}
