//! What the parent says: errands of lvsd, or nothing; and at last its end.

use std::ffi::OsStr;
use std::time::Duration;

use control::{Crew, Errand, News};
use daemon::{Signal, Tidying};
use healthcheck::Input;
use popt::Aliases;

use super::Shell;
use crate::error::StartError;
use crate::options::{self, Request};
use crate::parent_socket::{Behind, Heard};
use crate::setup;
use crate::watch::Watch;

impl Shell {
    /// What the parent has said; or it is gone.
    pub(super) fn hear_parent(&mut self) {
        match &self.behind {
            Behind::Lifeline(parent) if parent.is_gone() => self.end_with_parent(),
            Behind::Lvsd(_) => self.take_errands(),
            Behind::Nobody | Behind::Lifeline(_) => {}
        }
    }

    fn end_with_parent(&mut self) {
        match self.crew {
            Crew::One(nanny) => self.feed(nanny, Input::Orphaned),
            Crew::Many => self.exit = Some(0),
        }
    }

    fn take_errands(&mut self) {
        let mut buffer = std::mem::take(&mut self.errands);
        // A nanny that was told to end hears nothing more.
        while let (Behind::Lvsd(link), None) = (&self.behind, self.exit) {
            match link.hear(&mut buffer) {
                Heard::Errands(mut datagram) => {
                    while !datagram.is_empty() {
                        match Errand::decode(&mut datagram, self.crew) {
                            Ok(errand) => self.take_errand(&errand),
                            Err(error) => log::warn!("lvsd: {error}"),
                        }
                    }
                }
                Heard::Nothing => break,
                Heard::Gone => {
                    self.end_with_parent();
                    break;
                }
            }
        }
        self.errands = buffer;
    }

    fn take_errand(&mut self, errand: &Errand<'_>) {
        match errand {
            Errand::Start(nanny, args) => self.start(*nanny, args),
            Errand::Tell(nanny, order) => self.feed(*nanny, Input::Order(*order)),
            Errand::End(nanny) => {
                let terminate = healthcheck::Signal::Terminate(Signal::SIGTERM as i32);
                self.feed(*nanny, Input::Signal(terminate));
            }
        }
    }

    fn start(&mut self, nanny: u64, args: &[&OsStr]) {
        match self.watch(nanny, args) {
            Ok(watch) => {
                self.tidying = Tidying::after(self.now);
                self.take_in(nanny, watch);
            }
            Err(error) => {
                log::error!("{error}");
                self.say(Duration::ZERO, &News::Ended(nanny, 1));
            }
        }
    }

    fn watch(&self, nanny: u64, args: &[&OsStr]) -> Result<Watch, StartError> {
        let Request::Run(options) = options::parse(args, &Aliases::default())? else {
            return Err(StartError::UnexpectedArguments);
        };
        options.describe();
        // Numbers follow each other, so they are spread far apart: pauses differ from the first on.
        let seed = self.seed ^ nanny.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut setup = setup::resolve(&options, true, seed)?;
        if setup.needs_files() && self.cage.is_none() {
            return Err(StartError::NoPrograms);
        }
        setup.programs.cage = self.cage.clone();
        Ok(Watch::start(setup, None, self.now))
    }
}
