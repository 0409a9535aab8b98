//! Failover blocks.

use super::check;

#[test]
fn failover_blocks() {
    let block = |lines: &str| {
        format!(
            "failover f {{\nactive = 1\naddress = 192.0.2.1 eth0:1\nstop_cmd = /bin/y\n{lines}}}\n"
        )
    };
    check(&[
        ("fos command", &block(""), "missing arguments 5"),
        (
            "fos command",
            &block("start_cmd = \"\"\n"),
            "missing arguments 5",
        ),
        (
            "fos command",
            &block("start_cmd = /bin/x\n").replace("stop_cmd = /bin/y\n", ""),
            "missing arguments 5",
        ),
        ("fos command", &block("start_cmd = /bin/x\n"), "ok"),
        ("fos command", "failover f {\n}\n", "ok"),
        (
            "of no effect there",
            &block("start_cmd = /bin/x\nuse_regex = 1\n"),
            "warn 6",
        ),
        (
            "of no effect there",
            &block("start_cmd = /bin/x\nserver s {\n}\n"),
            "warn 6",
        ),
    ]);
}
