//! The control socket: who asks what, and who waits for which answer.

use std::path::Path;

use control::{PULSE_SOCKET as SOCKET, PulseLine, PulseOrder, Request};
use daemon::{Asked, ClientId, ControlSocket, PollFd, Question};
use heartbeat::{Order, OrderRefused};
use lvs_model::Mono;

/// The socket, and who waits.
pub struct Control {
    socket: Option<ControlSocket>,
    /// Whose order the machine is dealing with.
    ordering: Option<Waiting>,
    /// Whose order is in force and not on the disk yet.
    keeping: Vec<Waiting>,
    /// Who waits until lvs.cf has been read.
    reloading: Vec<ClientId>,
}

/// Who has given an order.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    client: ClientId,
    order: PulseOrder,
}

impl Control {
    /// Makes the socket; pulse works without it too.
    pub fn open() -> Self {
        let socket = ControlSocket::open(Path::new(SOCKET));
        if let Err(error) = &socket {
            log::error!("{SOCKET}: no status and no orders: {error}");
        }
        Self::on(socket.ok())
    }

    const fn on(socket: Option<ControlSocket>) -> Self {
        Self {
            socket,
            ordering: None,
            keeping: Vec::new(),
            reloading: Vec::new(),
        }
    }

    /// Nobody is heard any more.
    pub fn close(&mut self) {
        self.socket = None;
    }

    /// What to wait for.
    pub fn poll_fds(&self, now: Mono) -> impl Iterator<Item = PollFd<'_>> {
        let socket = self.socket.iter();
        socket.flat_map(move |socket| socket.poll_fds(now))
    }

    /// When to [`hear`](Self::hear) at the latest.
    pub fn next_deadline(&self, now: Mono) -> Option<Mono> {
        self.socket.as_ref()?.next_deadline(now)
    }

    /// What has been asked and is to be done; what is not understood, or not allowed, is answered.
    pub fn hear(&mut self, now: Mono) -> Vec<(ClientId, Request)> {
        let asked = self.socket.as_mut().map(|socket| socket.hear(now));
        let mut requests = Vec::new();
        for asked in asked.into_iter().flatten() {
            match understand(&asked) {
                Ok(request) => requests.push((asked.client, request)),
                Err(reason) => {
                    log::warn!("control socket, user {}: {reason}", asked.uid);
                    self.refuse(now, asked.client, vec![reason]);
                }
            }
        }
        requests
    }

    /// Answers with lines.
    pub fn tell(&mut self, now: Mono, client: ClientId, text: String) {
        if let Some(socket) = &mut self.socket {
            socket.answer(now, client, text);
        }
    }

    /// Answers that nothing is done.
    pub fn refuse(&mut self, now: Mono, client: ClientId, reasons: Vec<String>) {
        self.tell(now, client, PulseLine::Refused { reasons }.encode());
    }

    fn accept(&mut self, now: Mono, client: ClientId, text: String) {
        self.tell(now, client, PulseLine::Done { text }.encode());
    }

    /// The machine deals with an order next, which it [answers](Self::answered) at once.
    pub const fn begin(&mut self, client: ClientId, order: PulseOrder) {
        self.ordering = Some(Waiting { client, order });
    }

    /// The machine's answer. An order that is `being_kept` is answered when it is on the disk.
    pub fn answered(&mut self, now: Mono, answer: Result<(), OrderRefused>, being_kept: bool) {
        let Some(waiting) = self.ordering.take() else {
            return;
        };
        match answer {
            Err(refused) => self.refuse(now, waiting.client, vec![refused.to_string()]),
            Ok(()) if being_kept => self.keeping.push(waiting),
            Ok(()) => self.accept(now, waiting.client, accepted(waiting.order)),
        }
    }

    /// Every order is on the disk, or cannot be kept.
    pub fn kept(&mut self, now: Mono, result: &Result<(), String>) {
        for Waiting { client, order } in std::mem::take(&mut self.keeping) {
            match result {
                Ok(()) => self.accept(now, client, accepted(order)),
                Err(error) => {
                    let reason = format!("{order}: in force now, but not after a restart: {error}");
                    self.refuse(now, client, vec![reason]);
                }
            }
        }
    }

    /// Waits until lvs.cf has been read.
    pub fn await_reload(&mut self, client: ClientId) {
        self.reloading.push(client);
    }

    /// lvs.cf has been read: what it is now, or what is wrong with it.
    pub fn reloaded(&mut self, now: Mono, result: &Result<String, Vec<String>>) {
        for client in std::mem::take(&mut self.reloading) {
            match result {
                Ok(text) => self.accept(now, client, text.clone()),
                Err(reasons) => self.refuse(now, client, reasons.clone()),
            }
        }
    }
}

