//! A program started as another user without a copy of this process.
//!
//! fork(2) copies the page tables of the caller, and afterwards each page that it writes to. Here the
//! child runs in the caller's memory until it executes its program, and the caller waits for that, as
//! in posix_spawn(3), which cannot change the user. Used by `daemon` for the monitors, of which a large
//! site starts thousands; nor is the table of descriptors copied, which holds a socket to each of those.
//!
//! The other way would be posix_spawn, and a nanny that gives up root as its first act: 1 000 nannies then
//! start with 2 544 million instructions in the place of 2 430 (docs/internals/performance.md). That is little more,
//! but `client_monitor` may name another program, which gives up nothing: it would need fork besides.

use std::ffi::{CStr, CString, c_char, c_int, c_long, c_void};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

/// Bytes of stack for the child, which calls next to nothing.
const STACK: usize = 32 * 1024;
/// Signals of the kernel: 1 to this.
const SIGNALS: c_int = 64;

/// What is started, and how.
#[derive(Clone, Copy, Debug)]
pub struct Launch<'a> {
    /// The file to execute.
    pub path: &'a CStr,
    /// Its arguments, argument 0 first.
    pub args: &'a [CString],
    /// Its whole environment.
    pub env: &'a [CString],
    /// Its standard input, output and error, none of them below 3; our own where it is `None`. The
    /// cost of a start grows with the highest of these numbers.
    pub stdio: [Option<BorrowedFd<'a>>; 3],
    /// User and group id; it gets no other groups.
    pub user: (u32, u32),
}

/// What the child works with: pointers into the caller's memory, which waits meanwhile.
struct Orders {
    path: *const c_char,
    args: *const *const c_char,
    env: *const *const c_char,
    stdio: [c_int; 3],
    user: (u32, u32),
    /// Why it did not come to execute its program; 0 if it did.
    error: c_int,
}

/// Starts a program with no signal blocked, and none ignored but those that we ignore, SIGPIPE not
/// among them, and with no descriptor above its standard ones; returns its pid.
///
/// # Errors
/// No right to become that user, no such program, no room for a process; `EINVAL` for a descriptor
/// below 3.
pub fn launch(launch: &Launch<'_>) -> io::Result<i32> {
    let args = pointers(launch.args);
    let env = pointers(launch.env);
    let stdio = launch.stdio.map(|fd| fd.map_or(-1, |fd| fd.as_raw_fd()));
    if stdio.iter().any(|fd| (0..3).contains(fd)) {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    let mut orders = Orders {
        path: launch.path.as_ptr(),
        args: args.as_ptr(),
        env: env.as_ptr(),
        stdio,
        user: launch.user,
        error: 0,
    };
    // A handler that ran in the child would run in our memory.
    let before = mask(libc::SIG_SETMASK, &all_signals()?)?;
    let started = clone(&mut orders);
    let restored = mask(libc::SIG_SETMASK, &before);
    let pid = started?;
    if orders.error != 0 {
        reap(pid);
        return Err(io::Error::from_raw_os_error(orders.error));
    }
    restored?;
    Ok(pid)
}

/// What execve(2) takes: a pointer to each, and a null behind them.
fn pointers(strings: &[CString]) -> Vec<*const c_char> {
    let all = strings.iter().map(|string| string.as_ptr());
    all.chain([ptr::null()]).collect()
}

/// Lets [`child`] run on a stack of its own; returns when it has ended or become its program.
fn clone(orders: &mut Orders) -> io::Result<i32> {
    // Elements of 16 bytes: the alignment that a stack has.
    let mut stack = vec![0_u128; STACK / size_of::<u128>()];
    let top = stack.as_mut_ptr_range().end;
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_FILES | libc::SIGCHLD;
    #[expect(unsafe_code, reason = "nix offers clone only as unsafe")]
    // SAFETY: `top` is the aligned end of a stack that lives until this returns, which with
    // CLONE_VFORK is not before the child has stopped using our memory. `child` gets the pointer to
    // `Orders` that it expects, and meanwhile nobody else uses what it points to: all signals are
    // blocked, and other threads know nothing of it. It shares our descriptors until it has taken
    // copies of the few that it needs, and changes none before.
    let pid = unsafe { libc::clone(child, top.cast(), flags, ptr::from_mut(orders).cast()) };
    if pid < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(pid)
    }
}

