//! lvs.cf copied to the partner by SIGUSR1, over a real ssh.

use std::io;

use caribe_lab::cluster::{Cluster, Settings};
use caribe_lab::topology::Host;
use caribe_tests::{SOON, demand_lab, wait_until};
use nix::sys::signal::Signal;

const LVS_CF: &str = "/etc/sysconfig/ha/lvs.cf";
/// The home of root in the guest: the machine's own keys are nobody's business.
const HOME: &str = "/var/lib/caribe-home";

fn shell(host: &Host, script: &str) -> String {
    let output = host.exec(&["sh", "-ec", script]).unwrap();
    assert!(output.status.success(), "{script}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Lets `from` in on `to` by ssh as root, at this address of it: a key, the host's key, a server.
fn let_in(from: &Host, to: &Host, address: &str) {
    let home = format!(
        "rm -rf {HOME} && mkdir -p {HOME}/.ssh && chmod 700 {HOME} {HOME}/.ssh && \
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
         sed -n 's/^ssh-ed25519 \\([^ ]*\\).*/{address} ssh-ed25519 \\1/p' > {HOME}/.ssh/known_hosts && \
         dropbear -s -p {address}:22 -r {HOME}/hostkey"
    );
    shell(to, &server);
}

fn read(host: &Host) -> String {
    host.run(|| std::fs::read_to_string(LVS_CF)).unwrap()
}

/// Both directors run as the shipped unit runs them, without a pid file; the first may log in on the
/// second.
fn pair(more: &str) -> io::Result<Cluster> {
    pair_reached_at("10.9.0.12", more)
}

fn pair_reached_at(address: &str, more: &str) -> io::Result<Cluster> {
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
    let_in(a, b, address);
    for director in [a, b] {
        let words = "exec /usr/sbin/pulse --nodaemon >/run/pulse.log 2>&1";
        director.spawn(&["sh", "-c", words], None)?;
        let runs = || asked(director, "--status").0;
        assert!(wait_until(SOON, runs).is_some());
    }
    let settled = || {
        cluster
            .active()
            .is_ok_and(|active| active == Some("director-a"))
    };
    assert!(wait_until(SOON, settled).is_some(), "{}", logs(&cluster));
    Ok(cluster)
}

/// `pulse` with these words: whether it ended well, and what it said.
fn asked(host: &Host, words: &str) -> (bool, String) {
    let argv: Vec<&str> = ["/usr/sbin/pulse"]
        .into_iter()
        .chain(words.split(' '))
        .collect();
    let output = host.exec(&argv).unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

/// In the foreground pulse's own lines are there, those of its helpers in the system log.
fn said(host: &Host, text: &str) -> bool {
    let log = host.log().expect("a director has a log");
    let own = host.run(|| std::fs::read_to_string("/run/pulse.log"));
    own.unwrap().contains(text) || log.lines().iter().any(|line| line.text.contains(text))
}

fn logs(cluster: &Cluster) -> String {
    let own = ["director-a", "director-b"].map(|name| {
        let host = cluster.site().host(name).unwrap();
        host.run(|| std::fs::read_to_string("/run/pulse.log"))
            .unwrap()
    });
    own.join("---\n") + &cluster.last_words()
}

/// A process of somebody else that has the pid in the pid file; SIGHUP would end it.
fn stranger(host: &Host) -> String {
    shell(
        host,
        "sleep 10000 >/dev/null 2>&1 & echo $! | tee /var/run/pulse.pid",
    )
}

/// The second wire is there for this, too.
#[test]
fn a_partner_that_is_not_reached_on_the_public_path_is_reached_on_the_private_one() {
    let more = "rsh_command = ssh\ncopy_config = 1\n";
    let cluster = pair_reached_at("10.9.1.12", more).unwrap();
    let a = cluster.site().host("director-a").unwrap();
    let changed = read(a).replace("serial_no = 1\n", "serial_no = 2\n");
    a.write_file(LVS_CF, &changed).unwrap();
    let (is_copied, text) = asked(a, "--copy-config");
    assert!(is_copied, "{text}");
    assert!(text.contains("copied to 10.9.1.12: content "), "{text}");
}

#[test]
fn a_good_file_is_in_force_on_the_partner_and_a_takeover_serves_it() {
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
    let other = stranger(b);
    let block = "virtual new {\n active = 1\n address = 10.9.0.101 eth0:2\n port = 80\n \
                 server s {\n address = 10.9.0.21\n active = 1\n }\n}\n";
    let changed = read(a).replace("serial_no = 1\n", "serial_no = 2\n") + block;
    a.write_file(LVS_CF, &changed).unwrap();
    assert!(asked(a, "--order reload").0);
    a.signal("pulse", Signal::SIGUSR1).unwrap();
    let copied = wait_until(SOON, || said(a, " is in force there"));
    assert!(copied.is_some(), "{}", logs(&cluster));
    let content = |host| {
        let (_, text) = asked(host, "--status --json");
        let (_, rest) = text.split_once("\"serial_no\":2,\"content\":\"").unwrap();
        rest.split('"').next().unwrap().to_owned()
    };
    assert_eq!(content(a), content(b));
    assert!(said(
        a,
        &format!("{LVS_CF} copied to 10.9.0.12: content {} is", content(a))
    ));
    assert!(said(
        b,
        &format!("{LVS_CF}: serial_no 2, content {}", content(b))
    ));
    assert!(said(b, "order: reload"));
    assert_eq!(read(b), changed);
    assert_eq!(shell(b, &format!("stat -c '%a %U' {LVS_CF}")), mode);
    // The stranger has not been sent a signal.
    shell(b, &format!("kill -0 {}", other.trim()));

    a.signal("pulse", Signal::SIGTERM).unwrap();
    let new = "10.9.0.101".parse().unwrap();
    let serves = wait_until(SOON, || b.has_address(new).unwrap());
    assert!(serves.is_some(), "{}", logs(&cluster));
}

#[test]
fn a_file_that_is_refused_or_not_read_is_told_of_with_the_partners_words() {
    let cluster = pair("rsh_command = ssh\ncopy_config = 1\n").unwrap();
    let site = cluster.site();
    let (a, b) = (
        site.host("director-a").unwrap(),
        site.host("director-b").unwrap(),
    );
    let good = read(b);
    let copy = |text: &str| {
        a.write_file(LVS_CF, text).unwrap();
        asked(a, "--copy-config")
    };
    // Its own check finds it first.
    let (is_done, text) = copy(&good.replace("serial_no = 1\n", "serial_no = two\n"));
    assert!(!is_done && text.contains("two"), "{text}");
    assert_eq!(read(b), good);

    // What is good and cannot be taken without a restart.
    let (is_done, text) = copy(&good.replacen("virtual ", "heartbeat_port = 1234\nvirtual ", 1));
    assert!(!is_done, "{text}");
    let what = format!("{LVS_CF} is copied, but not taken there, partner 10.9.0.12");
    assert!(text.contains(&what), "{text}");
    assert!(
        text.contains("10.9.0.12: pulse: the heartbeat's addresses or port changed"),
        "{text}"
    );
    assert!(said(a, &what), "{}", logs(&cluster));
    assert!(
        asked(b, "--status --json")
            .1
            .contains("\"reload_failed\":true")
    );
    let (is_done, text) = copy(&good);
    assert!(is_done, "{text}");
    let left = shell(b, &format!("ls {LVS_CF}*"));
    assert_eq!(left.trim(), LVS_CF);

    // An original takes addresses with -t: it must only be asked for its help.
    let old = "#!/bin/sh\ncase $* in --help) echo usage;; *) touch /run/harm;; esac\n";
    b.write_file("/run/old-pulse", old).unwrap();
    shell(
        b,
        "chmod 755 /run/old-pulse; mount --bind /run/old-pulse /usr/sbin/pulse",
    );
    let (is_done, text) = copy(&good.replace("serial_no = 1\n", "serial_no = 3\n"));
    shell(b, "umount /usr/sbin/pulse; test ! -e /run/harm");
    assert!(!is_done && text.contains("takes no orders"), "{text}");
    assert_eq!(read(b), good);

    b.signal("pulse", Signal::SIGTERM).unwrap();
    assert!(wait_until(SOON, || !asked(b, "--status").0).is_some());
    let (is_done, text) = copy(&good);
    assert!(
        !is_done && text.contains("no pulse runs there to read it"),
        "{text}"
    );
    shell(b, "kill $(cat /var/run/dropbear.pid)");
    let (is_done, text) = copy(&good);
    assert!(
        !is_done && text.contains("is not copied, partner 10.9.0.12 (exit status: 255)"),
        "{text}"
    );
}
