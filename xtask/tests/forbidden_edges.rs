//! A copy of the workspace with a forbidden edge put in: the fence must fall on it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Copies the manifests, with an empty library or program behind each; the clippy files; the reasons.
fn copy_workspace(to: &Path) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    fs::create_dir_all(to.join("docs/internals")).unwrap();
    for file in ["Cargo.toml", "Cargo.lock", "docs/internals/dependencies.md"] {
        fs::copy(from.join(file), to.join(file)).unwrap();
    }
    let rooms = ["crates", "bin"].iter().flat_map(|folder| {
        let names = fs::read_dir(from.join(folder)).unwrap();
        names.map(move |entry| Path::new(folder).join(entry.unwrap().file_name()))
    });
    for room in rooms.chain(single_rooms(&from)) {
        let manifest = fs::read_to_string(from.join(&room).join("Cargo.toml")).unwrap();
        fs::create_dir_all(to.join(&room).join("src")).unwrap();
        fs::write(
            to.join(&room).join("Cargo.toml"),
            without_targets(&manifest),
        )
        .unwrap();
        fs::write(to.join(&room).join("src/lib.rs"), "").unwrap();
        let clippy = from.join(&room).join("clippy.toml");
        if clippy.exists() {
            fs::copy(clippy, to.join(&room).join("clippy.toml")).unwrap();
        }
    }
}

/// The workspace's members that are named one by one.
fn single_rooms(workspace: &Path) -> Vec<PathBuf> {
    let manifest = fs::read_to_string(workspace.join("Cargo.toml")).unwrap();
    let (_, rest) = manifest.split_once("members = [").unwrap();
    let (members, _) = rest.split_once(']').unwrap();
    let names = members.split('"').skip(1).step_by(2);
    names
        .filter(|name| !name.contains('*'))
        .map(PathBuf::from)
        .collect()
}

/// The manifest without its `[[test]]`, `[[bin]]` … sections, whose files are not copied.
fn without_targets(manifest: &str) -> String {
    let mut keep = true;
    let mut kept = String::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            keep = !line.starts_with("[[");
        }
        if keep {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

fn add_dependency(root: &Path, room: &str, dependency: &str) {
    let path = root.join(room).join("Cargo.toml");
    let manifest = fs::read_to_string(&path).unwrap();
    let added = format!("[dependencies]\n{dependency}.workspace = true");
    let programs_own = manifest.split("[dev-dependencies]").next().unwrap();
    assert!(
        !programs_own.contains(&format!("\n{dependency}.workspace")),
        "already used"
    );
    fs::write(path, manifest.replace("[dependencies]", &added)).unwrap();
    // The lock file has to follow before `--locked` accepts it.
    let mut update = Command::new(env!("CARGO"));
    update
        .current_dir(root)
        .args(["update", "--offline", "--workspace"]);
    assert!(update.output().unwrap().status.success());
}

fn fences(root: &Path) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .arg("fences")
        .arg(root)
        .output()
        .unwrap();
    (
        output.status.success(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

#[test]
fn the_fences_fall_on_a_forbidden_edge() {
    let root = std::env::temp_dir().join(format!("caribe-fences-{}", std::process::id()));
    for (room, dependency, expected) in [
        ("", "", "all hold"),
        (
            "crates/heartbeat",
            "nix",
            "heartbeat is pure but reaches nix",
        ),
        (
            "crates/director",
            "ipvs",
            "director is pure but reaches ipvs",
        ),
        (
            "bin/pulse",
            "testkit",
            "pulse uses testkit, which is for tests only",
        ),
    ] {
        let _ = fs::remove_dir_all(&root);
        copy_workspace(&root);
        if !room.is_empty() {
            add_dependency(&root, room, dependency);
        }
        let (holds, text) = fences(&root);
        assert_eq!(holds, room.is_empty(), "{room} -> {dependency}: {text}");
        assert!(text.contains(expected), "{text}");
    }
    fs::remove_dir_all(&root).unwrap();
}
