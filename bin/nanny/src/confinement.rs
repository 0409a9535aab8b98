//! What a nanny may do with files: nothing at all, where its check needs none.

use landlock::{ABI, Access, AccessFs, Ruleset, RulesetAttr, RulesetError, RulesetStatus};

/// The rights that are taken away: all that kernel 6.10 knows; of them an older kernel takes those that it
/// knows. Sockets are no files: the log and the report socket stay.
const RIGHTS: ABI = ABI::V5;

/// Takes from this thread, and from all that it starts, every access to files by their name, for good.
/// Returns whether the kernel does so: it may be older than 5.13 or have Landlock switched off.
///
/// # Errors
/// The kernel has Landlock and refuses.
pub fn forbid_files() -> Result<bool, RulesetError> {
    let rules = Ruleset::default().handle_access(AccessFs::from_all(RIGHTS))?;
    let status = rules.create()?.restrict_self()?;
    Ok(status.ruleset != RulesetStatus::NotEnforced)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{ErrorKind, Write};
    use std::net::{TcpListener, TcpStream};
    use std::os::unix::net::{UnixDatagram, UnixStream};

    use super::*;

    #[test]
    fn without_files_there_are_sockets() {
        let dir = std::env::temp_dir().join(format!("nanny-files-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let log = UnixDatagram::bind(dir.join("log")).unwrap();
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let (mut report, _lvsd) = UnixStream::pair().unwrap();
        // For one thread only; it goes with it.
        let is_confined = std::thread::scope(|scope| {
            let confined = scope.spawn(|| {
                if !forbid_files().unwrap() {
                    return false;
                }
                let open = |path: &str| File::open(path).unwrap_err().kind();
                assert_eq!(open("/etc/passwd"), ErrorKind::PermissionDenied);
                assert_eq!(open("/proc/self/status"), ErrorKind::PermissionDenied);
                let made = File::create(dir.join("new")).unwrap_err();
                assert_eq!(made.kind(), ErrorKind::PermissionDenied);
                let ran = std::process::Command::new("/bin/true").status();
                assert_eq!(ran.unwrap_err().kind(), ErrorKind::PermissionDenied);
                let logger = UnixDatagram::unbound().unwrap();
                logger.send_to(b"line", dir.join("log")).unwrap();
                TcpStream::connect(server.local_addr().unwrap()).unwrap();
                report.write_all(b"up").unwrap();
                true
            });
            confined.join().unwrap()
        });
        if !is_confined {
            testkit::skipped("this kernel has no Landlock");
        }
        drop(log);
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
