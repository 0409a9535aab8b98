//! lvs.cf: read, checked, printed without loss.
//!
//! A program passes the bytes of the file and a [`Lookup`] for names to [`read`] and gets a
//! [`Config`] with remarks, or a [`RefusedFile`] that names line and column of everything wrong.
//!
//! - [`SyntaxTree`] (`tree`): first stage, lines, words (`word`) and blocks without loss; a value can be
//!   changed in it, a block added or removed (`edit`)
//! - [`read`] (`reader`): second stage, types, ranges and what settings mean together:
//!   - `walk` goes through the statements; `vocabulary` knows their keywords, `value` reads what is behind them
//!   - `section`: the typed settings of one block, handed from the walk to the judges
//!   - `judge` says what they mean together, a file below it for each block
//! - [`Config`] (`model`): what a file means, typed and in range; `device`, `command`: its interfaces and
//!   command lines; [`NotServed`] (`served`): whether there is something to serve in it
//! - [`Finding`] (`finding`): one message about a file, with its [`Position`] (`position`); `advice`: what to
//!   write instead; `odd_characters`: what only looks like a blank or a quote; `original`: what an original
//!   would read otherwise
//! - [`KEYWORDS`], [`EXTENSIONS`] (`keyword`, `extension`): the tables behind it
//! - [`candidates`] (`path`): where the file lies
//! - [`ContentHash`] (`hash`): a short name for a content
//! - [`Lookup`] (`lookup`): what is asked outside; `work`: what a reading costs, for a test
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
