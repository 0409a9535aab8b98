//! A table whose changes another program makes: `ipvsadm =` in lvs.cf, `-I` of nanny.

mod arguments;
mod run;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use lvs_model::{
    DestinationEntry, IpvsOp, KernelInfo, ServiceEntry, ServiceKey, SyncDaemon, Timeouts,
};
use nix::errno::Errno;

use crate::{Ipvs, IpvsError, Refusal};
use run::{Outcome, run};

/// Runs a program with `ipvsadm`'s arguments for every change; what it changed is read from
/// another table, usually the kernel's.
///
/// The arguments are those that the original lvsd and nanny give, one at a time, no shell. The
/// program gets no input, its output is dropped, its errors are ours.
#[derive(Debug)]
pub struct ExternalIpvs<R> {
    program: PathBuf,
    limit: Duration,
    reader: R,
}

impl<R: Ipvs> ExternalIpvs<R> {
    /// `program` may run for `limit` each time, then it is killed. `reader` answers questions.
    #[must_use]
    pub const fn new(program: PathBuf, limit: Duration, reader: R) -> Self {
        Self {
            program,
            limit,
            reader,
        }
    }

    fn refusal(&self, op: &IpvsOp) -> Option<Errno> {
        let arguments: Vec<OsString> = arguments::of(op);
        match run(&self.program, &arguments, self.limit) {
            Ok(Outcome::Succeeded) => None,
            Ok(Outcome::Failed) => Some(Errno::UnknownErrno),
            Ok(Outcome::TimedOut) => Some(Errno::ETIMEDOUT),
            Err(error) => Some(error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)),
        }
    }
}

impl<R: Ipvs> Ipvs for ExternalIpvs<R> {
    fn info(&mut self) -> Result<KernelInfo, IpvsError> {
        self.reader.info()
    }

    fn services(&mut self) -> Result<Vec<ServiceEntry>, IpvsError> {
        self.reader.services()
    }

    fn service(&mut self, key: &ServiceKey) -> Result<ServiceEntry, IpvsError> {
        self.reader.service(key)
    }

    fn destinations(&mut self, key: &ServiceKey) -> Result<Vec<DestinationEntry>, IpvsError> {
        self.reader.destinations(key)
    }

    fn timeouts(&mut self) -> Result<Timeouts, IpvsError> {
        self.reader.timeouts()
    }

    fn daemons(&mut self) -> Result<Vec<SyncDaemon>, IpvsError> {
        self.reader.daemons()
    }

    fn each_destination(
        &mut self,
        key: &ServiceKey,
        visit: &mut dyn FnMut(&DestinationEntry),
    ) -> Result<(), IpvsError> {
        self.reader.each_destination(key, visit)
    }

    fn want_counters(&mut self, wanted: bool) {
        self.reader.want_counters(wanted);
    }

    /// Runs the program for each change. A refusal's `errno` is `UnknownErrno` if the program said no,
    /// `ETIMEDOUT` if it had to be killed, else why it could not be run. After a kill it is not run for the
    /// rest of the list, which is refused in the same way: so a list takes one limit at most.
    fn apply(&mut self, ops: &[IpvsOp]) -> Result<Vec<Refusal>, IpvsError> {
        let mut hangs = false;
        let refusals = ops.iter().enumerate().filter_map(|(index, op)| {
            let errno = match hangs {
                true => Errno::ETIMEDOUT,
                false => self.refusal(op)?,
            };
            hangs = errno == Errno::ETIMEDOUT;
            Some(Refusal { index, errno })
        });
        Ok(refusals.collect())
    }
}
