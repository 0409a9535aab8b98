//! Takes a message apart; used by the decoders of [`Report`](crate::Report) and
//! [`Order`](crate::Order).

use std::str::FromStr;

use lvs_model::Weight;

use crate::{MAX_MESSAGE, MessageError, Phase, Place, Reason, Standing};

/// What is left of a message; fields are separated by exactly one blank.
pub struct Fields<'a>(Option<&'a str>);

impl<'a> Fields<'a> {
    /// The first word of a message, and the fields behind it.
    pub fn split(datagram: &'a [u8]) -> Result<(&'a str, Self), MessageError> {
        if datagram.len() > MAX_MESSAGE {
            return Err(MessageError::TooLong(datagram.len()));
        }
        let text = std::str::from_utf8(datagram).map_err(|_| MessageError::NotText)?;
        let mut fields = Self(Some(text));
        let word = fields.word("first word")?;
        Ok((word, fields))
    }

    /// The next word.
    pub fn word(&mut self, name: &'static str) -> Result<&'a str, MessageError> {
        let rest = self.0.ok_or(MessageError::Missing(name))?;
        let (word, rest) = match rest.split_once(' ') {
            Some((word, rest)) => (word, Some(rest)),
            None => (rest, None),
        };
        self.0 = rest;
        Ok(word)
    }

    /// The next word, which must be `word`.
    pub fn expect(&mut self, word: &'static str) -> Result<(), MessageError> {
        if self.word(word)? == word {
            Ok(())
        } else {
            Err(MessageError::Bad(word))
        }
    }

    /// The next word as a number: digits only.
    pub fn number<T: FromStr>(&mut self, name: &'static str) -> Result<T, MessageError> {
        let word = self.word(name)?;
        if !word.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(MessageError::Bad(name));
        }
        word.parse().map_err(|_| MessageError::Bad(name))
    }

    /// The next word as a weight.
    pub fn weight(&mut self, name: &'static str) -> Result<Weight, MessageError> {
        Weight::new(self.number(name)?).map_err(|_| MessageError::Bad(name))
    }

    /// The next three fields: `PHASE PLACE COUNT`.
    pub fn standing(&mut self) -> Result<Standing, MessageError> {
        let phase = Phase::from_word(self.word("phase")?).ok_or(MessageError::Bad("phase"))?;
        let place = if self
            .0
            .is_some_and(|rest| rest.split(' ').next() == Some("out"))
        {
            self.expect("out")?;
            Place::Out
        } else {
            Place::In(self.weight("place")?)
        };
        let count = self.number("count")?;
        Ok(Standing {
            phase,
            place,
            count,
        })
    }

    /// The rest of the message; empty if nothing is left.
    pub fn reason(&mut self) -> Reason {
        Reason::new(self.0.take().unwrap_or_default())
    }

    /// Checks that nothing is left.
    pub fn end(&self) -> Result<(), MessageError> {
        match self.0 {
            None => Ok(()),
            Some(_) => Err(MessageError::Trailing),
        }
    }
}
