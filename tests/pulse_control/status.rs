//! The status, on either director.

use std::io::Read;
use std::os::unix::net::UnixStream;

use nix::sys::signal::Signal;

use crate::directors::*;

#[test]
fn the_status_is_read_on_both_directors() {
    let pair = Directors::start("");
    let (active, standby) = pair.sides();
    pair.wait("lvsd checked", || {
        pair.json(active).contains("\"state\":\"checked\"")
    });
    let screen = pair.screen(active);
    for said in [
        "pulse    active for ",
        "partner  alive, standby (says STOPPED); lvs.cf not compared: unsigned heartbeats\n",
        "path     public, 10.9.0.1",
        ": last heartbeat ",
        "signed   off; partner: unsigned",
        "address  10.9.0.100/32 eth0 ",
        ": up\n",
        "lvsd     checked, pid ",
        "lvs.cf   /etc/sysconfig/ha/lvs.cf, serial_no 1, content ",
        "starting -> active: ",
    ] {
        assert!(screen.contains(said), "{said}: {screen}");
    }
    assert!(screen.lines().all(|line| line.len() <= 80), "{screen}");
    let screen = pair.screen(standby);
    for said in [
        "pulse    standby for ",
        ", fit; ",
        ": down\n",
        "lvsd     absent\n",
    ] {
        assert!(screen.contains(said), "{said}: {screen}");
    }
    // A plain reader gets the same lines.
    let plain = pair.host(standby).run(|| {
        let mut text = String::new();
        UnixStream::connect(socket())?.read_to_string(&mut text)?;
        Ok(text)
    });
    let plain = plain.expect("a status");
    assert!(plain.starts_with("{\"kind\":\"pulse\",\"pid\":"), "{plain}");
    assert_eq!(plain.lines().count(), pair.json(standby).lines().count());

    let mode = pair.run(
        active,
        &["sh", "-c", "stat -c '%a %U %G' /run/lvs/pulse.sock*"],
    );
    assert_eq!(said(&mode).1, "660 root root\n");
    // Names in ps are those of what runs.
    let names = pair.run(active, &["ps", "-eo", "comm,args"]);
    let (_, names) = said(&names);
    for name in [
        "pulse-guardian  pulse-guardian",
        "pulse-runner    pulse-runner",
    ] {
        assert!(names.contains(name), "{name}: {names}");
    }
    assert!(!names.contains("/proc/self/exe"), "{names}");
}

/// Has the active director's lvsd started again, with what pulse gives it.
fn replace_lvsd(pair: &Directors, director: &str) {
    let pid = || {
        let (_, text) = said(&pair.run(director, &["pgrep", "-x", "lvsd"]));
        text.lines().next().map(str::to_owned)
    };
    let old = pid().expect("lvsd runs");
    pair.run(director, &["kill", "-9", &old]);
    pair.wait("another lvsd", || pid().is_some_and(|new| new != old));
    pair.wait("it serves", || {
        pair.json(director).contains("\"state\":\"checked\"")
    });
}

#[test]
fn what_is_impaired_stands_in_the_status_until_it_is_mended() {
    let pair = Directors::start("");
    let (_, standby) = pair.sides();
    let shell = |script: &str| {
        let (status, text) = said(&pair.run(standby, &["sh", "-c", script]));
        assert_eq!(status, Some(0), "{text}");
    };
    assert!(!pair.screen(standby).contains("impaired"));
    shell("mount -t tmpfs -o ro,size=4k none /var/lib/lvs");
    pair.order(standby, "standby on");
    let screen = pair.screen(standby);
    let line = "impaired orders are not kept for the next start: /var/lib/lvs/pulse.orders.";
    // Its words are wrapped.
    let flat = screen.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains(line.trim_end()), "{screen}");
    assert!(
        pair.json(standby)
            .contains("\"impaired\":[\"orders are not kept")
    );
    shell("umount /var/lib/lvs");
    let (status, text) = pair.order(standby, "standby off");
    assert_eq!(status, Some(0), "{text}");
    assert!(!pair.screen(standby).contains("impaired"));
}

