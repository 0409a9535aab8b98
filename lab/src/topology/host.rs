//! One machine of the lab: a network namespace, on request its own files and log.

use std::fs::{self, File};
use std::io;
use std::net::IpAddr;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::agent::Agent;
use super::syslog::SystemLog;
use crate::boot::LOG_SOCKET;

/// Where the files of an own director lie that are usually the machine's.
const CONFIGURATION: &str = "/etc/sysconfig/ha";
/// Where pulse keeps what outlives a restart.
const STATE: &str = "/var/lib/lvs";

/// So many lists of processes are killed where the kernel cannot kill them at once.
const LISTS: usize = 100;

/// A machine of the lab. Dropping it kills its processes and removes its namespace.
pub struct Host {
    name: String,
    namespace: String,
    cgroup: PathBuf,
    agent: Agent,
    log: Option<SystemLog>,
}

/// Namespaces of one process must differ in name, those of two as well.
static NUMBER: AtomicU32 = AtomicU32::new(0);

impl Host {
    /// Makes a machine with nothing but a loopback interface.
    ///
    /// # Errors
    /// If this process is not root, or the kernel refuses.
    pub fn new(name: &str) -> io::Result<Self> {
        Self::start(name, false)
    }

    /// The same with its own `/run`, `/etc/sysconfig/ha`, `/var/lib/lvs` and system log: a director.
    ///
    /// # Errors
    /// As [`Host::new`].
    pub fn director(name: &str) -> io::Result<Self> {
        Self::start(name, true)
    }

    fn start(name: &str, own_files: bool) -> io::Result<Self> {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let namespace = format!("lab{}-{number}-{name}", std::process::id());
        let cgroup = Path::new("/sys/fs/cgroup").join(&namespace);
        fs::create_dir_all(&cgroup)?;
        let in_thread = namespace.clone();
        let agent = Agent::start(name, move || enter(&in_thread, own_files))?;
        let log = if own_files {
            Some(SystemLog::start(
                agent.run(|| UnixDatagram::bind(LOG_SOCKET))?,
            )?)
        } else {
            None
        };
        Ok(Self {
            name: name.into(),
            namespace,
            cgroup,
            agent,
            log,
        })
    }

    /// The name given to it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its network namespace as `ip -n` knows it.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// What its programs wrote to the system log; `None` for a host without an own log.
    #[must_use]
    pub fn log(&self) -> Option<&SystemLog> {
        self.log.as_ref()
    }

