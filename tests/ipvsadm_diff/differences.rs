//! The explained differences: `docs/guide/differences.md` lists each with its reason, here both programs
//! show theirs.

use crate::rig::{Line, Outcome, Rig};

/// A command line with which the programs do not do the same, on a table made by `before`.
struct Difference {
    before: &'static [&'static str],
    line: &'static str,
    original: Expected,
    ours: Expected,
}

/// Status, standard output, standard error, what `-S -n` of ours prints afterwards.
struct Expected(i32, &'static str, &'static str, &'static str);

const ZERO_PORT: &str = "Zero port specified for non-persistent service\n";

const DIFFERENCES: [Difference; 13] = [
    Difference {
        before: &["-A -t 10.0.0.1:80 -s rr"],
        line: "-A -t 10.0.0.1:80 -s wrr --ensure",
        original: Expected(
            255,
            "",
            "--ensure: unknown option\n",
            "-A -t 10.0.0.1:80 -s rr\n",
        ),
        ours: Expected(0, "", "", "-A -t 10.0.0.1:80 -s wrr\n"),
    },
    Difference {
        before: &["-A -t 10.0.0.1:80 -s rr"],
        line: "-R --atomic",
        original: Expected(
            255,
            "",
            "--atomic: unknown option\n",
            "-A -t 10.0.0.1:80 -s rr\n",
        ),
        ours: Expected(0, "", "", ""),
    },
    Difference {
        before: &[],
        line: "-L --timeout --json",
        original: Expected(255, "", "--json: unknown option\n", ""),
        ours: Expected(
            0,
            "{\"timeouts\":{\"tcp\":900,\"tcp_fin\":120,\"udp\":300}}\n",
            "",
            "",
        ),
    },
    Difference {
        before: &[],
        line: "-A -t [10.0.0.7]:80 -s rr",
        original: Expected(2, "", ZERO_PORT, ""),
        ours: Expected(0, "", "", "-A -t 10.0.0.7:80 -s rr\n"),
    },
    Difference {
        before: &[],
        line: "-A -M 64 -t [fd00::7]:80 -s rr -p 60",
        original: Expected(0, "", "", "-A -t [fd00::7]:80 -s rr -p 60\n"),
        ours: Expected(0, "", "", "-A -t [fd00::7]:80 -s rr -p 60 -M 64\n"),
    },
    Difference {
        before: &[],
        line: "-A -t [fd00::7]:80 -s rr -p 60 -M 4294967360",
        original: Expected(0, "", "", "-A -t [fd00::7]:80 -s rr -p 60 -M 64\n"),
        ours: Expected(2, "", "illegal ipv6 netmask specified\n", ""),
    },
    Difference {
        before: &[],
        line: "-A -f 7 -M 255.255.255.0 -6 -s rr -p 60",
        original: Expected(0, "", "", "-A -f 7 -6 -s rr -p 60\n"),
        ours: Expected(2, "", "illegal ipv6 netmask specified\n", ""),
    },
    Difference {
        before: &["-A -f 4000000000 -s rr"],
        line: "-S -n",
        original: Expected(
            0,
            "-A -f -294967296 -s rr\n",
            "",
            "-A -f 4000000000 -s rr\n",
        ),
        ours: Expected(
            0,
            "-A -f 4000000000 -s rr\n",
            "",
            "-A -f 4000000000 -s rr\n",
        ),
    },
    Difference {
        before: &[],
        line: "-A -t 10.0.0.1:80 -s rr -b ,",
        original: Expected(139, "", "", ""),
        ours: Expected(0, "", "", "-A -t 10.0.0.1:80 -s rr\n"),
    },
    Difference {
        before: &["-A -t 10.0.0.1:80 -s sh -b flag-3"],
        line: "-S -n",
        original: Expected(
            0,
            "-A -t 10.0.0.1:80 -s sh -b \n",
            "",
            "-A -t 10.0.0.1:80 -s sh -b flag-3\n",
        ),
        ours: Expected(
            0,
            "-A -t 10.0.0.1:80 -s sh -b flag-3\n",
            "",
            "-A -t 10.0.0.1:80 -s sh -b flag-3\n",
        ),
    },
    Difference {
        before: &["-A -t 10.0.0.1:80 -s mh -b flag-3"],
        line: "-L -n -t 10.0.0.1:80",
        original: Expected(
            0,
            "Prot LocalAddress:Port Scheduler Flags\n  \
             -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n\
             TCP  10.0.0.1:80 mh ()\n",
            "",
            "-A -t 10.0.0.1:80 -s mh -b flag-3\n",
        ),
        ours: Expected(
            0,
            "Prot LocalAddress:Port Scheduler Flags\n  \
             -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n\
             TCP  10.0.0.1:80 mh (flag-3)\n",
            "",
            "-A -t 10.0.0.1:80 -s mh -b flag-3\n",
        ),
    },
    Difference {
        before: &[],
        line: "--start-daemon backup --mcast-interface fifteen-letters-and-more",
        original: Expected(0, "", "", ""),
        ours: Expected(255, "", "No such device\n", ""),
    },
    Difference {
        before: &["-A -f 4000000000 -s rr"],
        line: "-L -n -f 4000000000",
        original: Expected(
            0,
            "Prot LocalAddress:Port Scheduler Flags\n  \
             -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n\
             FWM  -294967296 rr\n",
            "",
            "-A -f 4000000000 -s rr\n",
        ),
        ours: Expected(
            0,
            "Prot LocalAddress:Port Scheduler Flags\n  \
             -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n\
             FWM  4000000000 rr\n",
            "",
            "-A -f 4000000000 -s rr\n",
        ),
    },
];

/// Runs a line on one side and compares with what is expected of it.
fn check(rig: &mut Rig, is_original: bool, difference: &Difference) {
    let line = Line::new(difference.line);
    let before = difference.before.iter().map(|line| Line::new(line));
    let saved = Line::new("-S -n");
    rig.reset();
    for line in before {
        assert_eq!(rig.ours.run(&line).status, 0);
        assert_eq!(rig.original.run(&line).status, 0);
    }
    let (outcome, table, expected) = if is_original {
        let outcome = rig.original.run(&line);
        rig.original.enter();
        (outcome, rig.ours.run_here(&saved), &difference.original)
    } else {
        (rig.ours.run(&line), rig.ours.run(&saved), &difference.ours)
    };
    let Expected(status, out, err, wanted_table) = expected;
    let wanted = Outcome {
        status: *status,
        out: (*out).into(),
        err: (*err).into(),
    };
    let who = if is_original { "original" } else { "ours" };
    assert_eq!(outcome, wanted, "{who}: {}", difference.line);
    assert_eq!(table.out, *wanted_table, "{who}: {}", difference.line);
}

/// Shows every explained difference.
pub fn show(rig: &mut Rig) {
    for difference in &DIFFERENCES {
        check(rig, true, difference);
        check(rig, false, difference);
    }
    rig.reset();
}
