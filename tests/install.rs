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
        self.make_below("/usr", family);
    }

    fn make_below(&self, prefix: &str, family: &str) {
        let output = self.command(prefix, family).output().expect("make runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
    }

    /// `make install` that finds neither cargo nor a package manager.
    fn command(&self, prefix: &str, family: &str) -> Command {
        let mut command = Command::new("make");
        command
            .current_dir(root())
            .args(["install", "CARGO=/nonexistent/cargo"])
            .arg(format!("BUILT={}", self.dir.join("built").display()))
            .arg(format!("DESTDIR={}", self.place("").display()))
            .args([format!("FAMILY={family}"), format!("PREFIX={prefix}")])
            .env(
                "PATH",
                format!("{}:/usr/bin:/bin", self.dir.join("bin").display()),
            )
            // An outer make's own options and variables are none of this one's.
            .env_remove("MAKEFLAGS");
        command
    }

    /// Why `make install` onto this very machine copies nothing; the user and dpkg are stand-ins.
    fn refused(&self, user: u32, owns: &str, more: &[&str]) -> String {
        self.stand_in("id", &format!("echo {user}"));
        self.stand_in("dpkg-query", owns);
        // Whatever goes wrong with the test, it must not install.
        for tool in ["mkdir", "cp", "mv"] {
            self.stand_in(tool, "exit 1");
        }
        let mut command = self.command("/usr", "debian");
        let output = command
            .arg("DESTDIR=")
            .args(more)
            .output()
            .expect("make runs");
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    fn stand_in(&self, name: &str, script: &str) {
        let file = self.dir.join("bin").join(name);
        fs::create_dir_all(self.dir.join("bin")).unwrap();
        fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        let mode = Command::new("chmod").arg("755").arg(&file).status();
        assert!(mode.unwrap().success());
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.place(path)).unwrap()
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
    assert_eq!(install.read("usr/sbin/pulse"), "pulse");
    // Nothing to adapt: the tree's own files say /usr/sbin.
    for (from, to) in [
        ("etc/init.d/pulse", "etc/rc.d/init.d/pulse"),
        ("etc/init.d/ipvsadm", "etc/rc.d/init.d/ipvsadm"),
        (
            "etc/systemd/pulse.service",
            "usr/lib/systemd/system/pulse.service",
        ),
        (
            "etc/systemd/ipvsadm.service",
            "usr/lib/systemd/system/ipvsadm.service",
        ),
    ] {
        let tree = fs::read_to_string(root().join(from)).unwrap();
        assert_eq!(install.read(to), tree, "{from}");
    }
}

#[test]
fn below_usr_local_every_script_and_unit_names_the_programs_there() {
    for (family, init) in [("redhat", "etc/rc.d/init.d"), ("debian", "etc/init.d")] {
        let install = Install::new(&format!("local-{family}"));
        install.make_below("/usr/local", family);
        let files = install.files();
        for program in names("bin") {
            let place = format!("usr/local/sbin/{program}");
            assert_eq!(files.get(&place), Some(&0o755), "{family}: {program}");
        }
        let outside = |path: &&String| !path.starts_with("usr/local/") && !path.starts_with("etc/");
        assert_eq!(files.keys().find(outside), None, "{family}");
        let units = "usr/local/lib/systemd/system";
        for file in [
            format!("{init}/pulse"),
            format!("{init}/ipvsadm"),
            format!("{units}/pulse.service"),
            format!("{units}/ipvsadm.service"),
        ] {
            let text = install.read(&file);
            let named = text.lines().filter(|line| !line.starts_with("PATH="));
            for line in named {
                let rest = line.replace("/usr/local/sbin", "");
                assert!(!rest.contains("sbin/"), "{family}: {file}: {line}");
            }
            assert!(
                file.contains("ipvsadm.service") || text.contains("/usr/local/sbin"),
                "{file}"
            );
        }
    }
}

#[test]
fn nothing_is_built_or_fetched_and_what_is_missing_is_said() {
    let install = Install::new("unbuilt");
    fs::remove_file(install.dir.join("built/lvsd")).unwrap();
    let output = install.command("/usr", "debian").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(
        said.contains("built/lvsd is not there: run make first"),
        "{said}"
    );
    assert!(
        !install.place("usr").exists(),
        "nothing is copied by halves"
    );
}

#[test]
fn files_of_another_package_stay_and_are_named() {
    let install = Install::new("owned");
    let package =
        "for file; do case $file in /sbin/ipvsadm*) echo \"ipvsadm: $file\" ;; esac; done";
    let said = install.refused(0, package, &[]);
    for file in [
        "/sbin/ipvsadm",
        "/sbin/ipvsadm-save",
        "/sbin/ipvsadm-restore",
    ] {
        let line = format!("install: {file} is of the package ipvsadm\n");
        assert!(said.contains(&line), "{said}");
    }
    assert!(
        said.contains("nothing is copied") && said.contains("FORCE=1"),
        "{said}"
    );
    // A merged /usr: the package knows the file by its other name.
    let merged =
        "for file; do case $file in /usr/sbin/ipvsadm) echo \"ipvsadm: $file\" ;; esac; done";
    let said = install.refused(0, merged, &[]);
    assert!(
        said.contains("/sbin/ipvsadm is of the package ipvsadm\n"),
        "{said}"
    );
    // Past the check the stand-in of mkdir ends it.
    let diverted = "for file; do case $file in /sbin/ipvsadm*)\n\
                    echo \"local diversion from: $file\"; echo \"ipvsadm: $file\" ;; esac; done";
    for (owns, more) in [
        (diverted, &[][..]),
        (package, &["FORCE=1"]),
        ("exit 1", &[]),
    ] {
        let said = install.refused(0, owns, more);
        assert!(!said.contains("package"), "{said}");
    }
}

#[test]
fn who_may_not_install_is_told_so() {
    let install = Install::new("user");
    let said = install.refused(1000, "exit 1", &[]);
    assert!(said.contains("only root can: sudo make install"), "{said}");
}

/// An existing directory keeps its mode: /etc/sysconfig/ha may be root's alone.
#[test]
fn directories_that_are_there_stay_as_they_are() {
    let install = Install::new("modes");
    let ha = install.place("etc/sysconfig/ha");
    fs::create_dir_all(&ha).unwrap();
    fs::set_permissions(&ha, fs::Permissions::from_mode(0o700)).unwrap();
    install.make("redhat");
    assert_eq!(
        fs::metadata(&ha).unwrap().permissions().mode() & 0o777,
        0o700
    );
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

/// Without runlevels Debian's `update-rc.d` refuses, and so does `systemctl enable`, which asks it first.
#[test]
fn every_script_says_in_which_runlevels_it_starts() {
    for name in names("etc/init.d") {
        let script = fs::read_to_string(root().join("etc/init.d").join(&name)).unwrap();
        let levels = |keyword: &str| {
            let line = script.lines().find_map(|line| line.strip_prefix(keyword));
            line.unwrap_or_default().trim().to_owned()
        };
        assert_eq!(levels("# Default-Start:"), "2 3 4 5", "{name}");
        assert_eq!(levels("# Default-Stop:"), "0 1 6", "{name}");
        // Red Hat's chkconfig, where only that line counts, starts it in none until somebody says so.
        assert!(script.contains("\n# chkconfig: - "), "{name}");
    }
}

/// Whether a director starts at boot is its administrator's word.
#[test]
fn nothing_is_enabled_by_an_installation() {
    for family in ["redhat", "debian"] {
        let install = Install::new(&format!("boot-{family}"));
        install.make(family);
        let starts = |path: &String| path.contains(".wants/") || path.contains("/rc2.d/");
        let files = install.files();
        assert_eq!(files.keys().find(|path| starts(path)), None, "{family}");
    }
}
