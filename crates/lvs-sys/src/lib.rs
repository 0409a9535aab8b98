//! The only room with `unsafe`: one libc call per function, owned descriptors in and out.
//!
//! Everything that `nix` offers safely is called there instead; what is here is what `nix` leaves
//! unsafe or leaves out. Each function checks what its SAFETY comment needs, so that callers need
//! not know.

mod arp;
mod attribute;
mod cage;
mod call_filter;
mod capability;
mod descriptors;
mod filter;
mod icmp6;
mod ipvs;
mod memory;
mod names;
mod process;
mod socket_filter;
mod start;
mod time;
mod wait;

pub use arp::{ArpFilter, only_arp_of};
pub use attribute::{attribute, set_attribute};
pub use cage::{Cage, Limits, shut_in};
pub use call_filter::{CallFilter, Instruction, OWN_GROUP, OWN_PROCESS, calls_can_be_filtered};
pub use capability::{Capabilities, keep_capabilities, limit_capabilities};
pub use descriptors::close_descriptors_on_exec;
pub use filter::only_from;
pub use icmp6::only_icmp6;
pub use ipvs::{IpvsOption, ipvs_option};
pub use memory::give_back_memory;
pub use names::{c_name, host_address, host_address6, host_name, service_name, service_port};
pub use process::{Forked, fork};
pub use start::had_standard_output;
pub use time::{LocalTime, local_time};
pub use wait::{Ended, has_ended, reap_child};
