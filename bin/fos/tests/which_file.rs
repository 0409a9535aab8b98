//! fos says which lvs.cf it goes by, at its start and after SIGHUP.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// For what must come and is not timed.
const PATIENCE: Duration = Duration::from_secs(20);

/// A service that the partner runs: stopped here, and watched there. Neither program exists.
fn file(serial: u32) -> String {
    format!(
        "serial_no = {serial}\nprimary = 192.0.2.1\nbackup = 192.0.2.2\nservice = fos\n\
         failover web {{\n active = 1\n address = 192.0.2.77 eth0:1\n port = 80\n\
         client_monitor = /nowhere/nanny\n start_cmd = /nowhere/web\n stop_cmd = /nowhere/web\n}}\n"
    )
}

#[test]
fn a_start_and_a_reload_name_path_serial_number_and_content() {
    let path = std::env::temp_dir().join(format!("fos-which-{}.cf", std::process::id()));
    fs::write(&path, file(1)).unwrap();
    let mut fos = Command::new(env!("CARGO_BIN_EXE_fos"))
        .args(["-n", "-f", "-c"])
        .arg(&path)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (sender, lines) = mpsc::channel();
    let output = BufReader::new(fos.stdout.take().unwrap());
    thread::spawn(move || {
        for line in output.lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    let content_of = |serial: u32| {
        let head = format!("{}: serial_no {serial}, content ", path.display());
        loop {
            let line = lines.recv_timeout(PATIENCE).expect("another line");
            if let Some((_, content)) = line.split_once(&head) {
                return content.to_owned();
            }
        }
    };
    let first = content_of(1);
    fs::write(&path, file(2)).unwrap();
    let pid = Pid::from_raw(i32::try_from(fos.id()).unwrap());
    kill(pid, Signal::SIGHUP).unwrap();
    assert_ne!(content_of(2), first);
    kill(pid, Signal::SIGTERM).unwrap();
    fos.wait().unwrap();
    fs::remove_file(path).unwrap();
}
