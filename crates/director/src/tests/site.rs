//! From lvs.cf to services, destinations and monitors.

use lvs_config::Config;

use super::world::*;
use crate::{Input, NannyOptions, Site, Table, shell_words};

/// Destinations of the first service as `ipvsadm` takes them, with the names of their checks.
fn destinations(config: &Config) -> Vec<String> {
    let site = Site::new(config, false, false);
    let destinations = site.services[0].destinations.iter();
    let line = |d: &crate::SiteDestination| {
        let checks: Vec<String> = d
            .monitors
            .iter()
            .map(|m| format!("{}/{}:{}", m.block, m.server, m.options.check_port()))
            .collect();
        format!("{} by {}", d.destination, checks.join(" "))
    };
    destinations.map(line).collect()
}

fn argv(config: &Config) -> String {
    let site = Site::new(config, false, false);
    shell_words(&site.services[0].destinations[0].monitors[0].options.argv())
}

#[test]
fn the_port_of_a_destination_is_the_kernels_rule_for_direct_routing() {
    let servers = vec![server("a", "10.0.0.1", 8080)];
    let file = config(vec![block("web", "192.0.2.1", 80, servers)]);
    assert_eq!(
        destinations(&file),
        ["-r 10.0.0.1:8080 -m -w 1 by web/a:8080"]
    );
    let direct = direct(file);
    assert_eq!(
        destinations(&direct),
        ["-r 10.0.0.1:80 -g -w 1 by web/a:8080"]
    );
}

/// HTTP and HTTPS of the same servers under one mark.
fn one_mark() -> Config {
    let server = |port| weighing(server("a", "10.0.0.1", port), u32::from(port % 10 + 2));
    let http = marked(80, block("http", "192.0.2.1", 80, vec![server(80)]));
    let https = marked(80, block("https", "192.0.2.1", 443, vec![server(443)]));
    config(vec![http, https])
}

#[test]
fn blocks_of_one_mark_are_one_service_and_a_server_is_in_it_once() {
    let site = Site::new(&one_mark(), false, false);
    assert_eq!(site.services.len(), 1);
    assert_eq!(site.services[0].service.to_string(), "-f 80 -s wlc");
    // Masquerading: each connection keeps its port. Else: without effect, the first one's.
    assert_eq!(
        destinations(&one_mark()),
        ["-r 10.0.0.1:0 -m -w 2 by http/a:80 https/a:443"]
    );
    assert_eq!(
        destinations(&direct(one_mark())),
        ["-r 10.0.0.1:80 -g -w 2 by http/a:80 https/a:443"]
    );
}

#[test]
fn the_first_block_of_a_mark_makes_the_service_and_each_keeps_its_own_check() {
    let mut file = one_mark();
    file.virtuals[0].scheduler = "rr".parse().unwrap();
    file.virtuals[1] = persistent(60, [255; 4], file.virtuals[1].clone());
    file.virtuals[1].check.expect = Some("TLS".into());
    let site = Site::new(&file, false, false);
    assert_eq!(site.services[0].service.to_string(), "-f 80 -s rr");
    let monitors = &site.services[0].destinations[0].monitors;
    let expected: Vec<_> = monitors
        .iter()
        .map(|m| m.options.check.expect.as_deref().unwrap())
        .collect();
    assert_eq!(expected, ["220", "TLS"]);
    file.virtuals.swap(0, 1);
    let site = Site::new(&file, false, false);
    assert_eq!(site.services[0].service.to_string(), "-f 80 -s wlc -p 60");
}

#[test]
fn a_server_of_a_mark_is_quiesced_if_any_of_its_blocks_says_so() {
    for quiescing in [0, 1] {
        let mut file = one_mark();
        file.virtuals[quiescing].quiesce = true;
        let site = Site::new(&file, false, false);
        assert!(site.services[0].destinations[0].quiesce, "{quiescing}");
    }
}

#[test]
fn a_sorry_server_has_the_services_port_weight_1_and_the_method_of_the_file() {
    let mut real = weighing(server("a", "10.0.0.1", 8080), 9);
    real.forwarding = lvs_model::ForwardingMethod::Tunnelling;
    let web = with_sorry("10.0.0.99", block("web", "192.0.2.1", 80, vec![real]));
    let sorry = |config: &Config| {
        let site = Site::new(config, false, false);
        site.services[0]
            .sorry
            .as_ref()
            .unwrap()
            .destination
            .to_string()
    };
    let mut file = config(vec![web]);
    assert_eq!(sorry(&file), "-r 10.0.0.99:80 -m -w 1");
    file.network = lvs_model::ForwardingMethod::DirectRouting;
    assert_eq!(sorry(&file), "-r 10.0.0.99:80 -g -w 1");
}

