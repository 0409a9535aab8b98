//! Attributes of the IPVS generic netlink family (linux/ip_vs.h).