/// lvsd then reads the file as it is on the disk.
#[test]
fn a_full_run_for_what_is_in_force_is_said_and_impairs_until_there_is_room() {
    let pair = Directors::start("");
    let (active, _) = pair.sides();
    pair.wait("lvsd checked", || {
        pair.json(active).contains("\"state\":\"checked\"")
    });
    let fill = "mount -t tmpfs -o size=16k none /run/lvs/lock && \
        { cat /dev/zero >/run/lvs/lock/rest 2>/dev/null; true; }";
    let (status, text) = said(&pair.run(active, &["sh", "-c", fill]));
    assert_eq!(status, Some(0), "{text}");
    replace_lvsd(&pair, active);
    let line = ": No space left on device: lvsd and fos read /etc/sysconfig/ha/lvs.cf as it is on the disk when \
        they start";
    pair.wait("it is said", || pair.has_said(active, line));
    let json = pair.json(active);
    let impaired = "\"impaired\":[\"/run/lvs/lock/lvs.cf.";
    assert!(json.contains(impaired), "{json}");
    let (status, text) = said(&pair.run(active, &["umount", "-l", "/run/lvs/lock"]));
    assert_eq!(status, Some(0), "{text}");
    replace_lvsd(&pair, active);
    let json = pair.json(active);
    assert!(!json.contains("impaired"), "{json}");
    pair.stays(active);
}

#[test]
fn without_a_pulse_the_status_says_so() {
    let pair = Directors::start("");
    let (_, standby) = pair.sides();
    pair.cluster.stop_pulse(standby).expect("a signal");
    let asked = || said(&pair.run(standby, &["/usr/sbin/pulse", "--status"]));
    let gone = (Some(3), "pulse: pulse does not run here\n".to_owned());
    pair.wait("pulse ends", || asked() == gone);
    assert_eq!(pair.order(standby, "reload"), gone);
}

#[test]
fn a_reload_says_what_came_of_it() {
    let pair = Directors::start("");
    let (active, _) = pair.sides();
    let good = pair.read(active);
    let (status, text) = pair.order(active, "reload");
    assert_eq!(status, Some(0), "{text}");
    assert!(
        text.starts_with("/etc/sysconfig/ha/lvs.cf: serial_no 1, content "),
        "{text}"
    );
    assert!(pair.json(active).contains("\"reload_failed\":false"));

    // What of it does not work is said with the answer; it is in force.
    let odd = good.replace("serial_no = 1", "serial_no = 1\nserial_no = 1");
    pair.write(active, &odd);
    let (status, text) = pair.order(active, "reload");
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains("serial_no 1, content "), "{text}");
    let finding = "\npulse: /etc/sysconfig/ha/lvs.cf:";
    assert!(format!("\n{text}").contains(finding), "{text}");

    pair.write(active, &good.replace("serial_no = 1", "serial_no = one"));
    let (status, text) = pair.order(active, "reload");
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("lvs.cf:") && text.contains("one"), "{text}");
    assert!(pair.json(active).contains("\"reload_failed\":true"));
    let screen = pair.screen(active);
    assert!(
        screen.contains("the last reload failed, this one stays in force:"),
        "{screen}"
    );
    assert_eq!(pair.active(), Some(active));

    // What pulse does not take is no good reload either.
    for (line, what) in [
        (
            "heartbeat_port = 1234",
            "the heartbeat's addresses or port changed",
        ),
        ("vip = external", "vip changed"),
    ] {
        pair.write(
            active,
            &good.replacen("virtual ", &format!("{line}\nvirtual "), 1),
        );
        let (status, text) = pair.order(active, "reload");
        assert_eq!(status, Some(1), "{text}");
        let expected = format!("{what}: restart pulse for that");
        assert!(text.contains(&expected), "{text}");
        pair.stays(active);
    }
    let none = good.replace("active = 1", "active = 0");
    let none = none.replace("backup_active = 0", "backup_active = 1");
    let other = good.replace("10.9.0.100", "10.9.0.102");
    let other = other.replace("heartbeat_port = 539", "heartbeat_port = 1234");
    for text in [none, other] {
        pair.write(active, &text);
        let (status, text) = pair.order(active, "reload");
        assert_eq!(status, Some(1), "{text}");
        // Nothing of it has happened.
        assert!(!text.contains("address gone"), "{text}");
        assert!(!pair.has_said(active, "address gone"), "{text}");
        pair.stays(active);
    }
    pair.write(active, &good);
    assert_eq!(pair.order(active, "reload").0, Some(0));
    assert!(pair.json(active).contains("\"reload_failed\":false"));
}

