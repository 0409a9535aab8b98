//! What pulse has in force, for the lvsd or fos that it starts.
//!
//! When lvsd is started again, and at a takeover, the file on the disk may be refused, half edited or gone.
//! So pulse keeps the bytes that it has accepted. Before each start and reload it writes them into a file
//! of root's own in /run, and says in the environment where that is. Every message names lvs.cf itself. The
//! addresses of its names stand beside it: a silent name server then takes nothing out of it. A killed
//! pulse leaves the file: the next one may go on with that content where lvs.cf is refused.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use daemon::run_file;
use nix::fcntl::OFlag;

use crate::disk;
use crate::given::{self, VARIABLE};
use crate::reading::{ConfigFile, Fault, read_left};

/// The name of the file in /run, before that of the network namespace.
const NAME: &str = "lvs.cf";

/// The content of lvs.cf that pulse has in force.
#[derive(Debug)]
pub struct InForce {
    /// The file that it came from.
    path: PathBuf,
    text: Vec<u8>,
    /// The addresses of its names.
    names: HashMap<String, IpAddr>,
    /// Why it could not be written the last time, in the words of the log.
    fault: Option<String>,
    /// It stands there, as far as we know.
    is_written: bool,
}

impl InForce {
    /// The content of the file of a start; nothing is written yet.
    #[must_use]
    pub fn new(file: &ConfigFile) -> Self {
        Self {
            path: file.path.clone(),
            text: file.text.clone(),
            names: file.kept.addresses.clone(),
            fault: None,
            is_written: false,
        }
    }

    /// That of a file which was put into force.
    pub fn accept(&mut self, file: &ConfigFile) {
        self.text.clone_from(&file.text);
        self.names.clone_from(&file.kept.addresses);
    }

    /// Writes it for a child that is then started or told to read again. Returns the variable for the
    /// child's environment; `None` if the child has to read lvs.cf itself.
    ///
    /// The child does so where the content cannot be written, which is logged once.
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

    /// Writes it again if somebody has removed it.
    pub fn look(&mut self) {
        let Ok(place) = run_file(NAME) else { return };
        if self.is_written && !place.exists() {
            self.is_written = false;
            self.write_to(&place);
        }
    }

    /// Whether there is this content now, or none.
    fn write_to(&mut self, place: &Path) -> bool {
        let names = given::print_names(&self.names);
        let written = replace(&given::names_place(place), names.as_bytes());
        let Err(error) = written.and_then(|()| replace(place, &self.text)) else {
            self.fault = None;
            self.is_written = true;
            return true;
        };
        self.tell(place, &error);
        // An older one is not in force any more.
        match fs::remove_file(place) {
            Ok(()) => true,
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        }
    }

    /// Nothing is in force any more: pulse ends in order.
    pub fn end(&self) {
        if let Ok(place) = run_file(NAME) {
            // A missing file need not go. One that cannot go matters only to a later pulse that is killed.
            let _ = fs::remove_file(given::names_place(&place));
            let _ = fs::remove_file(place);
        }
    }

    fn tell(&mut self, place: &Path, error: &io::Error) {
        let (place, file) = (place.display(), self.path.display());
        let reason = disk::reason(error);
        let line = format!(
            "{place}: {reason}: lvsd and fos read {file} as it is on the disk when they start"
        );
        if self.fault.as_ref() != Some(&line) {
            log::warn!("{line}");
        }
        self.fault = Some(line);
    }

    /// Why the next child reads lvs.cf itself, if it does.
    #[must_use]
    pub fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }
}

/// What the last pulse of this network namespace had in force, as the content of the file at `path`; `None`
/// if nothing of that is left. When read again, the file itself counts.
///
/// # Errors
/// [`Fault`]: it is refused now. A name of it may have no answer.
pub fn read_in_force(path: &Path) -> Option<Result<ConfigFile, Fault>> {
    read_left(path, &run_file(NAME).ok()?)
}

/// Puts a new file in the place of the old one: a reader gets the one or the other.
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
        // What is left of a failed attempt takes room where there is none, and is never read.
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

    /// fos would have nothing to serve otherwise, and lvsd a server less.
    #[test]
    fn a_child_has_the_address_that_a_name_had_when_it_was_accepted() {
        let place = Place::new("names");
        place.put("primary = director.invalid\n");
        assert!(place.read().is_err(), "nobody knows it");
        place.put("primary = 192.0.2.1\n");
        let mut accepted = read(&place.disk()).unwrap();
        accepted.text = b"primary = director.invalid\n".to_vec();
        let address = "192.0.2.7".parse().unwrap();
        let names = &mut accepted.kept.addresses;
        names.insert("director.invalid".into(), address);
        let mut in_force = InForce::new(&accepted);
        assert!(in_force.write_to(&place.given()));
        let read = place.read().unwrap();
        assert_eq!(read.loaded.config.heartbeat.primary, Some(address));
        let left = read_left(&place.disk(), &place.given()).unwrap().unwrap();
        assert_eq!(left.loaded.config.heartbeat.primary, Some(address));
        // A reload brings others.
        let other = "192.0.2.8".parse().unwrap();
        accepted
            .kept
            .addresses
            .insert("director.invalid".into(), other);
        in_force.accept(&accepted);
        assert!(in_force.write_to(&place.given()));
        let mut follower = Follower::new(&read, Mono::ZERO);
        let Some(Outcome::Read(Ok(again))) = follower.reload(Mono::ZERO) else {
            panic!("nobody is asked in a test's threads");
        };
        assert_eq!(again.loaded.config.heartbeat.primary, Some(other));
    }

    /// As pulse does that is started after it was killed.
    #[test]
    fn what_a_killed_pulse_had_in_force_is_there_for_the_next_and_a_reload_reads_the_file() {
        let place = Place::new("killed");
        assert_eq!(read_left(&place.disk(), &place.given()), None);
        place.put(OLD);
        let accepted = read(&place.disk()).unwrap();
        assert!(InForce::new(&accepted).write_to(&place.given()));
        for now in [BAD, NEW] {
            place.put(now);
            let left = read_left(&place.disk(), &place.given()).unwrap().unwrap();
            assert_eq!((serial(&left), &left.path), ("1".into(), &place.disk()));
            let mut follower = Follower::new(&left, Mono::ZERO);
            let Some(Outcome::Read(again)) = follower.reload(Mono::ZERO) else {
                panic!("nothing is looked up");
            };
            assert_eq!(again.is_ok(), now == NEW);
        }
        fs::remove_file(place.disk()).unwrap();
        let left = read_left(&place.disk(), &place.given()).unwrap().unwrap();
        assert_eq!(left.loaded.hash, accepted.loaded.hash);
        fs::write(place.given(), BAD).unwrap();
        let refused = read_left(&place.disk(), &place.given()).unwrap();
        assert!(refused.is_err());
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
        assert!(in_force.fault().is_some());
        assert!(!place.given().exists());
        assert_eq!(serial(&place.read().unwrap()), "2");
        fs::remove_dir(&new).unwrap();
        assert!(in_force.write_to(&place.given()));
        assert_eq!(in_force.fault(), None, "the next time it is said again");
        assert_eq!(serial(&place.read().unwrap()), "2");
    }
}
