//! Each sample file of lvs.cf on a kernel: the services of its recorded plan, none left at the end.

use std::fs;
use std::path::Path;

use caribe_tests::{SOON, wait_until};
use nix::sys::signal::Signal;

use crate::director::Director;

/// The lines of a table or plan that create services.
fn services(lines: &[String]) -> Vec<String> {
    let mut services: Vec<String> = lines
        .iter()
        .map(|line| line.trim_start_matches("/sbin/ipvsadm "))
        .filter(|line| line.starts_with("-A "))
        .map(str::to_owned)
        .collect();
    services.sort();
    services
}

#[test]
fn each_sample_file_makes_the_services_of_its_plan() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for entry in fs::read_dir(root.join("crates/lvs-config/tests/samples")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let plan = fs::read_to_string(root.join(format!("bin/lvsd/golden/{name}.plan"))).unwrap();
        let plan: Vec<String> = plan.lines().map(str::to_owned).collect();

        let mut director = Director::new(&[]);
        director.start(&fs::read_to_string(&path).unwrap());
        director.wait_for_log("serial_no");
        wait_until(SOON, || services(&director.table()) == services(&plan));
        assert_eq!(services(&director.table()), services(&plan), "{name}");
        if name == "sorry" {
            let sorry = "-a -t 192.0.2.90:80 -r 10.20.0.99:80 -m -w 1".to_owned();
            let is_in = || director.table().contains(&sorry);
            assert!(wait_until(SOON, is_in).is_some(), "{:?}", director.table());
        }
        assert_eq!(director.end(Signal::SIGTERM).code(), Some(0), "{name}");
        assert_eq!(director.table(), [""; 0], "{name}");
    }
}
