//! The control socket: who asks what, and who waits for which answer.

use std::path::Path;

use config_file::ConfigFile;
use control::{OrderStatus, PULSE_SOCKET as SOCKET, PulseLine, PulseOrder, Request, seconds};
use daemon::{Asked, ClientId, ControlSocket, PollFd, Question};
use heartbeat::{Begun, HandOverFailed, Order, OrderRefused};
use lvs_model::Mono;

use crate::places;
use crate::report::FileState;
use crate::setup;

/// The socket, and who waits.
pub struct Control {
    socket: Option<ControlSocket>,
    /// Whose order the machine is dealing with.
    ordering: Option<Waiting>,
    /// Whose order is accepted, and what came of it not known yet.
    obeying: Vec<Waiting>,
    /// Who waits until lvs.cf has been read.
    reloading: Vec<Waiting>,
    /// The order of which something was heard last: it was given, or something came of it.
    last: Option<LastOrder>,
}

/// Who has given an order.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    client: ClientId,
    order: PulseOrder,
    given: Mono,
    /// What of it has not come about.
    open: Begun,
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
        let path = daemon::own_name(Path::new(SOCKET));
        let socket = ControlSocket::open(&path);
        if let Err(error) = &socket {
            let path = path.display();
            log::error!("{path}: no status and no orders: {error}");
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

    /// Somebody may have removed its file.
    pub fn look(&mut self) {
        if let Some(socket) = &mut self.socket {
            socket.look();
        }
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

    fn accept(&mut self, now: Mono, waiting: Waiting, text: String, findings: Vec<String>) {
        self.ended(waiting, "done", &text);
        self.tell(
            now,
            waiting.client,
            PulseLine::Done { text, findings }.encode(),
        );
    }

    /// An order that was accepted, or begun, and has not come about.
    fn fail(&mut self, now: Mono, waiting: Waiting, reasons: Vec<String>) {
        self.ended(waiting, "failed", &reasons.join("; "));
        self.refuse(now, waiting.client, reasons);
    }

    /// What came of an order is news also when another has been given since.
    fn ended(&mut self, waiting: Waiting, outcome: &'static str, text: &str) {
        self.last = Some(LastOrder {
            order: waiting.order,
            given: waiting.given,
            outcome,
            text: text.to_owned(),
        });
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

    fn note(&mut self, now: Mono, client: ClientId, order: PulseOrder) -> Waiting {
        self.last = Some(LastOrder {
            order,
            given: now,
            outcome: "accepted",
            text: String::new(),
        });
        Waiting {
            client,
            order,
            given: now,
            open: Begun::default(),
        }
    }

    /// The machine deals with an order next, which it [answers](Self::answered) at once.
    pub fn begin(&mut self, now: Mono, client: ClientId, order: PulseOrder) {
        self.ordering = Some(self.note(now, client, order));
    }

    /// The machine's answer. One that it obeys is answered when what it has begun has come about.
    pub fn answered(&mut self, now: Mono, answer: Result<Begun, OrderRefused>) {
        let Some(waiting) = self.ordering.take() else {
            return;
        };
        match answer {
            Err(refused) => {
                let reason = refused.to_string();
                self.ended(waiting, "refused", &reason);
                self.refuse(now, waiting.client, vec![reason]);
            }
            Ok(open) => {
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
            |open| &mut open.keeping,
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
        what: impl Fn(&mut Begun) -> &mut bool,
        words: impl Fn(PulseOrder, &str) -> String,
    ) {
        for mut waiting in std::mem::take(&mut self.obeying) {
            let is_about_it = std::mem::take(what(&mut waiting.open));
            match result {
                Err(reason) if is_about_it => {
                    let reason = words(waiting.order, reason);
                    self.fail(now, waiting, vec![reason]);
                }
                _ => self.obeying.push(waiting),
            }
        }
        self.tell_done(now);
    }

    fn tell_done(&mut self, now: Mono) {
        for waiting in std::mem::take(&mut self.obeying) {
            if waiting.open == Begun::default() {
                self.accept(now, waiting, accepted(waiting.order), Vec::new());
            } else {
                self.obeying.push(waiting);
            }
        }
    }

    /// Waits until lvs.cf has been read.
    pub fn await_reload(&mut self, now: Mono, client: ClientId) {
        let waiting = self.note(now, client, PulseOrder::Reload);
        self.reloading.push(waiting);
    }

    /// lvs.cf has been read: what it is now and what was found in it, or why it is not taken.
    pub fn reloaded(&mut self, now: Mono, result: &Result<Taken, Vec<String>>) {
        for waiting in std::mem::take(&mut self.reloading) {
            match result {
                Ok(Taken { text, findings }) => {
                    self.accept(now, waiting, text.clone(), findings.clone());
                }
                Err(reasons) => self.fail(now, waiting, reasons.clone()),
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
    /// This one, and what its addresses lack here.
    pub fn of(file: &ConfigFile, troubles: Vec<String>) -> Self {
        let mut findings = file.remarks(false);
        findings.extend(setup::remarks(&file.loaded.config));
        findings.extend(places::unannounced(&file.loaded.config, true));
        findings.extend(troubles);
        Self {
            text: FileState::of(file).to_string(),
            findings,
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

    /// Nothing has been answered, and the connection is there; `client` does not wait.
    fn is_silent(client: &mut UnixStream) -> bool {
        let read = client.read(&mut [0]);
        read.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
    }

    #[test]
    fn the_answer_to_a_reload_has_what_pulse_does_otherwise_and_what_is_odd() {
        let place = testkit::Place::new("answer");
        let text = "primary = 10.1.0.1\nprimary = 10.1.0.1\nbackup = 10.1.0.2\nbackup_active = 1\n\
                    vip = external\n";
        let file = config_file::read(&place.file(text)).unwrap();
        let taken = Taken::of(&file, vec!["there is no device eth0".into()]);
        let findings = taken.findings.join("\n");
        for expected in [
            ":2:11: warning: ",
            "vip = external without active_cmd",
            "there is no device eth0",
        ] {
            assert!(findings.contains(expected), "{findings}");
        }
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
        let refused = "not understood: expected value at line 1 column 1";
        assert_eq!(understood("quit", 0), Err(refused.into()));
    }

    #[test]
    fn an_order_is_answered_when_it_is_on_the_disk() {
        let path = path("kept");
        let mut control = Control::on(Some(ControlSocket::open(&path).unwrap()));
        let now = Mono::ZERO;
        let order = PulseOrder::FreezeOn;
        let mut give = |answer: Result<(), OrderRefused>, kept: Option<Result<(), String>>| {
            let mut client = connect(&path, "");
            let (id, _) = control.hear(now).remove(0);
            control.begin(now, id, order);
            let begun = Begun {
                keeping: kept.is_some(),
                hand_over: false,
            };
            control.answered(now, answer.map(|()| begun));
            if let Some(kept) = kept {
                client.set_nonblocking(true).unwrap();
                assert!(is_silent(&mut client), "it waits");
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
        for (order, keeping, end) in [
            (PulseOrder::Failover, false, Ok(())),
            (PulseOrder::StandbyOn, true, Ok(())),
            (PulseOrder::Failover, false, Err(failed)),
            (PulseOrder::StandbyOn, true, Err(failed)),
        ] {
            let mut client = connect(&path, "");
            let (id, _) = control.hear(now).remove(0);
            control.begin(now, id, order);
            let begun = Begun {
                keeping,
                hand_over: true,
            };
            control.answered(now, Ok(begun));
            control.kept(now, &Ok(()));
            client.set_nonblocking(true).unwrap();
            assert!(is_silent(&mut client), "it waits");
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

    /// A control on a socket of its own, and who gives it orders.
    struct Desk {
        control: Control,
        path: PathBuf,
    }

    impl Desk {
        fn open(name: &str) -> Self {
            let path = path(name);
            let control = Control::on(Some(ControlSocket::open(&path).unwrap()));
            Self { control, path }
        }

        fn give(
            &mut self,
            seconds: u64,
            order: PulseOrder,
            answer: Result<Begun, OrderRefused>,
        ) -> UnixStream {
            let now = Mono::new(std::time::Duration::from_secs(seconds));
            let client = connect(&self.path, "");
            let (id, _) = self.control.hear(now).remove(0);
            self.control.begin(now, id, order);
            self.control.answered(now, answer);
            client
        }

        /// The order, its outcome and its age.
        fn last(&self, seconds: u64) -> (String, String, f64) {
            let now = Mono::new(std::time::Duration::from_secs(seconds));
            let last = self.control.last_order(now).unwrap();
            (last.order, last.outcome, last.age)
        }
    }

    /// What the client was told; `None` if it still waits.
    fn heard(client: &mut UnixStream) -> Option<PulseLine> {
        client.set_nonblocking(true).unwrap();
        let mut text = String::new();
        client.read_to_string(&mut text).ok()?;
        PulseLine::decode(&text)
    }

    const FAILOVER: Begun = Begun {
        keeping: false,
        hand_over: true,
    };
    const KEPT: Begun = Begun {
        keeping: true,
        hand_over: false,
    };

    #[test]
    fn the_failure_of_one_order_is_not_that_of_another() {
        let mut desk = Desk::open("apart");
        let mut failover = desk.give(0, PulseOrder::Failover, Ok(FAILOVER));
        let mut freeze = desk.give(0, PulseOrder::FreezeOff, Ok(KEPT));
        desk.control.kept(Mono::ZERO, &Err("disk full".into()));
        let reasons = vec!["freeze off: in force now, but not after a restart: disk full".into()];
        assert_eq!(heard(&mut freeze), Some(PulseLine::Refused { reasons }));
        assert_eq!(heard(&mut failover), None);
        let mut standby = desk.give(0, PulseOrder::StandbyOff, Ok(KEPT));
        let end = Err(HandOverFailed::NotTaken);
        desk.control.handed_over(Mono::ZERO, end);
        let reasons = vec![format!("failover: {}", HandOverFailed::NotTaken)];
        assert_eq!(heard(&mut failover), Some(PulseLine::Refused { reasons }));
        assert_eq!(heard(&mut standby), None);
        desk.control.kept(Mono::ZERO, &Ok(()));
        assert!(matches!(heard(&mut standby), Some(PulseLine::Done { .. })));
    }

    #[test]
    fn an_order_that_is_refused_meanwhile_does_not_hide_how_a_failover_ends() {
        let mut desk = Desk::open("hidden");
        desk.give(10, PulseOrder::Failover, Ok(FAILOVER));
        desk.give(12, PulseOrder::StandbyOn, Err(OrderRefused::Busy));
        let refused = ("standby on".to_owned(), "refused".to_owned(), 1.0);
        assert_eq!(desk.last(13), refused);
        desk.control.handed_over(Mono::ZERO, Ok(()));
        let done = ("failover".to_owned(), "done".to_owned(), 4.0);
        assert_eq!(desk.last(14), done);
    }
}
