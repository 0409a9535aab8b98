//! Events with their time, told as they happen and kept for a file of JSON lines.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::time::{Duration, Instant};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Since the timeline's start.
    pub at: Duration,
    /// Since the last fault before it.
    pub after_fault: Option<Duration>,
    /// In words.
    pub text: String,
}

/// Tells events as they come.
pub struct Timeline<'a> {
    out: &'a mut dyn Write,
    colour: bool,
    start: Instant,
    fault: Option<Instant>,
    events: Vec<Event>,
}

const BOLD: &str = "\x1b[1m";
const RED: &str = "\x1b[31m";
const DIM: &str = "\x1b[2m";
const PLAIN: &str = "\x1b[0m";

impl<'a> Timeline<'a> {
    /// A timeline that starts now and tells its events to `out`.
    pub fn new(out: &'a mut dyn Write, colour: bool) -> Self {
        Self {
            out,
            colour,
            start: Instant::now(),
            fault: None,
            events: Vec::new(),
        }
    }

    /// Opens a chapter; times since a fault end with the last one.
    ///
    /// # Errors
    /// If the output cannot be written.
    pub fn chapter(&mut self, title: &str) -> io::Result<()> {
        self.fault = None;
        let (on, off) = self.marks(BOLD);
        writeln!(self.out, "\n{on}{title}{off}")?;
        self.out.flush()
    }

    /// A fault, now: the times of what follows are counted from here.
    ///
    /// # Errors
    /// If the output cannot be written.
    pub fn fault(&mut self, text: &str) -> io::Result<Instant> {
        let now = Instant::now();
        self.fault_at(now, text)?;
        Ok(now)
    }

    /// A fault that came at `at`.
    ///
    /// # Errors
    /// If the output cannot be written.
    pub fn fault_at(&mut self, at: Instant, text: &str) -> io::Result<()> {
        self.fault = Some(at);
        self.tell(at, text, RED)
    }

    /// Something that happened at `at`.
    ///
    /// # Errors
    /// If the output cannot be written.
    pub fn event_at(&mut self, at: Instant, text: &str) -> io::Result<()> {
        self.tell(at, text, "")
    }

    /// Something that happened now.
    ///
    /// # Errors
    /// If the output cannot be written.
    pub fn event(&mut self, text: &str) -> io::Result<()> {
        self.tell(Instant::now(), text, "")
    }

    /// What has happened so far.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// Where a table or another text goes.
    pub fn out(&mut self) -> &mut dyn Write {
        self.out
    }

    /// Whether colours are wanted.
    #[must_use]
    pub fn colour(&self) -> bool {
        self.colour
    }

    /// One JSON object a line: `at_ms`, `after_fault_ms` (or null), `text`.
    #[must_use]
    pub fn json_lines(&self) -> String {
        let mut text = String::new();
        for event in &self.events {
            let after = event
                .after_fault
                .map_or("null".into(), |after| after.as_millis().to_string());
            let at = event.at.as_millis();
            let words = json_string(&event.text);
            text.push_str(&format!(
                "{{\"at_ms\":{at},\"after_fault_ms\":{after},\"text\":{words}}}\n"
            ));
        }
        text
    }

    fn tell(&mut self, at: Instant, text: &str, mark: &'static str) -> io::Result<()> {
        let event = Event {
            at: at.saturating_duration_since(self.start),
            after_fault: self.fault.map(|fault| at.saturating_duration_since(fault)),
            text: text.into(),
        };
        let (dim, plain) = self.marks(DIM);
        let (on, off) = if mark.is_empty() {
            ("", "")
        } else {
            self.marks(mark)
        };
        let after = event.after_fault.map_or_else(
            || " ".repeat(11),
            |after| format!("{:>+9.3} s", after.as_secs_f64()),
        );
        let at = event.at.as_secs_f64();
        writeln!(
            self.out,
            "{dim}{at:>8.3} s{plain} {dim}{after}{plain}  {on}{text}{off}"
        )?;
        self.out.flush()?;
        self.events.push(event);
        Ok(())
    }

    fn marks(&self, mark: &'static str) -> (&'static str, &'static str) {
        if self.colour { (mark, PLAIN) } else { ("", "") }
    }
}

fn json_string(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c < ' ' => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_counted_from_the_fault() {
        let mut told = Vec::new();
        let mut timeline = Timeline::new(&mut told, false);
        timeline.event("quiet").unwrap();
        let fault = timeline.fault("rs1 \"dies\"").unwrap();
        timeline
            .event_at(fault + Duration::from_millis(1500), "rs1 is out")
            .unwrap();
        let lines = timeline.json_lines();
        assert!(lines.contains("\"after_fault_ms\":null,\"text\":\"quiet\""));
        assert!(lines.contains("\"text\":\"rs1 \\\"dies\\\"\""));
        assert!(lines.contains("\"after_fault_ms\":1500"));
        let told = String::from_utf8(told).unwrap();
        assert!(
            told.lines()
                .last()
                .unwrap()
                .ends_with("   +1.500 s  rs1 is out"),
            "{told}"
        );
        assert!(!told.contains('\x1b'));
    }
}
