//! Where the kernel comes from, with what size and limits.

use std::time::Duration;

use clap::builder::TypedValueParser;
use clap::{Args, ValueEnum, value_parser};

/// Limit of a run for which none is given.
const LIMIT: Duration = Duration::from_secs(300);

/// Where the kernel comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kernel {
    /// This machine's own if it has IPVS and the user is root, else user-mode Linux.
    Auto,
    /// User-mode Linux (Debian package `user-mode-linux`); one CPU, boots in seconds.
    Uml,
    /// The distribution's kernel under QEMU's emulation, without KVM.
    Qemu,
    /// This machine's own kernel, in namespaces.
    Native,
}

/// Kernel, size and limits of one run.
#[derive(Args, Clone, Debug)]
pub struct Boot {
    /// Where the kernel comes from.
    #[arg(long, value_enum, default_value_t = Kernel::Auto)]
    pub kernel: Kernel,
    /// Memory of the guest as kernels and emulators write it.
    #[arg(long, value_name = "SIZE", default_value = "1G")]
    pub memory: String,
    /// Limit of one guest; 300 by default, 1800 for a test. Beyond it the status is 97.
    #[arg(long = "timeout", value_name = "SECONDS",
          value_parser = value_parser!(u64).map(Duration::from_secs))]
    pub limit: Option<Duration>,
    /// QEMU only: the guest's clock counts instructions, idle time is skipped.
    #[arg(long)]
    pub icount: bool,
    /// systemd is the guest's process 1, as on a director; not on this machine's own kernel.
    #[arg(long)]
    pub systemd: bool,
}

impl Boot {
    /// Time from start to end of the run.
    #[must_use]
    pub fn limit(&self) -> Duration {
        self.limit.unwrap_or(LIMIT)
    }
}
