//! Reload on a kernel: the operations are exactly the differing services and destinations.

use crate::director::*;

/// Two services with two servers each, all up; nothing done since.
fn running() -> Director {
    let mut director = Director::new(&[1, 2, 3, 4, 5]);
    director.start(&file());
    director.wait_for_table(6);
    director.operations(0);
    director
}

fn file() -> String {
    web(&[&server(1), &server(2)]) + &mail("")
}

fn web(servers: &[&str]) -> String {
    block("web", "192.0.2.1", "", servers)
}

fn mail(extra: &str) -> String {
    block("mail", "192.0.2.2", extra, &[&server(3), &server(4)])
}

#[test]
fn without_a_change_nothing_is_done() {
    let mut director = running();
    director.reload(&file());
    assert_eq!(director.operations(0), [""; 0]);
}

#[test]
fn changed_settings_are_applied() {
    let mut director = running();
    let text = format!(
        "tcp_timeout = 55\n{}{}",
        web(&[&server(1), &server(2)]),
        mail("scheduler = rr\npersistent = 99\n")
    );
    director.reload(&text);
    let operations = ["--set 55 0 0", "-E -t 192.0.2.2:8080 -s rr -p 99"];
    assert_eq!(director.operations(2), operations);
}

#[test]
fn a_server_comes_and_goes_alone() {
    let mut director = running();
    director.reload(&(web(&[&server(1), &server(2), &server(5)]) + &mail("")));
    let add = ["-a -t 192.0.2.1:8080 -r 127.0.0.5:8080 -m -w 1"];
    assert_eq!(director.operations(1), add);
    director.reload(&file());
    let delete = ["-d -t 192.0.2.1:8080 -r 127.0.0.5:8080"];
    assert_eq!(director.operations(1), delete);
}

#[test]
fn a_bad_file_changes_nothing() {
    let mut director = running();
    let table = director.table();
    director.reload(&format!("{}bogus = 1\n", file()));
    director.wait_for_log("lvs: error parsing ");
    director.wait_for_log("unknown command");
    assert_eq!(director.operations(0), [""; 0]);
    assert_eq!(director.table(), table);
}

#[test]
fn a_changed_address_is_another_server() {
    let mut director = running();
    director.reload(&(web(&[&server(1), &server(5)]) + &mail("")));
    let mut operations = director.operations(2);
    operations.sort();
    assert_eq!(
        operations,
        [
            "-a -t 192.0.2.1:8080 -r 127.0.0.5:8080 -m -w 1",
            "-d -t 192.0.2.1:8080 -r 127.0.0.2:8080"
        ]
    );
}

#[test]
fn order_does_not_matter_and_a_new_service_comes_alone() {
    let mut director = running();
    let swapped = mail("") + &web(&[&server(1), &server(2)]);
    director.reload(&swapped);
    assert_eq!(director.operations(0), [""; 0]);
    director.reload(&(block("new", "192.0.2.3", "", &[&server(5)]) + &swapped));
    assert_eq!(
        director.operations(2),
        [
            "-A -t 192.0.2.3:8080 -s wlc",
            "-a -t 192.0.2.3:8080 -r 127.0.0.5:8080 -m -w 1"
        ]
    );
}

#[test]
fn a_service_goes_and_comes_back() {
    let mut director = running();
    director.reload(&web(&[&server(1), &server(2)]));
    let mut operations = director.operations(3);
    assert_eq!(operations.pop().unwrap(), "-D -t 192.0.2.2:8080");
    assert!(
        operations
            .iter()
            .all(|op| op.starts_with("-d -t 192.0.2.2:8080 -r 127.0.0."))
    );
    director.reload(&file());
    let operations = director.operations(3);
    assert_eq!(operations[0], "-A -t 192.0.2.2:8080 -s wlc");
    assert!(
        operations[1..]
            .iter()
            .all(|op| op.starts_with("-a -t 192.0.2.2:8080 "))
    );
}
