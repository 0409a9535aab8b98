//! Boots a kernel with IPVS, runs one program there as root, and brings back its output and status.
//!
//! The guest's root file system is this machine's own under an overlay on a tmpfs: every installed
//! tool is there at its own path, and nothing that the guest does changes this machine. The
//! exceptions are the directories given as shares and the run's own directory.
//!
//! - [`Job`]: what to run, as written for the guest
//! - [`Kernel`], [`Boot`]: where and with what limits
//! - `uml`, `qemu`, `native`: the three ways
//! - `host_time`: what this machine takes from the guest
//! - `guest`: the lab's own init, the other end
//! - `systemd`: in the place of that init, for tests of the units
//! - `rootfs`, `programs`: the overlay and what is put into it

mod cpio;
mod error;
mod find;
pub(crate) mod guest;
mod host_time;
mod job;
mod machine;
mod native;
mod options;
mod programs;
pub(crate) use programs::LOG_SOCKET;
mod qemu;
mod rootfs;
mod systemd;
mod uml;

pub use error::BootError;
pub(crate) use find::{SEARCH_PATH, own_program};
pub use guest::is_guest;
pub(crate) use host_time::FILE as HOST_TIME;
pub use job::Job;
pub use options::{Boot, Kernel};
pub(crate) use rootfs::RUN;

/// Exit status when the kernel did not come up or ran past its time limit.
pub const NO_STATUS: u8 = 97;
