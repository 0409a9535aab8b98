//! Filters of system calls, put together from tables. Nothing in here installs one.
//!
//! A table has a row for each call that it means: the call's number and a [`Rule`]. What no row means
//! is allowed or refused as a whole. Refused is a call with `EPERM`, so that whoever makes it goes on and can say so.

use std::io;

use lvs_sys::{CallFilter, Instruction};
use nix::libc;

/// An argument that is to have a value: its place, from 0, and its low 32 bits.
pub type Is = (u8, u32);

/// When a call is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Whatever its arguments are.
    Always,
    /// Not at all.
    Never,
    /// If all of one of these lists are so.
    If(&'static [&'static [Is]]),
    /// Unless one of these is so.
    Unless(&'static [Is]),
}

/// What becomes of a call that no row means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Others {
    /// It is allowed.
    Allowed,
    /// It is refused.
    Refused,
}

/// The calls of one architecture.
#[derive(Clone, Debug)]
pub struct Table {
    /// As the kernel names it (`AUDIT_ARCH_*` in linux/audit.h).
    pub architecture: u32,
    /// Numbers of calls, and when each is allowed.
    pub rows: Vec<(u32, Rule)>,
}

/// What this program is built for, where a filter for it can be made.
pub const OWN_ARCHITECTURE: Option<u32> = if cfg!(target_arch = "x86_64") {
    Some(0xc000_003e)
} else if cfg!(target_arch = "aarch64") {
    Some(0xc000_00b7)
} else {
    None
};

/// Where `struct seccomp_data` (linux/seccomp.h) has what.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
const ARGUMENTS: u32 = 16;
/// Low half of an argument; both architectures are little-endian.
const fn argument(place: u8) -> u32 {
    ARGUMENTS + 8 * place as u32
}

/// Numbers from here on are the calls of x32, which have others of their own.
const X32: u32 = 0x4000_0000;

/// The filter of `tables`, one for each architecture. A call of another one is refused.
///
/// # Errors
/// There are too many rows.
pub fn filter(tables: &[Table], others: Others) -> io::Result<CallFilter> {
    CallFilter::new(program(tables, others))
}

fn program(tables: &[Table], others: Others) -> Vec<Instruction> {
    let mut program = Vec::new();
    program.push(load(ARCHITECTURE));
    for table in tables {
        let body = body(&table.rows, others);
        // A jump reaches farther than a condition.
        program.push(unless_equal(table.architecture, 1));
        program.push(skip(1));
        program.push(skip(body.len()));
        program.extend(body);
    }
    program.push(RETURN_REFUSED);
    program
}

fn body(rows: &[(u32, Rule)], others: Others) -> Vec<Instruction> {
    let mut body = vec![load(NUMBER)];
    search(&ranges(rows, others), &mut body);
    body
}

/// From which number on which rule holds, from 0 on. Of two rows of one number the first counts.
fn ranges(rows: &[(u32, Rule)], others: Others) -> Vec<(u32, Rule)> {
    let others = match others {
        Others::Allowed => Rule::Always,
        Others::Refused => Rule::Never,
    };
    let mut rows: Vec<(u32, Rule)> = rows.to_vec();
    rows.retain(|(number, _)| *number < X32);
    // Stable, so the first of one number stays first.
    rows.sort_by_key(|(number, _)| *number);
    rows.dedup_by_key(|(number, _)| *number);
    let mut ranges = Vec::with_capacity(2 * rows.len() + 2);
    let mut next = 0;
    for (number, rule) in rows {
        if next < number {
            ranges.push((next, others));
        }
        ranges.push((number, rule));
        next = number + 1;
    }
    if next < X32 {
        ranges.push((next, others));
    }
    ranges.push((X32, Rule::Never));
    ranges.dedup_by_key(|(_, rule)| *rule);
    ranges
}

/// Looks for the number in one half after the other. The kernel compiles a filter for each process that
/// installs one and runs it for each of its calls, hundreds, to learn which are always allowed (5.11): row
/// after row that took most of a millisecond.
fn search(ranges: &[(u32, Rule)], program: &mut Vec<Instruction>) {
    let (low, high) = ranges.split_at(ranges.len() / 2);
    let (start, rule) = high.first().copied().unwrap_or((0, Rule::Never));
    if low.is_empty() {
        program.extend(verdict(rule));
        return;
    }
    let length = length(low);
    match u8::try_from(length) {
        Ok(length) => program.push(unless_less(start, length)),
        // A jump reaches farther than a condition.
        Err(_) => program.extend([if_less(start, 1), skip(length)]),
    }
    search(low, program);
    search(high, program);
}

