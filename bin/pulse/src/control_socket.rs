//! The control socket: who asks what, and who waits for which answer.

use std::path::Path;

use config_file::ConfigFile;
use control::{OrderStatus, PULSE_SOCKET as SOCKET, PulseLine, PulseOrder, Request, seconds};
use daemon::{Asked, ClientId, ControlSocket, PollFd, Question};
use heartbeat::{HandOverFailed, Order, OrderRefused};
use lvs_model::Mono;

use crate::report::FileState;

/// The socket, and who waits.
pub struct Control {
    socket: Option<ControlSocket>,
    /// Whose order the machine is dealing with.
    ordering: Option<Waiting>,
    /// Whose order is accepted, and what came of it not known yet.
    obeying: Vec<Waiting>,
    /// Who waits until lvs.cf has been read.
    reloading: Vec<ClientId>,
    /// The last order, and what came of it.
    last: Option<LastOrder>,
}

/// Who has given an order.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    client: ClientId,
    order: PulseOrder,
    open: Open,
}

/// What an order that was accepted still waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Open {
    /// To be on the disk.
    pub disk: bool,
    /// That the partner takes over.
    pub hand_over: bool,
}

/// An order, and what came of it.
struct LastOrder {
    order: PulseOrder,
    given: Mono,
    outcome: &'static str,
    text: String,
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
            obeying: Vec::new(),
            reloading: Vec::new(),
            last: None,
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

    fn accept(&mut self, now: Mono, client: ClientId, order: PulseOrder, text: String) {
        self.accept_with(now, client, order, text, Vec::new());
    }

    fn accept_with(
        &mut self,
        now: Mono,
        client: ClientId,
        order: PulseOrder,
        text: String,
        findings: Vec<String>,
    ) {
        self.ended(order, "done", &text);
        self.tell(now, client, PulseLine::Done { text, findings }.encode());
    }

    /// An order that was accepted, or begun, and has not come about.
    fn fail(&mut self, now: Mono, client: ClientId, order: PulseOrder, reasons: Vec<String>) {
        self.ended(order, "failed", &reasons.join("; "));
        self.refuse(now, client, reasons);
    }

    fn ended(&mut self, order: PulseOrder, outcome: &'static str, text: &str) {
        if let Some(last) = self.last.as_mut().filter(|last| last.order == order) {
            last.outcome = outcome;
            last.text = text.to_owned();
        }
    }

    /// The last order that was given, for the status.
    pub fn last_order(&self, now: Mono) -> Option<OrderStatus> {
        self.last.as_ref().map(|last| OrderStatus {
            order: last.order.to_string(),
            age: seconds(now - last.given),
            outcome: last.outcome.into(),
            text: last.text.clone(),
        })
    }

    fn note(&mut self, now: Mono, order: PulseOrder) {
        self.last = Some(LastOrder {
            order,
            given: now,
            outcome: "accepted",
            text: String::new(),
        });
    }

    /// The machine deals with an order next, which it [answers](Self::answered) at once.
    pub fn begin(&mut self, now: Mono, client: ClientId, order: PulseOrder) {
        self.note(now, order);
        let open = Open::default();
        self.ordering = Some(Waiting {
            client,
            order,
            open,
        });
    }

    /// The machine's answer. One that it accepts is answered when nothing is `open` any more.
    pub fn answered(&mut self, now: Mono, answer: Result<(), OrderRefused>, open: Open) {
        let Some(waiting) = self.ordering.take() else {
            return;
        };
        match answer {
            Err(refused) => {
                let reason = refused.to_string();
                self.ended(waiting.order, "refused", &reason);
                self.refuse(now, waiting.client, vec![reason]);
            }
            Ok(()) => {
                self.obeying.push(Waiting { open, ..waiting });
                self.tell_done(now);
            }
        }
    }

    /// Every order is on the disk, or cannot be kept.
    pub fn kept(&mut self, now: Mono, result: &Result<(), String>) {
        self.settle(
            now,
            result,
            |open| &mut open.disk,
            |order, error| format!("{order}: in force now, but not after a restart: {error}"),
        );
    }

