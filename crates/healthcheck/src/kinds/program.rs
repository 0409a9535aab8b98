//! The check that a program does (`send_program`).

use std::borrow::Cow;

use crate::check::{Asked, Check, CheckError, Kind};
use crate::{Command, ProgramCheck};

/// Whatever the program says.
pub(crate) struct Program;

impl Kind for Program {
    fn is_asked(&self, asked: &Asked<'_>) -> bool {
        asked.spec.send_program.is_some()
    }

    fn make(&self, asked: Asked<'_>) -> Result<Check, CheckError> {
        let real = asked.target.real;
        let command = Command::split(&command_line(&asked), &real.ip().to_string(), real.port());
        Ok(Check::Program(ProgramCheck {
            command: command.ok_or(CheckError::NoProgram)?,
            expect: asked.expect.map(Vec::into_boxed_slice),
        }))
    }

    fn remark(&self, asked: &Asked<'_>) -> Option<String> {
        let program = command_line(asked);
        asked.send.as_ref().map(|_| {
            format!(
                "External program use requested: ({program}), IGNORING send string option ((null))"
            )
        })
    }
}

/// As it was given; `Program` is asked for only where one was.
fn command_line<'a>(asked: &Asked<'a>) -> Cow<'a, str> {
    let given = asked.spec.send_program.as_deref();
    given.unwrap_or_default().to_string_lossy()
}
