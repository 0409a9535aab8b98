//! Requests against bytes recorded from the C tool; replies against what any kernel may send.

mod bad_replies;
mod replies;
mod requests;

use crate::netlink::{Message, Requests, messages};

/// The only message of `bytes`.
fn only(bytes: &[u8]) -> Message<'_> {
    let mut all = messages(bytes);
    let message = all.next().unwrap().unwrap();
    assert_eq!(all.next(), None);
    message
}

/// A reply of `command`; `body` writes its attributes.
fn reply(command: u8, body: impl FnOnce(&mut Requests)) -> Vec<u8> {
    let mut requests = Requests::new();
    requests.message(28, 0, 1, |message| {
        message.raw(&[command, 1, 0, 0]);
        body(message);
    });
    requests.as_bytes().to_vec()
}
