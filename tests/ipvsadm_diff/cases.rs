//! Hand-written command lines, a block for each table of the original's behaviour.

use crate::rig::{Line, Rig};

/// Cases recorded once with the original; here it runs them again, and ours beside it.
const REFUSALS: &str = include_str!("../../bin/ipvsadm/src/vectors/refusals.tsv");
const EFFECTS: &str = include_str!("../../bin/ipvsadm/src/vectors/effects.txt");

/// Each command with what it needs, for the table of legal options.
const COMMANDS: [&str; 14] = [
    "-A -t 10.0.0.1:80",
    "-E -t 10.0.0.1:80",
    "-D -t 10.0.0.2:80",
    "-C",
    "-L",
    "-a -t 10.0.0.9:80 -r 10.0.0.21",
    "-d -t 10.0.0.9:80 -r 10.0.0.22",
    "-e -t 10.0.0.9:80 -r 10.0.0.20",
    "--set 1 2 3",
    "--start-daemon backup",
    "--stop-daemon backup",
    "-R",
    "-S",
    "-Z",
];

/// Every option, in the order in which legality is checked, and the two without a row.
const OPTIONS: [&str; 37] = [
    "-n",
    "-c",
    "-t 10.0.0.9:80",
    "-s rr",
    "-p 60",
    "-M 255.255.255.0",
    "-r 10.0.0.20",
    "-i",
    "-w 5",
    "-x 50",
    "-y 0",
    "--mcast-interface eth0",
    "--timeout",
    "--daemon",
    "--stats",
    "--rate",
    "--thresholds",
    "--persistent-conn",
    "--nosort",
    "--syncid 3",
    "-X",
    "-o",
    "--pe sip",
    "-b flag-1",
    "--mcast-group 224.0.0.9",
    "--mcast-port 99",
    "--mcast-ttl 9",
    "--sync-maxlen 1400",
    "--tun-info",
    "--tun-type gre",
    "--tun-port 9",
    "--tun-nocsum",
    "--tun-csum",
    "--tun-remcsum",
    "--sort",
    "-6",
    "-m",
];

/// Address forms, for `-A -t … -p -s rr`.
const ADDRESSES: [&str; 38] = [
    "10.0.0.1:080",
    "10.0.0.1:+80",
    "10.0.0.1:~80",
    "10.0.0.1:http",
    "10.0.0.1",
    "10.0.0.1:",
    "10.0.0.1:65535",
    "10.0.0.1:65536",
    "10.0.0.1:-1",
    "10.0.0.1:80~",
    "10.0.0.1:0x50",
    "10.0.0.1:HTTP",
    "10.0.0.1:80:90",
    "10.1:80",
    "0x0a000001:80",
    "010.0.0.1:80",
    "10:80",
    "10.0.0.1~x:80",
    "10",
    ":80",
    "''",
    "localhost:80",
    "vip1.example.com:80",
    "vip6.example.com:80",
    "no.such.host.example.com:80",
    "0.0.0.0:80",
    "255.255.255.255:80",
    "224.0.0.1:80",
    "[2001:DB8:0:0::1]:http",
    "[::1]",
    "[::1]80",
    "[]:80",
    "[::1%lo]:80",
    "::1",
    "2001:db8::1:80",
    "::80",
    "[::ffff:10.0.0.1]:80",
    "[::102:304]:80",
];

/// Values at and beyond the ends of their ranges.
const VALUES: [&str; 58] = [
    "-A -f 1 -s rr",
    "-A -f ~+2 -s rr",
    "-A -f 2147483647",
    "-A -f -1",
    "-A -f 1x",
    "-A -f ''",
    "-A -f 3 -6 -6 -s rr -p -M 128",
    "-A -f 4 -6 -M 0",
    "-A -f 4 -6 -M ~64",
    "-A -f 4 -M 64x",
    "-A -f 4 -M no.such.host.example.com",
    "-A -f 4 -p -M localhost",
    "-A -f 5 -p1",
    "-A -f 6 -p 2678400",
    "-A -f 7 -p 2678401",
    "-A -f 7 -p -1",
    "-A -f 7 -p ~5",
    "-A -f 8 -s a-scheduler-name-that-is-too-long",
    "-A -f 8 -s bad~name",
    "-A -f 8 --pe an-engine-name-that-is-too-long",
    "-A -f 8 --pe ''",
    "-A -f 9 -b ''",
    "-A -f 10 -b flag-1,,flag-2,flag-3 -s rr",
    "-A -f 11 -b sh-port -s mh",
    "-A -u 10.0.0.1:53 -o -p",
    "-A --sctp-service 10.0.0.1:53 -o",
    "-A -t 10.0.0.1:81 -s none",
    "-a -f 1 -r 10.1.0.1 -w 0",
    "-a -f 1 -r 10.1.0.2:http -w 2147483647",
    "-a -f 1 -r 10.1.0.3 -w 2147483648",
    "-a -f 1 -r 10.1.0.3 -w ''",
    "-a -f 1 -r 10.1.0.3 -w ~7",
    "-a -f 1 -r 10.1.0.4 -w 7~",
    "-a -f 1 -r 10.1.0.5 -x 2147483647 -y 2147483647",
    "-a -f 1 -r 10.1.0.6 -x -1",
    "-a -f 1 -r 10.1.0.7 -i --tun-type gue --tun-port 65535 --tun-csum",
    "-a -f 1 -r 10.1.0.8 -i --tun-type gue --tun-port 65536",
    "-a -f 1 -r 10.1.0.8 -i --tun-type gre --tun-csum --tun-nocsum",
    "-a -f 1 -r 10.1.0.8 -i --tun-type gre --tun-port 1",
    "-a -f 1 -r [fd00::9]:80 -i",
    "-a -f 1 -r [fd00::8]:80 -m",
    "-a -r 10.1.0.9:http -f 1",
    "-d -f 1 -r [fd00::9]:80",
    "-a -t 10.0.0.1:81 -r 10.0.0.255:81",
    "-a -t 10.0.0.1:81 -r 10.9.0.255",
    "-a -t 10.0.0.1:81 -r 10.1.0.1:8080 -g",
    "-e -t 10.0.0.1:81 -r 10.1.0.1:9999 -g -w 3",
    "--start-daemon master --syncid 255 --mcast-ttl 255 --mcast-port 65535",
    "--start-daemon master",
    "--start-daemon backup --mcast-group ff02::5 --sync-maxlen 65507",
    "--stop-daemon master --syncid 3",
    "--stop-daemon backup",
    "--stop-daemon backup",
    "--start-daemon backup --mcast-group 224.1",
    "--start-daemon backup --mcast-interface ''",
    "--stop-daemon backup",
    "--set 0 0 0",
    "--set 2678400 ~+30 60",
];

