//! Reading a file, changing something and writing it: 10 000 generated files, a change at random in
//! each. All other bytes stay, and the same change back gives the same file.
//!
//! One file in three has words that nobody knows; a failure names the number of its file.

use lvs_model::Random;

use crate::generator::File;
use crate::support::Names;
use lvs_config::{BlockKind, BlockName, Config, SyntaxTree, read_tolerant};

const FILES: u64 = 10_000;

/// The files of one of the four kinds of change.
fn seeds(kind: u64) -> impl Iterator<Item = u64> {
    testkit::seeds(FILES).filter(move |seed| seed % 4 == kind)
}

/// A generated file, its tree, and a block of it if it has any.
struct Case {
    seed: u64,
    file: File,
    tree: SyntaxTree,
    random: Random,
}

impl Case {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut file = File::generated(&mut random);
        if seed % 3 == 1 {
            let strange = "colour = red\ngarden g {\n shape = round\n b {\n }\n}\n";
            let mut text = strange.replace('\n', file.line_end).into_bytes();
            text.append(&mut file.text);
            file.text = text;
        }
        Self {
            tree: SyntaxTree::parse(&file.text),
            seed,
            file,
            random,
        }
    }

    /// One of its virtual blocks, and how many servers it has.
    fn block(&mut self) -> Option<(BlockName<'static>, usize)> {
        let number = self.random.index(self.file.blocks.len());
        let (name, servers) = *self.file.blocks.get(number)?;
        let before = &self.file.blocks[..number];
        let block = BlockName {
            kind: BlockKind::Virtual,
            name: name.as_bytes(),
            turn: before.iter().filter(|(other, _)| *other == name).count(),
        };
        Some((block, servers))
    }

    fn config(&self) -> Config {
        let read = read_tolerant(self.tree.print(), &mut Names::default());
        read.unwrap_or_else(|refusal| panic!("file {}: {refusal}", self.seed))
            .config
    }

    fn weights(&self) -> Vec<u32> {
        let config = self.config();
        let servers = config.virtuals.iter().flat_map(|block| &block.servers);
        servers.map(|server| server.weight.get()).collect()
    }

    /// The one part of `whole` that `part` lacks.
    fn difference<'t, T>(&self, whole: &'t [T], part: &[T]) -> &'t [T]
    where
        T: PartialEq + std::fmt::Debug,
    {
        let same = whole.iter().zip(part).take_while(|(a, b)| a == b).count();
        let left = whole.len().checked_sub(part.len()).expect("it has grown");
        // Where several parts would do, the last of them.
        assert_eq!(whole[same + left..], part[same..], "file {}", self.seed);
        &whole[same..same + left]
    }

    /// The tree is the file again.
    fn is_back(&self) {
        assert_eq!(self.tree.print(), self.file.text, "file {}", self.seed);
    }
}

/// The number-th server of `block`.
fn server(block: BlockName<'static>, number: usize) -> [BlockName<'static>; 2] {
    let server = BlockName {
        kind: BlockKind::Server,
        name: b"s",
        turn: number,
    };
    [block, server]
}

#[test]
fn a_file_with_another_weight_differs_in_its_digits() {
    for seed in seeds(0) {
        let mut case = Case::new(seed);
        let Some((block, servers @ 1..)) = case.block() else {
            continue;
        };
        let path = server(block, case.random.index(servers));
        let new = case.random.index(65_536).to_string();
        case.tree
            .set(&path, "weight", &[new.as_bytes()])
            .expect("set");
        let changed = case.tree.print().to_vec();
        let (old_lines, new_lines) = (lines(&case.file.text), lines(&changed));
        assert_eq!(old_lines.len(), new_lines.len(), "file {seed}");
        let differ = old_lines.iter().zip(new_lines).filter(|(a, b)| *a != b);
        let differ: Vec<_> = differ.collect();
        for (old, changed) in &differ {
            let is_digit = |byte: &u8| byte.is_ascii_digit();
            let first = old.iter().position(is_digit).expect("a number");
            let behind = old.iter().rposition(is_digit).expect("a number") + 1;
            let expected = [&old[..first], new.as_bytes(), &old[behind..]].concat();
            assert_eq!(*changed, expected, "file {seed}");
            case.tree
                .set(&path, "weight", &[&old[first..behind]])
                .expect("set");
        }
        assert!(differ.len() <= 1, "file {seed}");
        case.is_back();
    }
}

/// Each line with its end.
fn lines(text: &[u8]) -> Vec<&[u8]> {
    let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
    text.split_inclusive(is_end).collect()
}

