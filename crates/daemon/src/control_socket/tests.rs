use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;

use nix::sys::socket::{Backlog, listen};

use super::client::LONGEST;
use super::*;
use crate::control_client::{ask, read_status};

fn path(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("control-{}-{name}", std::process::id()))
}

fn read(mut stream: UnixStream) -> String {
    let mut text = String::new();
    // An end that comes with unread input is an end, too.
    let _ = stream.read_to_string(&mut text);
    text
}

/// Answers everything that is asked with what was understood.
fn serve(socket: &mut ControlSocket, now: Mono) -> usize {
    let asked = socket.hear(now);
    let count = asked.len();
    for it in asked {
        socket.answer(now, it.client, format!("{:?}\n", it.question));
    }
    count
}

/// Asks until it is so: another thread has a part in it.
fn until(is_so: impl FnMut() -> bool) {
    testkit::wait_until("the other thread", is_so);
}

fn after(time: Duration) -> Mono {
    Mono::ZERO + time
}

#[test]
fn a_line_is_answered_and_who_asks_is_known() {
    let path = path("line");
    let mut socket = ControlSocket::open(&path).unwrap();
    let mut client = UnixStream::connect(&path).unwrap();
    assert_eq!(socket.hear(Mono::ZERO), []);
    client.write_all(b"sta").unwrap();
    assert_eq!(socket.hear(Mono::ZERO), []);
    client.write_all(b"tus\nmore").unwrap();
    let asked = socket.hear(Mono::ZERO);
    let [asked] = asked.as_slice() else {
        panic!("{asked:?}");
    };
    assert_eq!(asked.question, Question::Line(b"status".to_vec()));
    assert_eq!(asked.uid, nix::unistd::geteuid().as_raw());
    assert_eq!(asked.pid, nix::unistd::getpid().as_raw());
    assert_eq!(
        socket.poll_fds(Mono::ZERO).count(),
        1,
        "who waits is not polled"
    );
    assert_eq!(socket.next_deadline(Mono::ZERO), None);
    socket.answer(Mono::ZERO, asked.client, "yes\n".into());
    assert_eq!(read(client), "yes\n");
    assert_eq!(socket.clients.len(), 0);
}

/// Runs while a terminal waits: each call takes a place that is never free again.
#[test]
fn r_a_daemon_that_is_stopped_makes_nobody_wait_for_ever() {
    let path = path("stopped");
    let listener = UnixListener::bind(&path).unwrap();
    listen(&listener, Backlog::new(1).unwrap()).unwrap();
    let (said, heard) = std::sync::mpsc::channel();
    let asked = path.clone();
    std::thread::spawn(move || {
        let within = Duration::from_millis(10);
        for _ in 0..4 {
            let _ = said.send(ask(&asked, "status", 1024, within).map_err(|it| it.kind()));
            let _ = said.send(read_status(&asked, 1024, within).map_err(|it| it.kind()));
        }
    });
    for _ in 0..8 {
        let answer = heard.recv_timeout(Duration::from_secs(60));
        assert_eq!(answer.expect("an end"), Err(ErrorKind::TimedOut));
    }
    let said = ask(&path, "status", 1024, Duration::from_millis(500)).unwrap_err();
    assert_eq!(said.to_string(), "it does not answer within 0.5 s");
    std::fs::remove_file(&path).unwrap();
    let said = ask(&path, "status", 1024, Duration::from_secs(1)).unwrap_err();
    assert_eq!(said.kind(), ErrorKind::NotFound);
}

#[test]
fn who_says_nothing_is_answered_after_a_moment_or_at_its_end() {
    let path = path("silent");
    let mut socket = ControlSocket::open(&path).unwrap();
    let silent = UnixStream::connect(&path).unwrap();
    assert_eq!(serve(&mut socket, Mono::ZERO), 0);
    assert_eq!(socket.next_deadline(Mono::ZERO), Some(after(SILENCE)));
    assert_eq!(serve(&mut socket, after(SILENCE)), 1);
    assert_eq!(read(silent), "Silence\n");
    for (said, heard) in [("", "Silence\n"), ("x", "Line([120])\n")] {
        let mut client = UnixStream::connect(&path).unwrap();
        client.write_all(said.as_bytes()).unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        assert_eq!(serve(&mut socket, Mono::ZERO), 1);
        assert_eq!(read(client), heard);
    }
}

#[test]
fn endless_and_unfinished_lines_have_an_end() {
    let path = path("endless");
    let mut socket = ControlSocket::open(&path).unwrap();
    let mut endless = UnixStream::connect(&path).unwrap();
    endless.write_all(&[b'x'; 3 * LONGEST]).unwrap();
    assert_eq!(serve(&mut socket, Mono::ZERO), 1);
    assert_eq!(read(endless), "TooLong\n");
    let mut longest = UnixStream::connect(&path).unwrap();
    longest.write_all(&[b'x'; LONGEST - 1]).unwrap();
    longest.write_all(b"\n").unwrap();
    assert_eq!(serve(&mut socket, Mono::ZERO), 1);
    assert!(read(longest).starts_with("Line("));
    let mut unfinished = UnixStream::connect(&path).unwrap();
    unfinished.write_all(b"x").unwrap();
    assert_eq!(serve(&mut socket, after(SILENCE)), 0);
    assert_eq!(socket.clients.len(), 1);
    assert_eq!(serve(&mut socket, after(SILENCE + PATIENCE)), 0);
    assert_eq!(socket.clients.len(), 0);
    assert_eq!(read(unfinished), "");
}

