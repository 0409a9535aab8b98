//! The messages that a file full of mistakes gets, in one run.

use crate::support::read_text;

#[test]
fn one_run_reports_every_mistake_in_file_order() {
    let refusal = read_text(include_bytes!("mistakes.cf")).expect_err("refused");
    let lines = refusal
        .findings
        .iter()
        .map(|f| f.in_file("mistakes.cf") + "\n");
    assert_eq!(lines.collect::<String>(), include_str!("mistakes.txt"));
    assert_eq!(refusal.line(), 1);
}