/// The child between its start and its program. It allocates nothing, takes no lock, and makes its
/// system calls itself: libc's setuid would ask all threads of the process, which are not its own.
extern "C" fn child(orders: *mut c_void) -> c_int {
    #[expect(unsafe_code, reason = "how clone hands over an argument")]
    // SAFETY: `clone` above passes a pointer to `Orders`, exclusively borrowed until it returns.
    let orders = unsafe { &mut *orders.cast::<Orders>() };
    orders.error = match become_program(orders) {
        Ok(()) => 0,
        Err(errno) => errno,
    };
    // clone(2)'s wrapper ends the child with it.
    127
}

/// Returns only with an error.
fn become_program(orders: &Orders) -> Result<(), c_int> {
    own_descriptors(orders.stdio)?;
    for (number, fd) in (0..).zip(orders.stdio) {
        if fd >= 0 {
            call(libc::SYS_dup3, [c_long::from(fd), number, 0])?;
        }
    }
    // What execve would not close: an old kernel leaves those to the program.
    let _ = close_above(2, 0);
    let (user, group) = orders.user;
    call(SET_GROUPS, [0, 0, 0])?;
    call(SET_GROUP, [c_long::from(group), 0, 0])?;
    call(SET_USER, [c_long::from(user), 0, 0])?;
    for signal in 1..=SIGNALS {
        reset(signal);
    }
    mask(
        libc::SIG_SETMASK,
        &no_signals().map_err(|error| errno(&error))?,
    )
    .map_err(|error| errno(&error))?;
    #[expect(unsafe_code, reason = "nix's execve allocates")]
    // SAFETY: the path is a string of C, both lists end with a null pointer; all of them live in the
    // caller's memory, which waits.
    unsafe {
        libc::execve(orders.path, orders.args, orders.env)
    };
    Err(errno(&io::Error::last_os_error()))
}

/// Leaves the caller's table of descriptors for one with those up to the highest of `stdio`.
fn own_descriptors(stdio: [c_int; 3]) -> Result<(), c_int> {
    let highest = stdio.into_iter().fold(2, c_int::max);
    // A kernel before 5.9, or a filter that does not know it: then a copy of all of them.
    close_above(highest, CLOSE_RANGE_UNSHARE)
        .or_else(|_| call(libc::SYS_unshare, [c_long::from(libc::CLONE_FILES), 0, 0]))
}

/// linux/close_range.h
const CLOSE_RANGE_UNSHARE: c_long = 2;

fn close_above(highest: c_int, flags: c_long) -> Result<(), c_int> {
    let last = -1; // of unsigned numbers
    let first = c_long::from(highest) + 1;
    call(libc::SYS_close_range, [first, last, flags])
}

#[cfg(target_pointer_width = "64")]
const SET_GROUPS: c_long = libc::SYS_setgroups;
#[cfg(target_pointer_width = "64")]
const SET_GROUP: c_long = libc::SYS_setgid;
#[cfg(target_pointer_width = "64")]
const SET_USER: c_long = libc::SYS_setuid;
// There the plain ones take ids of 16 bits.
#[cfg(target_pointer_width = "32")]
const SET_GROUPS: c_long = libc::SYS_setgroups32;
#[cfg(target_pointer_width = "32")]
const SET_GROUP: c_long = libc::SYS_setgid32;
#[cfg(target_pointer_width = "32")]
const SET_USER: c_long = libc::SYS_setuid32;

/// A system call of [`become_program`]: none of them takes a pointer that is not null.
fn call(number: c_long, [one, two, three]: [c_long; 3]) -> Result<(), c_int> {
    #[expect(unsafe_code, reason = "libc's own are for whole processes")]
    // SAFETY: close_range, unshare, dup3, setgid and setuid take numbers, setgroups of no groups a
    // null pointer. None of them changes memory.
    let result = unsafe { libc::syscall(number, one, two, three) };
    if result < 0 {
        Err(errno(&io::Error::last_os_error()))
    } else {
        Ok(())
    }
}