/// How many instructions [`search`] has for them.
fn length(ranges: &[(u32, Rule)]) -> usize {
    let (low, high) = ranges.split_at(ranges.len() / 2);
    if low.is_empty() {
        let rule = high.first().map_or(Rule::Never, |(_, rule)| *rule);
        return verdict(rule).len();
    }
    let low = length(low);
    let jump = if u8::try_from(low).is_ok() { 1 } else { 2 };
    jump + low + length(high)
}

/// What a call comes to that a row means; it ends in each way.
fn verdict(rule: Rule) -> Vec<Instruction> {
    match rule {
        Rule::Always => vec![RETURN_ALLOWED],
        Rule::Never => vec![RETURN_REFUSED],
        Rule::If(lists) => {
            let mut program = Vec::new();
            for list in lists {
                // Behind each condition: those that follow, and the answer.
                let mut left = list.len() * 2 + 1;
                for (place, value) in *list {
                    left -= 2;
                    program.push(load(argument(*place)));
                    let behind = u8::try_from(left).unwrap_or(u8::MAX);
                    program.push(unless_equal(*value, behind));
                }
                program.push(RETURN_ALLOWED);
            }
            program.push(RETURN_REFUSED);
            program
        }
        Rule::Unless(list) => {
            let mut program = Vec::new();
            for (place, value) in list {
                program.push(load(argument(*place)));
                program.push(unless_equal(*value, 1));
                program.push(RETURN_REFUSED);
            }
            program.push(RETURN_ALLOWED);
            program
        }
    }
}

const RETURN_ALLOWED: Instruction = answer(libc::SECCOMP_RET_ALLOW);
const RETURN_REFUSED: Instruction = answer(libc::SECCOMP_RET_ERRNO | libc::EPERM.unsigned_abs());

const fn answer(value: u32) -> Instruction {
    instruction(libc::BPF_RET | libc::BPF_K, value, 0, 0)
}

const fn load(offset: u32) -> Instruction {
    instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, offset, 0, 0)
}

/// Passes over `count` instructions unless what was loaded is `value`.
const fn unless_equal(value: u32, count: u8) -> Instruction {
    let code = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
    instruction(code, value, 0, count)
}

/// The same if it is less.
const fn if_less(value: u32, count: u8) -> Instruction {
    let code = libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K;
    instruction(code, value, 0, count)
}

/// The same unless it is less.
const fn unless_less(value: u32, count: u8) -> Instruction {
    let code = libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K;
    instruction(code, value, count, 0)
}

fn skip(count: usize) -> Instruction {
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    instruction(libc::BPF_JMP | libc::BPF_JA, count, 0, 0)
}

#[expect(clippy::cast_possible_truncation, reason = "codes of BPF have 16 bits")]
const fn instruction(code: u32, value: u32, then_skip: u8, else_skip: u8) -> Instruction {
    Instruction {
        code: code as u16,
        then_skip,
        else_skip,
        value,
    }
}

#[cfg(test)]
mod tests {
    use nix::errno::Errno;
    use nix::unistd::{getpid, getppid};

    use super::*;

    /// Does what the kernel does with a program, for a call with these arguments.
    fn judge(program: &[Instruction], architecture: u32, number: u32, arguments: [u32; 2]) -> bool {
        run(program, architecture, number, arguments).0
    }

    /// The same, and after how many instructions.
    fn run(
        program: &[Instruction],
        architecture: u32,
        number: u32,
        arguments: [u32; 2],
    ) -> (bool, usize) {
        let mut loaded = 0;
        let mut at = 0;
        for steps in 1.. {
            let Instruction {
                code,
                then_skip,
                else_skip,
                value,
            } = program[at];
            at += 1;
            let branch = |holds| usize::from(if holds { then_skip } else { else_skip });
            match u32::from(code) {
                0x06 if value == libc::SECCOMP_RET_ALLOW => return (true, steps),
                0x06 if value == 0x0005_0001 => return (false, steps),
                0x20 => {
                    loaded = match value {
                        0 => number,
                        4 => architecture,
                        16 => arguments[0],
                        24 => arguments[1],
                        other => panic!("offset {other}"),
                    }
                }
                0x15 => at += branch(loaded == value),
                0x35 => at += branch(loaded >= value),
                0x05 => at += usize::try_from(value).unwrap(),
                other => panic!("code {other:#x}"),
            }
        }
        unreachable!()
    }

