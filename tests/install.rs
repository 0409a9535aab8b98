//! `make install` into a directory of the test's own: what lies where, with which mode. Files stand
//! in for the built programs.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A stand-in for each program, and the directory that receives the installation.
struct Install {
    dir: PathBuf,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn names(folder: &str) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(root().join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

impl Install {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("install-{}-{name}", std::process::id()));
        fs::create_dir_all(dir.join("built")).unwrap();
        for program in names("bin") {
            fs::write(dir.join("built").join(&program), program).unwrap();
        }
        Self { dir }
    }

    fn make(&self, family: &str) {
        let output = Command::new("make")
            .current_dir(root())
            .arg("install-files")
            .arg(format!("BUILT={}", self.dir.join("built").display()))
            .arg(format!("DESTDIR={}", self.place("").display()))
            .args([&format!("FAMILY={family}"), "PREFIX=/usr"])
            // An outer make's own options and variables are none of this one's.
            .env_remove("MAKEFLAGS")
            .output()
            .expect("make runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
    }

    fn place(&self, path: &str) -> PathBuf {
        self.dir.join("root").join(path)
    }

    /// Mode of every installed file, by its path.
    fn files(&self) -> BTreeMap<String, u32> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.place("")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o7777;
                let below = path.strip_prefix(self.place("")).unwrap();
                found.insert(below.display().to_string(), mode);
            }
        }
        found
    }
}

impl Drop for Install {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

#[test]
fn everything_lies_where_a_red_hat_style_director_expects_it() {
    let install = Install::new("redhat");
    install.make("redhat");
    let files = install.files();
    let mut expected: BTreeMap<String, u32> = BTreeMap::new();
    for program in names("bin") {
        let folder = if program == "ipvsadm" {
            "sbin"
        } else {
            "usr/sbin"
        };
        expected.insert(format!("{folder}/{program}"), 0o755);
    }
    for script in ["ipvsadm-save", "ipvsadm-restore"] {
        expected.insert(format!("sbin/{script}"), 0o755);
    }
    for (from, to, mode) in [
        ("etc/init.d", "etc/rc.d/init.d", 0o755),
        ("etc/sysconfig", "etc/sysconfig", 0o644),
        ("etc/systemd", "usr/lib/systemd/system", 0o644),
    ] {
        for name in names(from) {
            expected.insert(format!("{to}/{name}"), mode);
        }
    }
    for page in names("man") {
        let section = page.rsplit('.').next().unwrap();
        expected.insert(format!("usr/share/man/man{section}/{page}"), 0o644);
    }
    for folder in ["etc/sysconfig/ha", "usr/share/doc/caribe"] {
        expected.insert(format!("{folder}/lvs.cf.example"), 0o644);
    }
    assert_eq!(files, expected);
    let pulse = fs::read_to_string(install.place("usr/sbin/pulse")).unwrap();
    assert_eq!(pulse, "pulse");
}

#[test]
fn debian_has_its_settings_and_scripts_elsewhere() {
    let install = Install::new("debian");
    install.make("debian");
    let files = install.files();
    for path in ["etc/default/ipvsadm", "etc/ipvsadm.rules"] {
        assert_eq!(files.get(path), Some(&0o644), "{files:?}");
    }
    assert_eq!(files.get("etc/init.d/ipvsadm"), Some(&0o755));
    assert!(!files.keys().any(|path| path.starts_with("etc/rc.d")));
    // A unit hides the script of the same name: it has to obey the same settings.
    let unit = install.place("usr/lib/systemd/system/ipvsadm.service");
    let unit = fs::read_to_string(unit).unwrap();
    assert!(unit.contains("/etc/init.d/ipvsadm start"), "{unit}");
    assert!(!unit.contains("sysconfig"), "{unit}");
}

#[test]
fn a_second_installation_keeps_the_settings_and_replaces_the_programs() {
    let install = Install::new("again");
    install.make("redhat");
    let settings = install.place("etc/sysconfig/ipvsadm-config");
    fs::write(&settings, "IPVS_SAVE_ON_STOP=yes\n").unwrap();
    fs::write(install.dir.join("built/pulse"), "a newer pulse").unwrap();
    install.make("redhat");
    assert_eq!(
        fs::read_to_string(settings).unwrap(),
        "IPVS_SAVE_ON_STOP=yes\n"
    );
    let pulse = fs::read_to_string(install.place("usr/sbin/pulse")).unwrap();
    assert_eq!(pulse, "a newer pulse");
}
