//! The table at the end.

use std::io;

use super::step::Step;
use crate::measure::Timeline;

/// Prints one line a step and what is to be said about it.
pub(super) fn print(timeline: &mut Timeline<'_>, steps: &[Step]) -> io::Result<()> {
    timeline.chapter("Summary")?;
    let colour = timeline.colour();
    let out = timeline.out();
    writeln!(
        out,
        "{:<36} {:>8} {:>8} {:>7} {:>6} {:>9} {:>5} {:>12}  verdict",
        "step", "time", "stood", "target", "looks", "requests", "lost", "longest gap"
    )?;
    for step in steps {
        let time = step
            .took
            .map_or("-".into(), |took| format!("{:.2} s", took.as_secs_f64()));
        let stood = step
            .took
            .map_or("-".into(), |_| format!("{:.2} s", step.stood.as_secs_f64()));
        let target = step.target.map_or("-".into(), |target| {
            format!("{:.0} s", target.as_secs_f64())
        });
        writeln!(
            out,
            "{:<36} {time:>8} {stood:>8} {target:>7} {:>6} {:>9} {:>5} {:>9} ms  {}",
            step.name,
            step.looks,
            step.account.sent,
            step.account.lost,
            step.account.longest_gap.as_millis(),
            verdict(step.is_good(), colour)
        )?;
    }
    writeln!(
        out,
        "stood: what the machine took from the demonstration meanwhile; it is not in the time."
    )?;
    for step in steps {
        for failure in &step.failures {
            writeln!(out, "{}: {failure}", step.name)?;
        }
    }
    out.flush()
}

fn verdict(good: bool, colour: bool) -> &'static str {
    match (good, colour) {
        (true, true) => "\x1b[32mok\x1b[0m",
        (true, false) => "ok",
        (false, true) => "\x1b[1;31mFAILED\x1b[0m",
        (false, false) => "FAILED",
    }
}
