//! One process that plays any number of real servers: it accepts on every address of its host and
//! notes when which of them was asked.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, SocketAddrV4, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use caribe_lab::topology::Host;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, SockaddrIn, bind, listen, socket,
};

/// Connections that may wait to be accepted: all nannies begin at once.
const BACKLOG: i32 = 4096;

/// A check, as the server sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visit {
    /// The server that was asked.
    pub server: IpAddr,
    /// When its connection was accepted.
    pub at: Instant,
}

/// The servers; their thread ends with the process.
#[derive(Debug)]
pub struct Farm(Arc<Mutex<Vec<Visit>>>);

impl Farm {
    /// Accepts on `port` of every address of `host`, and closes what the other side closes.
    ///
    /// # Errors
    /// The port is taken, or the kernel refuses.
    pub fn start(host: &Host, port: u16) -> io::Result<Self> {
        let listener = host.run(move || open(port))?;
        let visits = Arc::new(Mutex::new(Vec::new()));
        let mut servers = Servers::new(listener, Arc::clone(&visits))?;
        thread::Builder::new()
            .name("farm".into())
            .spawn(move || while servers.turn().is_ok() {})?;
        Ok(Self(visits))
    }

    /// The visits since this was last asked.
    #[must_use]
    pub fn take(&self) -> Vec<Visit> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn open(port: u16) -> io::Result<TcpListener> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let listener: OwnedFd = socket(AddressFamily::Inet, SockType::Stream, flags, None)?;
    let any = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port);
    bind(listener.as_raw_fd(), &SockaddrIn::from(any))?;
    listen(&listener, Backlog::new(BACKLOG)?)?;
    Ok(listener.into())
}

struct Servers {
    epoll: Epoll,
    listener: TcpListener,
    connections: BTreeMap<RawFd, TcpStream>,
    visits: Arc<Mutex<Vec<Visit>>>,
}

impl Servers {
    fn new(listener: TcpListener, visits: Arc<Mutex<Vec<Visit>>>) -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        epoll.add(&listener, readable(listener.as_raw_fd()))?;
        Ok(Self {
            epoll,
            listener,
            connections: BTreeMap::new(),
            visits,
        })
    }

    /// Waits for work and does it.
    fn turn(&mut self) -> io::Result<()> {
        let mut events = [EpollEvent::empty(); 64];
        let count = match self.epoll.wait(&mut events, EpollTimeout::NONE) {
            Err(nix::errno::Errno::EINTR) => 0,
            other => other?,
        };
        for event in events.iter().take(count) {
            match RawFd::try_from(event.data()) {
                Ok(fd) if fd != self.listener.as_raw_fd() => self.read(fd),
                _ => self.accept()?,
            }
        }
        Ok(())
    }

    fn accept(&mut self) -> io::Result<()> {
        while let Ok((stream, _)) = self.listener.accept() {
            let visit = Visit {
                server: stream.local_addr()?.ip(),
                at: Instant::now(),
            };
            let mut visits = self.visits.lock().unwrap_or_else(PoisonError::into_inner);
            visits.push(visit);
            drop(visits);
            stream.set_nonblocking(true)?;
            self.epoll.add(&stream, readable(stream.as_raw_fd()))?;
            self.connections.insert(stream.as_raw_fd(), stream);
        }
        Ok(())
    }

    /// Closes the connection unless there is more to come.
    fn read(&mut self, fd: RawFd) {
        let stays = self.connections.get_mut(&fd).is_some_and(|stream| {
            let read = stream.read(&mut [0; 512]);
            read.is_ok_and(|length| length > 0)
        });
        if !stays {
            self.connections.remove(&fd);
        }
    }
}

fn readable(fd: RawFd) -> EpollEvent {
    EpollEvent::new(EpollFlags::EPOLLIN, u64::try_from(fd).unwrap_or(u64::MAX))
}
