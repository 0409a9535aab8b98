//! The fences between the rooms (docs/internals/architecture.md): who may use whom, who may do I/O, who may
//! write `unsafe`.
//!
//! What cargo resolves is checked, not what the manifests seem to say.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Rooms that decide: no I/O, no clock, no environment.
const PURE: [&str; 8] = [
    "control",
    "director",
    "healthcheck",
    "heartbeat",
    "kernel-wire",
    "lvs-config",
    "lvs-model",
    "popt",
];

/// Machines that must not know each other.
const MACHINES: [&str; 3] = ["director", "healthcheck", "heartbeat"];

/// Rooms that do.
const SHELL: [&str; 6] = [
    "config-file",
    "daemon",
    "ipvs",
    "link",
    "lvs-sys",
    "netlink",
];

/// Rooms that no program and no other room may use outside its tests.
const TESTS: [&str; 6] = [
    "caribe-bench",
    "caribe-lab",
    "caribe-tests",
    "caribe-uml-xstate",
    "testkit",
    "xtask",
];

/// Crates of the registry that do I/O: not even behind another crate in a pure room.
const IO_CRATES: [&str; 3] = ["libc", "nix", "signal-hook"];

/// The only rooms with `unsafe`: one for the programs, one that the lab preloads into the kernel
/// it boots and that no program links.
const UNSAFE: [&str; 2] = ["lvs-sys", "uml-xstate"];

/// Where the rooms lie.
const FOLDERS: [&str; 3] = ["crates", "bin", "lab"];
/// Rooms that lie alone.
const SINGLE: [&str; 4] = ["bench", "lab", "tests", "xtask"];

/// What each pure room's clippy.toml has to name; it replaces the root's, so both sets.
const CLIPPY: [&str; 9] = [
    "std::println",
    "std::eprintln",
    "std::time::Instant::now",
    "std::time::SystemTime::now",
    "std::thread::sleep",
    "std::env::var",
    "std::net::UdpSocket",
    "std::fs::File",
    "std::process::Command",
];

/// Checks every fence of the workspace at `root`; one line for each breach.
///
/// # Errors
/// cargo could not be run or did not understand the workspace; a manifest could not be read.
pub fn check(root: &Path) -> io::Result<Vec<String>> {
    let edges = parse_trees(&tree(root, &["--workspace", "--depth", "1"])?);
    let mut breaches = breaches_of_edges(&edges);
    for room in PURE {
        // With what only other programs ask for.
        let all = parse_trees(&tree(root, &["-p", room, "--all-features"])?);
        let reached = all.get(room).map(Vec::as_slice).unwrap_or_default();
        breaches.extend(breaches_of_pure(room, reached));
        let clippy = std::fs::read_to_string(root.join("crates").join(room).join("clippy.toml"));
        breaches.extend(breaches_of_clippy(room, &clippy.unwrap_or_default()));
    }
    for room in rooms(root)? {
        let src = room.join("src");
        if src.is_dir() {
            let name = room.strip_prefix(root).unwrap_or(&room);
            breaches.extend(crate::circles::check(&name.to_string_lossy(), &src)?);
        }
        let manifest = std::fs::read_to_string(room.join("Cargo.toml"))?;
        let name = room.file_name().unwrap_or_default().to_string_lossy();
        breaches.extend(breach_of_lints(&name, &manifest));
    }
    let manifest = std::fs::read_to_string(root.join("Cargo.toml"))?;
    let reasons = std::fs::read_to_string(root.join("docs/internals/dependencies.md"))?;
    breaches.extend(breaches_of_reasons(&manifest, &reasons));
    breaches.extend(crate::names::check(root)?);
    breaches.extend(crate::links::check(root)?);
    Ok(breaches)
}

