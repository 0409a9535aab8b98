//! A stand-in for an original director: as its interface is known, its packets (values, when
//! they are sent, what is accepted), its timers and its reactions. No service, no ARP.

use std::fmt::Write as _;
use std::fs::File;
use std::net::{Ipv4Addr, UdpSocket};
use std::process::Command;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, setns};

use crate::LOADING;
use crate::pair::{A, VIP};

/// RUNNING and STOPPED of service lvs, as on the wire.
pub const RUNNING: [u8; 4] = [0xda, 0xdb, 0xad, 0xbd];
pub const STOPPED: [u8; 4] = [0xbd, 0xda, 0xbd, 0xad];
/// Accepted from anybody, said by no node with service lvs.
const STOPME: [u8; 4] = [0xda, 0xda, 0xad, 0xde];
const PORT: u16 = 539;

const GOES_ON: u8 = 0;
const STOPS: u8 = 1;
const DIES: u8 = 2;

/// A running stand-in. Dropping it is `kill -9`.
pub struct Peer {
    order: Arc<AtomicU8>,
    log: Arc<Mutex<String>>,
    thread: Option<JoinHandle<()>>,
}

impl Peer {
    /// Returns when it listens.
    pub fn start(namespace: &str, side: usize, keepalive: Duration, dead_time: Duration) -> Self {
        let (order, log) = (Arc::default(), Arc::default());
        let (ready, listens) = std::sync::mpsc::channel();
        let file = File::open(format!("/run/netns/{namespace}")).expect("a namespace");
        let mut life = Life {
            order: Arc::clone(&order),
            log: Arc::clone(&log),
            namespace: namespace.to_owned(),
            primary: side == A,
            partner: Ipv4Addr::new(10, 1, 0, if side == A { 2 } else { 1 }),
            keepalive,
            dead_time,
            active: false,
        };
        let own = Ipv4Addr::new(10, 1, 0, if side == A { 1 } else { 2 });
        let thread = std::thread::spawn(move || {
            setns(&file, CloneFlags::CLONE_NEWNET).expect("the namespace");
            let socket = UdpSocket::bind((own, PORT)).expect("the heartbeat's port");
            ready.send(()).expect("the test waits");
            life.run(&socket);
        });
        listens.recv_timeout(LOADING).expect("it listens");
        Self {
            order,
            log,
            thread: Some(thread),
        }
    }

    /// A clean stop: the address goes, nothing is said.
    pub fn stop(mut self) {
        self.end(STOPS);
    }

    /// What it logged.
    pub fn log(&self) -> String {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.clone()
    }

    fn end(&mut self, order: u8) {
        self.order.store(order, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.end(DIES);
    }
}

struct Life {
    order: Arc<AtomicU8>,
    log: Arc<Mutex<String>>,
    namespace: String,
    primary: bool,
    partner: Ipv4Addr,
    keepalive: Duration,
    dead_time: Duration,
    active: bool,
}

impl Life {
    fn run(&mut self, socket: &UdpSocket) {
        let start = Instant::now();
        let (mut send, mut need) = (start + self.keepalive, start + self.dead_time);
        loop {
            match self.order.load(Ordering::Relaxed) {
                GOES_ON => {}
                STOPS if self.active => return self.deactivate(),
                _ => return,
            }
            let now = Instant::now();
            if send <= now && send <= need {
                self.say(socket);
                send = now + self.keepalive;
            } else if need <= now {
                if !self.active {
                    self.activate("partner dead: activating lvs");
                }
                need = Instant::now() + self.dead_time;
            } else if self.hear(socket, send.min(need) - now) {
                need = Instant::now() + self.dead_time;
            }
        }
    }

    fn say(&self, socket: &UdpSocket) {
        let value = if self.active { RUNNING } else { STOPPED };
        // A cut cable is the partner's affair.
        let _ = socket.send_to(&value, (self.partner, PORT));
    }

    /// Whether something came that counts as life.
    fn hear(&mut self, socket: &UdpSocket, limit: Duration) -> bool {
        let limit = limit.clamp(Duration::from_millis(1), Duration::from_millis(50));
        socket.set_read_timeout(Some(limit)).expect("an option");
        // It reads four bytes, whatever comes.
        let mut bytes = [0; 4];
        let Ok((4, from)) = socket.recv_from(&mut bytes) else {
            return false;
        };
        if from.ip() != self.partner {
            return false;
        }
        match bytes {
            RUNNING | STOPME if self.active && self.primary => {
                self.note("partner active: resending arps");
            }
            RUNNING | STOPME if self.active => {
                self.say(socket);
                self.note("partner active: deactivating LVS");
                self.deactivate();
            }
            STOPPED if !self.active && self.primary => {
                self.activate("backup inactive: activating lvs");
            }
            STOPPED if !self.active => self.activate("primary inactive: activating lvs"),
            RUNNING | STOPPED | STOPME => {}
            _ => {
                self.note("Incompatible heartbeat received");
                return false;
            }
        }
        true
    }

    fn activate(&mut self, why: &str) {
        self.note(why);
        self.active = true;
        self.address("add");
    }

    fn deactivate(&mut self) {
        self.active = false;
        self.address("del");
    }

    fn address(&self, verb: &str) {
        let address = format!("{VIP}/24");
        let words = ["-n", &self.namespace, "addr", verb, &address, "dev", "eth0"];
        let done = Command::new("ip").args(words).output();
        if !done.is_ok_and(|output| output.status.success()) {
            self.note(&format!("ip addr {verb} failed"));
        }
    }

    fn note(&self, line: &str) {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = writeln!(log, "{line}");
    }
}