#[test]
fn stuck_clients_blind_nobody() {
    let path = path("stuck");
    let mut socket = ControlSocket::open(&path).unwrap();
    let mut stuck = Vec::new();
    for number in 0..200 {
        let mut client = UnixStream::connect(&path).unwrap();
        match number % 3 {
            0 => {}
            1 => client.write_all(b"unfinished").unwrap(),
            _ => client.write_all(b"status\n").unwrap(),
        }
        stuck.push(client);
        for it in socket.hear(Mono::ZERO) {
            // More than the kernel keeps for one that does not read.
            socket.answer(Mono::ZERO, it.client, "x".repeat(4 << 20));
        }
        assert!(socket.clients.len() <= MOST_CLIENTS);
    }
    assert_eq!(socket.clients.len(), MOST_CLIENTS);
    let mut client = UnixStream::connect(&path).unwrap();
    client.write_all(b"\n").unwrap();
    assert_eq!(serve(&mut socket, Mono::ZERO), 1);
    assert_eq!(read(client), "Line([])\n");
    serve(&mut socket, after(PATIENCE));
    assert_eq!(socket.clients.len(), 0);
}

#[test]
fn who_waits_for_an_answer_that_is_being_made_is_not_given_up() {
    let path = path("waits");
    let mut socket = ControlSocket::open(&path).unwrap();
    let ask = || {
        let mut client = UnixStream::connect(&path).unwrap();
        client.write_all(b"order\n").unwrap();
        client
    };
    let waiting: Vec<_> = (0..MOST_CLIENTS).map(|_| ask()).collect();
    let asked = socket.hear(Mono::ZERO);
    assert_eq!(asked.len(), MOST_CLIENTS);
    let turned_away = ask();
    assert_eq!(socket.hear(after(PATIENCE)), []);
    assert_eq!(read(turned_away), "");
    for it in asked {
        socket.answer(after(2 * PATIENCE), it.client, "done\n".into());
    }
    assert!(waiting.into_iter().all(|client| read(client) == "done\n"));
}

#[test]
fn who_connects_to_a_daemon_that_only_tells_is_told_at_once() {
    let path = path("tells");
    let mut socket = ControlSocket::open_for_readers(&path).unwrap();
    let mut clients = [(); 3].map(|()| UnixStream::connect(&path).unwrap());
    clients[1].write_all(b"status\n").unwrap();
    clients[2].shutdown(Shutdown::Write).unwrap();
    assert_eq!(serve(&mut socket, Mono::ZERO), 3);
    let told = clients.map(read);
    assert_eq!(
        [&*told[0], &told[2]],
        ["Silence\n", "Silence\n"],
        "{told:?}"
    );
    let reader = std::thread::spawn({
        let path = path.clone();
        move || read_status(&path, 1 << 20, Duration::from_secs(20))
    });
    until(|| serve(&mut socket, Mono::ZERO) > 0);
    assert_eq!(reader.join().unwrap().unwrap(), "Silence\n");
    drop(socket);
    assert!(!path.exists());
}

#[test]
fn a_slow_reader_is_waited_for_but_not_for_ever() {
    let path = path("slow");
    let mut socket = ControlSocket::open_for_readers(&path).unwrap();
    let mut tell = |now| {
        for it in socket.hear(now) {
            socket.answer(now, it.client, "x".repeat(4 << 20));
        }
        socket.clients.len()
    };
    let patient = UnixStream::connect(&path).unwrap();
    assert_eq!(tell(Mono::ZERO), 1);
    let reader = std::thread::spawn(move || read(patient).len());
    until(|| tell(Mono::ZERO) != 1);
    assert_eq!(reader.join().unwrap(), 4 << 20);
    let _idle = UnixStream::connect(&path).unwrap();
    assert_eq!(tell(Mono::ZERO), 1);
    assert_eq!(tell(after(PATIENCE)), 0);
}

#[test]
fn a_program_asks_and_gets_all_of_the_answer() {
    let path = path("ask");
    let mut socket = ControlSocket::open(&path).unwrap();
    let asks = std::thread::spawn({
        let path = path.clone();
        move || ask(&path, "status", 1 << 20, Duration::from_secs(20))
    });
    until(|| serve(&mut socket, Mono::ZERO) > 0);
    let answer = asks.join().unwrap().unwrap();
    assert_eq!(answer, "Line([115, 116, 97, 116, 117, 115])\n");
    drop(socket);
    let gone = ask(&path, "status", 1, PATIENCE).unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::NotFound);
}
