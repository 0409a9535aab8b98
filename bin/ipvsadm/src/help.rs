//! The texts of `--help` and `--version`.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use popt::Row;

use crate::options::{Block, Key, TABLE};
use crate::output::Output;

/// The release whose command line this is. Scripts look for `ipvsadm v1.` and `IPVS v1.2.1`.
const VERSION: &str = "ipvsadm v1.31 2019/12/24 (compiled with popt and IPVS v1.2.1)";

/// Forms of the command line, behind the program's name.
const FORMS: [&str; 15] = [
    "-A|E virtual-service [-s scheduler] [-b sched-flags] [-p [seconds]] [-M netmask] [--pe name] [-o]",
    "-D virtual-service",
    "-C",
    "-R",
    "-R --atomic [--dry-run]",
    "-S [-n]",
    "-a|e virtual-service -r address[:port] [options]",
    "-d virtual-service -r address[:port]",
    "-L|l [virtual-service] [options]",
    "-Z [virtual-service]",
    "--set tcp tcpfin udp",
    "--start-daemon master|backup [daemon-options]",
    "--stop-daemon master|backup",
    "-h",
    "-v",
];

pub(crate) fn print_version(out: &mut Output<'_>) {
    out.text(VERSION).end();
}

pub(crate) fn print_help(out: &mut Output<'_>, program: &OsStr) {
    print_version(out);
    out.text("Usage:").end();
    for form in FORMS {
        out.text("  ").bytes(program.as_bytes()).text(" ");
        out.text(form).end();
    }
    for (heading, block) in [
        ("\nCommands:", Block::Commands),
        ("\nvirtual-service:", Block::Service),
        ("\nOptions:", Block::Options),
        ("Daemon Options:", Block::Daemon),
    ] {
        out.text(heading).end();
        for row in TABLE.all().filter(|row| block_of(row.key()) == block) {
            print_row(out, row);
        }
    }
}

const fn block_of(key: Key) -> Block {
    match key {
        Key::Command(_) | Key::Help | Key::Version => Block::Commands,
        Key::Setting(setting) => setting.block,
    }
}

fn print_row(out: &mut Output<'_>, row: &Row<Key>) {
    let mut left = String::from("  ");
    if let Some(long) = row.long_name() {
        left.extend(["--", long, " "]);
    }
    if let Some(letter) = row.short_name() {
        left.extend(['-', letter, ' ']);
    }
    left.push_str(row.value_name().unwrap_or_default());
    out.left(left.as_bytes(), 34).text(" ");
    out.text(row.help_text()).end();
}
