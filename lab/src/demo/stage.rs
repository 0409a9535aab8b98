//! What the steps of the demonstration share.

use std::io;
use std::time::{Duration, Instant};

use crate::cluster::{Cluster, PulseReport, TransitionStatus};
use crate::measure::{Owners, Requests, Timeline};
use crate::topology::{DIRECTORS, SystemLog};

/// Time between two requests of the client.
const EVERY: Duration = Duration::from_millis(25);
/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// Lines shown of the beginning, and of the end, of what a director logs in a step.
const LOG_LINES: usize = 6;

/// The cluster, the watcher and the voice.
pub(super) struct Stage<'a> {
    pub(super) cluster: Cluster,
    pub(super) owners: Owners,
    pub(super) timeline: Timeline<'a>,
}

impl Stage<'_> {
    /// A client that begins to ask.
    pub(super) fn client(&self) -> io::Result<Requests> {
        Requests::start(
            self.cluster.client()?,
            self.cluster.target(),
            EVERY,
            PATIENCE,
        )
    }

    /// The active director; without one there is nothing to show.
    pub(super) fn active(&self) -> io::Result<&'static str> {
        self.cluster
            .active()?
            .ok_or_else(|| io::Error::other("not exactly one director holds the virtual address"))
    }

    /// Waits and lets the client ask.
    pub(super) fn let_ask(&self, time: Duration) {
        std::thread::sleep(time);
    }

    /// Tells what an administrator finds on each director after a step: what its pulse says of itself, and
    /// what the step put into its log.
    pub(super) fn tell_directors(&mut self, since: Instant) -> io::Result<()> {
        for director in DIRECTORS {
            self.tell_log(director, since)?;
            let status = match self.cluster.report(director)? {
                Some(report) => status_line(&report, since.elapsed()),
                None => "nobody answers".into(),
            };
            let text = format!("{director}, pulse --status: {status}");
            self.timeline.event(&text)?;
        }
        Ok(())
    }

    /// The beginning and the end of what a director logged, each line at its own time.
    fn tell_log(&mut self, director: &str, since: Instant) -> io::Result<()> {
        let log = self.cluster.site().host(director)?.log();
        let mut lines = log.map(SystemLog::lines).unwrap_or_default();
        lines.retain(|line| line.at >= since);
        let left_out = lines.len().saturating_sub(2 * LOG_LINES);
        for (number, line) in lines.iter().enumerate() {
            if left_out > 0 && number == LOG_LINES {
                let text = format!("{director} logs {left_out} lines more");
                self.timeline.event_at(line.at, &text)?;
            }
            if number < LOG_LINES || number >= LOG_LINES + left_out {
                let text = format!("{director} logs: {}", line.text);
                self.timeline.event_at(line.at, &text)?;
            }
        }
        Ok(())
    }
}

/// What says who owns the address, and which changes came within the time, when and why.
fn status_line(report: &PulseReport, within: Duration) -> String {
    let mut text = report.pulse.summary();
    for path in &report.paths {
        let heard = path
            .age
            .map_or("never heard".into(), |age| format!("heard {age:.1} s ago"));
        text.push_str(&format!("; {} path {heard}", path.path));
    }
    let recent = |change: &&TransitionStatus| change.age <= within.as_secs_f64();
    for change in report.transitions.iter().filter(recent) {
        let silence = change.silence.as_ref();
        let silence = silence.map(|silence| format!(" ({silence})"));
        text.push_str(&format!(
            "; {:.1} s ago {} -> {}: {}{}",
            change.age,
            change.from,
            change.to,
            change.reason,
            silence.unwrap_or_default()
        ));
    }
    text
}
