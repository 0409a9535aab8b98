//! Weights set by hand with the C ipvsadm, and what `manual_weight` makes of them.

use crate::director::*;

/// Both servers in the table, then 0 and 9 set by hand.
fn meddled(setting: &str) -> Director {
    let mut director = Director::new(&[1, 2]);
    let web = block("web", "192.0.2.1", "", &[&server(1), &server(2)]);
    director.start(&format!("audit_interval = 0.3\n{setting}\n{web}"));
    director.wait_for_table(3);
    director.operations(3);
    set(&director, 1, 0);
    set(&director, 2, 9);
    director
}

fn set(director: &Director, last: u8, weight: u32) {
    director.by_hand(&format!(
        "-e -t 192.0.2.1:8080 -m -r 127.0.0.{last}:8080 -w {weight}"
    ));
}

fn line(last: u8, weight: u32) -> String {
    format!("-a -t 192.0.2.1:8080 -r 127.0.0.{last}:8080 -m -w {weight}")
}

/// What lvsd says of a server: its weight in the table, and the one that was set by hand.
fn said(director: &Director, last: u8, weight: u32, by_hand: &str) -> bool {
    let name = format!("\"server\":\"s{last}\"");
    let status = director.status().into_iter();
    let line: String = status.filter(|line| line.contains(&name)).collect();
    line.contains(&format!("\"weight\":{weight},"))
        && line.contains(&format!("\"by_hand\":{by_hand},"))
}

#[test]
fn by_default_weight_0_stays_and_any_other_is_repaired() {
    let mut director = meddled("");
    director.wait_for_line(&line(2, 1));
    director.wait_for_log("-r 127.0.0.1:8080 was set to 0 from outside, left so");
    assert_eq!(director.operations(1).len(), 1, "the other's repair");
    director.wait_for_line(&line(1, 0));
    assert!(said(&director, 1, 0, "0") && said(&director, 2, 1, "null"));
    set(&director, 1, 3);
    director.wait_for_line(&line(1, 1));
}

#[test]
fn kept_is_every_weight_until_that_of_lvs_cf_is_set_or_the_server_fails() {
    let mut director = meddled("#:manual_weight = keep");
    director.wait_for_log("-r 127.0.0.2:8080 was set to 9 from outside, left so");
    assert_eq!(director.operations(0), [""; 0]);
    director.wait_for_line(&line(1, 0));
    director.wait_for_line(&line(2, 9));
    assert!(said(&director, 1, 0, "0") && said(&director, 2, 9, "9"));
    set(&director, 1, 1);
    director.wait_for_log("-r 127.0.0.1:8080 follows its checks again");
    director.fell(2);
    director.wait_for_table(2);
    director.raise(2);
    director.wait_for_table(3);
    director.wait_for_line(&line(1, 1));
    director.wait_for_line(&line(2, 1));
}

#[test]
fn repaired_is_every_weight() {
    let mut director = meddled("manual_weight = repair");
    director.wait_for_line(&line(1, 1));
    director.wait_for_line(&line(2, 1));
    let mut repairs = director.operations(2);
    repairs.sort();
    let edit = |last| line(last, 1).replacen("-a", "-e", 1);
    assert_eq!(repairs, [edit(1), edit(2)]);
    assert!(!director.has_logged("from outside, left so"));
}
