//! What `/proc` tells of a process.

use std::fs;

/// Processor time of the process `pid` so far, in ticks of 10 ms.
///
/// # Panics
/// There is no such process.
#[must_use]
pub fn processor_ticks(pid: i32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("a process");
    let (_, fields) = stat.rsplit_once(") ").expect("its name");
    // utime and stime: fields 14 and 15, of which the first is the state.
    let mut times = fields.split(' ').skip(11);
    let mut next = || -> u64 { times.next().and_then(|f| f.parse().ok()).expect("a time") };
    next() + next()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::processor_ticks;
    use crate::{PATIENCE, comes_true};

    #[test]
    fn r_time_in_the_program_itself_counts() {
        let mut child = Command::new("sh")
            .args(["-c", "while :; do :; done"])
            .spawn()
            .expect("a shell");
        let pid = i32::try_from(child.id()).expect("a pid");
        let counted = comes_true(PATIENCE, || processor_ticks(pid) >= 10);
        child.kill().expect("it runs");
        child.wait().expect("it ended");
        assert!(counted);
    }
}
