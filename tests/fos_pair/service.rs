//! The service that follows: a file that its script makes and removes, and a listener in the
//! director's namespace that is there while the file is.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::sched::{CloneFlags, setns};

use crate::pair::{A, B, Pair};

const CONFIG: &str = "\
service = fos
primary = 10.1.0.1
backup = 10.1.0.2
backup_active = 1
keepalive = 0.5
deadtime = 1.5
failover web {
 active = 1
 address = 10.1.0.50 eth0:1
 vip_nmask = 255.255.255.0
 port = 80
 timeout = 1
 send = \"hello\"
 expect = \"ready\"
 start_cmd = \"%d/web start\"
 stop_cmd = \"%d/web stop\"
}
";

/// `%d` is the pair's directory; the side is the last word of the namespace's name.
const SCRIPT: &str = "\
#!/bin/sh
side=$(ip netns identify); side=${side##*-}
note() { echo \"$side $1\" >> %d/history; }
case $1 in
start)
  [ -n \"$(ip -o addr show to 10.1.0.50)\" ] || note 'without address'
  [ ! -e %d/up.$((1 - side)) ] || note 'runs twice'
  note start; : > %d/up.$side ;;
stop)
  [ ! -e %d/up.$side ] || note stop
  rm -f %d/up.$side ;;
esac
";

/// The service on both directors.
pub struct Service {
    directory: PathBuf,
    probes: [Arc<AtomicU32>; 2],
    broken: [Arc<AtomicBool>; 2],
    done: Arc<AtomicBool>,
    listeners: Vec<JoinHandle<()>>,
}

impl Service {
    /// Writes lvs.cf and the script, starts what stands in for the service's processes.
    pub fn new(pair: &Pair) -> Self {
        let directory = pair.file("");
        let fill = |text: &str| text.replace("%d/", &directory.display().to_string());
        fs::write(directory.join("lvs.cf"), fill(CONFIG)).expect("lvs.cf");
        let script = directory.join("web");
        fs::write(&script, fill(SCRIPT)).expect("a script");
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("a mode");
        let mut service = Self {
            directory,
            probes: Default::default(),
            broken: Default::default(),
            done: Arc::default(),
            listeners: Vec::new(),
        };
        for side in [A, B] {
            let listener = service.listener(pair, side);
            service.listeners.push(listener);
        }
        service
    }

    fn listener(&self, pair: &Pair, side: usize) -> JoinHandle<()> {
        let namespace = format!("/run/netns/{}", pair.name(side));
        let file = self.run_file(side);
        let done = Arc::clone(&self.done);
        let broken = Arc::clone(&self.broken[side]);
        // The other director asks, or this one itself.
        let probes = Arc::clone(&self.probes[1 - side]);
        let own_probes = Arc::clone(&self.probes[side]);
        let own = std::net::IpAddr::from([10, 1, 0, u8::try_from(side + 1).expect("small")]);
        std::thread::spawn(move || {
            let namespace = fs::File::open(namespace).expect("a namespace");
            setns(&namespace, CloneFlags::CLONE_NEWNET).expect("the namespace");
            let mut socket: Option<TcpListener> = None;
            while !done.load(Ordering::Relaxed) {
                let wanted = file.exists() && !broken.load(Ordering::Relaxed);
                if !wanted {
                    socket = None;
                } else if socket.is_none() {
                    socket = TcpListener::bind("10.1.0.50:80").ok();
                    if let Some(socket) = &socket {
                        socket.set_nonblocking(true).expect("a socket");
                    }
                }
                while let Some(Ok((mut client, from))) = socket.as_ref().map(TcpListener::accept) {
                    let _ = client.write_all(b"ready");
                    let is_own = from.ip() == own || from.ip().to_string() == "10.1.0.50";
                    let who = if is_own { &own_probes } else { &probes };
                    who.fetch_add(1, Ordering::Relaxed);
                }
                // Neither file nor flag can be waited for.
                std::thread::sleep(Duration::from_millis(10));
            }
        })
    }

    fn run_file(&self, side: usize) -> PathBuf {
        self.directory.join(format!("up.{side}"))
    }

    /// Whether it was started and not stopped there.
    pub fn runs_on(&self, side: usize) -> bool {
        self.run_file(side).exists()
    }

    /// How often a monitor on `side` has seen it, since it was last broken.
    pub fn probes_of(&self, side: usize) -> u32 {
        self.probes[side].load(Ordering::Relaxed)
    }

    /// Nobody answers there any more, whatever is started.
    pub fn break_on(&self, side: usize) {
        self.probes
            .iter()
            .for_each(|p| p.store(0, Ordering::Relaxed));
        self.broken[side].store(true, Ordering::Relaxed);
    }

    /// It can run there again.
    pub fn repair_on(&self, side: usize) {
        self.broken[side].store(false, Ordering::Relaxed);
    }

    /// Its process ends; a start makes a new one.
    pub fn kill_on(&self, side: usize) {
        let _ = fs::remove_file(self.run_file(side));
    }

    /// The machine has died, and this process with it.
    pub fn power_off(&self, side: usize) {
        self.kill_on(side);
    }

    /// What the scripts did, a line each: side and deed.
    pub fn history(&self) -> String {
        fs::read_to_string(self.directory.join("history")).unwrap_or_default()
    }

    /// Whether one was started while the other one still ran.
    pub fn has_run_twice(&self) -> bool {
        self.history().contains("runs twice")
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
        for listener in self.listeners.drain(..) {
            let _ = listener.join();
        }
    }
}
