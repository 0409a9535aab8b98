//! The kind of check that sends a text, or nothing, and expects one, or only a connection.

use std::rc::Rc;

use crate::check::{Asked, Check, CheckError, Kind};
use crate::{Expect, NetworkCheck};

/// Whatever is not of another kind.
pub(crate) struct SendExpect;

impl Kind for SendExpect {
    fn is_asked(&self, _asked: &Asked<'_>) -> bool {
        true
    }

    fn make(&self, asked: Asked<'_>) -> Result<Check, CheckError> {
        let expect = asked
            .expect
            .map(|text| Expect::new(text, asked.spec.use_regex).map_err(CheckError::Expression))
            .transpose()?;
        Ok(Check::Network(Rc::new(NetworkCheck {
            transport: asked.target.transport,
            send: asked.send.map(Vec::into_boxed_slice),
            expect,
            interval: asked.spec.timeout,
        })))
    }
}
