//! popt's alias files: `lvs alias --quiet --nodaemon -v`. The scanner expands what is parsed here.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

/// What an alias stands for on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Name {
    Long(Vec<u8>),
    Letter(u8),
}

/// One alias.
#[derive(Debug)]
pub(crate) struct Alias {
    name: Name,
    pub(crate) words: Vec<OsString>,
}

/// The aliases of one program. Later lines win over earlier ones.
#[derive(Debug, Default)]
pub struct Aliases(Vec<Alias>);

impl Aliases {
    /// Reads the `alias` lines for `program` out of the text of an alias file.
    ///
    /// Lines have the form `program alias --option word…`, words quoted as in a shell, a trailing
    /// backslash joins lines, `#` begins a comment line. Everything else is skipped, as popt does.
    #[must_use]
    pub fn parse(program: &str, text: &[u8]) -> Self {
        let mut aliases = Self::default();
        aliases.add(program, text);
        aliases
    }

    /// Adds those of another file, which win over the ones here.
    pub fn add(&mut self, program: &str, text: &[u8]) {
        for line in joined_lines(text) {
            let mut words = split(&line).into_iter();
            let is_ours = words.next().is_some_and(|word| word == program.as_bytes())
                && words.next().is_some_and(|word| word == b"alias");
            let Some(name) = words
                .next()
                .filter(|_| is_ours)
                .and_then(|word| name(&word))
            else {
                continue;
            };
            let words = words
                .filter(|word| !is_description(word))
                .map(OsString::from_vec)
                .collect();
            self.0.push(Alias { name, words });
        }
    }

    pub(crate) fn long(&self, name: &[u8]) -> Option<&Alias> {
        self.find(|alias| matches!(alias, Name::Long(long) if long == name))
    }

    pub(crate) fn letter(&self, letter: u8) -> Option<&Alias> {
        self.find(|alias| *alias == Name::Letter(letter))
    }

    fn find(&self, is_it: impl Fn(&Name) -> bool) -> Option<&Alias> {
        self.0.iter().rev().find(|alias| is_it(&alias.name))
    }
}

fn name(word: &[u8]) -> Option<Name> {
    match word {
        [b'-', b'-', long @ ..] if !long.is_empty() => Some(Name::Long(long.to_vec())),
        [b'-', letter] if *letter != b'-' => Some(Name::Letter(*letter)),
        _ => None,
    }
}

/// Words that only describe the alias in a help text.
fn is_description(word: &[u8]) -> bool {
    word.starts_with(b"--POPTdesc=") || word.starts_with(b"--POPTargs=")
}

/// The lines that are no comments, those that end in a backslash joined with the next.
fn joined_lines(text: &[u8]) -> Vec<Vec<u8>> {
    let mut lines = Vec::new();
    let mut joined = Vec::new();
    for line in text.split(|&byte| byte == b'\n') {
        if let [head @ .., b'\\'] = line {
            joined.extend_from_slice(head);
            continue;
        }
        joined.extend_from_slice(line);
        let line = std::mem::take(&mut joined);
        if !line.trim_ascii_start().starts_with(b"#") {
            lines.push(line);
        }
    }
    lines
}

/// Splits at white space; single and double quotes and the backslash protect.
fn split(line: &[u8]) -> Vec<Vec<u8>> {
    let mut words = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut quote = None;
    let mut bytes = line.iter().copied();
    while let Some(byte) = bytes.next() {
        if quote == Some(byte) {
            quote = None;
        } else if byte == b'\\' {
            word.get_or_insert_default().extend(bytes.next());
        } else if quote.is_some() {
            word.get_or_insert_default().push(byte);
        } else if byte == b'"' || byte == b'\'' {
            quote = Some(byte);
            word.get_or_insert_default();
        } else if byte.is_ascii_whitespace() {
            words.extend(word.take());
        } else {
            word.get_or_insert_default().push(byte);
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_programs_own_alias_lines_count() {
        let text = b"# lvs alias --c -n\nother alias --d -n\nlvs exec --e /bin/sh\nlvs alias\nlvs alias word -n\n\
              \tlvs \t alias --quiet --POPTdesc=x 'a b' \\\n -n\nlvs alias -z \"\" a\\ b\n";
        let aliases = Aliases::parse("lvs", text);
        assert_eq!(aliases.0.len(), 2);
        assert_eq!(aliases.long(b"quiet").unwrap().words, ["a b", "-n"]);
        assert_eq!(aliases.letter(b'z').unwrap().words, ["", "a b"]);
    }

    #[test]
    fn the_later_file_wins() {
        let mut aliases = Aliases::parse("lvs", b"lvs alias -q one");
        aliases.add("lvs", b"lvs alias -q two");
        assert_eq!(aliases.letter(b'q').unwrap().words, ["two"]);
    }
}
