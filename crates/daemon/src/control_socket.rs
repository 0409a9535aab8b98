//! A Unix socket on which one line is asked and lines are answered.
//!
//! Whoever connects writes one line and reads to the end. Who writes nothing is answered too, after a
//! moment: a plain reader (`socat`, `nc`) gets what an empty line gets. Nothing here blocks, and
//! places are few: when all are taken the one that has been silent or has not read for longest goes.

mod asked;
mod client;
#[cfg(test)]
mod tests;

use std::io;
use std::path::Path;
use std::time::Duration;

use lvs_model::Mono;
use nix::poll::PollFd;
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};

use client::{Client, State};

use crate::socket_file::SocketFile;

pub use asked::{Asked, ClientId, Question};

/// Most clients at once.
const MOST_CLIENTS: usize = 16;
/// So many are accepted in one turn; whoever connects without end does not hold the loop.
const MOST_PER_TURN: usize = 64;
/// Who has not begun to write after this time only wants to read.
const SILENCE: Duration = Duration::from_millis(250);
/// Time to write the whole line, and to read the whole answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The socket. Dropping it removes its file, and answers nobody any more.
#[derive(Debug)]
pub struct ControlSocket {
    file: SocketFile,
    clients: Vec<Client>,
    last: u64,
    /// So long is waited for the first word of a line.
    silence: Duration,
    /// Why there is no file, as it was logged.
    lost: Option<String>,
}

impl ControlSocket {
    /// Makes the socket, and its directory if there is none. A file that a killed process left is
    /// replaced. Owner and group may connect, others not.
    ///
    /// # Errors
    /// `AddrInUse` if another process listens there; those of bind(2).
    pub fn open(path: &Path) -> io::Result<Self> {
        Self::waiting(path, SILENCE)
    }

    /// The same for a daemon that has one thing to tell: nobody is waited for to ask for it.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_for_readers(path: &Path) -> io::Result<Self> {
        Self::waiting(path, Duration::ZERO)
    }

    fn waiting(path: &Path, silence: Duration) -> io::Result<Self> {
        Ok(Self {
            file: SocketFile::open(path)?,
            clients: Vec::new(),
            last: 0,
            silence,
            lost: None,
        })
    }

    /// Makes the file again if somebody has removed it, which is said. Who has connected stays.
    pub fn look(&mut self) {
        let made = self.file.restore();
        let path = self.file.path().display();
        match made {
            Ok(was_gone) => {
                if was_gone {
                    log::warn!("{path}: was removed by somebody else, made again");
                }
                self.lost = None;
            }
            Err(error) => {
                let line =
                    format!("{path}: was removed by somebody else, and not made again: {error}");
                if self.lost.as_ref() != Some(&line) {
                    log::error!("{line}");
                }
                self.lost = Some(line);
            }
        }
    }

    /// What to wait for.
    pub fn poll_fds(&self, now: Mono) -> impl Iterator<Item = PollFd<'_>> {
        let clients = self.clients.iter().filter_map(Client::poll_fd);
        self.file.poll_fd(now).into_iter().chain(clients)
    }

    /// When to [`hear`](Self::hear) at the latest.
    #[must_use]
    pub fn next_deadline(&self, now: Mono) -> Option<Mono> {
        let clients = self.clients.iter().filter_map(Client::deadline);
        self.file
            .next_deadline(now)
            .into_iter()
            .chain(clients)
            .min()
    }

    /// What has been asked; each is to be answered, now or later. Goes on with those who read.
    pub fn hear(&mut self, now: Mono) -> Vec<Asked> {
        let mut asked = Vec::new();
        for client in &mut self.clients {
            asked.extend(client.go_on(now));
        }
        for _ in 0..MOST_PER_TURN {
            let Some(stream) = self.file.accept(now) else {
                break;
            };
            let Ok(peer) = getsockopt(&stream, PeerCredentials) else {
                continue;
            };
            self.clients.retain(|client| !client.is_done());
            if self.clients.len() >= MOST_CLIENTS && !self.give_up_one() {
                continue;
            }
            self.last += 1;
            let mut client = Client {
                id: self.last,
                stream,
                uid: peer.uid(),
                pid: peer.pid(),
                state: State::Asking {
                    line: Vec::new(),
                    silent_until: now + self.silence,
                    until: now + PATIENCE,
                },
            };
            asked.extend(client.go_on(now));
            self.clients.push(client);
        }
        self.clients.retain(|client| !client.is_done());
        asked
    }

    /// Answers one that has asked; one that has gone meanwhile is not missed.
    pub fn answer(&mut self, now: Mono, client: ClientId, text: String) {
        let Some(client) = self.clients.iter_mut().find(|it| it.id == client.0) else {
            return;
        };
        client.state = State::Reading {
            text: text.into_bytes(),
            sent: 0,
            until: now + PATIENCE,
        };
        client.go_on(now);
        self.clients.retain(|client| !client.is_done());
    }

    /// Makes room; false if everybody waits for an answer that is being made.
    fn give_up_one(&mut self) -> bool {
        let places = self.clients.iter().enumerate();
        let stuck = places.filter_map(|(place, client)| Some((client.patience()?, place)));
        let Some((_, place)) = stuck.min() else {
            return false;
        };
        self.clients.remove(place);
        true
    }
}
