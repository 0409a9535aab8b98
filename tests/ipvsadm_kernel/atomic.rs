//! `--atomic`, `--dry-run` and `--ensure` on the kernel.

use std::time::Duration;

use caribe_lab::measure::{Account, Requests};
use caribe_tests::{SOON, wait_until};

use crate::{EVERYTHING, OURS, Served, done, own_namespace, run};

/// A request without an answer for this time is lost; one to a service that is missing is refused at once.
/// A busy machine itself stands still for seconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// A thousand services; with another `round` half of them have other settings, a quarter are new.
fn thousand(round: u32) -> String {
    let mut rules = String::new();
    for number in 1..=1000_u32 {
        let mark = if number % 4 == 0 {
            number + 1000 * round
        } else {
            number
        };
        let weight = if number % 4 < 2 { 1 } else { round };
        rules.push_str(&format!("-A -f {mark} -s wlc\n"));
        for server in 1..=2 {
            rules.push_str(&format!(
                "-a -f {mark} -r 10.77.0.{server}:0 -m -w {weight}\n"
            ));
        }
    }
    rules
}

#[test]
fn a_thousand_services_are_replaced_and_no_request_is_lost_on_what_stays() {
    let served = Served::build();
    let rules = |round| served.rules() + &thousand(round);
    served.done(OURS, "-R --atomic", &rules(1));
    let client = served.site.host("client").unwrap();
    let every = Duration::from_millis(10);
    let requests = Requests::start(client, served.target, every, PATIENCE).unwrap();
    for round in 2..=5 {
        served.done(OURS, "-R --atomic", &rules(round));
    }
    wait_until(SOON, || requests.replies().len() > 20).expect("it asks");
    let account = Account::of(&requests.finish());
    assert!(account.sent > 20, "{account:?}");
    assert_eq!(account.all_served(20), Ok(()));
    assert!((account.share("rs1") - 50.0).abs() < 5.0, "{account:?}");
    let saved = served.done(OURS, "-S -n", "");
    assert_eq!(saved.lines().count(), 3003);
    assert_eq!(served.done(OURS, "-R --atomic --dry-run", &rules(5)), "");
    assert_eq!(served.done(OURS, "-R --atomic --dry-run", &saved), "");
}

/// The services of a listing, each with its destinations, in an order that is ours: kernels from 7 on
/// put services into a larger or smaller table of theirs some time after a change, in another order.
fn services(listing: &str) -> Vec<String> {
    let mut services: Vec<String> = Vec::new();
    for line in listing.lines() {
        match services.last_mut() {
            Some(service) if line.starts_with("  ->") => *service += &format!("\n{line}"),
            _ => services.push(line.to_owned()),
        }
    }
    services.sort();
    services
}

#[test]
fn a_bad_last_line_leaves_the_table_as_it_was_byte_for_byte() {
    own_namespace();
    done(OURS, "-R --atomic", EVERYTHING);
    let listings = [
        "-L -n --nosort",
        "-S -n",
        "-L -n --thresholds",
        "-L -n --tun-info",
    ];
    let shown = || listings.map(|listing| services(&done(OURS, listing, "")));
    let before = shown();
    let wanted = "-A -t 10.0.0.1:80 -s wrr\n-A -t 10.0.0.200:80 -s rr\n\
                  -a -t 10.0.0.200:80 -r 10.1.0.9:80 -m\n";
    for (last, status, message) in [
        ("-A -t nonsense", 2, "line 4: illegal virtual server"),
        (
            "-a -t 10.0.0.201:80 -r 10.1.0.9",
            2,
            "line 4: Service not defined",
        ),
        ("-A -t 10.0.0.202:80 -s nosuch", 255, "line 4: Scheduler or"),
        (
            "-a -t 10.0.0.200:80 -r 224.0.0.1",
            255,
            "line 4: Invalid operation.",
        ),
    ] {
        let output = run(OURS, "-R --atomic", &format!("{wanted}{last}\n"));
        assert_eq!(output.status.code(), Some(status), "{last}");
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(
            text.starts_with(message) && text.lines().count() == 1,
            "{text}"
        );
        assert_eq!(shown(), before, "{last}");
    }
}

#[test]
fn what_an_atomic_restore_made_needs_no_further_change() {
    own_namespace();
    done(OURS, "-R --atomic", EVERYTHING);
    assert_eq!(done(OURS, "-R --atomic --dry-run", EVERYTHING), "");
    let output = run(OURS, "-R --atomic --dry-run", "-A -f 9 -s rr -p 77\n");
    assert_eq!(output.status.code(), Some(2));
    let planned = String::from_utf8(output.stdout).unwrap();
    let first: Vec<_> = planned.lines().take(2).collect();
    assert_eq!(first[0], "-d -f 9 -r 10.1.0.2:0");
    assert!(first[1].starts_with("-D "), "{planned}");
    done(OURS, "-R --atomic", "");
    assert_eq!(done(OURS, "-S -n", ""), "");
}

#[test]
fn ensure_brings_each_setting_to_what_is_said() {
    own_namespace();
    for lines in [EVERYTHING, EVERYTHING, &EVERYTHING.replace("-w 5", "-w 6")] {
        for line in lines.lines() {
            done(OURS, &format!("{line} --ensure"), "");
        }
        assert_eq!(done(OURS, "-R --atomic --dry-run", lines), "");
    }
}
