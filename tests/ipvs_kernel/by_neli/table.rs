//! The kernel's table as `neli` writes and reads it: nothing of the suite's own is used here.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;

use neli::attr::Attribute;
use neli::consts::genl::{CtrlAttr, CtrlCmd};
use neli::consts::nl::{GenlId, NlmF, Nlmsg};
use neli::consts::socket::{Msg, NlFamily};
use neli::genl::{AttrTypeBuilder, Genlmsghdr, GenlmsghdrBuilder, Nlattr, NlattrBuilder};
use neli::nl::{NlPayload, Nlmsghdr, NlmsghdrBuilder};
use neli::socket::NlSocket;
use neli::types::{Buffer, GenlBuffer};
use neli::utils::Groups;
use neli::{FromBytes, ToBytes};

use super::header::{COMMANDS, INFO, Rows, TOP};

/// What an attribute holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Bytes(Vec<u8>),
    Nest(Nest),
}

/// Attributes by their names in the header.
pub type Nest = BTreeMap<&'static str, Value>;

type Message = Genlmsghdr<u8, u16>;

/// Enum and name of every row that was written or read.
pub type Seen = BTreeSet<(&'static str, &'static str)>;

/// Whether the kernel answers with one message at most, or lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    One,
    Dump,
}

pub struct NeliTable {
    socket: NlSocket,
    family: u16,
    pub seen: Seen,
}

impl NeliTable {
    /// The table of this thread's network namespace; the kernel has to have IPVS already.
    pub fn open() -> Self {
        let socket = NlSocket::connect(NlFamily::Generic, None, Groups::empty()).unwrap();
        let family = family(&socket);
        Self {
            socket,
            family,
            seen: Seen::new(),
        }
    }

    /// Orders `command` with these attributes; the kernel must not refuse.
    pub fn order(&mut self, command: &'static str, attributes: &Nest) {
        let replies = self.request(command, Answers::One, attributes);
        assert!(replies.is_empty(), "{command}: {}", replies.len());
    }

    /// Asks `command`; the replies are of the command `reply`.
    pub fn ask(
        &mut self,
        command: &'static str,
        answers: Answers,
        attributes: &Nest,
        reply: &'static str,
    ) -> Vec<Nest> {
        let rows = if reply == "SET_INFO" { &INFO } else { &TOP };
        let mut replies = Vec::new();
        for message in self.request(command, answers, attributes) {
            let found = COMMANDS.name_of(u16::from(*message.cmd()));
            assert_eq!(found, reply);
            self.seen.insert((COMMANDS.name, found));
            replies.push(read(rows, message.attrs().as_ref(), &mut self.seen));
        }
        replies
    }

    fn request(
        &mut self,
        command: &'static str,
        answers: Answers,
        attributes: &Nest,
    ) -> Vec<Message> {
        let message = message(command, attributes, &mut self.seen);
        let answer = exchange(&self.socket, self.family, answers, message);
        answer.unwrap_or_else(|errno| panic!("{command}: errno {errno}"))
    }
}

/// A message of the family.
fn message(command: &'static str, attributes: &Nest, seen: &mut Seen) -> Message {
    seen.insert((COMMANDS.name, command));
    let number = u8::try_from(COMMANDS.number_of(command)).unwrap();
    let message = GenlmsghdrBuilder::default().cmd(number).version(1);
    let attributes = write(&TOP, attributes, seen);
    message.attrs(attributes).build().unwrap()
}

/// A reply as the kernel would send it.
pub fn reply(command: &'static str, attributes: &Nest) -> Vec<u8> {
    let message = message(command, attributes, &mut Seen::new());
    datagram(28, NlmF::empty(), 1, NlPayload::Payload(message))
}

/// The attributes under their names. One that has no row in the header, or that comes twice, fails.
fn read(rows: &'static Rows, attributes: &[Nlattr<u16, Buffer>], seen: &mut Seen) -> Nest {
    let mut nest = Nest::new();
    for attribute in attributes {
        let name = rows.name_of(*attribute.nla_type().nla_type());
        seen.insert((rows.name, name));
        if name == "PAD" {
            // Empty, in front of any eight bytes that would not be aligned.
            continue;
        }
        let value = if let Some(inside) = rows.inside(name) {
            let handle = attribute.get_attr_handle::<u16>().unwrap();
            Value::Nest(read(inside, handle.get_attrs(), seen))
        } else {
            Value::Bytes(attribute.payload().as_ref().to_vec())
        };
        assert_eq!(nest.insert(name, value), None, "{} {name} twice", rows.name);
    }
    nest
}