    const ONE: u32 = 0xc000_003e;
    const OTHER: u32 = 0x4000_0003;

    fn two_architectures(others: Others) -> Vec<Instruction> {
        let table = |architecture, rows: &[(u32, Rule)]| Table {
            architecture,
            rows: rows.to_vec(),
        };
        let one = table(
            ONE,
            &[
                (1, Rule::Always),
                (2, Rule::Never),
                (3, Rule::If(&[&[(0, 7), (1, 0)], &[(0, 9)]])),
                (4, Rule::Unless(&[(0, 7), (1, 9)])),
            ],
        );
        program(&[one, table(OTHER, &[(1, Rule::Never)])], others)
    }

    #[test]
    fn each_rule_allows_what_it_says() {
        for others in [Others::Allowed, Others::Refused] {
            let program = two_architectures(others);
            let is_allowed = |number, arguments| judge(&program, ONE, number, arguments);
            assert!(is_allowed(1, [0, 0]));
            assert!(!is_allowed(2, [0, 0]));
            let conditional = [[7, 0], [7, 1], [9, 5], [0, 0]].map(|it| is_allowed(3, it));
            assert_eq!(conditional, [true, false, true, false]);
            let excepted = [[7, 0], [0, 9], [9, 7]].map(|it| is_allowed(4, it));
            assert_eq!(excepted, [false, false, true]);
            assert_eq!(is_allowed(5, [0, 0]), others == Others::Allowed);
        }
    }

    #[test]
    fn each_architecture_has_its_own_numbers_and_what_has_none_is_refused() {
        let program = two_architectures(Others::Allowed);
        assert!(!judge(&program, OTHER, 1, [0, 0]));
        assert!(judge(&program, OTHER, 2, [0, 0]));
        assert!(!judge(&program, 0xc000_00b7, 2, [0, 0]));
        // x32, under the number of a call that is allowed and of one that no row means.
        assert!(!judge(&program, ONE, X32 + 1, [0, 0]));
        assert!(!judge(&program, ONE, X32 + 5, [0, 0]));
    }

    #[test]
    fn a_row_is_found_in_a_few_steps_however_many_there_are() {
        let of = |rows: &[(u32, Rule)]| {
            let table = Table {
                architecture: ONE,
                rows: rows.to_vec(),
            };
            program(&[table], Others::Refused)
        };
        let rows: Vec<_> = (0..200).rev().map(|it| (2 * it, Rule::Always)).collect();
        let program = of(&rows);
        for number in 0..400 {
            assert_eq!(judge(&program, ONE, number, [0, 0]), number % 2 == 0);
            let (_, steps) = run(&program, ONE, number, [0, 0]);
            assert!(steps <= 16, "{number}: {steps}");
        }
        let twice = [(7, Rule::Never), (7, Rule::Always)];
        assert!(!judge(&of(&twice), ONE, 7, [0, 0]), "the first counts");
    }

    #[test]
    fn the_kernel_takes_a_filter_and_a_refused_call_is_an_error() {
        let (Some(architecture), true) = (OWN_ARCHITECTURE, lvs_sys::calls_can_be_filtered())
        else {
            return testkit::skipped("this kernel filters no system calls");
        };
        let number = |call: i64| u32::try_from(call).unwrap();
        let rows = vec![
            (
                number(libc::SYS_getpgid),
                Rule::If(&[&[(0, lvs_sys::OWN_PROCESS)]]),
            ),
            (number(libc::SYS_getppid), Rule::Never),
        ];
        let filter = filter(&[Table { architecture, rows }], Others::Allowed).unwrap();
        // For one thread only; it goes with it.
        std::thread::scope(|scope| {
            scope.spawn(|| {
                nix::sys::prctl::set_no_new_privs().unwrap();
                filter.install(false).unwrap();
                assert_eq!(getppid().as_raw(), -1);
                assert!(nix::unistd::getpgid(Some(getpid())).is_ok());
                assert_eq!(nix::unistd::getpgid(None), Err(Errno::EPERM));
            });
        });
    }
}
