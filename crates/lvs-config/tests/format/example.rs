//! The example file and the documents go with the tables.

use lvs_config::{EXTENSIONS, KEYWORDS, VALUES};

use crate::support::verdict;

const EXAMPLE: &str = include_str!("../../../../etc/lvs.cf.example");
const MANUAL: &str = include_str!("../../../../man/lvs.cf.5");
const DOCUMENT: &str = include_str!("../../../../docs/guide/lvs.cf-extensions.md");

#[test]
fn the_example_is_accepted_without_a_warning() {
    assert_eq!(verdict(EXAMPLE.as_bytes()), "ok");
}

/// Without the `# ` in front of each setting that the example leaves at its default.
#[test]
fn the_example_is_accepted_with_every_setting_switched_on() {
    let is_setting =
        |line: &str| line.contains(" = ") || line.ends_with('{') || line.ends_with('}');
    let all: String = EXAMPLE
        .lines()
        .map(|line| match line.trim_start().strip_prefix("#- ") {
            Some(setting) if is_setting(setting) => format!("{setting}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    assert_ne!(all, EXAMPLE);
    let verdict = verdict(all.as_bytes());
    assert!(verdict == "ok" || verdict.starts_with("warn"), "{verdict}");
}

#[test]
fn example_and_manual_explain_every_keyword() {
    for keyword in KEYWORDS {
        let name = keyword.name;
        assert!(
            EXAMPLE.contains(&format!("{name} =")),
            "example lacks {name}"
        );
        assert!(
            MANUAL.contains(&format!(".B {name}")),
            "manual lacks {name}"
        );
    }
}

#[test]
fn example_manual_and_document_have_every_extension() {
    let names: Vec<&str> = EXTENSIONS.iter().map(|row| row.name).collect();
    for name in &names {
        assert!(
            EXAMPLE.contains(&format!("{name} =")),
            "example lacks {name}"
        );
        assert!(
            MANUAL.contains(&format!(".B {name}\n")),
            "manual lacks {name}"
        );
    }
    let (_, section) = DOCUMENT.split_once("## Keywords").expect("the list");
    let (section, _) = section.split_once("\n## ").expect("its end");
    let entries = section.lines().filter_map(|line| line.strip_prefix("- `"));
    let listed: Vec<&str> = entries
        .filter_map(|entry| Some(entry.split_once('`')?.0))
        .collect();
    assert_eq!(listed, names);
    for row in VALUES {
        let entry = format!("`{} = {}`", row.keyword, row.value);
        assert!(DOCUMENT.contains(&entry), "document lacks {entry}");
    }
}
