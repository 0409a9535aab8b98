//! What manual and document say of each keyword is what the tables and the code have: its place, its
//! range, its default.

use std::collections::BTreeSet;

use lvs_config::{Config, EXTENSIONS, KEYWORDS, Keyword, Kind, Place, read};

use crate::support::Names;

const MANUAL: &str = include_str!("../../../../man/lvs.cf.5");
const DOCUMENT: &str = include_str!("../../../../docs/guide/lvs.cf-extensions.md");

/// Their entries say that they are the same as the one above.
const LIKE_ANOTHER: [&str; 2] = ["tcpfin_timeout", "udp_timeout"];
/// Without effect in either block, explained in one of them.
const OF_NO_USE: [&str; 2] = ["master", "dirs"];

/// The part of the manual about a place.
fn part(place: Place) -> &'static str {
    let heading = match place {
        Place::Global => ".SH GLOBAL STATEMENTS\n",
        Place::Virtual => ".SH STATEMENTS OF A VIRTUAL BLOCK\n",
        Place::Failover => ".SH STATEMENTS OF A FAILOVER BLOCK\n",
        Place::Server => ".SH STATEMENTS OF A SERVER BLOCK\n",
    };
    let (_, part) = MANUAL.split_once(heading).expect(heading);
    part.split("\n.SH ").next().unwrap_or_default()
}

/// What the manual says of a keyword at a place.
fn entry(name: &str, place: Place) -> Option<&'static str> {
    let (_, entry) = part(place).split_once(&format!(".TP\n.B {name}\n"))?;
    entry.split("\n.TP\n").next()
}

/// Each keyword at each of its places.
pub fn rows() -> impl Iterator<Item = (&'static Keyword, Place)> {
    let rows = KEYWORDS.iter().chain(EXTENSIONS);
    rows.flat_map(|row| row.places.iter().map(move |place| (row, *place)))
}

/// Both bounds as they are written; none for a number without one.
pub fn range(kind: Kind) -> Option<[String; 2]> {
    match kind {
        Kind::Integer { min, max } => Some([min, max].map(|bound| bound.to_string())),
        Kind::Seconds { min, max } => {
            let seconds = |milliseconds: u64| {
                let number = u32::try_from(milliseconds).expect("bound");
                (f64::from(number) / 1000.0).to_string()
            };
            Some([min, max].map(seconds))
        }
        _ => None,
    }
}

/// Whether the keyword does something at the place.
fn has_effect(name: &str, place: Place) -> bool {
    rows().any(|(row, there)| (row.name, there) == (name, place) && !row.idle.contains(&place))
}

#[test]
fn the_manual_explains_each_keyword_at_its_place() {
    for (row, _) in rows() {
        let name = row.name;
        for place in [Place::Global, Place::Virtual, Place::Server] {
            let is_explained = entry(name, place).is_some();
            assert_eq!(is_explained, has_effect(name, place), "{name} {place:?}");
        }
        let mut lines = part(Place::Failover).lines();
        let is_named = lines.any(|line| {
            let mut words = line.split_ascii_whitespace();
            let is_bold = words.next().is_some_and(|word| word.starts_with(".B"));
            is_bold && words.next() == Some(name)
        });
        let is_used = has_effect(name, Place::Failover) && !OF_NO_USE.contains(&name);
        assert_eq!(is_named, is_used, "{name} in a failover block");
    }
}

#[test]
fn the_manual_has_each_range() {
    let mut count = 0;
    for (row, place) in rows() {
        let Some(text) = entry(row.name, place) else {
            continue;
        };
        let (Some([min, max]), false) = (range(row.kind), LIKE_ANOTHER.contains(&row.name)) else {
            continue;
        };
        // Only whether it is 0 counts; the other threshold is its bound; 0 is no mark.
        let is_open = ["monitor_links", "lower_threshold"].contains(&row.name);
        let min = if row.name == "fwmark" { "1" } else { &min };
        let said = [format!("{min} to {max}"), format!("up to {max}")];
        let has_range = said.iter().any(|range| text.contains(range.as_str()));
        assert!(is_open || has_range, "{} {place:?}: {said:?}", row.name);
        count += 1;
    }
    assert!(count >= 18, "{count} ranges");
}

/// The value that the text calls the default: `Default X.`, `X (default)`.
fn default(text: &str) -> Option<String> {
    let words = text.split_ascii_whitespace();
    let words: Vec<&str> = words.filter(|word| !word.starts_with('.')).collect();
    words.windows(2).find_map(|pair| match pair {
        ["Default", value] => Some(value.trim_end_matches(['.', ',']).to_owned()),
        [value, mark] if mark.starts_with("(default)") => Some((*value).to_owned()),
        _ => None,
    })
}

