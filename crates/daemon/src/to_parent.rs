//! Words to the parent, on the pipe that it gave us as standard output.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::rc::Rc;

use nix::fcntl::{FcntlArg, OFlag, fcntl};

use crate::log::output;

/// The way to the parent, which waits for some words on the pipe that it gave us as standard output.
#[derive(Clone, Debug)]
pub enum ToParent {
    /// There is no parent.
    None,
    /// The log has the pipe too.
    Log,
    /// The words have it for themselves; writing there never waits.
    Pipe(Rc<File>),
}

impl ToParent {
    /// To be called before [`detach`](crate::detach), which closes standard output.
    ///
    /// # Errors
    /// No descriptor is left.
    pub fn open(has_parent: bool, foreground: bool) -> io::Result<Self> {
        Ok(match (has_parent, foreground) {
            (false, _) => Self::None,
            (true, true) => Self::Log,
            (true, false) => {
                let pipe = io::stdout().as_fd().try_clone_to_owned()?;
                // The end of this pipe is nobody else's.
                fcntl(&pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
                Self::Pipe(Rc::new(pipe.into()))
            }
        })
    }

    /// Says a word on a line of its own.
    pub fn tell(&self, word: &str) {
        match self {
            Self::None => {}
            Self::Log => crate::log::tell_reader(word),
            Self::Pipe(pipe) => {
                if let Err(error) = pipe.as_ref().write_all(format!("{word}\n").as_bytes()) {
                    log::warn!("cannot tell pulse \"{word}\": {error}");
                }
            }
        }
    }

    /// Says a word that may be lost while nobody reads.
    pub(crate) fn mention(&self, word: &str) {
        match self {
            Self::None => {}
            Self::Log if output::is_behind() => {}
            Self::Log => crate::log::tell_reader(word),
            Self::Pipe(pipe) => {
                // A pipe takes so little whole or not at all. One that is closed is noticed at the lifeline.
                let _ = pipe.as_ref().write(format!("{word}\n").as_bytes());
            }
        }
    }
}