/// Gives a signal that has a handler, and SIGPIPE, which Rust ignores, the default again.
fn reset(signal: c_int) {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    #[expect(unsafe_code, reason = "nix has no way to look only")]
    // SAFETY: with a null pointer nothing is changed; the other has room for the answer.
    let looked = unsafe { libc::sigaction(signal, ptr::null(), action.as_mut_ptr()) };
    #[expect(unsafe_code, reason = "a plain struct of C")]
    // SAFETY: all zeros are a valid action, the default; the kernel may have written another.
    let mut action = unsafe { action.assume_init() };
    let is_ignored = action.sa_sigaction == libc::SIG_IGN && signal != libc::SIGPIPE;
    if looked != 0 || is_ignored || action.sa_sigaction == libc::SIG_DFL {
        return;
    }
    action.sa_sigaction = libc::SIG_DFL;
    #[expect(unsafe_code, reason = "nix keeps no unknown signals")]
    // SAFETY: the default action is valid for every signal; the old one is not asked for.
    let _ = unsafe { libc::sigaction(signal, &raw const action, ptr::null_mut()) };
}

fn all_signals() -> io::Result<libc::sigset_t> {
    signal_set(libc::sigfillset)
}

fn no_signals() -> io::Result<libc::sigset_t> {
    signal_set(libc::sigemptyset)
}

fn signal_set(
    fill: unsafe extern "C" fn(*mut libc::sigset_t) -> c_int,
) -> io::Result<libc::sigset_t> {
    let mut set = MaybeUninit::<libc::sigset_t>::zeroed();
    #[expect(unsafe_code, reason = "one of the two callers' functions")]
    // SAFETY: sigfillset and sigemptyset write the set that the pointer has room for.
    let result = unsafe { fill(set.as_mut_ptr()) };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    #[expect(unsafe_code, reason = "filled above")]
    // SAFETY: all zeros are a valid set, and the call above made it another.
    Ok(unsafe { set.assume_init() })
}

/// Changes the mask of this thread; the one before.
fn mask(how: c_int, new: &libc::sigset_t) -> io::Result<libc::sigset_t> {
    let mut before = MaybeUninit::<libc::sigset_t>::zeroed();
    #[expect(
        unsafe_code,
        reason = "called in the child too, where nix could allocate"
    )]
    // SAFETY: both pointers are valid, one for reading a set, one for writing it.
    let result = unsafe { libc::pthread_sigmask(how, new, before.as_mut_ptr()) };
    if result != 0 {
        return Err(io::Error::from_raw_os_error(result));
    }
    #[expect(unsafe_code, reason = "filled above")]
    // SAFETY: the call succeeded, so it has written the set.
    Ok(unsafe { before.assume_init() })
}

/// Takes a child that ended before it was a program off the kernel's list.
fn reap(pid: i32) {
    loop {
        #[expect(unsafe_code, reason = "beside the clone, so libc's own")]
        // SAFETY: a null pointer for the status, which is not asked for.
        let reaped = unsafe { libc::waitpid(pid, ptr::null_mut(), 0) };
        let interrupted = io::Error::last_os_error().kind() == io::ErrorKind::Interrupted;
        if reaped >= 0 || !interrupted {
            return;
        }
    }
}

fn errno(error: &io::Error) -> c_int {
    error.raw_os_error().unwrap_or(libc::EIO)
}

#[cfg(test)]
mod tests {
    use std::io::{PipeReader, Read, Write};
    use std::os::fd::AsFd;

    use super::*;

