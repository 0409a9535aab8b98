//! Tests of the scanner: recorded from libpopt, by hand for aliases, at random for soundness.

use lvs_model::Random;

use super::*;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Key {
    Num,
    Val,
    Opt,
    Int,
    List,
    Only,
}

const TABLE: Table<Key> = Table {
    rows: &[
        Row::new(Key::Num, "num").letter('n'),
        Row::new(Key::Val, "val")
            .letter('v')
            .takes(Takes::Text, "V"),
        Row::new(Key::Opt, "opt")
            .letter('p')
            .takes(Takes::OptionalText, "V"),
        Row::new(Key::Int, "int")
            .letter('i')
            .takes(Takes::Number, "N"),
        Row::new(Key::List, "list").letter('L'),
        Row::new(Key::Only, "only").takes(Takes::Text, "V"),
    ],
    help_rows: &[],
};

#[test]
fn letters_by_place_are_those_by_search() {
    let letters = TABLE.letters();
    for letter in 0..=u8::MAX {
        let key = |letters| TABLE.by_letter(letter, letters).map(|row| row.key);
        assert_eq!(key(Some(&letters)), key(None), "{letter}");
    }
}

const RECORDED: &str = include_str!("../tests/golden/libpopt-1.19.tsv");

/// Recorded words are separated by blanks; `~` is the empty one.
fn words(text: &str) -> Vec<OsString> {
    if text.is_empty() {
        return Vec::new();
    }
    text.split(' ')
        .map(|word| OsString::from(if word == "~" { "" } else { word }))
        .collect()
}

fn visible(text: &OsStr) -> String {
    if text.is_empty() {
        "~".to_owned()
    } else {
        Path::new(text).display().to_string()
    }
}

fn name(key: Key) -> String {
    format!("{key:?}").to_lowercase()
}

/// Options and the words between them, printed as the recording prints them.
fn scanned<'a>(scanner: Scanner<'a, Key, impl Iterator<Item = &'a OsStr>>) -> (String, String) {
    let (mut options, mut rest) = (Vec::new(), Vec::new());
    for item in scanner {
        match item {
            Ok(Item::Option(key, Value::None)) => options.push(name(key)),
            Ok(Item::Option(key, Value::Text(text))) => {
                options.push(format!("{}={}", name(key), visible(text)));
            }
            Ok(Item::Option(key, Value::Number(number))) => {
                options.push(format!("{}={number}", name(key)));
            }
            Ok(Item::Word(word)) => rest.push(visible(word)),
            Err(error) => options.push(format!("! {}: {}", visible(error.word), error.reason)),
        }
    }
    (options.join(" "), rest.join(" "))
}

fn refs(words: &[OsString]) -> impl Iterator<Item = &OsStr> {
    words.iter().map(OsString::as_os_str)
}

/// The recording has the text of a number, ours its value.
fn with_values(options: &str) -> String {
    let value = |item: &str| match item.strip_prefix("int=") {
        Some(text) => {
            let number = number::parse(text.replace('~', "").as_bytes()).unwrap();
            format!("int={number}")
        }
        None => item.to_owned(),
    };
    options.split(' ').map(value).collect::<Vec<_>>().join(" ")
}

#[test]
fn every_command_line_recorded_from_libpopt_scans_the_same() {
    for line in RECORDED.lines() {
        let mut fields = line.split('\t');
        let (arguments, options, rest) = (
            fields.next().unwrap(),
            fields.next().unwrap(),
            fields.next().unwrap(),
        );
        let arguments = words(arguments);
        let ours = scanned(Scanner::new(&TABLE, refs(&arguments)));
        assert_eq!(ours, (with_values(options), rest.to_owned()), "{line}");
    }
}

fn with_aliases(text: &str, line: &str) -> (String, String) {
    let aliases = Aliases::parse("lvs", text.as_bytes());
    let arguments = words(line);
    scanned(Scanner::new(&TABLE, refs(&arguments)).with_aliases(&aliases))
}

