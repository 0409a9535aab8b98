//! Many connections held open: what a fault must not cut.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::requests::body;
use crate::topology::Host;

/// How long one connection may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Open connections and the server that answered each at first.
pub struct Connections(Vec<(TcpStream, String)>);

impl Connections {
    /// Opens `count` connections from `host`; each has got one reply when this returns.
    ///
    /// # Errors
    /// If one of them fails.
    pub fn open(host: &Host, target: SocketAddr, count: usize) -> io::Result<Self> {
        host.run(move || {
            let mut open = Vec::new();
            for _ in 0..count {
                let mut stream = TcpStream::connect_timeout(&target, PATIENCE)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                let name = ask(&mut stream)?;
                open.push((stream, name));
            }
            Ok(Self(open))
        })
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Asks every connection again; how many do not answer, or by another server than at first.
    #[must_use]
    pub fn lost(&mut self) -> usize {
        let same = |(stream, name): &mut (TcpStream, String)| ask(stream).is_ok_and(|n| n == *name);
        self.0.iter_mut().map(same).filter(|same| !same).count()
    }
}

fn ask(stream: &mut TcpStream) -> io::Result<String> {
    stream.write_all(b"GET / HTTP/1.1\r\nConnection: keep-alive\r\n\r\n")?;
    // The server sends its short reply in one piece.
    let mut buffer = [0; 1024];
    let length = stream.read(&mut buffer)?;
    body(buffer.get(..length).unwrap_or_default()).ok_or_else(|| ErrorKind::InvalidData.into())
}
