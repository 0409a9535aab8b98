//! What this machine has of what lvs.cf asks for: schedulers, and programs that may be run.
//!
//! The helper's process asks: a path may lie on a disk that does not answer.

use std::fs::{self, Metadata};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use lvs_config::SchedulerAnswer;
use lvs_model::Account;

/// Where a program without a slash is looked for, as nanny does.
const PATH: [&str; 6] = [
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/bin",
    "/sbin",
    "/bin",
];

/// Where the kernel and its modules are seen.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// Of what is loaded.
    pub(crate) loaded: PathBuf,
    /// There while the kernel has IPVS.
    pub(crate) ipvs: PathBuf,
    /// The running kernel's modules.
    pub(crate) modules: PathBuf,
}

impl Places {
    /// Those of this machine.
    pub(crate) fn here() -> Self {
        let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Self {
            loaded: "/proc/modules".into(),
            ipvs: "/proc/net/ip_vs".into(),
            modules: Path::new("/lib/modules").join(release.trim()),
        }
    }

    /// Whether the kernel has a scheduler, or a module of its name.
    pub(crate) fn scheduler(&self, name: &str) -> SchedulerAnswer {
        let module = format!("ip_vs_{name}");
        let loaded = read(&self.loaded);
        if loaded
            .lines()
            .any(|line| line.split(' ').next() == Some(&module))
        {
            return SchedulerAnswer::Known;
        }
        let lists = ["modules.dep", "modules.builtin"].map(|list| read(&self.modules.join(list)));
        let has = |module: &str| lists.iter().any(|list| lists_module(list, module));
        if has(&module) {
            SchedulerAnswer::Known
        } else if self.ipvs.exists() || has("ip_vs") {
            SchedulerAnswer::Unknown
        } else {
            SchedulerAnswer::NoIpvs
        }
    }
}

/// What cannot be read has nothing in it.
fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// Whether a line of depmod's begins with the module: `kernel/net/…/ip_vs_wlc.ko.xz: …`
fn lists_module(list: &str, module: &str) -> bool {
    list.lines().any(|line| {
        let path = line.split(':').next().unwrap_or_default();
        let file = path.rsplit('/').next().unwrap_or_default();
        file.split('.').next() == Some(module) && file.contains(".ko")
    })
}

/// Why `user` could not run the program of a command line.
pub(crate) fn program_fault(command: &str, user: &Account) -> Option<String> {
    let name = command.split([' ', '\t']).find(|word| !word.is_empty())?;
    let given = match name.contains('/') {
        true => Path::new(name).to_owned(),
        false => match PATH
            .iter()
            .map(|it| Path::new(it).join(name))
            .find(|it| it.exists())
        {
            Some(found) => found,
            None => return Some(format!("{name} is in none of {}", PATH.join(":"))),
        },
    };
    let real = match given.canonicalize() {
        Ok(real) => real,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Some(format!("no such file: {}", given.display()));
        }
        // Not for us to see: nobody knows.
        Err(_) => return bar(&given, user),
    };
    bar(&given, user)
        .or_else(|| bar(&real, user))
        .or_else(|| file_fault(&real, user))
        .or_else(|| {
            let untrusted = daemon::untrusted_part(&real).ok().flatten();
            untrusted.map(|part| format!("{part}, so nanny does not run it"))
        })
}

/// Why root could not, or should not, run the program of a command line.
pub(crate) fn root_program_fault(command: &str) -> Option<String> {
    let name = command.split([' ', '\t']).find(|word| !word.is_empty())?;
    let given = daemon::installed(Path::new(name));
    if !given.is_absolute() {
        return Some("a command needs its whole path".to_owned());
    }
    let real = match given.canonicalize() {
        Ok(real) => real,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Some(format!("no such file: {}", given.display()));
        }
        // Not for us to see: nobody knows.
        Err(_) => return None,
    };
    let root = Account {
        name: "root".to_owned(),
        uid: 0,
        gid: 0,
        home: "/".into(),
    };
    file_fault(&real, &root).or_else(|| {
        let untrusted = daemon::untrusted_part(&real).ok().flatten()?;
        Some(format!("{untrusted}, and root is to run it"))
    })
}

/// The first directory on the path that `user` cannot enter.
fn bar(path: &Path, user: &Account) -> Option<String> {
    let mut folders: Vec<&Path> = path.ancestors().skip(1).collect();
    folders.reverse();
    let closed = folders.into_iter().find(|folder| {
        let metadata = folder.metadata();
        metadata.is_ok_and(|it| it.is_dir() && !may_execute(&it, user))
    })?;
    Some(format!("{} cannot enter {}", user.name, closed.display()))
}

fn file_fault(path: &Path, user: &Account) -> Option<String> {
    let metadata = path.metadata().ok()?;
    let (name, file) = (&user.name, path.display());
    if !metadata.is_file() {
        return Some(format!("{file} is no program"));
    }
    if !may_execute(&metadata, user) {
        let mode = metadata.mode() & 0o7777;
        return Some(format!("{name} cannot run {file}, its mode is {mode:04o}"));
    }
    interpreter_fault(path)
}

/// The missing interpreter that a script names. The name ends at the line feed, so a carriage return is
/// part of it.
fn interpreter_fault(path: &Path) -> Option<String> {
    let mut start = Vec::new();
    let file = fs::File::open(path).ok()?;
    file.take(256).read_to_end(&mut start).ok()?;
    let line = start.strip_prefix(b"#!")?;
    let line = line.split(|byte| *byte == b'\n').next()?;
    let line = std::str::from_utf8(line).ok()?;
    let name = line
        .trim_start_matches([' ', '\t'])
        .split([' ', '\t'])
        .next()?;
    let is_missing = Path::new(name)
        .try_exists()
        .is_ok_and(|exists| !exists && !name.is_empty());
    is_missing.then(|| {
        let (script, name) = (path.display(), name.escape_default());
        format!("its interpreter {name} does not exist: {script}")
    })
}

