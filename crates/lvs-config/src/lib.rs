//! lvs.cf: read, checked, printed without loss.
//!
//! A program passes the bytes of the file and a [`Lookup`] for names to [`read`] and gets a
//! [`Config`] with remarks, or a [`RefusedFile`] that names line and column of everything wrong.
//!
//! - [`SyntaxTree`]: first stage, lines, words and blocks without loss; a value can be changed in it,
//!   a block added or removed
//! - [`read`]: second stage, types, ranges and what settings mean together
//! - [`Config`]: what a file means, typed and in range
//! - [`Finding`]: one message about a file
//! - [`KEYWORDS`], [`EXTENSIONS`]: the tables behind it
//! - [`candidates`]: where the file lies
//!
//! Nothing in here opens a file or asks a resolver.

mod advice;
mod command;
mod device;
mod edit;
mod extension;
mod finding;
mod hash;
mod judge;
mod keyword;
mod lookup;
pub mod model;
mod odd_characters;
mod original;
mod path;
mod position;
mod reader;
mod section;
mod served;
#[cfg(test)]
mod tests;
mod tree;
mod value;
mod vocabulary;
mod walk;
mod word;
mod work;

pub use edit::{BlockName, EditError};
pub use extension::{EXTENSIONS, ExtendedValue, VALUES};
pub use finding::{Consequence, Finding, MAX_FINDINGS, Reason};
pub use hash::ContentHash;
pub use keyword::{KEYWORDS, Keyword, Kind, Place};
pub use lookup::{Lookup, SchedulerAnswer};
pub use model::{
    Authentication, Command, Config, ConflictAction, Device, DeviceError, FailoverBlock, Heartbeat,
    ManualWeight, NannyProcesses, NatRouter, Persistence, PrivatePath, RealServer, ServiceKind,
    SharedDisk, SyncSettings, VipMover, VirtualBlock,
};
pub use path::{DEFAULT_PATHS, candidates};
pub use position::Position;
pub use reader::{Loaded, MAX_FILE, RefusedFile, read, read_tolerant};
pub use served::NotServed;
pub use tree::{BlockKind, MAX_LINE, SyntaxTree};
