//! lvs.cf copied to the partner by SIGUSR1, over a real ssh.

use std::io;
use std::time::Duration;

use caribe_lab::cluster::{Cluster, Settings};
use caribe_lab::topology::Host;
use caribe_tests::{demand_lab, wait_until};
use nix::sys::signal::Signal;

const LVS_CF: &str = "/etc/sysconfig/ha/lvs.cf";
/// For what must come and is not timed.
const SOON: Duration = Duration::from_secs(40);
/// The home of root in the guest: the machine's own keys are nobody's business.
const HOME: &str = "/var/lib/caribe-home";

fn shell(host: &Host, script: &str) -> String {
    let output = host.exec(&["sh", "-ec", script]).unwrap();
    assert!(output.status.success(), "{script}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Lets `from` in on `to` by ssh as root: a key, the host's key, a server.
fn let_in(from: &Host, to: &Host) {
    let home = format!(
        "mkdir -p {HOME}/.ssh && chmod 700 {HOME} {HOME}/.ssh && \
         sed -i 's#^\\(root:[^:]*:0:0:[^:]*\\):[^:]*:#\\1:{HOME}:#' /etc/passwd"
    );
    shell(from, &home);
    let key = format!(
        "ssh-keygen -q -t ed25519 -N '' -f {HOME}/.ssh/id_ed25519 && \
         cp {HOME}/.ssh/id_ed25519.pub {HOME}/.ssh/authorized_keys && \
         chmod 600 {HOME}/.ssh/authorized_keys"
    );
    shell(from, &key);
    let server = format!(
        "dropbearkey -t ed25519 -f {HOME}/hostkey | \
         sed -n 's/^ssh-ed25519 \\([^ ]*\\).*/10.9.0.12 ssh-ed25519 \\1/p' > {HOME}/.ssh/known_hosts && \
         dropbear -s -p 10.9.0.12:22 -r {HOME}/hostkey"
    );
    shell(to, &server);
}

fn read(host: &Host) -> String {
    host.run(|| std::fs::read_to_string(LVS_CF)).unwrap()
}

fn said(host: &Host, text: &str) -> bool {
    let log = host.log().expect("a director has a log");
    log.lines().iter().any(|line| line.text.contains(text))
}

/// Both directors run; the first may log in on the second.
fn pair(more: &str) -> io::Result<Cluster> {
    demand_lab();
    let cluster = Cluster::build(Settings::default())?;
    let (a, b) = (
        cluster.site().host("director-a")?,
        cluster.site().host("director-b")?,
    );
    let text = format!("{more}{}", read(a));
    for director in [a, b] {
        director.write_file(LVS_CF, &text)?;
    }
    let_in(a, b);
    cluster.start_pulse("director-a")?;
    cluster.start_pulse("director-b")?;
    let settled = || cluster.active().is_ok_and(|active| active.is_some());
    assert!(
        wait_until(SOON, settled).is_some(),
        "{}",
        cluster.last_words()
    );
    Ok(cluster)
}

#[test]
fn a_good_file_replaces_the_partners_and_is_read_and_a_bad_one_does_not() {
    let cluster = pair("rsh_command = ssh\ncopy_config = 1\n").unwrap();
    let site = cluster.site();
    let (a, b) = (
        site.host("director-a").unwrap(),
        site.host("director-b").unwrap(),
    );
    // By this two directors' files are compared.
    let read_at_start = format!("{LVS_CF}: serial_no 1, content ");
    assert!(said(a, &read_at_start) && said(b, &read_at_start));
    let mode = shell(b, &format!("chmod 640 {LVS_CF}; stat -c '%a %U' {LVS_CF}"));
    let changed = read(a).replace("serial_no = 1\n", "serial_no = 2\n");
    a.write_file(LVS_CF, &changed).unwrap();
    a.signal("pulse", Signal::SIGUSR1).unwrap();
    let arrived = wait_until(SOON, || read(b) == changed && said(b, "serial_no 2"));
    assert!(arrived.is_some(), "{}", cluster.last_words());
    assert!(wait_until(SOON, || said(a, "/usr/bin/ssh exited with status 0")).is_some());
    assert_eq!(shell(b, &format!("stat -c '%a %U' {LVS_CF}")), mode);

    a.write_file(
        LVS_CF,
        &changed.replace("serial_no = 2\n", "serial_no = two\n"),
    )
    .unwrap();
    a.signal("pulse", Signal::SIGUSR1).unwrap();
    let refused = wait_until(SOON, || said(a, "/usr/bin/ssh exited with status 1"));
    assert!(refused.is_some(), "{}", cluster.last_words());
    assert_eq!(read(b), changed);
    let left = shell(b, &format!("ls {LVS_CF}*"));
    assert_eq!(left.trim(), LVS_CF);
}
