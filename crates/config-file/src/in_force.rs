//! What pulse has in force, for the lvsd or fos that it starts.
//!
//! The file on the disk may be refused, half edited or gone when lvsd is started again, and at a takeover.
//! So pulse keeps the bytes that it has accepted, writes them into a file of root's own in /run before each
//! start and reload, and says in the environment where that is. Every message names lvs.cf itself.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use daemon::run_file;
use nix::fcntl::OFlag;

use crate::disk;
use crate::given::VARIABLE;
use crate::reading::ConfigFile;

/// The name of the file in /run, before that of the network namespace.
const NAME: &str = "lvs.cf";

/// The content of lvs.cf that pulse has in force.
#[derive(Debug)]
pub struct InForce {
    /// The file that it came from.
    path: PathBuf,
    text: Vec<u8>,
    /// That it cannot be written has been said.
    is_told: bool,
}

impl InForce {
    /// That of the file of a start; nothing is written yet.
    #[must_use]
    pub fn new(file: &ConfigFile) -> Self {
        Self {
            path: file.path.clone(),
            text: file.text.clone(),
            is_told: false,
        }
    }

    /// That of a file which was put into force.
    pub fn accept(&mut self, file: &ConfigFile) {
        self.text.clone_from(&file.text);
    }

    /// Writes it for a child that is started, or told to read again, behind this. The variable for the
    /// child's environment; `None` if it is to read lvs.cf itself.
    ///
    /// Where it cannot be written, the child reads lvs.cf itself, which is said once.
    pub fn write(&mut self) -> Option<(String, OsString)> {
        match run_file(NAME) {
            Ok(place) => self.write_to(&place).then(|| place.into_os_string()),
            Err(error) => {
                self.tell(Path::new("/run/lvs/lock"), &error);
                None
            }
        }
        .map(|place| (VARIABLE.to_owned(), place))
    }

    /// Whether there is this content now, or none.
    fn write_to(&mut self, place: &Path) -> bool {
        let Err(error) = replace(place, &self.text) else {
            self.is_told = false;
            return true;
        };
        self.tell(place, &error);
        // An older one is not in force any more.
        match fs::remove_file(place) {
            Ok(()) => true,
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        }
    }

    fn tell(&mut self, place: &Path, error: &io::Error) {
        if !std::mem::replace(&mut self.is_told, true) {
            let (place, file) = (place.display(), self.path.display());
            let reason = disk::reason(error);
            log::warn!(
                "{place}: {reason}: lvsd and fos read {file} as it is on the disk when they start"
            );
        }
    }
}

/// A new file in the place of the old one: a reader has the one or the other.
fn replace(place: &Path, text: &[u8]) -> io::Result<()> {
    let mut name = place.as_os_str().to_owned();
    name.push(".new");
    let new = Path::new(&name);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options.custom_flags(OFlag::O_NOFOLLOW.bits());
    let mut file = options.open(new)?;
    let written = file.write_all(text).and_then(|()| fs::rename(new, place));
    if written.is_err() {
        // Its room is wanted where there is none; what is left of it is never read.
        let _ = fs::remove_file(new);
    }
    written
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use lvs_model::Mono;

    use super::*;
    use crate::disk::Reader;
    use crate::reading::{Fault, read, read_by};
    use crate::{Follower, Outcome};

    const OLD: &str = "serial_no = 1\n";
    const NEW: &str = "serial_no = 2\n";
    const BAD: &str = "keepalive = soon\n";

    struct Place {
        directory: PathBuf,
    }

    impl Place {
        fn new(name: &str) -> Self {
            let name = format!("config-given-{}-{name}", std::process::id());
            let directory = std::env::temp_dir().join(name);
            fs::create_dir(&directory).unwrap();
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
            fs::set_permissions(&directory, mode).unwrap();
            Self { directory }
        }

        fn disk(&self) -> PathBuf {
            self.directory.join("disk.cf")
        }

        fn given(&self) -> PathBuf {
            self.directory.join("given.cf")
        }

        fn put(&self, text: &str) {
            fs::write(self.disk(), text).unwrap();
        }

        /// As a child of pulse.
        fn read(&self) -> Result<ConfigFile, Fault> {
            read_by(Reader::Daemon, &self.disk(), Some(&self.given()))
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.directory);
        }
    }

    fn serial(file: &ConfigFile) -> String {
        file.loaded.config.serial.to_string()
    }

    #[test]
    fn r_a_child_goes_by_what_is_in_force_whatever_the_file_is_now() {
        let place = Place::new("whatever");
        place.put(OLD);
        let accepted = read(&place.disk()).unwrap();
        assert!(InForce::new(&accepted).write_to(&place.given()));
        for now in [NEW, BAD] {
            place.put(now);
            let file = place.read().unwrap();
            assert_eq!((serial(&file), file.path), ("1".into(), place.disk()));
        }
        fs::remove_file(place.disk()).unwrap();
        assert_eq!(place.read().unwrap().loaded.hash, accepted.loaded.hash);
        assert_eq!(fs::metadata(place.given()).unwrap().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_reload_brings_a_child_what_is_in_force_then() {
        let place = Place::new("reload");
        place.put(OLD);
        let mut in_force = InForce::new(&read(&place.disk()).unwrap());
        assert!(in_force.write_to(&place.given()));
        let mut follower = Follower::new(&place.read().unwrap(), Mono::ZERO);
        let mut reload = || match follower.reload(Mono::ZERO) {
            Some(Outcome::Read(Ok(file))) => {
                follower.accept(&file, Mono::ZERO);
                serial(&file)
            }
            other => panic!("{other:?}"),
        };
        place.put(NEW);
        assert_eq!(reload(), "1");
        in_force.accept(&read(&place.disk()).unwrap());
        place.put(BAD);
        assert!(in_force.write_to(&place.given()));
        assert_eq!(reload(), "2");
    }

    /// As on a full disk: an older content must not stay there.
    #[test]
    fn what_cannot_be_written_leaves_nothing_and_the_file_itself_is_read() {
        let place = Place::new("full");
        place.put(OLD);
        let mut in_force = InForce::new(&read(&place.disk()).unwrap());
        assert!(in_force.write_to(&place.given()));
        place.put(NEW);
        in_force.accept(&read(&place.disk()).unwrap());
        let new = place.directory.join("given.cf.new");
        fs::create_dir(&new).unwrap();
        assert!(in_force.write_to(&place.given()), "the older one is gone");
        assert!(in_force.is_told);
        assert!(!place.given().exists());
        assert_eq!(serial(&place.read().unwrap()), "2");
        fs::remove_dir(&new).unwrap();
        assert!(in_force.write_to(&place.given()));
        assert!(!in_force.is_told, "the next time it is said again");
        assert_eq!(serial(&place.read().unwrap()), "2");
    }
}