#[test]
fn a_file_gains_a_server_and_loses_it_again() {
    for seed in seeds(1) {
        let mut case = Case::new(seed);
        let Some((block, _)) = case.block() else {
            continue;
        };
        let path = [
            block,
            BlockName {
                kind: BlockKind::Server,
                name: b"the new one",
                turn: 0,
            },
        ];
        let before = case.weights();
        let new = &path[1];
        case.tree
            .add_block(&[block], new.kind, new.name)
            .expect("added");
        let weight = 1 + case.random.index(65_535);
        for (keyword, value) in [
            ("address", "10.20.0.99".to_owned()),
            ("active", "1".to_owned()),
            ("weight", weight.to_string()),
        ] {
            case.tree
                .set(&path, keyword, &[value.as_bytes()])
                .expect("set");
        }
        let text = String::from_utf8_lossy(case.difference(case.tree.print(), &case.file.text));
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        let expected = format!(
            "server \"the new one\" {{ address = 10.20.0.99 active = 1 weight = {weight} }}"
        );
        // What stands before and behind it may be the same bytes: then they count from elsewhere.
        assert!(words.contains(&"server"), "file {seed}: {text}");
        let mut turned = words.clone();
        while turned.first() != Some(&"server") {
            turned.rotate_left(1);
        }
        assert_eq!(turned.join(" "), expected, "file {seed}");
        let mut after = case.weights();
        if after != before {
            let place = after.iter().position(|w| *w as usize == weight);
            after.remove(place.expect("its weight"));
        }
        assert_eq!(after, before, "file {seed}");
        case.tree.remove_block(&path).expect("removed");
        case.is_back();
    }
}

#[test]
fn a_file_loses_a_server_or_a_section_and_no_other_byte() {
    for seed in seeds(2) {
        let mut case = Case::new(seed);
        let Some((block, servers)) = case.block() else {
            continue;
        };
        let number = case.random.index(servers + 1);
        let (path, first): (Vec<_>, &str) = if number < servers {
            (server(block, number).to_vec(), "server s {")
        } else {
            (vec![block], "virtual ")
        };
        let count = |text: &[u8]| {
            let text = String::from_utf8_lossy(text).into_owned();
            let lines = text.split(['\n', '\r']).map(str::trim_start);
            lines.filter(|line| line.starts_with(first)).count()
        };
        let (all, blocks) = (count(&case.file.text), case.config().virtuals.len());
        case.tree.remove_block(&path).expect("removed");
        let gone = case.difference(&case.file.text, case.tree.print());
        assert_eq!(
            count(gone),
            1,
            "file {seed}: {}",
            String::from_utf8_lossy(gone)
        );
        assert_eq!(count(case.tree.print()), all - 1, "file {seed}");
        if case.file.text.ends_with(case.file.line_end.as_bytes()) {
            case.difference(&lines(&case.file.text), &lines(case.tree.print()));
        }
        assert!(case.config().virtuals.len() <= blocks, "file {seed}");
    }
}

#[test]
fn a_file_gains_a_section_and_loses_it_again() {
    for seed in seeds(3) {
        let mut case = Case::new(seed);
        let name = case
            .random
            .pick(&[&b"new"[..], b"a b", b"{", b"}", b"x#", b"="]);
        let kind = case.random.pick(&[BlockKind::Virtual, BlockKind::Failover]);
        let new = BlockName {
            kind,
            name,
            turn: 0,
        };
        case.tree.add_block(&[], kind, name).expect("added");
        assert!(
            case.tree.print().starts_with(&case.file.text),
            "file {seed}"
        );
        case.config();
        case.tree.set(&[new], "port", &[b"81"]).expect("set");
        case.config();
        case.tree.remove_block(&[new]).expect("removed");
        case.is_back();
    }
}

/// What a string says is never touched, however it is quoted.
#[test]
fn a_string_is_written_in_double_quotes_with_the_escapes_it_had() {
    let values: [&[u8]; 6] = [
        br"GET / HTTP/1.0\r\n\r\n",
        br#"say \"hello\" "#,
        br"\\d+\t",
        b"it's",
        b"",
        b"\xff\xfe",
    ];
    for value in values {
        for before in [
            "send = 'x y'\n",
            "send = \"x y\"\n",
            "send = x\n",
            "port = 80\n",
        ] {
            let text = format!("virtual v {{\n{before}}}\n");
            let mut tree = SyntaxTree::parse(text.as_bytes());
            let path = [BlockName {
                kind: BlockKind::Virtual,
                name: b"v",
                turn: 0,
            }];
            tree.set(&path, "send", &[value]).expect("set");
            let written = [&b"send = \""[..], value, b"\"\n"].concat();
            let bare = [&b"send = "[..], value, b"\n"].concat();
            let holds = |part: &[u8]| tree.print().windows(part.len()).any(|w| w == part);
            assert!(holds(&written) || holds(&bare), "{before} {value:?}");
            assert!(!tree.print().contains(&b'\'') || value.contains(&b'\''));
        }
    }
}