/// As `pulse -t`, the log and the status; the order is carried out all the same.
#[test]
fn a_reload_names_the_device_that_is_not_there() {
    let pair = Directors::start("");
    let (_, standby) = pair.sides();
    let good = pair.read(standby);
    pair.write(standby, &good.replacen("eth0:", "eth5:", 1));
    let (status, text) = pair.order(standby, "reload");
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains(": there is no device eth5"), "{text}");
    pair.write(standby, &good);
    let (status, text) = pair.order(standby, "reload");
    assert_eq!(status, Some(0), "{text}");
    assert!(!text.contains("eth5"), "{text}");
}

#[test]
fn lvsds_status_is_read_on_both_directors_and_tells_of_a_file_that_pulse_refused() {
    let pair = Directors::start("");
    let (active, standby) = pair.sides();
    let lvsd = |director| said(&pair.run(director, &["/usr/sbin/lvsd", "--status"]));
    pair.wait("lvsd serves", || lvsd(active).0 == Some(0));
    let (_, text) = lvsd(active);
    assert!(text.starts_with("{\"kind\":\"lvsd\",\"pid\":"), "{text}");
    assert!(text.contains("\n{\"kind\":\"pulse\",\"pid\":"), "{text}");
    let (status, text) = lvsd(standby);
    assert_eq!(status, Some(0), "{text}");
    let said = "lvs: lvsd does not run here: this director is standby\n";
    assert!(text.ends_with(said), "{text}");

    let good = pair.read(active);
    pair.write(
        active,
        &good.replacen("virtual ", "heartbeat_port = 1234\nvirtual ", 1),
    );
    pair.host(active)
        .signal("pulse", Signal::SIGHUP)
        .expect("a signal");
    let head = "lvs: pulse has not taken the last lvs.cf, the one before is in force:\nlvs: ";
    pair.wait("it is told", || lvsd(active).1.contains(head));
    pair.cluster.stop_pulse(standby).expect("a signal");
    let gone = (
        Some(3),
        "lvs: neither lvsd nor pulse runs here\n".to_owned(),
    );
    pair.wait("pulse ends", || lvsd(standby) == gone);
}

/// An active director is fit, and still a service may be served by nobody.
#[test]
fn the_status_shows_a_service_without_a_real_server_and_one_that_the_kernel_refused() {
    let mut pair = Directors::start("");
    let (active, _) = pair.sides();
    let screen = |pair: &Directors| pair.screen(active).replace("\n         ", " ");
    pair.wait("all is served", || {
        screen(&pair).contains("; services: 1\n")
    });
    assert!(!screen(&pair).contains("service  "), "{}", screen(&pair));
    let good = pair.read(active);
    pair.write(active, &good.replace("scheduler = wrr", "scheduler = pcc"));
    pair.order(active, "reload");
    let refused = "service  -t 10.9.0.100:80 (web): refused: -E -t 10.9.0.100:80 -s pcc";
    pair.wait("a refused service", || screen(&pair).contains(refused));
    assert!(
        pair.json(active)
            .contains("\"refused\":[\"-E -t 10.9.0.100:80")
    );
    pair.write(active, &good);
    pair.order(active, "reload");
    pair.wait("it is mended", || !screen(&pair).contains("service  "));

    let servers = pair.cluster.site().real_servers();
    let names: Vec<String> = servers.iter().map(|(name, _)| name.to_string()).collect();
    for name in &names {
        pair.cluster.kill_server(name);
    }
    let servers = names.len();
    let lost = format!("service  -t 10.9.0.100:80 (web): NO REAL SERVER is up of {servers}\n");
    pair.wait("no real server", || screen(&pair).contains(&lost));
    assert!(pair.json(active).contains("\"up\":0,\"serving\":0}"));
    assert!(pair.has_said(active, "Virtual Server web: No real servers"));
    assert!(pair.has_said(active, "no client of -t 10.9.0.100:80 is served"));
    pair.cluster.start_server(&names[0]).expect("a server");
    pair.wait("one is back", || {
        pair.has_said(active, "Virtual Server web: 1 real servers")
    });
    pair.wait("it is served", || !screen(&pair).contains("service  "));
}

