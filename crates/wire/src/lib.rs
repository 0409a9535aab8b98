//! Bytes of the director's protocols, both ways, without I/O.
//!
//! - [`netlink`]: framing of requests and answers, attributes
//! - [`ipvs`]: the kernel's IPVS family (linux/ip_vs.h)
//! - [`heartbeat`]: what two pulses send each other
//! - [`rtnetlink`]: addresses on interfaces, state of links
//! - [`icmp`]: whether a gateway is to be seen
//! - [`arp`], [`ndisc`]: announcing whose address it is
//! - [`fuzz`]: the decoders as fuzz targets

pub mod arp;
pub mod fuzz;
pub mod heartbeat;
pub mod icmp;
pub mod ipvs;
pub mod ndisc;
pub mod netlink;
pub mod rtnetlink;
