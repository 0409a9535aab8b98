//! What the daemons share: the shell around their machines.
//!
//! A daemon is one thread and one loop: wait for a descriptor or a deadline, make an input for the
//! machine, do the actions that come back. The parts:
//!
//! - [`aliases()`]: popt's alias files
//! - [`EventLoop`], [`EventHandler`]: the loop, and what turns in it; [`wait()`]: its sleep
//! - [`Clock`]: the monotonic clock that the machines' `now` comes from
//! - [`Signals`]: signals as something to poll
//! - [`Program`], [`Child`], [`reap`]: children, each with the lifeline by which it sees us go
//! - [`check_user()`], [`check_account`]: whom monitors run as; [`become_named_user`]: how ours does
//! - [`adopt_orphans`], [`kill_strays`]: what children leave behind
//! - [`calls`]: filters of system calls; [`Cage`]: what a monitor's programs are shut into
//! - [`show_name`]: what `ps` shows of a program that plays several parts
//! - [`Parent`]: the other end of that lifeline; [`ToParent`]: words to it;
//!   [`SignOfLife`]: the one that says that our loop turns
//! - [`background()`]: being a daemon; [`Instance`]: the only one, of [`Lock`] and [`PidFile`]
//! - [`log`]: the original's texts to syslog or, in the foreground, to standard output
//! - [`ControlSocket`], [`ask`], [`read_status`]: a line, or nothing, is asked, lines are answered
//! - [`own_name`], [`lasting_name`]: of what each network namespace has one
//! - [`make_directory`], [`create_file`]: what nobody else may write, whatever the umask
//! - [`make_room_for_descriptors`]: more of them than a process begins with
//! - [`Tidying`]: when freed memory goes back to the kernel
//! - [`only_root_can_change`], [`untrusted_part`]: files that root may run or go by
//! - [`notify`]: readiness and state for systemd

mod acl;
mod aliases;
mod background;
mod become_user;
pub mod calls;
mod check_user;
mod child;
mod clock;
mod control_client;
mod control_socket;
mod descendants;
mod descriptors;
mod event_loop;
mod installed;
mod instance;
mod lock;
pub mod log;
mod name_lock;
mod namespace;
pub mod notify;
mod own_files;
mod parent;
mod pid_file;
mod process_name;
mod sign_of_life;
mod signals;
mod socket_file;
mod tidying;
mod to_parent;
mod trusted;
mod wait;

pub use aliases::aliases;
pub use background::{Background, background, detach};
pub use become_user::{USER_VARIABLE, User, become_named_user};
pub use check_user::{check_account, check_user};
pub use child::{Child, Program, Stdin, Stdout, is_child, reap};
pub use clock::Clock;
pub use control_client::{ask, read_status};
pub use control_socket::{Asked, ClientId, ControlSocket, Question};
pub use descendants::{Stray, adopt_orphans, kill_strays};
pub use descriptors::make_room_for_descriptors;
pub use event_loop::{Awaited, Event, EventHandler, EventLoop};
pub use installed::installed;
pub use instance::Instance;
pub use lock::{Lock, LockError, run_file};
pub use namespace::{lasting_name, own_name};
pub use own_files::{create_file, make_directory};
pub use parent::{PARENT_VARIABLE, Parent};
pub use pid_file::{PidFile, PidFileError};
pub use process_name::show_name;
pub use sign_of_life::{ALIVE, ALIVE_VARIABLE, SignOfLife};
pub use signals::Signals;
pub use tidying::Tidying;
pub use to_parent::ToParent;
pub use trusted::{
    UntrustedPart, only_root_can_change, untrusted_directory, untrusted_part,
    untrusted_part_of_data,
};
pub use wait::wait;

pub use lvs_sys::{
    Cage, CallFilter, Capabilities, Limits, OWN_GROUP, OWN_PROCESS, calls_can_be_filtered,
    close_descriptors_on_exec, give_back_memory, keep_capabilities,
};
pub use nix::poll::{PollFd, PollFlags};
pub use nix::sys::signal::Signal;
