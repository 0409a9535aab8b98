//! Where the file lies.

use std::path::{Path, PathBuf};

/// Where the file is looked for if no option names it: the usual place, and that of the first releases.
pub const DEFAULT_PATHS: [&str; 2] = ["/etc/sysconfig/ha/lvs.cf", "/etc/lvs.cf"];

/// Where to look for the file, in order; the first that exists is it.
///
/// The file that an option named is the only candidate. If none of several exists, messages name
/// the first.
#[must_use]
pub fn candidates(named: Option<&Path>) -> Vec<PathBuf> {
    match named {
        Some(path) => vec![path.to_owned()],
        None => DEFAULT_PATHS.iter().map(PathBuf::from).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_file_is_the_only_candidate() {
        let named = Path::new("/tmp/x.cf");
        assert_eq!(candidates(Some(named)), [named]);
        assert_eq!(candidates(None)[1], Path::new("/etc/lvs.cf"));
    }
}
