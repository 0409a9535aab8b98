//! `--remove-services`: takes lvs.cf's services out of the kernel's table, and nothing else.
//!
//! pulse runs it where a director has become a standby without lvsd. Where the directors are real servers
//! too, a table that an earlier lvsd left would balance again what the active director sends.

use std::collections::BTreeSet;
use std::fmt::Display;

use config_file::{ConfigFile, Program};
use daemon::Instance;
use director::{Site, Table};
use ipvs::IpvsError;
use lvs_model::{IpvsOp, ServiceKey};

use crate::failure::held;
use crate::kernel::Kernel;
use crate::options::{NAME, Options};

/// Takes them out and logs each. A refused one is reported and makes it fail.
///
/// # Errors
/// Lines to print: the file is refused, or the table cannot be read.
pub fn run(options: &Options) -> Result<u8, Vec<String>> {
    let path = config_file::find(options.config_file.as_deref());
    let file = config_file::read_as_child(&path).map_err(|fault| fault.lines(Program::Lvsd))?;
    // Refused beside a running lvsd, which would put them back.
    let _alone = Instance::begin("lvsd", None).map_err(held)?;
    let mut kernel = match Kernel::look() {
        Ok(kernel) => kernel,
        // Where there is no table, there is nothing in it; no module is loaded for that.
        Err(IpvsError::NoIpvs) => return Ok(0),
        Err(error) => return Err(failure(error)),
    };
    kernel.use_program(&file.loaded.config.ipvsadm);
    let own = services(&file);
    let ops = plan(&own, &kernel.read(&BTreeSet::new()).map_err(failure)?);
    let refusals = kernel.apply(&ops);
    for (index, op) in ops.iter().enumerate() {
        match refusals.iter().find(|refusal| refusal.index == index) {
            Some(refusal) => log::error!("cannot remove a service: {op}: {}", refusal.reason),
            None => log::info!("this director stands by: removed a service: {op}"),
        }
    }
    Ok(u8::from(!refusals.is_empty()))
}

fn failure(error: impl Display) -> Vec<String> {
    vec![format!("{NAME}: services are not removed: {error}")]
}

fn services(file: &ConfigFile) -> BTreeSet<ServiceKey> {
    let site = Site::new(&file.loaded.config, false, false);
    site.services.iter().map(|s| s.service.key).collect()
}

fn plan(own: &BTreeSet<ServiceKey>, found: &Table) -> Vec<IpvsOp> {
    let left = own.iter().filter(|key| found.contains(key));
    left.map(|key| IpvsOp::DeleteService(*key)).collect()
}

#[cfg(test)]
mod tests {
    use director::TableService;
    use lvs_model::VirtualService;

    use super::*;

    fn key(mark: u32) -> ServiceKey {
        ServiceKey::FwMark {
            mark: lvs_model::FwMark::new(mark).unwrap(),
            family: lvs_model::AddressFamily::Inet,
        }
    }

    #[test]
    fn what_is_ours_and_there_goes_and_nothing_else() {
        let mut found = Table::new();
        for mark in [1, 2, 9] {
            found.insert(TableService {
                service: VirtualService::new(key(mark)),
                destinations: Vec::new(),
            });
        }
        let own = [1, 2, 3].map(key).into_iter().collect();
        let expected = [1, 2].map(|mark| IpvsOp::DeleteService(key(mark)));
        assert_eq!(plan(&own, &found), expected);
        assert_eq!(plan(&own, &Table::new()), []);
    }
}