/// Lines for `-R`.
const RESTORES: [&str; 18] = [
    "",
    "\n \t\n",
    "ipvsadm\n",
    "ipvsadm -A -t 10.0.0.1:80 -s rr\n-a -t 10.0.0.1:80 -r 10.1.0.1 ipvsadm\n",
    "-A -f 1\n-A -f 1\n-A -f 2",
    "-A -f 1\n-A -f 3\r\n-A -f 3\n",
    "-A -f 4\n-A -t bad:port:x\n-A -f 5\n",
    "-A -f 6\n-A -f 7 -q\n-A -f 8\n",
    "-A -f 9\n# comment\n-A -f 10\n",
    "-A -f 11 # comment\n",
    "-A -f 12\n-R\n-A -f 13\n",
    "-A -f 23\n-R -q\n-A -f 24\n",
    "-A -f 25\n-R -n\n-A -f 26\n",
    "-L -n -f 99\n-A -f 14\n",
    "-D -f 12\n-D -f 12\n-Z -f 9\n--set 1 2\n",
    "word\n-A -f 15\n",
    "-A -f 15\n-A -f 16 -s nosuch\n-a -f 15 -r 224.0.0.1\n-a -f 15 -r 10.1.0.1\n",
    "-A -f \"20\"\n-A -f 21\\\n-A -f 22 \n",
];

/// Options of a listing; each is tried with names and numbers, over all services and one.
const LISTINGS: [&str; 12] = [
    "",
    "--stats",
    "--rate",
    "--thresholds",
    "--persistent-conn",
    "--tun-info",
    "--nosort",
    "--sort --stats --exact",
    "--rate -X --nosort",
    "--timeout",
    "--daemon",
    "-c",
];

pub fn run(rig: &mut Rig) {
    run_refusals(rig);
    run_effects(rig);
    run_legality(rig);
    for address in ADDRESSES {
        rig.reset();
        rig.compare(&Line::new(&format!("-A -t {address} -p -s rr")));
        rig.compare(&Line::new(&format!("-a -t {address} -r {address} -m")));
    }
    rig.reset();
    for line in VALUES {
        rig.compare(&Line::new(line));
    }
    rig.reset();
    for input in RESTORES {
        rig.compare(&Line::restore(input));
    }
    run_listings(rig);
}

fn run_refusals(rig: &mut Rig) {
    rig.reset();
    rig.compare(&Line::new("-A -t 10.0.0.9:80 -s rr"));
    rig.compare(&Line::new("-a -t 10.0.0.9:80 -r 10.0.0.20 -g"));
    for row in REFUSALS.lines() {
        let fields: Vec<_> = row.split('\t').collect();
        let outcome = rig.compare(&Line::new(fields[1]));
        let wanted = fields[2].replace("\\n", "\n") + "\n";
        assert_eq!(
            (outcome.status.to_string().as_str(), outcome.err),
            (fields[0], wanted)
        );
    }
}

fn run_effects(rig: &mut Rig) {
    let is_command = |line: &&str| !line.starts_with(' ');
    for commands in EFFECTS.lines().filter(is_command) {
        rig.reset();
        for line in commands.split(" ;; ") {
            rig.compare(&Line::new(line));
        }
        rig.compare(&Line::new("-S -n"));
    }
}

/// Every cell of the table of legal options.
fn run_legality(rig: &mut Rig) {
    for command in COMMANDS {
        rig.reset();
        rig.compare(&Line::new("-A -t 10.0.0.9:80 -s rr"));
        rig.compare(&Line::new("-a -t 10.0.0.9:80 -r 10.0.0.20 -g"));
        for option in OPTIONS {
            rig.compare(&Line::new(&format!("{command} {option}")));
        }
    }
}

/// A table that has one of everything, listed in every form.
fn run_listings(rig: &mut Rig) {
    rig.reset();
    rig.compare(&Line::restore(include_str!("everything.rules")));
    for options in LISTINGS {
        for form in ["-L -n", "-L", "-Ln -t 10.0.0.1:80", "-l -f 9 -6"] {
            rig.compare(&Line::new(format!("{form} {options}").trim_end()));
        }
    }
    for line in ["-S", "-Sn", "-S --sort -n"] {
        rig.compare(&Line::new(line));
    }
}
