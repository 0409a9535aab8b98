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
        "{:<36} {:>9} {:>9} {:>9} {:>5} {:>12}  verdict",
        "step", "time", "target", "requests", "lost", "longest gap"
    )?;
    for step in steps {
        let time = step
            .took
            .map_or("-".into(), |took| format!("{:.2} s", took.as_secs_f64()));
        let target = step.target.map_or("-".into(), |target| {
            format!("{:.0} s", target.as_secs_f64())
        });
        writeln!(
            out,
            "{:<36} {time:>9} {target:>9} {:>9} {:>5} {:>9} ms  {}",
            step.name,
            step.account.sent,
            step.account.lost,
            step.account.longest_gap.as_millis(),
            verdict(step.is_good(), colour)
        )?;
    }
    for step in steps {
        for failure in step.failures.iter().chain(&step.remarks) {
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