    /// The partner has taken over, or has not.
    pub fn handed_over(&mut self, now: Mono, result: Result<(), HandOverFailed>) {
        let result = result.map_err(|failed| failed.to_string());
        self.settle(
            now,
            &result,
            |open| &mut open.hand_over,
            |order, failed| format!("{order}: {failed}"),
        );
    }

    /// Something that `what` waited for has come about, or has not.
    fn settle(
        &mut self,
        now: Mono,
        result: &Result<(), String>,
        what: impl Fn(&mut Open) -> &mut bool,
        words: impl Fn(PulseOrder, &str) -> String,
    ) {
        for mut waiting in std::mem::take(&mut self.obeying) {
            let is_about_it = std::mem::take(what(&mut waiting.open));
            match result {
                Err(reason) if is_about_it => {
                    let reason = words(waiting.order, reason);
                    self.fail(now, waiting.client, waiting.order, vec![reason]);
                }
                _ => self.obeying.push(waiting),
            }
        }
        self.tell_done(now);
    }

    fn tell_done(&mut self, now: Mono) {
        for waiting in std::mem::take(&mut self.obeying) {
            let Waiting {
                client,
                order,
                open,
            } = waiting;
            if open == Open::default() {
                self.accept(now, client, order, accepted(order));
            } else {
                self.obeying.push(waiting);
            }
        }
    }

    /// Waits until lvs.cf has been read.
    pub fn await_reload(&mut self, now: Mono, client: ClientId) {
        self.note(now, PulseOrder::Reload);
        self.reloading.push(client);
    }

    /// lvs.cf has been read: what it is now and what was found in it, or why it is not taken.
    pub fn reloaded(&mut self, now: Mono, result: &Result<Taken, Vec<String>>) {
        for client in std::mem::take(&mut self.reloading) {
            let order = PulseOrder::Reload;
            match result {
                Ok(Taken { text, findings }) => {
                    self.accept_with(now, client, order, text.clone(), findings.clone());
                }
                Err(reasons) => self.fail(now, client, order, reasons.clone()),
            }
        }
    }
}

/// An lvs.cf that was read again and is in force.
pub struct Taken {
    text: String,
    findings: Vec<String>,
}

impl Taken {
    /// This one.
    pub fn of(file: &ConfigFile) -> Self {
        Self {
            text: FileState::of(file).to_string(),
            findings: file.remarks(false),
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
        PulseOrder::Failover => "the partner has taken over",
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
            control.begin(now, id, order);
            let open = Open {
                disk: kept.is_some(),
                hand_over: false,
            };
            control.answered(now, answer, open);
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
            findings: Vec::new(),
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

    #[test]
    fn a_hand_over_is_answered_when_it_has_come_about_and_the_status_has_the_outcome() {
        let path = path("handed");
        let mut control = Control::on(Some(ControlSocket::open(&path).unwrap()));
        let now = Mono::ZERO;
        let failed = HandOverFailed::NotTaken;
        for (order, disk, end) in [
            (PulseOrder::Failover, false, Ok(())),
            (PulseOrder::StandbyOn, true, Ok(())),
            (PulseOrder::Failover, false, Err(failed)),
            (PulseOrder::StandbyOn, true, Err(failed)),
        ] {
            let mut client = connect(&path, "");
            let (id, _) = control.hear(now).remove(0);
            control.begin(now, id, order);
            let open = Open {
                disk,
                hand_over: true,
            };
            control.answered(now, Ok(()), open);
            control.kept(now, &Ok(()));
            client.set_nonblocking(true).unwrap();
            assert!(client.read(&mut [0]).is_err(), "it waits");
            client.set_nonblocking(false).unwrap();
            let outcome = |control: &Control| control.last_order(now).unwrap().outcome;
            assert_eq!(outcome(&control), "accepted");
            control.handed_over(now, end);
            let mut text = String::new();
            client.read_to_string(&mut text).unwrap();
            let (answer, ended) = match end {
                Ok(()) => {
                    let (text, findings) = (accepted(order), Vec::new());
                    (PulseLine::Done { text, findings }, "done")
                }
                Err(failed) => {
                    let reasons = vec![format!("{order}: {failed}")];
                    (PulseLine::Refused { reasons }, "failed")
                }
            };
            assert_eq!(PulseLine::decode(&text), Some(answer));
            assert_eq!(outcome(&control), ended);
        }
    }
}
