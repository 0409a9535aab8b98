//! Several blocks with one firewall mark: one service on the kernel, and a server in it once.

use std::io::{self, Read};
use std::net::{Shutdown, SocketAddrV4, TcpListener, TcpStream};
use std::os::fd::AsRawFd;

use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrIn, connect, setsockopt, socket, sockopt::Mark,
};

use crate::answers::{Answer::Says, serve};
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

/// What a server says to a client whose packets have this mark. It is set as they leave the client,
/// where a rule of the packet filter would set it as they arrive.
fn greeting(mark: u32, port: u16) -> io::Result<String> {
    let client = socket(
        AddressFamily::Inet,
        SockType::Stream,
        SockFlag::empty(),
        None,
    )?;
    setsockopt(&client, Mark, &mark)?;
    let vip = SocketAddrV4::new([192, 0, 2, 1].into(), port);
    connect(client.as_raw_fd(), &SockaddrIn::from(vip))?;
    let mut client = TcpStream::from(client);
    client.shutdown(Shutdown::Write)?;
    let mut text = String::new();
    client.read_to_string(&mut text)?;
    Ok(text)
}

#[test]
fn connections_with_the_mark_keep_their_port_and_a_client_its_server_on_both() {
    let mut director = Director::new(&[]);
    run("ip", "addr add 192.0.2.1/32 dev lo");
    serve(&[
        ("10.20.0.1", 8080, Says("1 http")),
        ("10.20.0.1", 8081, Says("1 https")),
        ("10.20.0.2", 8080, Says("2 http")),
        ("10.20.0.2", 8081, Says("2 https")),
    ]);
    let servers = (server(1) + &server(2)).replace("127.0.0.", "10.20.0.");
    let both = |extra: &str| {
        [("http", 8080), ("https", 8081)]
            .map(|(name, port)| {
                let extra = format!("fwmark = 80\nport = {port}\nscheduler = rr\n{extra}");
                let block = block(name, "192.0.2.1", &extra, &[&servers]);
                block.replacen(" port = 8080\n", "", 1)
            })
            .concat()
    };
    director.start(&both(""));
    director.wait_for_table(3);
    let mut heard: Vec<_> = [8080, 8080, 8081, 8081]
        .map(|port| greeting(80, port).unwrap())
        .into();
    heard.sort_unstable();
    assert_eq!(heard, ["1 http", "1 https", "2 http", "2 https"]);
    assert!(greeting(0, 8080).is_err());

    director.reload(&both("persistent = 300"));
    director.wait_for_line("-A -f 80 -s rr -p 300");
    let server_of = |port| greeting(80, port).unwrap().chars().next();
    let first = server_of(8080);
    for _ in 0..3 {
        assert_eq!(server_of(8081), first);
        assert_eq!(server_of(8080), first);
    }
}
