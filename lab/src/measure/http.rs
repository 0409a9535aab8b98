//! A small HTTP server that says in its reply who it is: one real server.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv6Addr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::topology::Host;

/// How long a stop may take to be noticed, in milliseconds.
const TICK: u16 = 20;
/// A longer request is not one.
const LONGEST_REQUEST: usize = 8192;

/// The server; dropping it closes every connection, as killing a server's process does.
pub struct HttpServer {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl HttpServer {
    /// Serves every request on `port`, both families, with the host's name as its body.
    ///
    /// # Errors
    /// If the port is taken.
    pub fn start(host: &Host, port: u16) -> io::Result<Self> {
        let listener = host.run(move || TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)))?;
        listener.set_nonblocking(true)?;
        let stop = Arc::new(AtomicBool::new(false));
        let mut server = Server {
            listener,
            connections: Vec::new(),
            reply: host.name().into(),
        };
        let seen = Arc::clone(&stop);
        let thread = thread::Builder::new().name("http".into()).spawn(move || {
            while !seen.load(Ordering::Relaxed) && server.turn().is_ok() {}
        })?;
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic in the thread has been reported by the panic itself.
            let _ = thread.join();
        }
    }
}

struct Server {
    listener: TcpListener,
    connections: Vec<Connection>,
    reply: String,
}

struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
}

impl Server {
    /// Waits for work and does it.
    fn turn(&mut self) -> io::Result<()> {
        let streams = self
            .connections
            .iter()
            .map(|connection| connection.stream.as_fd());
        let mut fds: Vec<_> = [self.listener.as_fd()]
            .into_iter()
            .chain(streams)
            .map(|fd| PollFd::new(fd, PollFlags::POLLIN))
            .collect();
        poll(&mut fds, PollTimeout::from(TICK))?;
        let ready: Vec<bool> = fds.iter().map(|fd| fd.any().unwrap_or(false)).collect();
        let mut at = ready.iter().skip(1);
        let reply = &self.reply;
        self.connections.retain_mut(|connection| {
            !at.next().copied().unwrap_or(false) || connection.serve(reply).unwrap_or(false)
        });
        if ready.first().copied().unwrap_or(false) {
            self.accept()?;
        }
        Ok(())
    }

    fn accept(&mut self) -> io::Result<()> {
        loop {
            match self.listener.accept() {
                Ok((stream, _)) => {
                    stream.set_nonblocking(true)?;
                    self.connections.push(Connection {
                        stream,
                        request: Vec::new(),
                    });
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                // The client gave up before it was accepted.
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Connection {
    /// Reads what has come and answers what is complete; whether the connection stays.
    fn serve(&mut self, reply: &str) -> io::Result<bool> {
        let mut buffer = [0; 2048];
        match self.stream.read(&mut buffer) {
            Ok(0) => return Ok(false),
            Ok(length) => self
                .request
                .extend_from_slice(buffer.get(..length).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
            Err(error) => return Err(error),
        }
        if !self.request.ends_with(b"\r\n\r\n") {
            return Ok(self.request.len() < LONGEST_REQUEST);
        }
        let stays = self
            .request
            .windows(10)
            .any(|word| word.eq_ignore_ascii_case(b"keep-alive"));
        self.request.clear();
        let connection = if stays { "keep-alive" } else { "close" };
        let length = reply.len();
        let text = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: {connection}\r\n\r\n{reply}"
        );
        // In one piece: a reply is short, and a client may take one piece for the whole.
        self.stream.write_all(text.as_bytes())?;
        Ok(stays)
    }
}