/// What is asked, if it is understood and allowed.
fn understand(asked: &Asked) -> Result<Request, String> {
    let request = match &asked.question {
        Question::Silence => Request::Status,
        Question::Line(line) => Request::decode(line).map_err(|error| error.to_string())?,
        Question::TooLong => return Err("the line is too long".into()),
    };
    match request {
        Request::Order { order } if asked.uid != 0 => {
            let uid = asked.uid;
            Err(format!(
                "{order}: only root gives orders, this is user {uid}"
            ))
        }
        request => Ok(request),
    }
}

fn accepted(order: PulseOrder) -> String {
    let what = match order {
        PulseOrder::Failover => "handing over to the partner",
        PulseOrder::StandbyOn => "this director does not take over until \"standby off\"",
        PulseOrder::StandbyOff => "this director takes over again",
        PulseOrder::FreezeOn => "this director leaves everything as it is until \"freeze off\"",
        PulseOrder::FreezeOff => "this director takes over and gives up again",
        PulseOrder::Reload => "read again",
    };
    format!("{order}: {what}")
}

/// The machine's word for an order; `None` for a reload, which is the shell's.
pub const fn for_machine(order: PulseOrder) -> Option<Order> {
    Some(match order {
        PulseOrder::Failover => Order::Failover,
        PulseOrder::StandbyOn => Order::Standby(true),
        PulseOrder::StandbyOff => Order::Standby(false),
        PulseOrder::FreezeOn => Order::Freeze(true),
        PulseOrder::FreezeOff => Order::Freeze(false),
        PulseOrder::Reload => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;
    use std::path::PathBuf;

    use super::*;

    fn path(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("pulse-{}-{name}", std::process::id()))
    }

    fn connect(path: &Path, line: &str) -> UnixStream {
        let mut client = UnixStream::connect(path).unwrap();
        client.write_all(format!("{line}\n").as_bytes()).unwrap();
        client
    }

    #[test]
    fn everybody_reads_and_only_root_orders() {
        let path = path("who");
        let mut socket = ControlSocket::open(&path).unwrap();
        let mut understood = |line: &str, uid| {
            let _client = connect(&path, line);
            let mut asked = socket.hear(Mono::ZERO).remove(0);
            asked.uid = uid;
            understand(&asked)
        };
        let order = Request::Order {
            order: PulseOrder::StandbyOn,
        };
        let status = Request::Status.to_string();
        assert_eq!(understood(&status, 1000), Ok(Request::Status));
        assert_eq!(understood("", 1000), Ok(Request::Status));
        assert_eq!(understood(&order.to_string(), 0), Ok(order));
        let refused = "standby on: only root gives orders, this is user 1000";
        assert_eq!(understood(&order.to_string(), 1000), Err(refused.into()));
        assert!(understood("quit", 0).is_err());
    }

    #[test]
    fn an_order_is_answered_when_it_is_on_the_disk() {
        let path = path("kept");
        let mut control = Control::on(Some(ControlSocket::open(&path).unwrap()));
        let now = Mono::ZERO;
        let order = PulseOrder::FreezeOn;
        let mut give = |answer, kept: Option<Result<(), String>>| {
            let mut client = connect(&path, "");
            let (id, _) = control.hear(now).remove(0);
            control.begin(id, order);
            control.answered(now, answer, kept.is_some());
            if let Some(kept) = kept {
                client.set_nonblocking(true).unwrap();
                assert!(client.read(&mut [0]).is_err(), "it waits");
                client.set_nonblocking(false).unwrap();
                control.kept(now, &kept);
            }
            let mut text = String::new();
            client.read_to_string(&mut text).unwrap();
            PulseLine::decode(&text)
        };
        let done = Some(PulseLine::Done {
            text: accepted(order),
        });
        let refused = |reason: &str| {
            Some(PulseLine::Refused {
                reasons: vec![reason.to_owned()],
            })
        };
        assert_eq!(give(Ok(()), None), done);
        assert_eq!(give(Ok(()), Some(Ok(()))), done);
        assert_eq!(
            give(Ok(()), Some(Err("disk full".into()))),
            refused("freeze on: in force now, but not after a restart: disk full")
        );
        assert_eq!(
            give(Err(OrderRefused::NoPartner), None),
            refused("there is no partner")
        );
    }
}
