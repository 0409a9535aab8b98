//! Who besides owner, group and the rest may write a file: its POSIX ACL, of which the mode shows only
//! the mask, as if it were the group's rights.

use std::ffi::CStr;
use std::io;
use std::path::Path;

/// The attribute in which the kernel shows it, as of version 2.
pub(crate) const NAME: &CStr = c"system.posix_acl_access";
const VERSION: u32 = 2;
const LONGEST_HEADER: usize = 4;
const ENTRY: usize = 8;
const USER: u16 = 0x02;
const GROUP: u16 = 0x08;
const MASK: u16 = 0x10;
const WRITE: u16 = 0x02;

/// Whom an ACL names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// A user id.
    User(u32),
    /// A group id.
    Group(u32),
    /// Somebody: it is of a version that is not known here.
    Unknown,
}

/// The first one besides root that the ACL of `path` lets write.
pub(crate) fn writer(path: &Path) -> io::Result<Option<Named>> {
    Ok(lvs_sys::attribute(path, NAME)?.and_then(|acl| writer_of(&acl)))
}

fn writer_of(acl: &[u8]) -> Option<Named> {
    let (version, entries) = acl.split_first_chunk::<LONGEST_HEADER>()?;
    let (entries, rest) = entries.as_chunks::<ENTRY>();
    if u32::from_le_bytes(*version) != VERSION || !rest.is_empty() {
        return Some(Named::Unknown);
    }
    let entries = entries.iter().map(|[t0, t1, p0, p1, id @ ..]| {
        let short = |low, high| u16::from_le_bytes([low, high]);
        (short(*t0, *t1), short(*p0, *p1), u32::from_le_bytes(*id))
    });
    let mask = entries.clone().find(|(tag, ..)| *tag == MASK);
    let mask = mask.map_or(WRITE, |(_, permitted, _)| permitted);
    entries
        .filter(|(_, permitted, id)| permitted & mask & WRITE != 0 && *id != 0)
        .find_map(|(tag, _, id)| match tag {
            USER => Some(Named::User(id)),
            GROUP => Some(Named::Group(id)),
            _ => None,
        })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Owner rwx, group r-x, the mask, others r-x, and these.
    pub(crate) fn acl(named: &[(u16, u16, u32)], mask: u16) -> Vec<u8> {
        let none = u32::MAX;
        let of = |wanted: u16| named.iter().filter(move |(tag, ..)| *tag == wanted);
        let owner = [(0x01, 7, none)];
        let group = [(0x04, 5, none)];
        let rest = [(MASK, mask, none), (0x20, 5, none)];
        let all = owner.iter().chain(of(USER)).chain(&group);
        let all = all.chain(of(GROUP)).chain(&rest);
        let mut bytes = VERSION.to_le_bytes().to_vec();
        for (tag, permitted, id) in all {
            bytes.extend(tag.to_le_bytes());
            bytes.extend(permitted.to_le_bytes());
            bytes.extend(id.to_le_bytes());
        }
        bytes
    }

    #[test]
    fn who_is_named_and_may_write_is_found_and_the_mask_counts() {
        for (named, mask, found) in [
            (vec![], 7, None),
            (vec![(USER, 6, 1000)], 7, Some(Named::User(1000))),
            (vec![(USER, 6, 1000)], 5, None),
            (vec![(USER, 4, 1000)], 7, None),
            (vec![(USER, 6, 0)], 7, None),
            (vec![(GROUP, 2, 100)], 2, Some(Named::Group(100))),
            (
                vec![(USER, 5, 1000), (GROUP, 7, 100)],
                7,
                Some(Named::Group(100)),
            ),
        ] {
            assert_eq!(writer_of(&acl(&named, mask)), found, "{named:?} {mask}");
        }
        assert_eq!(writer_of(&[]), None);
        assert_eq!(writer_of(&[3, 0, 0, 0]), Some(Named::Unknown));
        assert_eq!(writer_of(&[2, 0, 0, 0, 1]), Some(Named::Unknown));
    }
}
