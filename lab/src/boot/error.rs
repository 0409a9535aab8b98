//! Why there is no kernel to run on.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why there is no kernel to run on.
#[derive(Debug)]
pub enum BootError {
    /// A program that boots kernels is not installed.
    Missing {
        /// Its name.
        program: &'static str,
        /// The Debian package that has it.
        package: &'static str,
    },
    /// The machine's own kernel was asked for and cannot serve.
    NotHere(&'static str),
    /// This processor needs a library of the lab's to run user-mode Linux.
    NoXstate(PathBuf),
    /// The run's directory or its files.
    Run(io::Error),
    /// The kernel's program could not be started.
    Start(io::Error),
}

impl fmt::Display for BootError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { program, package } => {
                write!(f, "{program} is missing: apt-get install {package}")
            }
            Self::NotHere(why) => write!(f, "this machine's own kernel cannot be used: {why}"),
            Self::NoXstate(library) => write!(
                f,
                "this processor has AMX, user-mode Linux then needs {}: \
                 cargo build -p caribe-uml-xstate",
                library.display()
            ),
            Self::Run(_) => write!(f, "cannot prepare the run"),
            Self::Start(_) => write!(f, "cannot start the kernel"),
        }
    }
}

impl std::error::Error for BootError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Run(error) | Self::Start(error) => Some(error),
            Self::Missing { .. } | Self::NotHere(_) | Self::NoXstate(_) => None,
        }
    }
}