    /// Runs `task` in the host's namespaces and waits for it. Sockets and threads that it makes
    /// stay there.
    ///
    /// # Errors
    /// What `task` returns.
    pub fn run<T: Send + 'static>(
        &self,
        task: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        self.agent.run(task)
    }

    /// Runs a program to its end and returns its output.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn exec(&self, argv: &[&str]) -> io::Result<Output> {
        let mut command = command(argv)?;
        self.run(move || command.stdin(Stdio::null()).output())
    }

    /// Starts a program; it and all its descendants belong to the host. Its output goes to `output`
    /// (or nowhere).
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn spawn(&self, argv: &[&str], output: Option<File>) -> io::Result<Process> {
        let mut words = vec!["sh", "-c", "echo $$ > \"$0\"/cgroup.procs && exec \"$@\""];
        let cgroup = self.cgroup.to_string_lossy().into_owned();
        words.push(&cgroup);
        words.extend_from_slice(argv);
        let mut command = command(&words)?;
        command.stdin(Stdio::null());
        match output {
            Some(file) => command.stdout(file.try_clone()?).stderr(file),
            None => command.stdout(Stdio::null()).stderr(Stdio::null()),
        };
        Ok(Process {
            child: self.run(move || command.spawn())?,
        })
    }

    /// Process ids of all that [`Host::spawn`] started and that is still there, descendants included.
    ///
    /// # Errors
    /// If the kernel's list cannot be read.
    pub fn processes(&self) -> io::Result<Vec<Pid>> {
        let list = fs::read_to_string(self.cgroup.join("cgroup.procs"))?;
        Ok(list
            .lines()
            .filter_map(|line| line.parse().ok())
            .map(Pid::from_raw)
            .collect())
    }

    /// The host's processes whose program's name is `program`.
    ///
    /// # Errors
    /// As [`Host::processes`].
    pub fn processes_named(&self, program: &str) -> io::Result<Vec<Pid>> {
        let mut pids = self.processes()?;
        pids.retain(|pid| {
            fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|comm| comm.trim() == program)
        });
        Ok(pids)
    }

    /// Sends a signal to the host's processes called `program`; how many there were.
    ///
    /// # Errors
    /// As [`Host::processes`].
    pub fn signal(&self, program: &str, signal: Signal) -> io::Result<usize> {
        let pids = self.processes_named(program)?;
        for pid in &pids {
            // One that has just ended needs no signal.
            let _ = kill(*pid, signal);
        }
        Ok(pids.len())
    }

    /// Kills every process of the host at once, as a power failure would; before Linux 5.14, which
    /// cannot, one after the other.
    ///
    /// # Errors
    /// If the kernel refuses.
    pub fn kill_all(&self) -> io::Result<()> {
        let switch = self.cgroup.join("cgroup.kill");
        if switch.exists() {
            return fs::write(switch, "1");
        }
        // What was started meanwhile is in the next list.
        for _ in 0..LISTS {
            let pids = self.processes()?;
            if pids.is_empty() {
                break;
            }
            for pid in pids {
                // One that has just ended needs no signal.
                let _ = kill(pid, Signal::SIGKILL);
            }
        }
        Ok(())
    }

    /// Stops every process of the host without telling it, as a paused virtual machine; returns when
    /// all stand still.
    ///
    /// The kernel is shared: cut the host's links for the same time.
    ///
    /// # Errors
    /// If the kernel refuses.
    pub fn pause(&self) -> io::Result<()> {
        fs::write(self.cgroup.join("cgroup.freeze"), "1")?;
        let deadline = Instant::now() + Duration::from_secs(10);
        while !fs::read_to_string(self.cgroup.join("cgroup.events"))?.contains("frozen 1") {
            if Instant::now() >= deadline {
                return Err(io::ErrorKind::TimedOut.into());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    /// Ends [`Host::pause`].
    ///
    /// # Errors
    /// If the kernel refuses.
    pub fn resume(&self) -> io::Result<()> {
        fs::write(self.cgroup.join("cgroup.freeze"), "0")
    }

    /// Writes a kernel setting below `/proc/sys`, for example `net/ipv4/ip_forward`.
    ///
    /// # Errors
    /// If there is no such setting or the value is refused.
    pub fn set(&self, setting: &str, value: &str) -> io::Result<()> {
        let (file, value) = (Path::new("/proc/sys").join(setting), value.to_owned());
        self.run(move || fs::write(file, value))
    }

    /// Writes a file of the host; with an own `/etc/sysconfig/ha` nobody else sees it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write_file(&self, path: &str, text: &str) -> io::Result<()> {
        let (path, text) = (PathBuf::from(path), text.to_owned());
        self.run(move || fs::write(path, text))
    }

    /// Whether one of the host's interfaces has the address.
    ///
    /// # Errors
    /// If the kernel's list cannot be read.
    pub fn has_address(&self, address: IpAddr) -> io::Result<bool> {
        self.run(move || {
            let found = nix::ifaddrs::getifaddrs()?.any(|interface| {
                interface.address.is_some_and(|held| {
                    let v4 = held.as_sockaddr_in().map(|a| IpAddr::V4(a.ip()));
                    let v6 = held.as_sockaddr_in6().map(|a| IpAddr::V6(a.ip()));
                    v4.or(v6) == Some(address)
                })
            });
            Ok(found)
        })
    }
}

fn command(argv: &[&str]) -> io::Result<Command> {
    let (program, args) = argv
        .split_first()
        .ok_or_else(|| io::Error::other("no program to run"))?;
    let mut command = Command::new(program);
    command.args(args);
    Ok(command)
}

/// Moves the calling thread into new namespaces and gives the network one a name.
fn enter(namespace: &str, own_files: bool) -> io::Result<()> {
    unshare(CloneFlags::CLONE_NEWNET)?;
    fs::create_dir_all("/run/netns")?;
    let name = Path::new("/run/netns").join(namespace);
    File::create(&name)?;
    let here = "/proc/thread-self/ns/net";
    mount(
        Some(here),
        &name,
        None::<&str>,
        MsFlags::MS_BIND,
        None::<&str>,
    )?;
    fs::write("/proc/sys/net/ipv4/ping_group_range", "0 2147483647")?;
    if Path::new("/proc/sys/net/ipv6").exists() {
        // The lab's addresses are known to be free; the wait for an answer would be in every test.
        for scope in ["all", "default"] {
            fs::write(format!("/proc/sys/net/ipv6/conf/{scope}/accept_dad"), "0")?;
        }
    }
    if own_files { own_mounts() } else { Ok(()) }
}

fn own_mounts() -> io::Result<()> {
    unshare(CloneFlags::CLONE_NEWNS)?;
    mount(
        None::<&str>,
        "/",
        None::<&str>,
        MsFlags::MS_REC | MsFlags::MS_PRIVATE,
        None::<&str>,
    )?;
    for place in ["/run", CONFIGURATION, STATE] {
        fs::create_dir_all(place)?;
        mount(
            Some("tmpfs"),
            place,
            Some("tmpfs"),
            MsFlags::empty(),
            Some("mode=755"),
        )?;
    }
    fs::create_dir_all("/run/lock/subsys")?;
    // Interfaces below /sys are those of the namespace in which it was mounted.
    mount(
        Some("sysfs"),
        "/sys",
        Some("sysfs"),
        MsFlags::empty(),
        None::<&str>,
    )?;
    mount(
        Some("cgroup2"),
        "/sys/fs/cgroup",
        Some("cgroup2"),
        MsFlags::empty(),
        None::<&str>,
    )?;
    Ok(())
}

impl Drop for Host {
    fn drop(&mut self) {
        // What cannot be cleaned up goes with the guest.
        let _ = self.resume();
        let _ = self.kill_all();
        let name = Path::new("/run/netns").join(&self.namespace);
        let _ = umount2(&name, MntFlags::MNT_DETACH);
        let _ = fs::remove_file(&name);
        let _ = fs::remove_dir(&self.cgroup);
    }
}

/// A program that [`Host::spawn`] started.
pub struct Process {
    child: Child,
}

impl Process {
    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap_or(i32::MAX))
    }

    /// Sends it a signal, for example STOP and CONT.
    ///
    /// # Errors
    /// If it has ended.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        Ok(kill(self.pid(), signal)?)
    }

    /// Its exit status if it has ended.
    ///
    /// # Errors
    /// If the kernel does not know it.
    pub fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// If the kernel does not know it.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait()
    }
}
