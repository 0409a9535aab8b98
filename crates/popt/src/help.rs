//! popt's `--help` and `--usage`, printed from the option table. Programs print what comes out here.

use std::fmt::Write as _;

use crate::table::{Row, Table, Takes};

/// Columns of a line: popt's answer when it is not writing to a terminal.
const COLUMNS: usize = 79;

/// Text of `--help`: one line an option, the explanations wrapped in a column of their own.
///
/// `program` is the last part of the name it was called by.
#[must_use]
pub fn help<K: Copy>(program: &str, table: &Table<K>) -> String {
    let mut text = format!("Usage: {program} [OPTION...]\n");
    let widest = table.all().map(|row| left(row).chars().count()).max();
    let column = widest.unwrap_or_default() + 7;
    for row in table.rows {
        help_line(&mut text, row, column);
    }
    if !table.help_rows.is_empty() {
        text.push_str("\nHelp options:\n");
        for row in table.help_rows {
            help_line(&mut text, row, column);
        }
    }
    text
}

/// Text of `--version` as Piranha's programs print it: three lines. The second says what the release
/// is instead of a build date, which would make every build another file.
#[must_use]
pub fn version(program: &str, release: &str) -> String {
    format!(
        "Program Version:\t{program} {release}\nBuilt:\t\t\trelease {release}\nA component of:\t\tcaribe-{release}\n"
    )
}

/// Text of `--usage`: every option once, in as few lines as possible.
#[must_use]
pub fn usage<K: Copy>(program: &str, table: &Table<K>) -> String {
    let mut text = format!("Usage: {program}");
    let mut cursor = text.chars().count();
    let letters: String = table
        .all()
        .filter(|row| row.takes == Takes::Nothing)
        .filter_map(|row| row.letter)
        .collect();
    if !letters.is_empty() {
        let item = format!(" [-{letters}]");
        cursor += item.len();
        text.push_str(&item);
    }
    for row in table.all() {
        let item = usage_item(row);
        if cursor + item.len() + 1 > COLUMNS {
            text.push_str("\n       ");
            cursor = 7;
        }
        text.push(' ');
        text.push_str(&item);
        cursor += item.len() + 1;
    }
    text.push('\n');
    text
}

fn usage_item<K: Copy>(row: &Row<K>) -> String {
    let mut item = String::from("[");
    if let Some(letter) = row.letter {
        item.extend(['-', letter]);
    }
    if let Some(long) = row.long {
        item.push_str(if row.letter.is_some() { "|--" } else { "--" });
        item.push_str(long);
    }
    if let Some(name) = value_name(row) {
        item.push(if row.long.is_some() { '=' } else { ' ' });
        item.push_str(name);
    }
    item.push(']');
    item
}

/// The option itself: `-c, --configfile=FILE`.
fn left<K: Copy>(row: &Row<K>) -> String {
    let mut text = match (row.letter, row.long) {
        (Some(letter), Some(long)) => format!("-{letter}, --{long}"),
        (Some(letter), None) => format!("-{letter}"),
        (None, Some(long)) => format!("    --{long}"),
        (None, None) => String::new(),
    };
    if let Some(name) = value_name(row) {
        let equals = if row.long.is_some() { "=" } else { " " };
        if row.takes == Takes::OptionalText {
            let _ = write!(text, "[{equals}{name}]");
        } else {
            let _ = write!(text, "{equals}{name}");
        }
    }
    text
}

fn value_name<K: Copy>(row: &Row<K>) -> Option<&'static str> {
    (row.takes != Takes::Nothing).then_some(row.value_name.unwrap_or("STRING"))
}

fn help_line<K: Copy>(text: &mut String, row: &Row<K>, column: usize) {
    let left = left(row);
    if row.help.is_empty() {
        let _ = writeln!(text, "  {left}");
        return;
    }
    let _ = write!(text, "  {left:<width$}", width = column.saturating_sub(2));
    let mut rest = row.help;
    while let Some((line, behind)) = break_line(rest, COLUMNS.saturating_sub(column)) {
        let _ = write!(text, "{line}\n{:column$}", "");
        rest = behind;
    }
    text.push_str(rest);
    text.push('\n');
}