/// Somebody tries something out on the standby and leaves it running.
#[test]
fn an_lvsd_started_by_hand_that_blocks_a_takeover_is_named() {
    let pair = Directors::start("");
    let (active, standby) = pair.sides();
    let by_hand = ["/usr/sbin/lvsd", "-n", "-c", LVS_CF];
    let start = || pair.host(standby).spawn(&by_hand, None).expect("lvsd");
    let mut lvsd = start();
    pair.wait("it runs", || {
        // The one that clears a standby's table may hold the lock.
        if lvsd.ended().expect("a child").is_some() {
            lvsd = start();
        }
        let status = pair.run(standby, &["/usr/sbin/lvsd", "--status"]);
        said(&status).1.contains("\"kind\":\"lvsd\"")
    });
    pair.cluster.power_off(active).expect("a power failure");
    let holder = format!(
        " is \"{}\", which this pulse has not started",
        by_hand.join(" ")
    );
    let says_so = || {
        let screen = pair.screen(standby).replace("\n         ", " ");
        screen.contains("another lvsd runs (pid ") && screen.contains(&holder)
    };
    pair.wait("the status names it", says_so);
    assert!(pair.has_said(standby, &holder));
    assert!(
        pair.json(standby)
            .contains("\"failure\":[\"lvs: another lvsd runs")
    );
}

#[test]
fn a_partner_that_comes_back_says_who_serves_and_a_reload_what_it_changes() {
    let pair = Directors::start("");
    let (active, standby) = pair.sides();
    pair.wait("it is said", || {
        pair.has_said(standby, "the partner is active, this director stands by")
    });
    let good = pair.read(active);
    pair.write(
        active,
        &good.replace("heartbeat_port = 539", "heartbeat_port = 1234"),
    );
    let (status, text) = pair.order(active, "reload");
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("heartbeat_port was 539, is 1234\n"), "{text}");
    pair.write(active, &good.replace("10.9.0.100", "10.9.0.102"));
    let (status, text) = pair.order(active, "reload");
    assert_eq!(status, Some(0), "{text}");
    pair.wait("the addresses are said", || {
        pair.has_said(active, "address gone: 10.9.0.100/32 eth0")
            && pair.has_said(active, "address new: 10.9.0.102/32 eth0")
    });
}

#[test]
fn a_pulse_that_waits_for_its_address_says_so() {
    let pair = Directors::start("");
    let (_, standby) = pair.sides();
    let own = pair.own(standby);
    pair.cluster.stop_pulse(standby).expect("a signal");
    pair.wait("pulse ends", || {
        said(&pair.run(standby, &["/usr/sbin/pulse", "--status"])).0 == Some(3)
    });
    let address = |verb: &str| {
        let address = format!("{own}/24");
        pair.run(standby, &["ip", "addr", verb, &address, "dev", "eth0"]);
    };
    address("del");
    pair.cluster.start_pulse(standby).expect("pulse");
    pair.wait("it waits", || {
        said(&pair.run(standby, &["/usr/sbin/pulse", "--status"])).0 == Some(0)
    });
    let screen = pair.screen(standby);
    assert!(screen.starts_with("pulse    waiting for "), "{screen}");
    let flat = screen.replace("\n         ", " ");
    assert!(
        flat.contains("unfit    this machine has neither primary = "),
        "{screen}"
    );
    assert!(flat.contains(" yet: waiting for it"), "{screen}");
    let (status, text) = pair.order(standby, "standby on");
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains(" yet: waiting for it"), "{text}");
    assert_eq!(pair.order(standby, "reload").0, Some(0));
    address("add");
    pair.wait("it goes on", || {
        pair.screen(standby).contains("pulse    standby")
    });
}
