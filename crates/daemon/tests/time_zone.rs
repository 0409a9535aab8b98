//! The local time of log lines. The test starts itself: a process reads its time zone once.

use std::path::Path;
use std::process::Command;

use daemon::log::Target;

/// Names the file of the time zone to the test that was started.
const ZONE: &str = "CARIBE_TEST_ZONE";

/// A time zone file (tzfile(5)): five hours east of Greenwich, always.
fn five_hours_east() -> Vec<u8> {
    let mut file = b"TZif".to_vec();
    file.extend([0; 16]);
    // One zone, an abbreviation of four bytes, nothing else.
    file.extend([0_u32, 0, 0, 0, 1, 4].map(u32::to_be_bytes).as_flattened());
    file.extend((5 * 3600_i32).to_be_bytes());
    file.extend([0, 0]);
    file.extend(b"PKT\0");
    file
}

/// A nanny gives its files up before it has said anything.
#[test]
fn r_lines_have_the_local_time_though_the_time_zone_can_no_longer_be_read() {
    if let Some(zone) = std::env::var_os(ZONE) {
        daemon::log::start("test", Target::Syslog, false);
        std::fs::remove_file(Path::new(&zone)).unwrap();
        assert_eq!(lvs_sys::local_time(0).unwrap().hour, 5);
        return;
    }
    let zone = std::env::temp_dir().join(format!("caribe-zone-{}", std::process::id()));
    std::fs::write(&zone, five_hours_east()).unwrap();
    let own = std::env::current_exe().unwrap();
    let test = Command::new(own)
        .env(ZONE, &zone)
        .env("TZ", format!(":{}", zone.display()))
        .output();
    let test = test.unwrap();
    assert!(test.status.success(), "{test:?}");
    assert!(!zone.exists(), "it ran");
}