    fn words<'a>(words: impl IntoIterator<Item = &'a str>) -> Vec<CString> {
        let words = words.into_iter().map(|word| CString::new(word).unwrap());
        words.collect()
    }

    fn ids() -> (u32, u32) {
        #[expect(unsafe_code, reason = "only looks")]
        // SAFETY: takes nothing, cannot fail.
        let user = unsafe { libc::geteuid() };
        #[expect(unsafe_code, reason = "only looks")]
        // SAFETY: takes nothing, cannot fail.
        let group = unsafe { libc::getegid() };
        (user, group)
    }

    fn is_root() -> bool {
        ids().0 == 0
    }

    /// As a descriptor that we had inherited.
    fn outlive_execve(fd: &impl AsRawFd) {
        #[expect(unsafe_code, reason = "beside the clone, so libc's own")]
        // SAFETY: takes numbers, and the descriptor is open.
        let result = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFD, 0) };
        assert_eq!(result, 0);
    }

    /// Runs a shell script as `user`, and what it printed.
    fn shell(script: &str, user: (u32, u32)) -> io::Result<(i32, PipeReader)> {
        let (reader, writer) = io::pipe()?;
        let pid = launch(&Launch {
            path: c"/bin/sh",
            args: &words(["name", "-c", script]),
            env: &words(["PATH=/usr/bin:/bin", "A=b"]),
            stdio: [None, Some(writer.as_fd()), None],
            user,
        })?;
        Ok((pid, reader))
    }

    #[test]
    fn a_program_runs_with_its_arguments_environment_and_output() {
        if !is_root() {
            // Nobody else may set groups.
            assert!(shell("true", ids()).is_err());
            return testkit::skipped("only root sets groups");
        }
        let (pid, mut output) = shell("echo $0 $A $$; id -G", ids()).unwrap();
        let mut text = String::new();
        output.read_to_string(&mut text).unwrap();
        reap(pid);
        assert_eq!(text, format!("name b {pid}\n{}\n", ids().1));
    }

    #[test]
    fn it_is_the_user_that_was_named_and_has_no_other_right() {
        if !is_root() {
            return testkit::skipped("only root sets groups");
        }
        let script = "id -u; id -G; grep -E '^(CapEff|CapPrm|SigBlk|SigCgt)' /proc/self/status";
        let (pid, mut output) = shell(script, (64_001, 64_002)).unwrap();
        let mut text = String::new();
        output.read_to_string(&mut text).unwrap();
        reap(pid);
        let none = "0000000000000000";
        let status = format!("CapPrm:\t{none}\nCapEff:\t{none}\n");
        assert!(text.starts_with("64001\n64002\n"), "{text}");
        assert!(text.contains(&format!("SigBlk:\t{none}\n")), "{text}");
        assert!(text.contains(&status), "{text}");
    }

    #[test]
    fn it_gets_its_standard_descriptors_and_ours_stay_as_they_are() {
        if !is_root() {
            return testkit::skipped("only root sets groups");
        }
        let (mut input, writer) = io::pipe().unwrap();
        let inherited = writer.try_clone().unwrap();
        outlive_execve(&inherited);
        let (pid, mut output) = shell("cd /proc/self/fd && echo *", ids()).unwrap();
        let mut text = String::new();
        output.read_to_string(&mut text).unwrap();
        reap(pid);
        // The shell's own for the directory is 3.
        assert!(["0 1 2\n", "0 1 2 3\n"].contains(&text.as_str()), "{text}");
        let mut ours = [writer, inherited];
        for pipe in &mut ours {
            pipe.write_all(b"x").unwrap();
        }
        drop(ours);
        text.clear();
        input.read_to_string(&mut text).unwrap();
        assert_eq!(text, "xx");
    }

    #[test]
    fn what_cannot_be_executed_is_an_error_and_leaves_no_child() {
        let launched = launch(&Launch {
            path: c"/nonexistent/program",
            args: &words(["program"]),
            env: &[],
            stdio: [None; 3],
            user: ids(),
        });
        let error = launched.unwrap_err();
        let expected = if is_root() { libc::ENOENT } else { libc::EPERM };
        assert_eq!(error.raw_os_error(), Some(expected));
    }

    #[test]
    fn a_descriptor_that_the_childs_own_would_overwrite_is_refused() {
        let input = io::stdin();
        let launched = launch(&Launch {
            path: c"/bin/true",
            args: &[],
            env: &[],
            stdio: [None, Some(input.as_fd()), None],
            user: ids(),
        });
        assert_eq!(launched.unwrap_err().raw_os_error(), Some(libc::EINVAL));
    }
}