#[test]
fn a_mark_with_one_port_keeps_the_port_given_and_0_where_none_was() {
    let mut file = one_mark();
    file.virtuals.pop();
    assert_eq!(destinations(&file), ["-r 10.0.0.1:80 -m -w 2 by http/a:80"]);
    file.virtuals[0].servers[0].has_own_port = false;
    assert_eq!(destinations(&file), ["-r 10.0.0.1:0 -m -w 2 by http/a:80"]);
    // One of two is enough.
    file.virtuals[0].servers.push(server("b", "10.0.0.2", 80));
    let both = [
        "-r 10.0.0.1:0 -m -w 2 by http/a:80",
        "-r 10.0.0.2:0 -m -w 1 by http/b:80",
    ];
    assert_eq!(destinations(&file), both);
}

#[test]
fn a_mark_with_servers_of_both_kinds_gives_each_the_port_of_its_kind() {
    let mut file = one_mark();
    let mut other = server("b", "10.0.0.2", 8080);
    other.forwarding = lvs_model::ForwardingMethod::DirectRouting;
    file.virtuals[0].servers.push(other);
    assert_eq!(
        destinations(&file),
        [
            "-r 10.0.0.1:0 -m -w 2 by http/a:80 https/a:443",
            "-r 10.0.0.2:8080 -g -w 1 by http/b:8080"
        ]
    );
}

#[test]
fn r_a_directly_routed_server_is_once_in_a_mark_that_has_masqueraded_ones_too() {
    let mut file = one_mark();
    for (block, port) in file.virtuals.iter_mut().zip([80, 443]) {
        let mut other = server("b", "10.0.0.2", port);
        other.forwarding = lvs_model::ForwardingMethod::DirectRouting;
        block.servers.push(other);
    }
    assert_eq!(
        destinations(&file),
        [
            "-r 10.0.0.1:0 -m -w 2 by http/a:80 https/a:443",
            "-r 10.0.0.2:80 -g -w 1 by http/b:80 https/b:443"
        ]
    );
}

#[test]
fn a_server_of_a_mark_is_up_while_all_its_checks_are_good() {
    let mut world = World::start(direct(one_mark()), Table::new());
    let (http, https) = (
        world.nth_nanny("10.0.0.1", 0),
        world.nth_nanny("10.0.0.1", 1),
    );
    let up = |number| control::Place::In(weight(number));
    world.take_trace();
    world.say(http, control::Phase::Up, up(2));
    assert_eq!(world.take_ops(), [""; 0]);
    world.say(https, control::Phase::Ramp, up(1));
    world.say(https, control::Phase::Up, up(5));
    world.say(https, control::Phase::Down, control::Place::Out);
    assert_eq!(
        world.take_ops(),
        [
            "-a -f 80 -r 10.0.0.1:80 -g -w 1",
            "-e -f 80 -r 10.0.0.1:80 -g -w 2",
            "-d -f 80 -r 10.0.0.1:80"
        ]
    );
    let mut file = direct(one_mark());
    file.virtuals.pop();
    world.reload(file);
    assert_eq!(world.take_ops(), ["-a -f 80 -r 10.0.0.1:80 -g -w 2"]);
    world.feed(Input::Terminate(15));
    assert!(world.kernel.is_empty());
}

#[test]
fn a_sorry_server_that_is_a_real_server_is_none() {
    let servers = vec![server("a", "10.0.0.1", 80)];
    let web = with_sorry("10.0.0.1", block("web", "192.0.2.1", 80, servers));
    assert_eq!(
        Site::new(&config(vec![web]), false, false).services[0].sorry,
        None
    );
}

#[test]
fn a_sorry_server_that_is_a_real_server_of_another_block_of_its_mark_is_none_on_any_port() {
    let http = block("http", "192.0.2.1", 80, vec![server("a", "10.0.0.1", 80)]);
    let servers = vec![server("b", "10.0.0.2", 443)];
    let https = with_sorry("10.0.0.1", block("https", "192.0.2.1", 443, servers));
    let mut file = direct(config(vec![http, https]));
    for block in &mut file.virtuals {
        block.fwmark = lvs_model::FwMark::new(7);
    }
    let site = Site::new(&file, false, false);
    assert_eq!((site.services.len(), &site.services[0].sorry), (1, &None));
}

