//! Several blocks with one firewall mark: one service on the kernel, and a server in it once.

use std::net::TcpListener;

use crate::director::*;

fn marked(name: &str, port: u16) -> String {
    let extra = format!("fwmark = 80\nport = {port}");
    let block = block(name, "192.0.2.1", &extra, &[&server(1)]);
    block.replacen(" port = 8080\n", "", 1)
}

#[test]
fn a_server_of_two_blocks_is_up_while_both_checks_are_good_and_keeps_each_port() {
    let mut director = Director::new(&[1]);
    let both = marked("http", 8080) + &marked("https", 8081);
    director.start(&both);
    director.wait_for_log("create_monitor for https/s1");
    assert_eq!(director.operations(2), ["--set 0 0 0", "-A -f 80 -s wlc"]);
    let secure = TcpListener::bind("127.0.0.1:8081").unwrap();
    // Port 0: the kernel lets each connection keep its own.
    let entry = "-a -f 80 -r 127.0.0.1:0 -m -w 1";
    director.wait_for_line(entry);
    drop(secure);
    director.wait_for_table(1);
    director.operations(2);
    director.reload(&marked("http", 8080));
    assert_eq!(director.wait_for_table(2), ["-A -f 80 -s wlc", entry]);
    assert_eq!(director.operations(1), [entry]);
}
