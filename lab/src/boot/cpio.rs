//! An initial RAM disk in the kernel's own archive format ("newc" cpio). Used by `qemu`.

use std::io::{self, Write};
use std::path::Path;

/// Writes files and directories one after the other.
pub(super) struct Archive<W: Write> {
    out: W,
    number: usize,
}

const DIRECTORY: usize = 0o040_755;
const PROGRAM: usize = 0o100_755;

impl<W: Write> Archive<W> {
    /// An empty archive.
    pub(super) fn new(out: W) -> Self {
        Self { out, number: 0 }
    }

    /// Adds a directory; its parents must be there.
    pub(super) fn directory(&mut self, name: &str) -> io::Result<()> {
        self.entry(name, DIRECTORY, &[])
    }

    /// Adds an executable file.
    pub(super) fn program(&mut self, name: &str, content: &[u8]) -> io::Result<()> {
        self.entry(name, PROGRAM, content)
    }

    /// Adds the directories above `file`, outermost first.
    pub(super) fn parents(&mut self, file: &Path) -> io::Result<()> {
        let mut above: Vec<_> = file.ancestors().skip(1).collect();
        above.reverse();
        for dir in above {
            let name = dir.to_string_lossy();
            if !name.trim_matches('/').is_empty() {
                self.directory(name.trim_start_matches('/'))?;
            }
        }
        Ok(())
    }

    /// Ends the archive.
    pub(super) fn finish(mut self) -> io::Result<W> {
        self.entry("TRAILER!!!", 0, &[])?;
        Ok(self.out)
    }

    /// Thirteen numbers of eight hex digits after the magic, name, content, each padded to four.
    fn entry(&mut self, name: &str, mode: usize, content: &[u8]) -> io::Result<()> {
        self.number += 1;
        write!(self.out, "070701")?;
        let links = 1;
        for field in [self.number, mode, 0, 0, links, 0, content.len(), 0, 0, 0, 0] {
            write!(self.out, "{field:08x}")?;
        }
        write!(self.out, "{:08x}{:08x}{name}\0", name.len() + 1, 0)?;
        self.pad(110 + name.len() + 1)?;
        self.out.write_all(content)?;
        self.pad(content.len())
    }

    fn pad(&mut self, length: usize) -> io::Result<()> {
        let zeros = [0; 3];
        self.out
            .write_all(zeros.get(..(4 - length % 4) % 4).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_starts_at_a_multiple_of_four() {
        let mut archive = Archive::new(Vec::new());
        archive.parents(Path::new("/a/bc/file")).unwrap();
        archive.program("a/bc/file", b"12345").unwrap();
        let bytes = archive.finish().unwrap();
        assert_eq!(bytes.len() % 4, 0);
        let starts: Vec<_> = bytes
            .windows(6)
            .enumerate()
            .filter(|(_, w)| *w == b"070701")
            .map(|(i, _)| i)
            .collect();
        assert_eq!(starts.len(), 4);
        assert!(starts.iter().all(|start| start % 4 == 0));
    }
}
