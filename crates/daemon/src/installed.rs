//! Where the programs of this suite lie: beside the one that runs.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The paths by which the programs start each other, and which stand in old configurations.
const USUAL: [&str; 6] = [
    "/usr/sbin/lvsd",
    "/usr/sbin/nanny",
    "/usr/sbin/fos",
    "/usr/sbin/send_arp",
    "/sbin/ipvsadm",
    "/usr/sbin/ipvsadm",
];

/// The file to execute for `path`. A usual path means the program that was installed together with this
/// one, wherever that is: it lies in the same directory. Any other path means itself.
#[must_use]
pub fn installed(path: &Path) -> PathBuf {
    own_directory()
        .and_then(|own| beside(own, path))
        .unwrap_or_else(|| path.to_owned())
}

/// Whether `path` is a usual one and means the program that was installed together with this one.
pub fn is_installed_beside(path: &Path) -> bool {
    own_directory().and_then(|own| beside(own, path)).is_some()
}

fn own_directory() -> Option<&'static Path> {
    static OWN: OnceLock<Option<PathBuf>> = OnceLock::new();
    let own = OWN.get_or_init(|| {
        // After an upgrade the name has a word behind it, the directory has not.
        let program = std::env::current_exe().ok()?;
        program.parent().map(Path::to_owned)
    });
    own.as_deref()
}

fn beside(own: &Path, path: &Path) -> Option<PathBuf> {
    let is_usual = USUAL.iter().any(|usual| Path::new(usual) == path);
    let name = path.file_name().filter(|_| is_usual);
    let beside = name.map(|name| own.join(name));
    beside.filter(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_usual_path_means_the_program_beside_this_one() {
        let own = std::env::temp_dir().join(format!("installed-{}", std::process::id()));
        std::fs::create_dir_all(&own).unwrap();
        std::fs::write(own.join("nanny"), "").unwrap();
        for (path, found) in [
            ("/usr/sbin/nanny", Some(own.join("nanny"))),
            ("/usr/sbin/lvsd", None),
            ("/opt/nanny", None),
            ("nanny", None),
        ] {
            assert_eq!(beside(&own, Path::new(path)), found, "{path}");
        }
        std::fs::remove_dir_all(&own).unwrap();
    }
}