/// The directory of every room, tests included.
fn rooms(root: &Path) -> io::Result<Vec<PathBuf>> {
    let mut rooms: Vec<_> = SINGLE.iter().map(|name| root.join(name)).collect();
    for folder in FOLDERS {
        for entry in std::fs::read_dir(root.join(folder))? {
            rooms.push(entry?.path());
        }
    }
    rooms.retain(|room| room.join("Cargo.toml").is_file());
    Ok(rooms)
}

/// What cargo resolves for `selection`, a block for each selected package.
fn tree(root: &Path, selection: &[&str]) -> io::Result<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .current_dir(root)
        .args(["tree", "--locked", "-e", "normal", "--prefix", "none"]);
    let output = command
        .args(["--no-dedupe", "-f", "{p}"])
        .args(selection)
        .output()?;
    if !output.status.success() {
        return Err(io::Error::other(
            String::from_utf8_lossy(&output.stderr).into_owned(),
        ));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Package → what it uses. Blocks are parted by empty lines, the first line names the package.
fn parse_trees(text: &str) -> BTreeMap<String, Vec<String>> {
    let name = |line: &str| {
        line.split_whitespace()
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    let mut edges = BTreeMap::new();
    for block in text.split("\n\n") {
        let mut lines = block.lines().filter(|line| !line.trim().is_empty());
        if let Some(package) = lines.next() {
            edges.insert(name(package), lines.map(name).collect());
        }
    }
    edges
}

fn breaches_of_edges(edges: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    let is_room = |name: &str| PURE.contains(&name) || SHELL.contains(&name);
    let is_program =
        |name: &str| edges.contains_key(name) && !is_room(name) && !TESTS.contains(&name);
    let mut breaches = Vec::new();
    for (user, used) in edges {
        for other in used {
            let (user, other) = (user.as_str(), other.as_str());
            let reason = if TESTS.contains(&user) {
                continue;
            } else if TESTS.contains(&other) {
                "is for tests only"
            } else if is_program(other) {
                "is a program; share a room instead"
            } else if MACHINES.contains(&user) && MACHINES.contains(&other) {
                "is another machine; the program wires them"
            } else if user == "lvs-model" {
                "is below everything: lvs-model uses nothing"
            } else {
                continue;
            };
            breaches.push(format!("{user} uses {other}, which {reason}"));
        }
    }
    breaches
}

fn breaches_of_pure(room: &str, reached: &[String]) -> Vec<String> {
    let does_io =
        |name: &&String| IO_CRATES.contains(&name.as_str()) || SHELL.contains(&name.as_str());
    let mut found: Vec<&String> = reached.iter().filter(does_io).collect();
    found.sort();
    found.dedup();
    let breach = |name| format!("{room} is pure but reaches {name}, which does I/O");
    found.into_iter().map(breach).collect()
}

fn breaches_of_clippy(room: &str, clippy: &str) -> Vec<String> {
    let missing = CLIPPY
        .iter()
        .filter(|item| !clippy.contains(&format!("\"{item}\"")));
    missing
        .map(|item| format!("crates/{room}/clippy.toml does not forbid {item}"))
        .collect()
}

/// Every room inherits `unsafe_code = "forbid"`, but for the two that spell their lints out; those
/// deny unsafe code without its reason.
fn breach_of_lints(room: &str, manifest: &str) -> Option<String> {
    let inherits = manifest.contains("[lints]\nworkspace = true");
    if !UNSAFE.contains(&room) {
        return (!inherits).then(|| {
            format!("{room} does not inherit the workspace's lints, so it may use unsafe")
        });
    }
    let explained = manifest.contains("undocumented_unsafe_blocks = \"deny\"");
    (!explained).then(|| format!("{room} may use unsafe without saying why it is sound"))
}

/// Every crate of the registry has its entry in the list before the first section of `reasons`.
fn breaches_of_reasons(manifest: &str, reasons: &str) -> Vec<String> {
    let (_, dependencies) = manifest
        .split_once("[workspace.dependencies]\n")
        .unwrap_or_default();
    let lines = dependencies
        .lines()
        .take_while(|line| !line.starts_with('['));
    let entries = reasons.split("\n## ").next().unwrap_or_default();
    lines
        .filter(|line| !line.starts_with('#') && !line.contains("path = "))
        .filter_map(|line| Some(line.split_once(" = ")?.0))
        .filter(|name| {
            let is_entry =
                |line: &str| line.starts_with("- `") && line.contains(&format!("`{name}`"));
            !entries.lines().any(is_entry)
        })
        .map(|name| format!("docs/internals/dependencies.md does not say why {name} is in"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_of_the_registry_needs_its_reason() {
        let manifest = "[workspace.dependencies]\n# own\nwire = { path = \"w\" }\nnix = \"1\"\n\
                        hmac = { version = \"1\" }\n\n[profile.dev]\ndebug = 1\n";
        let reasons =
            "`nix` is mentioned\n- `hmac`, `sha2`, in `heartbeat`: why\n## Out\n- `nix`: why not\n";
        assert_eq!(
            breaches_of_reasons(manifest, reasons),
            ["docs/internals/dependencies.md does not say why nix is in"]
        );
    }

    fn edges(lines: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        lines
            .iter()
            .map(|(user, used)| ((*user).to_owned(), owned(used)))
            .collect()
    }

    #[test]
    fn a_program_may_use_rooms_but_no_program() {
        let allowed = edges(&[
            ("pulse", &["heartbeat", "link", "nix"]),
            ("lvsd", &["director"]),
        ]);
        assert_eq!(breaches_of_edges(&allowed), Vec::<String>::new());
        let forbidden = edges(&[("pulse", &["lvsd"]), ("lvsd", &[])]);
        assert_eq!(
            breaches_of_edges(&forbidden),
            ["pulse uses lvsd, which is a program; share a room instead"]
        );
    }

    #[test]
    fn machines_do_not_know_each_other() {
        let breaches = breaches_of_edges(&edges(&[("director", &["healthcheck"])]));
        assert_eq!(breaches.len(), 1, "{breaches:?}");
    }

    #[test]
    fn test_rooms_stay_out_of_the_programs() {
        let breaches = breaches_of_edges(&edges(&[
            ("nanny", &["testkit"]),
            ("caribe-tests", &["testkit"]),
        ]));
        assert_eq!(breaches, ["nanny uses testkit, which is for tests only"]);
    }

    #[test]
    fn a_pure_room_does_no_io_even_behind_another_crate() {
        let reached = ["lvs-model", "some-crate", "libc", "libc"].map(str::to_owned);
        assert_eq!(
            breaches_of_pure("kernel-wire", &reached),
            ["kernel-wire is pure but reaches libc, which does I/O"]
        );
    }

    #[test]
    fn only_two_rooms_may_spell_out_their_lints_and_they_explain_their_unsafe() {
        let own = "[lints.clippy]\nundocumented_unsafe_blocks = \"deny\"\n";
        for room in ["kernel-wire", "lab", "caribe-lab"] {
            assert!(breach_of_lints(room, own).is_some());
        }
        assert!(breach_of_lints("kernel-wire", "[lints]\nworkspace = true\n").is_none());
        for room in UNSAFE {
            assert!(breach_of_lints(room, own).is_none());
            assert!(breach_of_lints(room, "[lints.rust]\n").is_some());
        }
    }

    #[test]
    fn every_member_of_the_workspace_is_looked_at() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let rooms = rooms(&root).unwrap();
        for room in [
            "crates/kernel-wire",
            "bin/pulse",
            "lab",
            "lab/uml-xstate",
            "tests",
        ] {
            assert!(rooms.contains(&root.join(room)), "{room}");
        }
    }

    #[test]
    fn blocks_of_cargos_tree_are_told_apart() {
        let text = "a v0.1.0 (/x)\nb v0.1.0\nc v1.0.0\n\nb v0.1.0 (/x)\n";
        assert_eq!(parse_trees(text), edges(&[("a", &["b", "c"]), ("b", &[])]));
    }
}
