//! The keys of signed heartbeats: a file that nobody else can read, or a systemd credential.
//!
//! A line is `ID HEX`: a number from 0 to 255, and 32 to 64 bytes in hexadecimal. The first key
//! signs, every key is accepted. Empty lines and what follows `#` are skipped.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use heartbeat::datagram::signed::Key;
use nix::fcntl::OFlag;
use zeroize::Zeroizing;

/// Name of the systemd credential (`LoadCredential=heartbeat_key:…`).
const CREDENTIAL: &str = "heartbeat_key";
/// No key file is longer.
const LONGEST_FILE: u64 = 65536;
/// What reading one that long needs, and reads on with.
const ROOM: usize = 65536 + 64;

/// Why there are no keys.
#[derive(Debug)]
pub enum KeyError {
    /// Neither lvs.cf `heartbeat_key` nor a credential.
    NoFile,
    /// It cannot be opened or read.
    Unreadable(PathBuf, io::Error),
    /// Others than its owner may read or write it, or it is not root's.
    Unsafe(PathBuf),
    /// A line of it is no key, or its number was there before.
    Line(PathBuf, usize),
    /// There is no key in it.
    Empty(PathBuf),
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFile => write!(
                f,
                "heartbeat_auth needs keys: no heartbeat_key in lvs.cf and no credential {CREDENTIAL}"
            ),
            Self::Unreadable(file, error) => write!(f, "{}: {error}", file.display()),
            Self::Unsafe(file) => write!(
                f,
                "{}: a key file must be root's and readable by nobody else (chmod 600)",
                file.display()
            ),
            Self::Line(file, line) => write!(
                f,
                "{} line {line}: expected a new number from 0 to 255 and 64 to 128 hexadecimal digits",
                file.display()
            ),
            Self::Empty(file) => write!(f, "{}: no key", file.display()),
        }
    }
}

impl std::error::Error for KeyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unreadable(_, error) => Some(error),
            _ => None,
        }
    }
}

/// Reads the keys from `file`, or else from the credential.
///
/// # Errors
/// [`KeyError`].
pub fn read(file: Option<&Path>) -> Result<Vec<Key>, KeyError> {
    let credential = || {
        let directory = std::env::var_os("CREDENTIALS_DIRECTORY")?;
        Some(Path::new(&directory).join(CREDENTIAL))
    };
    let path = file.map(Path::to_owned).or_else(credential);
    let path = path.ok_or(KeyError::NoFile)?;
    let unreadable = |error| KeyError::Unreadable(path.clone(), error);
    // From here on there is something to hide: no core dump, no look into this process.
    nix::sys::prctl::set_dumpable(false).map_err(|errno| unreadable(errno.into()))?;
    // Looked at after it was opened: nobody can exchange it in between.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags((OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits())
        .open(&path)
        .map_err(unreadable)?;
    if !is_safe(&file).map_err(unreadable)? {
        return Err(KeyError::Unsafe(path));
    }
    // Made long enough at once: a text that grows leaves copies behind.
    let mut text = Zeroizing::new(String::with_capacity(ROOM));
    file.take(LONGEST_FILE)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    parse(&text).map_err(|wrong| match wrong {
        Some(line) => KeyError::Line(path, line),
        None => KeyError::Empty(path),
    })
}

fn is_safe(file: &File) -> io::Result<bool> {
    let about = file.metadata()?;
    // A credential of an unprivileged service is the service's own.
    let owned = about.uid() == 0 || about.uid() == nix::unistd::geteuid().as_raw();
    Ok(about.is_file() && owned && about.mode() & 0o077 == 0)
}

/// The keys, or the number of the line that is wrong; `None` if there is no key.
fn parse(text: &str) -> Result<Vec<Key>, Option<usize>> {
    let mut keys: Vec<Key> = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_ascii_whitespace();
        let Some(id) = words.next() else { continue };
        let key = id.parse().ok().zip(words.next().and_then(from_hex));
        let key = key.and_then(|(id, secret)| Key::new(id, secret));
        match (key, words.next()) {
            (Some(key), None) if keys.iter().all(|known| known.id != key.id) => keys.push(key),
            _ => return Err(Some(number)),
        }
    }
    if keys.is_empty() {
        return Err(None);
    }
    Ok(keys)
}

/// Overwritten when it goes, as every copy of a key.
fn from_hex(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let byte = |pair: &[u8]| match pair {
        [high, low] => u8::try_from(digit(high)? * 16 + digit(low)?).ok(),
        _ => None,
    };
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() / 2 + 1));
    for pair in text.as_bytes().chunks(2) {
        bytes.push(byte(pair)?);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn ids(text: &str) -> Result<Vec<u8>, Option<usize>> {
        Ok(parse(text)?.iter().map(|key| key.id).collect())
    }

    #[test]
    fn keys_are_numbered_lines_and_the_first_one_signs() {
        let (short, long) = ("0aF1".repeat(16), "ff".repeat(64));
        let text = format!("# new\n7 {short}\n\n 3\t{long} # old\n");
        assert_eq!(ids(&text), Ok(vec![7, 3]));
    }

    #[test]
    fn what_is_no_key_is_refused_with_its_line() {
        let good = "00".repeat(32);
        for (text, line) in [
            (format!("256 {good}"), 1),
            (format!("1 {good}\n1 {good}"), 2),
            (format!("1 {good} x"), 1),
            ("1".to_owned(), 1),
            (format!("\n1 {}", "00".repeat(31)), 2),
            (format!("1 {}", "00".repeat(65)), 1),
            (format!("1 {good}0"), 1),
            (format!("1 {}zz", "00".repeat(31)), 1),
        ] {
            assert_eq!(ids(&text), Err(Some(line)), "{text}");
        }
        assert_eq!(ids("# none\n"), Err(None));
    }

    /// What a crash would write to disk, and every copy that is left behind.
    #[test]
    fn a_process_with_keys_dumps_no_core_and_keys_that_go_are_overwritten() {
        fn is_overwritten(_: &impl zeroize::ZeroizeOnDrop) {}
        let directory = std::env::temp_dir().join(format!("pulse-core-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let file = directory.join("keys");
        std::fs::write(&file, format!("1 {}\n", "00".repeat(32))).unwrap();
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
        assert!(read(Some(&file)).is_ok());
        assert_eq!(nix::sys::prctl::get_dumpable(), Ok(false));
        is_overwritten(&from_hex("00ff").unwrap());
        std::fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn a_file_that_others_can_read_or_a_link_to_one_is_refused() {
        let directory = std::env::temp_dir().join(format!("pulse-keys-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let file = directory.join("keys");
        std::fs::write(&file, format!("1 {}\n", "00".repeat(32))).unwrap();
        let with_mode = |mode| {
            std::fs::set_permissions(&file, PermissionsExt::from_mode(mode)).unwrap();
            read(Some(&file))
        };
        assert_eq!(with_mode(0o600).unwrap().len(), 1);
        assert!(matches!(with_mode(0o640), Err(KeyError::Unsafe(_))));
        assert!(matches!(with_mode(0o604), Err(KeyError::Unsafe(_))));
        assert_eq!(with_mode(0o400).unwrap().len(), 1);
        let link = directory.join("link");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert!(matches!(read(Some(&link)), Err(KeyError::Unreadable(..))));
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
