//! The demonstration: a cluster lives through what clusters are built for, told as it happens.
//!
//! `lab demo` boots the lab and runs itself there; inside, [`play`] goes through the steps and ends
//! with a table. Exit status 0 only if every step held what it promises.

mod stage;
mod step;
mod steps;
mod summary;

use std::io::{self, Write};
use std::time::Instant;

use crate::cluster::{Cluster, Settings};
use crate::measure::{Owners, Stalls, Timeline};
use stage::Stage;

/// Names the file to which [`play`] writes its timeline as JSON lines; for `lab demo` the same as
/// `--timeline`.
pub const TIMELINE: &str = "CARIBE_TIMELINE";

/// Plays the demonstration in the lab; whether everything held.
///
/// # Errors
/// If the lab itself fails.
pub fn play(out: &mut dyn Write, colour: bool) -> io::Result<bool> {
    let mut timeline = Timeline::new(out, colour);
    Stalls::watch();
    introduce(&mut timeline)?;
    let cluster = Cluster::build(Settings::default())?;
    let owners = Owners::listen(cluster.site().host("watcher")?)?;
    let mut stage = Stage {
        cluster,
        owners,
        timeline,
    };
    let mut results = Vec::new();
    for step in steps::ALL {
        let begun = Instant::now();
        let mut result = step(&mut stage)?;
        result.close();
        stage.timeline.event(&result.basis())?;
        stage.tell_directors(begun)?;
        let stop = result.is_fatal();
        results.push(result);
        if stop {
            break;
        }
    }
    summary::print(&mut stage.timeline, &results)?;
    if let Some(file) = std::env::var_os(TIMELINE) {
        std::fs::write(file, stage.timeline.json_lines())?;
    }
    let good = results.len() == steps::ALL.len() && results.iter().all(step::Step::is_good);
    if !good {
        let words = stage.cluster.last_words();
        write!(stage.timeline.out(), "{words}")?;
    }
    Ok(good)
}

fn introduce(timeline: &mut Timeline<'_>) -> io::Result<()> {
    timeline.chapter("A load balancer that survives the loss of any one machine")?;
    writeln!(
        timeline.out(),
        "\n  client ───┐                     ┌─► rs1 (weight 1)\n\
         \x20           ├─► director-a ───────┤\n\
         \x20           │   10.9.0.100        ├─► rs2 (weight 2)\n\
         \x20           ├─► director-b ───────┤\n\
         \x20 watcher ──┘   (whoever is active) └─► rs3 (weight 3)\n\n\
         \x20 Seven machines, each a network namespace on one kernel with IPVS. The directors run\n\
         \x20 pulse (heartbeat, takeover), lvsd (the kernel's table) and a nanny for each real\n\
         \x20 server. The client asks the virtual address all the time and counts what is lost; the\n\
         \x20 watcher hears who announces that address.\n\
         \x20 Left: seconds since the start; beside it: since the last fault. After each step: how\n\
         \x20 often it looked and what it allows, what each director logged, what its pulse says."
    )
}
