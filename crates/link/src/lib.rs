//! Addresses on interfaces, their announcement, the state of links.
