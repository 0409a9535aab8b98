//! What the steps of the demonstration share.

use std::io;
use std::time::{Duration, Instant};

use crate::cluster::Cluster;
use crate::measure::{Owners, Requests, Timeline};

/// Time between two requests of the client.
const EVERY: Duration = Duration::from_millis(25);
/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(3);

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

    /// Tells what a director logged with one of `words` in it, at its own time.
    pub(super) fn tell_log(
        &mut self,
        director: &str,
        since: Instant,
        words: &[&str],
    ) -> io::Result<()> {
        let log = self.cluster.site().host(director)?.log();
        let lines = log.map(|log| log.lines()).unwrap_or_default();
        for line in lines.iter().filter(|line| line.at >= since) {
            if words.iter().any(|word| line.text.contains(word)) {
                self.timeline
                    .event_at(line.at, &format!("{director} logs: {}", line.text))?;
            }
        }
        Ok(())
    }
}
