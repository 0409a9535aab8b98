//! Bytes of the kernel and of the link, both ways, without I/O.
//!
//! - [`netlink`]: framing of requests and answers, attributes
//! - [`ipvs`]: the kernel's IPVS family (linux/ip_vs.h)
//! - [`rtnetlink`]: addresses on interfaces, state of links
//! - [`icmp`]: whether a gateway is to be seen
//! - [`arp`], [`ndisc`]: announcing whose address it is
//! - [`fuzz`]: the decoders as fuzz targets

pub mod arp;
pub mod fuzz;
pub mod icmp;
pub mod ipvs;
pub mod ndisc;
pub mod netlink;
pub mod rtnetlink;
