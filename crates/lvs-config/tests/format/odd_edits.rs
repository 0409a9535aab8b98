//! Changing files that nobody should write, from damaged lines in any order: one line changes, or a
//! block comes and goes, or nothing is touched.

use lvs_config::{BlockKind, BlockName, SyntaxTree};
use lvs_model::Random;

const FILES: u64 = 10_000;

/// Lines of files that nobody should write.
const ODD: [&[u8]; 32] = [
    b"virtual v {",
    b"virtual \"v\" {",
    b"virtual v { }",
    b"virtual v",
    b"virtual = x",
    b"#:virtual v {",
    b"failover f {",
    b"foo {",
    b"foo = {",
    b"{",
    b"server s {",
    b"server s { # c",
    b"server s",
    b"}",
    b"}",
    b"} # x",
    b"port = 80",
    b"port = \"80\" ",
    b"#:port = 81",
    b"  port = 8 9",
    b"port =",
    b"send = \"a b\"",
    b"send = 'a'",
    b"send = \"a\\\"",
    b"send = \"",
    b"# c",
    b"\t",
    b"",
    b"\0",
    b"\xff",
    b"address = 192.0.2.1 eth0",
    b"serial_no = 1",
];

fn odd_file(random: &mut Random) -> Vec<u8> {
    const ENDS: [&[u8]; 3] = [b"\n", b"\r\n", b"\r"];
    let usual = random.pick(&ENDS);
    let mut text = random.pick(&[&b""[..], b"", b"", b"\xef\xbb\xbf"]).to_vec();
    for _ in 0..random.index(10) {
        let other = random.pick(&ENDS);
        text.extend(random.pick(&ODD));
        text.extend(random.pick(&[usual, usual, usual, other]));
    }
    let last = random.pick(&ODD);
    text.extend(random.pick(&[&b""[..], last]));
    text
}

/// The part of `new` that `old` has not, and the other way round.
fn exchanged<'t>(old: &'t [u8], new: &'t [u8]) -> [&'t [u8]; 2] {
    let same = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let (old, new) = (&old[same..], &new[same..]);
    let ends = old.iter().rev().zip(new.iter().rev());
    let same = ends.take_while(|(a, b)| a == b).count();
    [&old[..old.len() - same], &new[..new.len() - same]]
}

#[test]
fn an_odd_file_changes_in_one_line_or_not_at_all() {
    const KEYWORDS: [&str; 5] = ["port", "#:port", "send", "serial_no", "new"];
    const VALUES: [&[u8]; 12] = [
        b"80", b"a b", b"", b"\"", b"a\\", b"#x", b"{", b"}", b"it's", b"\xff", b"= =", b"\\\"",
    ];
    for seed in testkit::seeds(FILES) {
        let mut random = Random::new(seed);
        let tree = SyntaxTree::parse(&odd_file(&mut random));
        let named = |kind, name, turn| BlockName { kind, name, turn };
        let v = named(BlockKind::Virtual, &b"v"[..], random.index(2));
        let s = named(BlockKind::Server, &b"s"[..], random.index(2));
        let path = &[v, s][..random.index(3)];
        let (keyword, value) = (random.pick(&KEYWORDS), random.pick(&VALUES));
        let mut changed = tree.clone();
        if changed.set(path, keyword, &[value]).is_err() {
            assert_eq!(changed, tree, "file {seed}");
            continue;
        }
        let [gone, come] = exchanged(tree.print(), changed.print());
        let is_end = |byte: &&u8| matches!(byte, b'\n' | b'\r');
        let ends = [gone, come].map(|part| part.iter().filter(is_end).count());
        // A line that comes brings its end, of at most two bytes.
        assert!(ends[0] == 0 && ends[1] <= 2, "file {seed}");
        // It is found again where it was written.
        let mut again = changed.clone();
        again.set(path, keyword, &[value]).expect("set");
        assert_eq!(again, changed, "file {seed}");
    }
}

#[test]
fn an_odd_file_gains_a_block_and_loses_it_again_or_does_not_change() {
    let v = BlockName {
        kind: BlockKind::Virtual,
        name: b"v",
        turn: 0,
    };
    let in_v = [v];
    for seed in testkit::seeds(FILES) {
        let mut random = Random::new(seed);
        let tree = SyntaxTree::parse(&odd_file(&mut random));
        let (outer, kind) = random.pick(&[
            (&[][..], BlockKind::Virtual),
            (&[], BlockKind::Failover),
            (&in_v, BlockKind::Server),
        ]);
        let mut changed = tree.clone();
        if changed.add_block(outer, kind, b"new").is_ok() {
            let new = BlockName {
                kind,
                name: b"new",
                turn: 0,
            };
            changed
                .remove_block(&[outer, &[new]].concat())
                .expect("removed");
        }
        assert_eq!(changed, tree, "file {seed}");
    }
}
