//! What the programs cost and how long clients wait, beside the C ipvsadm and keepalived, held
//! against the project's goals.
//!
//! `bench` starts itself in the lab (`lab run --kernel qemu --icount`), where CPU time is a count of
//! instructions, user and kernel together, that does not depend on how busy the machine is. The
//! guest half prints a [`figure::Figure`] a line, the host half makes the table and the JSON of them.
//!
//! - [`cli`]: the command line; the host half
//! - [`guest`]: what ipvsadm costs, measured in which order
//!   - [`meter`]: one command: instructions, system calls, memory
//!   - [`tables`], [`traffic`]: the tables and connections that are measured
//!   - [`floor`]: the work of `-R`, `-Ln` and `-Lcn` with the fewest system calls
//! - [`checks`]: what health checks of many real servers cost
//! - [`failover`]: how long a client goes without an answer
//! - [`suite`]: what each of the three shows and must reach
//! - [`figure`], [`goals`], [`report`]: what was found, what is wanted, how it is shown

pub mod checks;
pub mod cli;
pub mod failover;
pub mod figure;
pub mod floor;
pub mod goals;
pub mod guest;
pub mod meter;
pub mod report;
pub mod suite;
pub mod tables;
pub mod traffic;

pub use cli::run;
