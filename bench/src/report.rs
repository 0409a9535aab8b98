//! How a run is shown: a table for people, JSON for machines.

use std::io::{self, Write};

use crate::figure::{Figures, Unit};
use crate::goals::{Goal, number};
use crate::suite::{Column, Suite};

/// Everything that a run gave.
#[derive(Clone, Debug)]
pub struct Report {
    /// What was run.
    pub suite: &'static Suite,
    /// The values.
    pub figures: Figures,
    /// What else was to be said: the kernel, a candidate that failed.
    pub notes: Vec<String>,
}

impl Report {
    /// A report without anything yet.
    #[must_use]
    pub fn of(suite: &'static Suite) -> Self {
        Self {
            suite,
            figures: Figures::default(),
            notes: Vec::new(),
        }
    }

    /// Whether every goal is met.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.suite
            .goals
            .iter()
            .all(|goal| goal.judge(&self.figures).is_met())
    }

    /// Writes the table of values, then the goals.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_table(&self, out: &mut dyn Write) -> io::Result<()> {
        self.write_heading(out)?;
        for (what, unit) in self.figures.rows() {
            let columns = self.suite.columns.iter();
            let values: Vec<_> = columns.map(|it| self.value(it, what, unit)).collect();
            write!(out, "{what:<22} {:<15}", unit.to_string())?;
            for value in &values {
                write!(out, " {:>10}", count(*value))?;
            }
            if let Some((reference, others)) = values.split_first() {
                for value in others {
                    write!(out, " {:>17}", ratio(*value, *reference))?;
                }
            }
            writeln!(out)?;
        }
        writeln!(out, "{}", self.suite.remark)?;
        for note in &self.notes {
            writeln!(out, "note: {note}")?;
        }
        writeln!(out)?;
        let mut goals = self.suite.goals.iter();
        goals.try_for_each(|goal| self.write_goal(out, goal))
    }

    /// What is in a column of a row.
    fn value(&self, column: &Column, what: &str, unit: Unit) -> Option<u64> {
        let mut subjects = column.subjects.iter();
        subjects.find_map(|subject| self.figures.get(what, unit, *subject))
    }

    fn write_heading(&self, out: &mut dyn Write) -> io::Result<()> {
        write!(out, "{:<22} {:<15}", "what", "unit")?;
        for column in self.suite.columns {
            write!(out, " {:>10}", column.heading)?;
        }
        if let Some((reference, others)) = self.suite.columns.split_first() {
            for column in others {
                let title = format!("{}/{}", column.heading, reference.heading);
                write!(out, " {title:>17}")?;
            }
        }
        writeln!(out)
    }

    fn write_goal(&self, out: &mut dyn Write, goal: &Goal) -> io::Result<()> {
        let standing = goal.judge(&self.figures);
        let word = match standing.reached {
            None => "NOT MEASURED",
            Some(_) if standing.is_met() => "met",
            Some(_) => "MISSED",
        };
        let reached = standing.reached.map_or_else(|| "-".into(), shortest);
        let limit = shortest(standing.limit);
        writeln!(
            out,
            "{:<50} {reached:>9}  goal {limit:>6}  {word}",
            goal.title
        )
    }

    /// Writes everything as one JSON object.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        let figures: Vec<String> = self
            .figures
            .0
            .iter()
            .map(|it| {
                format!(
                    "{{\"what\":{},\"subject\":\"{}\",\"unit\":\"{}\",\"value\":{}}}",
                    quoted(&it.what),
                    it.subject,
                    it.unit,
                    it.value
                )
            })
            .collect();
        let goals: Vec<String> = self
            .suite
            .goals
            .iter()
            .map(|goal| {
                let standing = goal.judge(&self.figures);
                format!(
                    "{{\"goal\":{},\"limit\":{},\"reached\":{},\"met\":{}}}",
                    quoted(goal.title),
                    standing.limit,
                    standing
                        .reached
                        .map_or_else(|| "null".into(), |it| it.to_string()),
                    standing.is_met()
                )
            })
            .collect();
        let notes: Vec<String> = self.notes.iter().map(|note| quoted(note)).collect();
        writeln!(
            out,
            "{{\n\"figures\":[\n{}\n],\n\"goals\":[\n{}\n],\n\"notes\":[{}]\n}}",
            figures.join(",\n"),
            goals.join(",\n"),
            notes.join(",")
        )
    }
}

fn count(value: Option<u64>) -> String {
    value.map_or_else(|| "-".into(), |value| value.to_string())
}

fn ratio(own: Option<u64>, peer: Option<u64>) -> String {
    match own.zip(peer) {
        Some((own, peer @ 1..)) => format!("{:.3}", number(own) / number(peer)),
        _ => "-".into(),
    }
}

/// Three places, without zeros at the end.
fn shortest(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').into()
}

/// A JSON string.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\0'..='\u{1f}' => quoted.push_str(&format!("\\u{:04x}", u32::from(character))),
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::TABLES;

    fn report() -> Report {
        Report {
            suite: &TABLES,
            figures: Figures(vec![
                "figure start c k-instructions 2000".parse().unwrap(),
                "figure start candidate k-instructions 500".parse().unwrap(),
            ]),
            notes: vec!["a \"note\"".into()],
        }
    }

    #[test]
    fn the_table_has_the_ratio_and_every_goal() {
        let mut out = Vec::new();
        report().write_table(&mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("0.250"), "{text}");
        assert!(text.contains("0.25  goal    0.6  met"), "{text}");
        assert_eq!(text.matches("NOT MEASURED").count(), TABLES.goals.len() - 1);
    }

    #[test]
    fn text_in_json_is_quoted() {
        let mut out = Vec::new();
        report().write_json(&mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains(r#""notes":["a \"note\""]"#), "{text}");
    }

    #[test]
    fn a_run_with_a_missing_value_is_not_good() {
        assert!(!report().is_good());
    }
}