/// Root needs one execute bit on a file, and none on a directory.
fn may_execute(metadata: &Metadata, user: &Account) -> bool {
    let mode = metadata.mode();
    let bit = if user.uid == 0 {
        return metadata.is_dir() || mode & 0o111 != 0;
    } else if metadata.uid() == user.uid {
        0o100
    } else if metadata.gid() == user.gid {
        0o010
    } else {
        0o001
    };
    mode & bit != 0
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("machine-{}-{name}", std::process::id()));
            fs::create_dir(&path).unwrap();
            Self(path)
        }

        fn file(&self, name: &str, text: &str, mode: u32) -> PathBuf {
            let path = self.0.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            set_mode(&path, mode);
            path
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_scheduler_is_known_if_it_is_loaded_or_a_module_of_the_running_kernel() {
        let folder = Folder::new("modules");
        let dep = "kernel/net/netfilter/ipvs/ip_vs.ko: kernel/x/nf_conntrack.ko\n\
                   kernel/net/netfilter/ipvs/ip_vs_ours.ko.xz: kernel/net/netfilter/ipvs/ip_vs.ko\n\
                   kernel/net/netfilter/ipvs/ip_vs_wlc.ko: kernel/net/ip_vs_theirs.ko\n";
        let loaded = "ip_vs_extra 16384 0 - Live 0x0\nip_vs 200704 2 ip_vs_extra, Live 0x0\n";
        let mut places = Places {
            loaded: folder.file("modules", loaded, 0o644),
            ipvs: folder.0.join("none"),
            modules: folder.0.clone(),
        };
        folder.file("modules.dep", dep, 0o644);
        folder.file("modules.builtin", "kernel/net/ip_vs_built.ko\n", 0o644);
        for known in ["extra", "ours", "wlc", "built"] {
            assert_eq!(places.scheduler(known), SchedulerAnswer::Known, "{known}");
        }
        for unknown in ["theirs", "WLC", "our", "ours.ko", "pcc"] {
            assert_eq!(
                places.scheduler(unknown),
                SchedulerAnswer::Unknown,
                "{unknown}"
            );
        }
        // No module of IPVS, and none loaded.
        places.modules = folder.0.join("other");
        assert_eq!(places.scheduler("pcc"), SchedulerAnswer::NoIpvs);
        places.ipvs = folder.file("ip_vs", "", 0o644);
        assert_eq!(places.scheduler("pcc"), SchedulerAnswer::Unknown);
    }

    #[test]
    fn what_keeps_root_from_running_a_program_is_named() {
        let folder = Folder::new("roots");
        set_mode(&folder.0, 0o755);
        let at = |name: &str| folder.0.join(name).display().to_string();
        let fault = |command: &str| root_program_fault(command).unwrap_or_default();
        let good = folder.file("good", "#!/bin/sh\n", 0o700);
        if good.metadata().unwrap().uid() == 0 {
            assert_eq!(fault(&format!("{} -v", at("good"))), "");
        }
        assert_eq!(fault(&at("none")), format!("no such file: {}", at("none")));
        assert_eq!(fault("hook"), "a command needs its whole path");
        folder.file("plain", "", 0o644);
        let expected = format!("root cannot run {}, its mode is 0644", at("plain"));
        assert_eq!(fault(&at("plain")), expected);
        folder.file("dos", "#!/bin/sh\r\n", 0o755);
        assert!(fault(&at("dos")).starts_with("its interpreter /bin/sh\\r does not exist"));
        folder.file("open", "", 0o777);
        assert!(fault(&at("open")).ends_with(", mode 0777, and root is to run it"));
    }

    #[test]
    fn what_bars_the_user_of_the_checks_is_named() {
        let folder = Folder::new("programs");
        let user = Account {
            name: "checker".into(),
            uid: 54_321,
            gid: 54_321,
            home: "/".into(),
        };
        let fault = |command: &str| program_fault(command, &user).unwrap_or_default();
        let at = |name: &str| folder.0.join(name).display().to_string();
        set_mode(&folder.0, 0o755);
        let good = folder.file("good", "#!/bin/sh\n", 0o755);
        if good.metadata().unwrap().uid() == 0 {
            assert_eq!(fault(&format!("{} %h %p", at("good"))), "");
        }
        assert_eq!(fault(&at("none")), format!("no such file: {}", at("none")));
        folder.file("secret", "", 0o700);
        let expected = format!("checker cannot run {}, its mode is 0700", at("secret"));
        assert_eq!(fault(&at("secret")), expected);
        folder.file("closed/check", "", 0o755);
        set_mode(&folder.0.join("closed"), 0o700);
        assert_eq!(
            fault(&at("closed/check")),
            format!("checker cannot enter {}", at("closed"))
        );
        assert_eq!(
            fault(&at("")),
            format!("{} is no program", at("").trim_end_matches('/'))
        );
        folder.file("dos", "#!/bin/sh\r\nexit 0\r\n", 0o755);
        let expected = format!("its interpreter /bin/sh\\r does not exist: {}", at("dos"));
        assert_eq!(fault(&at("dos")), expected);
        folder.file("open", "", 0o777);
        assert!(fault(&at("open")).ends_with(", so nanny does not run it"));
        assert!(fault("no-such-program-anywhere").contains(" is in none of /usr/local/sbin:"));
    }
}