/// Cuts `text` at the last blank that fits `width`; `None` if it fits whole or has no such blank.
fn break_line(text: &str, width: usize) -> Option<(&str, &str)> {
    if text.len() <= width {
        return None;
    }
    let fitting = text.get(..width)?;
    let at = fitting.rfind(' ').filter(|&at| at > 0)?;
    let (line, behind) = text.split_at(at);
    Some((line.trim_end(), behind.trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::help_rows;

    /// Printed by libpopt 1.19 for the same table.
    const HELP: &str = "\
Usage: prog [OPTION...]
  -c, --configfile=STRING                         Configuration file
  -n, --nodaemon                                  Run in the foreground and
                                                  log to standard output,
                                                  never to the system log at
                                                  all; a long text that must
                                                  wrap
      --nofork                                    Do not fork
  -v, --verbose                                   Verbose
  -p, --port=PORT                                 Port
  -z, --a-very-long-option-name-indeed=STRING     Something long
  -q                                              only short
  -Q INT                                          only short int
  -o, --opt[=STRING]                              optional
  -x, --nohelp

Help options:
  -?, --help                                      Show this help message
      --usage                                     Display brief usage message
";

    /// Printed by libpopt 1.19 for the same table.
    const USAGE: &str = "\
Usage: prog [-nvqx?] [-c|--configfile=STRING] [-n|--nodaemon] [--nofork]
        [-v|--verbose] [-p|--port=PORT]
        [-z|--a-very-long-option-name-indeed=STRING] [-q] [-Q INT]
        [-o|--opt=STRING] [-x|--nohelp] [-?|--help] [--usage]
";

    const TABLE: Table<()> = Table {
        rows: &[
            Row::new((), "configfile")
                .letter('c')
                .takes(Takes::Text, "STRING")
                .help("Configuration file"),
            Row::new((), "nodaemon").letter('n').help(
                "Run in the foreground and log to standard output, never to the system log at \
                 all; a long text that must wrap",
            ),
            Row::new((), "nofork").help("Do not fork"),
            Row::new((), "verbose").letter('v').help("Verbose"),
            Row::new((), "port")
                .letter('p')
                .takes(Takes::Number, "PORT")
                .help("Port"),
            Row::new((), "a-very-long-option-name-indeed")
                .letter('z')
                .takes(Takes::Text, "STRING")
                .help("Something long"),
            Row::only_letter((), 'q').help("only short"),
            Row::only_letter((), 'Q')
                .takes(Takes::Number, "INT")
                .help("only short int"),
            Row::new((), "opt")
                .letter('o')
                .takes(Takes::OptionalText, "STRING")
                .help("optional"),
            Row::new((), "nohelp").letter('x'),
        ],
        help_rows: &help_rows((), ()),
    };

    #[test]
    fn help_is_laid_out_as_popt_does_it() {
        assert_eq!(help("prog", &TABLE), HELP);
    }

    #[test]
    fn usage_is_laid_out_as_popt_does_it() {
        assert_eq!(usage("prog", &TABLE), USAGE);
    }

    /// Whatever their lengths: no line is too long, and none ends while the next item had room.
    #[test]
    fn usage_fills_its_lines_and_no_more() {
        for length in 1..40 {
            let name = |count: usize| -> &'static str { "x".repeat(count).leak() };
            let rows: Vec<_> = (0..12).map(|n| Row::new((), name(length + n))).collect();
            let table = Table {
                rows: rows.leak(),
                help_rows: &[],
            };
            for program in ["p", "program", "a-program-of-a-longer-name"] {
                let text = usage(program, &table);
                let lines: Vec<&str> = text.lines().collect();
                assert!(lines.iter().all(|line| line.len() <= COLUMNS), "{text}");
                for two in lines.windows(2) {
                    let next = two[1].split_whitespace().next().unwrap();
                    assert!(two[0].len() + 1 + next.len() > COLUMNS, "{text}");
                }
            }
        }
    }

    #[test]
    fn the_version_has_the_originals_three_lines() {
        let text = version("prog", "1.2.3");
        let fields: Vec<(&str, &str)> = text
            .lines()
            .filter_map(|line| line.split_once('\t'))
            .map(|(label, value)| (label, value.trim_start_matches('\t')))
            .collect();
        let expected = [
            ("Program Version:", "prog 1.2.3"),
            ("Built:", "release 1.2.3"),
            ("A component of:", "caribe-1.2.3"),
        ];
        assert_eq!(fields, expected);
    }

    #[test]
    fn a_line_breaks_at_the_last_blank_that_fits() {
        assert_eq!(break_line("some words of text", 18), None);
        assert_eq!(
            break_line("some words of text here", 19),
            Some(("some words of text", "here"))
        );
        assert_eq!(
            break_line("some words of text here", 18),
            Some(("some words of", "text here"))
        );
        assert_eq!(break_line("averylongword", 5), None);
        // Nothing would stand in front of the break.
        assert_eq!(break_line(" averylongword", 5), None);
    }
}
