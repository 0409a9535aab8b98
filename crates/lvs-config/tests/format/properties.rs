//! What holds for every file: generated ones, damaged ones, and any bytes.
//!
//! Seeds are fixed; a failure names the number of its file.

use lvs_model::Random;

use crate::generator::File;
use crate::support::read_text;
use lvs_config::{Consequence, MAX_FINDINGS, MAX_LINE, SyntaxTree};

const FILES: u64 = 10_000;

#[test]
fn ten_thousand_generated_files_print_as_they_were_parsed() {
    for seed in testkit::seeds(FILES) {
        let file = File::generated(&mut Random::new(seed));
        let tree = SyntaxTree::parse(&file.text);
        assert_eq!(tree.print(), file.text, "file {seed}");
        assert_eq!(SyntaxTree::parse(tree.print()), tree, "file {seed}");
    }
}

#[test]
fn ten_thousand_generated_files_are_accepted_with_their_values() {
    for seed in testkit::seeds(FILES) {
        let file = File::generated(&mut Random::new(seed));
        let loaded = read_text(&file.text).unwrap_or_else(|refusal| {
            let text = String::from_utf8_lossy(&file.text);
            panic!("file {seed}: {refusal}\n{text}");
        });
        assert_eq!(loaded.config.serial, file.serial, "file {seed}");
        let found = loaded
            .config
            .virtuals
            .iter()
            .flat_map(|block| &block.servers);
        let found: Vec<_> = found.map(|server| server.weight.get()).collect();
        assert_eq!(found, file.active_weights, "file {seed}");
    }
}

#[test]
fn ten_thousand_changed_files_differ_in_one_line_and_change_back_to_the_same_bytes() {
    for seed in testkit::seeds(FILES) {
        let file = File::generated(&mut Random::new(seed));
        let mut tree = SyntaxTree::parse(&file.text);
        let before = file.serial.to_string();
        let after = (u64::from(file.serial) + 1).to_string();
        tree.set(&[], "serial_no", &[before.as_bytes()])
            .expect("set");
        assert_eq!(tree.print(), file.text, "file {seed}");
        tree.set(&[], "serial_no", &[after.as_bytes()])
            .expect("set");
        let lines = |text: &[u8]| -> Vec<Vec<u8>> {
            text.split(|byte| matches!(byte, b'\n' | b'\r'))
                .map(<[u8]>::to_vec)
                .collect()
        };
        let (old, new) = (lines(&file.text), lines(tree.print()));
        let differ = old.iter().zip(&new).filter(|(old, new)| old != new);
        assert_eq!((differ.count(), old.len()), (1, new.len()), "file {seed}");
        tree.set(&[], "serial_no", &[before.as_bytes()])
            .expect("set");
        assert_eq!(tree.print(), file.text, "file {seed}");
    }
}

/// How many bytes each line has, without its end and a byte order mark.
fn lengths(bytes: &[u8]) -> Vec<usize> {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut lengths = vec![0];
    let mut before = 0;
    for byte in text {
        match (before, byte) {
            (b'\r', b'\n') => {}
            (_, b'\n' | b'\r') => lengths.push(0),
            _ => lengths
                .last_mut()
                .into_iter()
                .for_each(|length| *length += 1),
        }
        before = *byte;
    }
    lengths
}

/// Whatever the bytes are: no panic, a bounded report with a place, the text kept.
fn is_sound(bytes: &[u8]) {
    let tree = SyntaxTree::parse(bytes);
    assert_eq!(tree.print(), bytes);
    let findings = match read_text(bytes) {
        Ok(loaded) => loaded.findings,
        Err(refusal) => {
            assert_eq!(
                refusal.first().map(|f| f.consequence),
                Some(Consequence::Refuse)
            );
            refusal.findings
        }
    };
    assert!(findings.len() <= MAX_FINDINGS);
    let lengths = lengths(bytes);
    for finding in findings {
        let [line, column] = [finding.position.line, finding.position.column]
            .map(|number| usize::try_from(number).expect("number"));
        let is_there = match line.checked_sub(1).map(|line| lengths.get(line)) {
            Some(length) => length.is_some_and(|length| (1..=length + 1).contains(&column)),
            None => column == 0,
        };
        assert!(is_there, "{finding}");
        assert!(!finding.to_string().contains(char::is_control));
    }
}

#[test]
fn any_bytes_are_read_without_a_panic() {
    for seed in testkit::seeds(20_000) {
        let mut random = Random::new(seed);
        let length = random.index(200);
        let alphabet = b" \t\n\r=#:{}[]\"'\\\0\xff\xef\xbb\xbfavirtual server port 0189.";
        let any = random.once_in(2);
        let bytes: Vec<u8> = (0..length)
            .map(|_| {
                let byte = u8::try_from(random.index(256)).unwrap_or(0);
                if any { byte } else { random.pick(alphabet) }
            })
            .collect();
        is_sound(&bytes);
    }
}

#[test]
fn damaged_files_are_read_without_a_panic() {
    for seed in testkit::seeds(3_000) {
        let mut random = Random::new(seed);
        let mut text = File::generated(&mut random).text;
        for _ in 0..=random.index(3) {
            let at = random.index(text.len());
            match random.index(4) {
                0 => text.truncate(at),
                1 => text[at] ^= 1 << random.index(8),
                2 => drop(text.drain(at..(at + 1).min(text.len()))),
                _ => text.insert(at, random.pick(b"\"'\\{}#\0\r\n= ")),
            }
            if text.is_empty() {
                break;
            }
        }
        is_sound(&text);
    }
}

#[test]
fn a_file_cut_off_anywhere_is_refused_or_ends_between_blocks() {
    let mut random = Random::new(7);
    let text = File::generated(&mut random).text;
    for length in 0..text.len() {
        is_sound(&text[..length]);
    }
}

/// That the work grows no faster than the size is shown beside the reader, in `work.rs`.
#[test]
fn large_files_of_every_shape_are_read_without_a_panic() {
    const SIZE: usize = 256 * 1024;
    let line = b"virtual v {\nactive = 1\naddress = 192.0.2.1 eth0:1\n}\n";
    let named = b"virtual v {\nactive = 1\nserver s {\naddress = localhost\nactive = 1\n}\n}\n";
    let quotes = [b"\"a b\" ".repeat(MAX_LINE / 6), b"\n".to_vec()].concat();
    let shapes: [&[u8]; 11] = [
        b"a {\n",
        b"x\n",
        b"\"",
        b"} ",
        b"serial_no = 1\n",
        b"virtual v {\n}\n",
        b"virtual v {\nserver s {\n",
        b"primary = localhost\n",
        line,
        named,
        &quotes,
    ];
    for shape in shapes {
        let text: Vec<u8> = shape.iter().copied().cycle().take(SIZE).collect();
        is_sound(&text);
    }
}
