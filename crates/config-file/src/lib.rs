//! lvs.cf from disk: found, read within bounds, its names looked up, its faults put into words.
//!
//! `bin/pulse`, `bin/lvsd` and `bin/fos` read their configuration here, so that the same file gets the same
//! verdict from all. What the text means is decided by `lvs-config`; here are the file, the
//! resolver and the report:
//!
//! - [`find`] (`disk`): which file it is, and its bytes
//! - [`read`] (`reading`): reads it and waits, at the start of a program
//! - [`check`]: the same for `-t`
//! - [`InForce`] (`in_force`), [`read_as_child`] (`given`): what pulse has in force is what its lvsd or fos
//!   goes by, whatever the file is now; [`read_in_force`]: and what a pulse that was killed leaves
//! - [`Follower`] (`follow`): reads it again beside a loop that must not wait: at a reload, and for names that
//!   did not resolve
//! - `names`: what a file asks of the resolver; `host`: what it asks of this computer; `helper`: the child that
//!   asks, as both may hang
//! - [`ConfigFile`], [`Fault`]: how it went
//! - [`Program`], [`tell`] (`report`): the lines about it, on standard error and in the log

mod disk;
mod follow;
mod given;
mod helper;
mod host;
mod in_force;
mod names;
mod reading;
mod report;

pub use disk::find;
pub use follow::{Follower, Outcome};
pub use in_force::{InForce, read_in_force};
pub use reading::{ConfigFile, Fault, LIMIT, Reading, Step, check, read, read_as_child};
pub use report::{Program, tell};
