//! Tunnel options of a real server: which go with which type. `request` calls it for `-a` and `-e`.

use lvs_model::{ForwardingMethod, Tunnel, TunnelFlags, TunnelType};

use crate::error::UsageError;
use crate::given::Name;
use crate::line::Line;

const OPTIONS: [Name; 4] = [
    Name::TunPort,
    Name::TunNocsum,
    Name::TunCsum,
    Name::TunRemcsum,
];

/// What each type says to them, in that order; cells as in `legality`.
const fn cells(kind: TunnelType) -> (&'static str, [u8; 4]) {
    match kind {
        TunnelType::Gue => ("gue", *b"+111"),
        TunnelType::Gre => ("gre", *b".11."),
        TunnelType::Ipip | TunnelType::Other(_) => ("ipip", *b"...."),
    }
}

/// Checks the tunnel options of a line and puts them together.
pub(crate) fn resolve(line: &Line<'_>) -> Result<Tunnel, UsageError> {
    let given = line.given;
    if line.forwarding != ForwardingMethod::Tunnelling {
        if given.has(Name::TunType) || given.has_any(&OPTIONS) {
            return Err(UsageError::Value(
                "Tunnel options conflict with forward method",
            ));
        }
        return Ok(Tunnel::default());
    }
    check(line)?;
    let mut flags = TunnelFlags::default();
    if given.has(Name::TunCsum) {
        flags = TunnelFlags::CHECKSUM;
    } else if given.has(Name::TunRemcsum) {
        flags = TunnelFlags::REMOTE_CHECKSUM;
    }
    Ok(Tunnel {
        kind: line.tunnel_type,
        port: line.tunnel_port,
        flags,
    })
}

fn check(line: &Line<'_>) -> Result<(), UsageError> {
    let (kind, cells) = cells(line.tunnel_type);
    let mut checksum = None;
    for (name, cell) in OPTIONS.into_iter().zip(cells) {
        match (cell, line.given.has(name)) {
            (b'+', false) => return Err(UsageError::TunnelMissing(name, kind)),
            (b'.', true) => return Err(UsageError::TunnelIllegal(name, kind)),
            (b'1', true) => {
                if let Some(earlier) = checksum.replace(name) {
                    return Err(UsageError::TunnelConflict {
                        later: name,
                        earlier,
                        kind,
                    });
                }
            }
            _ => {}
        }
    }
    Ok(())
}
