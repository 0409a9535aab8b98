//! What the guest is to run: written by the machine's side, read by the guest's init.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// One program to run as root in the guest, with its surroundings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Job {
    /// Program and arguments; the program is looked up in `PATH` of `env`.
    pub argv: Vec<OsString>,
    /// Working directory; the same path exists in the guest.
    pub cwd: PathBuf,
    /// The whole environment of the program.
    pub env: Vec<(OsString, OsString)>,
    /// Directories of this machine that the guest may write to, at their own paths.
    pub shares: Vec<PathBuf>,
    /// Directory with the built programs; those found there replace the installed ones.
    pub programs: PathBuf,
    /// Time after which the guest gives up by itself, whole seconds.
    pub limit: Duration,
    /// systemd is process 1 of the guest, the program starts when it is up.
    pub systemd: bool,
}

impl Job {
    /// File name of the job in the run's directory.
    pub(crate) const FILE: &'static str = "job";

    /// Writes the job into the run's directory.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&self, run: &Path) -> io::Result<()> {
        std::fs::write(run.join(Self::FILE), self.encode())
    }

    /// Reads the job from the run's directory.
    ///
    /// # Errors
    /// If the file cannot be read or is not a job.
    pub fn read(run: &Path) -> io::Result<Self> {
        Self::decode(&std::fs::read(run.join(Self::FILE))?)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "not a job"))
    }

    /// `name=value` records, each ended by a zero byte: a value may hold anything else.
    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut put = |name: &str, value: &OsStr| {
            out.extend_from_slice(name.as_bytes());
            out.push(b'=');
            out.extend_from_slice(value.as_bytes());
            out.push(0);
        };
        for arg in &self.argv {
            put("arg", arg);
        }
        put("cwd", self.cwd.as_os_str());
        for (name, value) in &self.env {
            let mut pair = name.clone();
            pair.push("=");
            pair.push(value);
            put("env", &pair);
        }
        for share in &self.shares {
            put("share", share.as_os_str());
        }
        put("programs", self.programs.as_os_str());
        put("limit", OsStr::new(&self.limit.as_secs().to_string()));
        if self.systemd {
            put("systemd", OsStr::new(""));
        }
        out
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut job = Self::default();
        for record in bytes.strip_suffix(&[0])?.split(|&b| b == 0) {
            let (name, value) = split_at_equals(record)?;
            let value = OsString::from_vec(value.to_vec());
            match name {
                b"arg" => job.argv.push(value),
                b"cwd" => job.cwd = value.into(),
                b"env" => {
                    let (name, value) = split_at_equals(value.as_bytes())?;
                    let owned = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
                    job.env.push((owned(name), owned(value)));
                }
                b"share" => job.shares.push(value.into()),
                b"programs" => job.programs = value.into(),
                b"systemd" => job.systemd = true,
                b"limit" => job.limit = Duration::from_secs(value.to_str()?.parse().ok()?),
                _ => return None,
            }
        }
        Some(job)
    }
}

fn split_at_equals(record: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = record.iter().position(|&b| b == b'=')?;
    Some((record.get(..at)?, record.get(at + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_survives_the_way_into_the_guest() {
        let job = Job {
            argv: vec!["/bin/echo".into(), "a=b\nc".into(), "".into()],
            cwd: "/srv/a b".into(),
            env: vec![("X".into(), "1=2".into()), ("EMPTY".into(), "".into())],
            shares: vec!["/srv/results".into()],
            programs: "/srv/target/debug".into(),
            limit: Duration::from_secs(30),
            systemd: true,
        };
        assert_eq!(Job::decode(&job.encode()), Some(job));
    }

    #[test]
    fn a_torn_job_is_refused() {
        assert_eq!(Job::decode(b"arg=/bin/true"), None);
        assert_eq!(Job::decode(b"colour=red\0"), None);
    }
}