fn write(rows: &'static Rows, nest: &Nest, seen: &mut Seen) -> GenlBuffer<u16, Buffer> {
    let attributes = nest.iter().map(|(&name, value)| {
        seen.insert((rows.name, name));
        let number = rows.number_of(name);
        match value {
            Value::Bytes(bytes) => attribute(number, false, Buffer::from(bytes.clone())),
            Value::Nest(nest) => {
                let inside = rows.inside(name).unwrap();
                attribute(number, true, write(inside, nest, seen))
            }
        }
    });
    attributes.collect()
}

fn attribute(number: u16, nested: bool, payload: impl neli::Size + ToBytes) -> Nlattr<u16, Buffer> {
    let kind = AttrTypeBuilder::default();
    let kind = kind.nla_type(number).nla_nested(nested).build().unwrap();
    let attribute = NlattrBuilder::default().nla_type(kind);
    attribute.nla_payload(payload).build().unwrap()
}

/// The family's number, by neli's own names for the controller's.
fn family(socket: &NlSocket) -> u16 {
    let name = attribute(CtrlAttr::FamilyName.into(), false, "IPVS".to_owned());
    let question = GenlmsghdrBuilder::default()
        .cmd(u8::from(CtrlCmd::Getfamily))
        .version(1)
        .attrs([name].into_iter().collect());
    let question = question.build().unwrap();
    let replies = exchange(socket, GenlId::Ctrl.into(), Answers::One, question).unwrap();
    let handle = replies[0].attrs().get_attr_handle();
    let number = handle.get_attr_payload_as::<u16>(CtrlAttr::FamilyId.into());
    number.unwrap()
}

/// Sends one message and reads all that comes back; the kernel's errno if it refused.
///
/// Behind it goes an empty message that is always confirmed: an order that the kernel gives up as
/// interrupted, as it does when a sync thread never ran, gets no answer of its own.
fn exchange(
    socket: &NlSocket,
    family: u16,
    answers: Answers,
    message: Message,
) -> Result<Vec<Message>, i32> {
    let flags = match answers {
        Answers::One => NlmF::empty(),
        Answers::Dump => NlmF::DUMP,
    };
    let mut sent = datagram(family, flags, 1, NlPayload::Payload(message));
    if answers == Answers::One {
        sent.extend(datagram(Nlmsg::Noop.into(), NlmF::ACK, 2, NlPayload::Empty));
    }
    socket.send(sent, Msg::empty()).unwrap();
    let (mut messages, mut refused) = (Vec::new(), None);
    loop {
        let mut bytes = vec![0; 64 * 1024];
        let (length, _) = socket.recv(&mut bytes, Msg::empty()).unwrap();
        bytes.truncate(length);
        let mut cursor = Cursor::new(bytes);
        while cursor.position() < u64::try_from(length).unwrap() {
            let answer = Nlmsghdr::<u16, Message>::from_bytes(&mut cursor).unwrap();
            match answer.nl_payload() {
                NlPayload::Payload(message) => messages.push(message.clone()),
                NlPayload::Err(refusal) => refused = Some(-refusal.error()),
                // The closing message's confirmation, or the end of a dump.
                _ => return refused.map_or(Ok(messages), Err),
            }
        }
    }
}

fn datagram(kind: u16, flags: NlmF, sequence: u32, payload: NlPayload<u16, Message>) -> Vec<u8> {
    let whole = NlmsghdrBuilder::default()
        .nl_type(kind)
        .nl_flags(NlmF::REQUEST | flags)
        .nl_seq(sequence)
        .nl_payload(payload);
    let mut bytes = Cursor::new(Vec::new());
    whole.build().unwrap().to_bytes(&mut bytes).unwrap();
    bytes.into_inner()
}
