//! What is said of the addresses in the log.

use link::{Change, LinkError, Outcome};

/// Says what came of changes, or why there is nothing to say.
pub fn report(result: Result<Vec<Outcome>, LinkError>) {
    match result {
        Ok(done) => say(&done),
        Err(error) => log::error!("addresses: {error}"),
    }
}

/// Says what the kernel did, a line each.
pub fn say(outcomes: &[Outcome]) {
    for (change, result) in outcomes {
        let (what, address) = match change {
            Change::Add(address) => ("up", address),
            Change::Remove(address) => ("down", address),
            Change::Promote(..) => {
                if let Err(errno) = result {
                    let reason = errno.desc();
                    log::error!("other addresses of a subnet may have gone: {reason}");
                }
                continue;
            }
        };
        let label = address.label.as_deref().unwrap_or("-");
        let (ip, prefix) = (address.address, address.prefix);
        match result {
            Ok(()) => log::info!("address {ip}/{prefix} {label} {what}"),
            Err(errno) => log::error!("address {ip}/{prefix} {label} not {what}: {}", errno.desc()),
        }
    }
}
