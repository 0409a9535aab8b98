use std::os::fd::{AsFd, AsRawFd};

use kernel_wire::netlink::{ACK, DUMP, Requests};

use crate::{Completeness, NetlinkError, NetlinkSocket, Protocol};
use nix::errno::Errno;
use nix::sys::socket::{NetlinkAddr, getsockname};

/// `RTM_GETLINK` with an empty `struct ifinfomsg`.
fn ask_links(requests: &mut Requests, flags: u16, sequence: u32) {
    requests.message(18, flags, sequence, |message| message.raw(&[0; 16]));
}

#[test]
fn a_dump_ends_at_its_end_and_the_socket_is_used_again() {
    let mut socket = NetlinkSocket::open(Protocol::Route).unwrap();
    for _ in 0..2 {
        let sequence = socket.next_sequence();
        let mut requests = Requests::new();
        ask_links(&mut requests, DUMP, sequence);
        socket.send(&requests).unwrap();
        let mut links = 0;
        let whole = socket.answers(sequence, |message| {
            assert_eq!(message.kind, 16);
            links += 1;
            Ok::<_, NetlinkError>(())
        });
        assert_eq!(whole, Ok(Completeness::Whole));
        assert!(links >= 1, "there is a loopback everywhere");
    }
}

#[test]
fn a_failing_visitor_leaves_the_socket_usable() {
    let mut socket = NetlinkSocket::open(Protocol::Route).unwrap();
    let mut requests = Requests::new();
    let sequence = socket.next_sequence();
    ask_links(&mut requests, DUMP, sequence);
    socket.send(&requests).unwrap();
    let failure = NetlinkError::Truncated;
    assert_eq!(
        socket.answers(sequence, |_| Err::<(), _>(failure)),
        Err(failure)
    );
    requests.clear();
    let sequence = socket.next_sequence();
    ask_links(&mut requests, DUMP, sequence);
    socket.send(&requests).unwrap();
    assert!(
        socket
            .answers(sequence, |_| Ok::<_, NetlinkError>(()))
            .is_ok()
    );
}

#[test]
fn each_refusal_of_a_batch_comes_with_its_sequence_number() {
    let mut socket = NetlinkSocket::open(Protocol::Route).unwrap();
    let mut requests = Requests::new();
    // RTM_GETLINK of interface numbers that cannot exist.
    let first = socket.next_sequence();
    requests.message(18, 0, first, |message| message.raw(&[0xff; 16]));
    let second = socket.next_sequence();
    requests.message(18, 0, second, |message| message.raw(&[0xff; 16]));
    let last = socket.next_sequence();
    requests.confirmation(last);
    assert_eq!(requests.count(), 3);
    let mut refused = Vec::new();
    socket
        .transact(&requests, last, |sequence, errno| {
            refused.push((sequence, errno));
        })
        .unwrap();
    let numbers: Vec<u32> = refused.iter().map(|(sequence, _)| *sequence).collect();
    assert_eq!(numbers, [first, second]);
}

#[test]
fn an_unknown_family_is_refused() {
    let mut socket = NetlinkSocket::open(Protocol::Generic).unwrap();
    let mut requests = Requests::new();
    let sequence = socket.next_sequence();
    // CTRL_CMD_GETFAMILY by a name that no family has.
    requests.message(16, ACK, sequence, |message| {
        message.raw(&[3, 1, 0, 0]);
        message.text(2, "NONESUCH");
    });
    socket.send(&requests).unwrap();
    let answer = socket.answer(sequence, |_| Ok::<_, NetlinkError>(()));
    assert_eq!(answer, Err(NetlinkError::Refused(Errno::ENOENT)));
}

#[test]
fn a_non_blocking_socket_says_that_nothing_is_there() {
    let mut socket = NetlinkSocket::open_with_groups(Protocol::Route, 1).unwrap();
    socket.set_nonblocking().unwrap();
    assert_eq!(
        socket.receive().err(),
        Some(NetlinkError::Socket(Errno::EAGAIN))
    );
    let _borrowed = socket.as_fd();
    assert_eq!(socket.calls().receives, 1);
}

#[test]
fn a_batch_beyond_the_send_buffer_is_refused_whole() {
    let mut socket = NetlinkSocket::open(Protocol::Route).unwrap();
    let mut requests = Requests::new();
    requests.message(1, 0, 1, |message| {
        for _ in 0..40 {
            message.attribute(1, &[0; 60_000]);
        }
    });
    assert_eq!(
        socket.send(&requests),
        Err(NetlinkError::Socket(Errno::EMSGSIZE))
    );
}

#[test]
fn an_answer_longer_than_the_buffer_says_so() {
    let mut socket = NetlinkSocket::open(Protocol::Route).unwrap();
    let limit = std::time::Duration::from_secs(60);
    socket.set_receive_timeout(limit).unwrap();
    let mut ask = |is_short: bool| {
        if is_short {
            socket.set_short_refusals().unwrap();
        }
        let sequence = socket.next_sequence();
        let mut requests = Requests::new();
        // The refusal of an interface number that cannot exist repeats all of it.
        requests.message(18, 0, sequence, |message| {
            message.raw(&[0xff; 16]);
            message.attribute(0x3fff, &[0; 40_000]);
        });
        socket.send(&requests).unwrap();
        socket.answer(sequence, |_| Ok::<_, NetlinkError>(()))
    };
    assert_eq!(ask(false), Err(NetlinkError::Truncated));
    assert!(matches!(ask(true), Err(NetlinkError::Refused(_))));
}

/// A socket that others may send to with the right to; `None` without that right.
fn stranger_sends_to(socket: &NetlinkSocket) -> Option<std::io::Result<usize>> {
    let port = getsockname::<NetlinkAddr>(socket.as_fd().as_raw_fd()).unwrap();
    let stranger = netlink_sys::Socket::new(netlink_sys::protocols::NETLINK_ROUTE).unwrap();
    let sent = stranger.send_to(&[0; 16], &netlink_sys::SocketAddr::new(port.pid(), 0), 0);
    match sent {
        Err(error) if error.raw_os_error() == Some(Errno::EPERM as i32) => None,
        sent => Some(sent),
    }
}

#[test]
fn what_another_process_sends_is_dropped_unread() {
    let mut socket = NetlinkSocket::open_with_groups(Protocol::Route, 1).unwrap();
    socket.set_nonblocking().unwrap();
    match stranger_sends_to(&socket) {
        None => return testkit::skipped("only root sends to another's netlink socket"),
        Some(sent) => assert_eq!(sent.unwrap(), 16),
    }
    assert_eq!(
        socket.receive().err(),
        Some(NetlinkError::Socket(Errno::EAGAIN))
    );
    assert_eq!(socket.calls().receives, 2);
    // As where the sender cannot be seen: it is refused, and the kernel still heard.
    socket.refuse_others().unwrap();
    let refused = stranger_sends_to(&socket).unwrap().unwrap_err();
    assert_eq!(refused.raw_os_error(), Some(Errno::ECONNREFUSED as i32));
    let sequence = socket.next_sequence();
    let mut requests = Requests::new();
    ask_links(&mut requests, DUMP, sequence);
    socket.send(&requests).unwrap();
    let whole = socket.answers(sequence, |_| Ok::<_, NetlinkError>(()));
    assert_eq!(whole, Ok(Completeness::Whole));
}
