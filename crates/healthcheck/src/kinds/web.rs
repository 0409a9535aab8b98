//! The check of a service on port 80 where none is configured: it asks for a page.

use std::rc::Rc;

use crate::check::{Asked, Check, CheckError, Kind};
use crate::{Expect, NetworkCheck, Transport};

/// What is sent.
const REQUEST: &[u8] = b"GET / HTTP/1.0\r\n\r\n";
/// How the answer begins.
const ANSWER: &[u8] = b"HTTP";

/// A page, whatever it says.
pub(crate) struct Web;

impl Kind for Web {
    fn is_asked(&self, asked: &Asked<'_>) -> bool {
        let is_sctp = asked.target.transport == Transport::Sctp;
        let says_nothing = asked.send.is_none() && asked.expect.is_none();
        asked.target.service_port == 80 && says_nothing && !is_sctp
    }

    fn make(&self, asked: Asked<'_>) -> Result<Check, CheckError> {
        Ok(Check::Network(Rc::new(NetworkCheck {
            transport: asked.target.transport,
            send: Some(REQUEST.into()),
            expect: Some(Expect::Prefix(ANSWER.into())),
            interval: asked.spec.timeout,
        })))
    }

    fn remark(&self, _asked: &Asked<'_>) -> Option<String> {
        Some("nanny: no monitor configured, assuming web service on port 80".to_owned())
    }
}
