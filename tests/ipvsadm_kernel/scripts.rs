//! ipvsadm-save, ipvsadm-restore and the service script, installed as a package installs them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::{EVERYTHING, OURS, done, own_namespace, run};

/// The repository, as the guest sees it.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

fn install(source: &str, place: &str) {
    fs::create_dir_all(Path::new(place).parent().unwrap()).unwrap();
    fs::write(place, fs::read(format!("{ROOT}/{source}")).unwrap()).unwrap();
    fs::set_permissions(place, fs::Permissions::from_mode(0o755)).unwrap();
}

/// One test for all three: they share the files of the machine.
#[test]
fn the_scripts_save_restore_start_and_stop() {
    own_namespace();
    install("bin/ipvsadm/scripts/ipvsadm-save", "/sbin/ipvsadm-save");
    install(
        "bin/ipvsadm/scripts/ipvsadm-restore",
        "/sbin/ipvsadm-restore",
    );
    install("etc/init.d/ipvsadm", "/etc/init.d/ipvsadm");
    save_and_restore();
    restore_at_once();
    debian_service();
    red_hat_service();
}

fn save_and_restore() {
    done(OURS, "-R", EVERYTHING);
    let saved = done("/sbin/ipvsadm-save", "-n", "");
    assert_eq!(saved, done(OURS, "-S -n", ""));
    done(OURS, "-A -f 4711 -s rr", "");
    let rules = format!("# comment\n{saved}");
    done("/sbin/ipvsadm-restore", "", &rules);
    assert_eq!(done("/sbin/ipvsadm-save", "word -n", ""), saved);
    let output = run("/sbin/ipvsadm-save", "--numeric", "");
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stderr.starts_with(b"ipvsadm-save: Script to save"));
    done("/sbin/ipvsadm-restore", "", "");
    assert_eq!(done(OURS, "-S -n", ""), "");
}

fn restore_at_once() {
    let restore = "/sbin/ipvsadm-restore";
    let one = "# comment\n-A -f 1 -s rr\n";
    let output = run(restore, "--atomic --dry-run", one);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(output.stdout, b"-A -f 1 -s rr\n");
    done(restore, "--atomic", one);
    assert_eq!(done(restore, "--atomic --dry-run", one), "");
    let output = run(restore, "--atomic", &format!("{one}-A -f 0\n"));
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        output.stderr,
        b"line 3: invalid fwmark value `0' specified\n"
    );
    assert_eq!(done(OURS, "-S -n", ""), "-A -f 1 -s rr\n");
}

fn status_of(verb: &str) -> i32 {
    run("/etc/init.d/ipvsadm", verb, "").status.code().unwrap()
}

fn debian_service() {
    let settings = "AUTO=\"true\"\nDAEMON=\"backup\"\nIFACE=\"lo\"\nSYNCID=\"7\"\n";
    fs::write("/etc/default/ipvsadm", settings).unwrap();
    fs::write("/etc/ipvsadm.rules", "# ipvsadm.rules\n-A -f 2 -s rr\n").unwrap();
    assert_eq!(status_of("start"), 0);
    assert_eq!(status_of("start"), 0, "what runs already");
    assert_eq!(done(OURS, "-S -n", ""), "-A -f 2 -s rr\n");
    assert!(done(OURS, "-L --daemon", "").contains("mcast=lo, syncid=7"));
    assert_eq!(status_of("status"), 0);
    done(OURS, "-A -f 3 -s rr", "");
    assert_eq!(status_of("save"), 0);
    assert_eq!(
        fs::read_to_string("/etc/ipvsadm.rules").unwrap(),
        "# ipvsadm.rules\n-A -f 2 -s rr\n-A -f 3 -s rr\n"
    );
    assert_eq!(status_of("restart"), 0);
    assert_eq!(status_of("stop"), 0);
    assert_eq!(status_of("stop"), 0, "what is stopped already");
    assert_eq!(done(OURS, "-S -n", ""), "");
    assert_eq!(done(OURS, "-L --daemon", ""), "");
    assert_eq!(status_of("nonsense"), 2);
    fs::remove_file("/etc/default/ipvsadm").unwrap();
}

fn red_hat_service() {
    let settings = "IPVS_MODULES_UNLOAD=no\nIPVS_SAVE_ON_STOP=yes\n";
    fs::create_dir_all("/etc/sysconfig").unwrap();
    fs::write("/etc/sysconfig/ipvsadm-config", settings).unwrap();
    fs::write("/etc/sysconfig/ipvsadm", "-A -f 5 -s rr\n").unwrap();
    assert_eq!(status_of("start"), 0);
    done(OURS, "-E -f 5 -s wrr", "");
    assert_eq!(status_of("stop"), 0);
    assert_eq!(
        fs::read_to_string("/etc/sysconfig/ipvsadm").unwrap(),
        "-A -f 5 -s wrr\n"
    );
    assert_eq!(done(OURS, "-S -n", ""), "");
    fs::remove_file("/etc/sysconfig/ipvsadm").unwrap();
    fs::remove_file("/etc/ipvsadm.rules").unwrap();
    assert_eq!(status_of("load"), 6);
}
