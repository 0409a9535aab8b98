//! A kernel with IPVS, networks of namespaces, faults and a timeline: where Caribe is tested.
//!
//! As a program (`lab run`, `lab test`, `lab demo`) it boots the kernel; as a library it is used
//! inside, by the tests and by the demonstration.
//!
//! - [`boot`]: the kernel, its root, one program's output and status
//! - [`topology`]: hosts, switches, a load-balanced site, faults
//! - [`measure`]: requests, connections, the table, owners of an address, the timeline
//! - [`cluster`]: a site with everything running on it
//! - [`demo`]: the demonstration
//! - `cli`, `options`, `failure`, `suite`: the command line; the lab tests, each binary in a guest of its own
//! - [`tool`]: what the command lines of the project's own tools share

pub mod boot;
mod cli;
pub mod cluster;
pub mod demo;
mod failure;
pub mod measure;
mod options;
mod suite;
pub mod tool;
pub mod topology;

pub use cli::run;