#[test]
fn an_alias_stands_for_its_words() {
    let text = "lvs alias -z -n --val x\nlvs alias --q2 \"-v\" \"a b\"\nlvs alias --quiet -n";
    for (line, wanted) in [
        ("-z", "num val=x"),
        ("-zn", "num val=x num"),
        ("-nz", "num num val=x"),
        ("-vz", "val=z"),
        ("-zv 5", "num val=x val=5"),
        ("-nzq", "num num val=x ! -nzq: unknown option"),
        ("-z=1", "num val=x ! -z=1: unknown option"),
        ("--q2", "val=a b"),
        ("--quiet -L", "num list"),
    ] {
        assert_eq!(
            with_aliases(text, line),
            (wanted.into(), "".into()),
            "{line}"
        );
    }
    assert_eq!(
        with_aliases(text, "--quiet=1 foo"),
        ("num".into(), "1 foo".into())
    );
}

/// The end of the options, and no option of an empty name.
#[test]
fn two_dashes_are_no_name_of_an_alias() {
    for line in ["--", "--=x", "-n-", "-- -n", "-n --"] {
        let without = with_aliases("", line);
        assert_eq!(with_aliases("lvs alias -- -L", line), without, "{line}");
    }
}

#[test]
fn an_alias_may_take_its_own_name_and_a_circle_of_them_ends() {
    assert_eq!(
        with_aliases("lvs alias --num --num -L", "--num"),
        ("num list".into(), "".into())
    );
    assert_eq!(
        with_aliases("lvs alias -a -b x\nlvs alias -b -a x", "-a").0,
        "! -a: aliases nested too deeply"
    );
}

#[test]
fn the_first_word_ends_the_options_where_posix_is_asked_for() {
    let arguments = words("-n word -L --num");
    let scanner = Scanner::new(&TABLE, refs(&arguments)).words_end_options(true);
    assert_eq!(scanned(scanner), ("num".into(), "word -L --num".into()));
}

#[test]
fn a_bad_number_names_the_word_it_stood_in() {
    let arguments = words("-t");
    let error = Scanner::new(&TABLE, refs(&arguments)).next().unwrap();
    assert_eq!(error.unwrap_err().to_string(), "-t: unknown option");
    let arguments = words("-i x");
    let error = Scanner::new(&TABLE, refs(&arguments)).next().unwrap();
    assert_eq!(error.unwrap_err().to_string(), "x: invalid numeric value");
}

fn word(random: &mut Random) -> OsString {
    const BYTES: &[u8] = b"--=nvpiLqx1 \xff";
    if random.once_in(4) {
        return random
            .pick(&["--num", "--val", "--opt=", "--int=3", "--list", "--only"])
            .into();
    }
    let bytes: Vec<u8> = (0..random.below(6)).map(|_| random.pick(BYTES)).collect();
    OsStr::from_bytes(&bytes).to_owned()
}

/// Every word is seen again: as a word, as a value, or as the options of its letters.
#[test]
fn the_scanner_loses_no_argument_and_never_panics() {
    for seed in testkit::seeds(100_000) {
        let mut random = Random::new(seed);
        let arguments: Vec<OsString> = (0..random.below(6)).map(|_| word(&mut random)).collect();
        let mut taken = 0;
        let source = refs(&arguments).inspect(|_| taken += 1);
        let mut consumed = Vec::new();
        let mut ended_early = false;
        for item in Scanner::new(&TABLE, source) {
            match item {
                Ok(Item::Word(word)) => consumed.push(word.to_owned()),
                Ok(Item::Option(_, Value::Text(text))) => consumed.push(text.to_owned()),
                Ok(_) => {}
                Err(_) => ended_early = true,
            }
        }
        assert!(ended_early || taken == arguments.len(), "{arguments:?}");
        let mut options_are_over = false;
        for word in &arguments {
            let is_option = word.as_bytes().starts_with(b"-") && word != "-";
            if !ended_early && (!is_option || options_are_over) {
                assert!(
                    consumed.contains(word) || is_number(word),
                    "{word:?} of {arguments:?}"
                );
            }
            options_are_over |= word == "--" && !consumed.contains(word);
        }
    }
}

fn is_number(word: &OsStr) -> bool {
    number::parse(word.as_bytes()).is_ok()
}
