//! Lists the kernel's table, as `ipvsadm -S -n` does, and counts what it took.
//!
//! `cargo run -p ipvs --example list`, as root.

use std::io::{self, Write};

use ipvs::{Ipvs, NetlinkIpvs};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut table = NetlinkIpvs::open_or_load("/sbin/modprobe".as_ref())?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    for entry in table.services()? {
        let service = entry.service;
        writeln!(out, "-A {service}")?;
        let mut written = Ok(());
        table.each_destination(&service.key, &mut |entry| {
            if written.is_ok() {
                written = writeln!(out, "-a {} {}", service.key, entry.destination);
            }
        })?;
        written?;
    }
    let calls = table.calls();
    writeln!(out, "# {} sends, {} receives", calls.sends, calls.receives)?;
    out.flush()?;
    Ok(())
}
