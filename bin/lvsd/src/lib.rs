//! Fills the kernel's table from lvs.cf and starts a nanny for each real server.