#[test]
fn a_nanny_is_told_what_the_original_told_it_in_the_same_order() {
    let servers = vec![weighing(server("n1", "192.0.2.101", 80), 100)];
    let mut api = block("api", "192.0.2.100", 80, servers);
    api.check.send = Some(r"GET /health HTTP/1.0\r\nHost: api\r\n\r\n".into());
    api.check.expect = Some(r"^HTTP/1\\.[01] 2[0-9][0-9] ".into());
    api.check.use_regex = true;
    api.check.timeout = std::time::Duration::from_secs(5);
    api.check.reentry = std::time::Duration::from_secs(20);
    api.load_monitor = Some("uptime".into());
    let mut file = direct(config(vec![api]));
    file.rsh_command = "ssh".into();
    assert_eq!(
        argv(&file),
        r"/usr/sbin/nanny -c -h 192.0.2.101 -p 80 -r 80 -s 'GET /health HTTP/1.0\r\nHost: api\r\n\r\n' -x '^HTTP/1\\.[01] 2[0-9][0-9] ' --regex -a 20 -I /sbin/ipvsadm -t 5 -w 100 -V 192.0.2.100 -M g -U ssh --lvs"
    );
    let block = &mut file.virtuals[0];
    block.protocol = lvs_model::Protocol::Udp;
    block.quiesce = true;
    block.load_monitor = None;
    block.sorry_server = Some(address("10.0.0.99"));
    block.fwmark = lvs_model::FwMark::new(7);
    block.check = lvs_model::CheckSpec {
        send_program: Some("/bin/check %h".into()),
        ..lvs_model::CheckSpec::default()
    };
    assert_eq!(
        argv(&file),
        "/usr/sbin/nanny -c -h 192.0.2.101 -p 80 -r 80 -f 7 -u -e '/bin/check %h' -q -a 180 -I /sbin/ipvsadm -t 10 -w 100 -V 192.0.2.100 -M g --nodaemon --lvs"
    );
}

#[test]
fn only_another_weight_needs_no_other_nanny() {
    let options = |config: &Config| -> NannyOptions {
        let site = Site::new(config, false, false);
        site.services[0].destinations[0].monitors[0].options.clone()
    };
    let before = options(&two_servers());
    let mut file = two_servers();
    file.virtuals[0].servers[0].weight = weight(9);
    assert!(before.differs_in_weight_only(&options(&file)));
    file.virtuals[0].quiesce = true;
    assert!(!before.differs_in_weight_only(&options(&file)));
}

#[test]
fn a_removal_policy_names_the_kernel_switches_that_it_depends_on() {
    let needs = |config: &Config| -> Vec<String> {
        let site = Site::new(config, false, false);
        let needs = crate::sysctls(&site).into_iter();
        needs
            .map(|need| format!("{} {need}", need.sysctl.name()))
            .collect()
    };
    let mut file = two_servers();
    file.virtuals[0].quiesce = true;
    assert_eq!(
        needs(&file),
        [
            "expire_nodest_conn connections of web hang after their real server was removed, and so do new ones from the same port"
        ]
    );
    file.virtuals[0] = persistent(60, [255; 4], file.virtuals[0].clone());
    let mut dns = block("dns", "192.0.2.53", 53, file.virtuals[0].servers.clone());
    dns.protocol = lvs_model::Protocol::Udp;
    file.virtuals.push(dns);
    assert_eq!(
        needs(&file),
        [
            "expire_quiescent_template persistent clients of web stay with a quiesced real server",
            "expire_nodest_conn UDP flows of dns are lost after their real server was removed, until they pause"
        ]
    );
}

#[test]
fn udp_flows_that_stay_with_a_quiesced_server_are_named() {
    let flows = |config: &Config| -> Option<String> {
        let site = Site::new(config, false, false);
        crate::quiesced_flows(&site).map(str::to_owned)
    };
    let mut file = two_servers();
    file.virtuals[0].quiesce = true;
    assert_eq!(flows(&file), None);
    file.virtuals[0].protocol = lvs_model::Protocol::Udp;
    assert_eq!(flows(&file).as_deref(), Some("web"));
    file.virtuals[0].fwmark = lvs_model::FwMark::new(7);
    assert_eq!(flows(&file).as_deref(), Some("web"));
    file.virtuals[0].one_packet = true;
    assert_eq!(flows(&file), None);
    file.virtuals[0].one_packet = false;
    file.virtuals[0].quiesce = false;
    assert_eq!(flows(&file), None);
    let site = Site::new(&file, false, false);
    assert!(crate::sysctls(&site).iter().all(|need| need.udp));
}
