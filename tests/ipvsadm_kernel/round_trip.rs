//! Saved tables restored, by the same program and by the other.

use caribe_tests::c_ipvsadm;

use crate::{EVERYTHING, OURS, done, own_namespace};

/// What `saver` saves of a table that `restorer` made of `rules`, in a namespace of its own.
fn saved(restorer: &str, rules: &str, saver: &str) -> String {
    own_namespace();
    done(restorer, "-R", rules);
    done(saver, "-S -n", "")
}

#[test]
fn each_program_restores_what_the_other_saved_byte_for_byte() {
    let c = &c_ipvsadm();
    let text = saved(c, EVERYTHING, c);
    let lines = EVERYTHING.lines().count();
    assert_eq!(text.lines().count(), lines);
    for restorer in [c, OURS] {
        for saver in [c, OURS] {
            assert_eq!(
                saved(restorer, EVERYTHING, saver),
                text,
                "{restorer} {saver}"
            );
            assert_eq!(saved(restorer, &text, saver), text, "{restorer} {saver}");
        }
    }
}

#[test]
fn each_program_restores_what_the_other_saved_at_random() {
    let c = &c_ipvsadm();
    for seed in 1..=5_u32 {
        let rules = rules(seed);
        let text = saved(c, &rules, c);
        assert_eq!(saved(OURS, &text, c), text);
        assert_eq!(saved(c, &text, OURS), text);
        assert_eq!(saved(OURS, &rules, OURS), text);
    }
}

/// Twenty services with up to five servers each.
fn rules(seed: u32) -> String {
    let mut rules = String::new();
    for number in 0..20 {
        let mixed = seed
            .wrapping_mul(2_654_435_761)
            .wrapping_add(number * 40_503);
        let service = match mixed % 3 {
            0 => format!("-t 10.{}.0.1:{}", number, 1 + mixed % 60_000),
            1 => format!("-u [fd00:{number:x}::1]:53"),
            _ => format!("-f {}", 1 + mixed % 100_000 * 20 + number),
        };
        let schedulers = ["rr", "wrr", "lc", "wlc", "sh", "mh", "nq", "sed"];
        let scheduler = schedulers[usize::try_from(mixed / 3 % 8).unwrap()];
        rules.push_str(&format!("-A {service} -s {scheduler}\n"));
        for server in 0..mixed / 24 % 6 {
            let address = if service.contains('[') {
                format!("[fd01::{server}:1]:53")
            } else {
                format!("10.200.{server}.{}:8080", 1 + mixed % 250)
            };
            rules.push_str(&format!(
                "-a {service} -r {address} -m -w {}\n",
                mixed % 1000
            ));
        }
    }
    rules
}