/// A file with `line` at that place, where everything that may depend on it is in force.
pub fn with(place: Place, line: &str) -> Config {
    let [global, in_virtual, in_failover, in_server] = [
        Place::Global,
        Place::Virtual,
        Place::Failover,
        Place::Server,
    ]
    .map(|there| if there == place { line } else { "# nothing" });
    let text = format!(
        "syncdaemon = 1\n{global}\n\
         virtual v {{\nactive = 1\naddress = 192.0.2.1 eth0\n{in_virtual}\n\
         server s {{\nactive = 1\naddress = 192.0.2.2\n{in_server}\n}}\n}}\n\
         failover f {{\nactive = 1\naddress = 192.0.2.3 eth0\nstart_cmd = /bin/x\nstop_cmd = /bin/y\n\
         {in_failover}\n}}\n"
    );
    let loaded = read(text.as_bytes(), &mut Names::default());
    loaded
        .unwrap_or_else(|refusal| panic!("{line}: {refusal}"))
        .config
}

#[test]
fn the_default_that_the_manual_names_changes_nothing() {
    let mut count = 0;
    for (row, place) in rows() {
        let Some(value) = entry(row.name, place).and_then(default) else {
            continue;
        };
        let line = format!("{} = {value}", row.name);
        let given = with(place, &line);
        let not_given = with(place, "# nothing");
        // The kernel's synchronisation is switched on for the sake of its other settings; a word for
        // the load is kept as it is written.
        if !["syncdaemon", "load_monitor"].contains(&row.name) {
            assert_eq!(given, not_given, "{line}");
        }
        count += 1;
    }
    assert!(count >= 25, "{count} defaults");
}

/// Keyword, place, value and default of each entry of the document: ``- `KEYWORD` (PLACE): VALUE; default DEFAULT.``
fn entries() -> Vec<[&'static str; 4]> {
    let (_, section) = DOCUMENT.split_once("## Keywords").expect("the list");
    let (section, _) = section.split_once("\n## ").expect("its end");
    let lines = section
        .lines()
        .filter_map(|line| line.strip_prefix("- `")?.strip_suffix('.'));
    lines.map(|line| entry_of(line).expect(line)).collect()
}

fn entry_of(line: &'static str) -> Option<[&'static str; 4]> {
    let (name, rest) = line.split_once("` (")?;
    let (place, rest) = rest.split_once("): ")?;
    let (value, default) = rest.split_once("; default ")?;
    Some([name, place, value, default])
}

#[test]
fn the_document_has_place_value_and_default_of_each_extension() {
    let entries = entries();
    let listed: BTreeSet<&str> = entries.iter().map(|[name, ..]| *name).collect();
    let known: BTreeSet<&str> = EXTENSIONS.iter().map(|row| row.name).collect();
    let missing: Vec<_> = known.difference(&listed).collect();
    let unknown: Vec<_> = listed.difference(&known).collect();
    assert!(
        missing.is_empty() && unknown.is_empty(),
        "the document lacks {missing:?}, the table {unknown:?}"
    );
    assert_eq!(entries.len(), listed.len(), "an entry stands twice");
    for entry in entries {
        let [name, shown_place, shown_value, shown_default] = entry;
        let row = EXTENSIONS.iter().find(|row| row.name == name).expect(name);
        let place = row.places[0];
        let shown = match place {
            Place::Global => "outside blocks",
            Place::Virtual => "virtual",
            Place::Failover => "failover",
            Place::Server => "server",
        };
        assert_eq!(shown_place, shown, "{name}");
        let value = match (row.kind, range(row.kind)) {
            // The other threshold is its bound.
            _ if row.name == "lower_threshold" => None,
            (Kind::Seconds { .. }, Some([min, max])) => Some(format!("seconds, {min} to {max}")),
            (_, Some([min, max])) => Some(format!("{min} to {max}")),
            (Kind::Bool, _) => Some("0, 1".to_owned()),
            (Kind::Choice(words), _) => Some(format!("`{}`", words.join("`, `"))),
            _ => None,
        };
        assert!(value.is_none_or(|value| value == shown_value), "{entry:?}");
        let default = shown_default.split(',').next().unwrap_or_default();
        let is_value =
            default.starts_with('`') || default.starts_with(|c: char| c.is_ascii_digit());
        if is_value && row.name != "forward" {
            let line = format!("{} = {}", row.name, default.trim_matches('`'));
            assert_eq!(with(place, &line), with(place, "# nothing"), "{line}");
        }
    }
}
