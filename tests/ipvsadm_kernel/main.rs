//! Our ipvsadm on a kernel: replacing a table at once, saving and restoring beside the C program,
//! listings of live traffic, the scripts, and ldirectord driving it.

mod atomic;
mod ldirectord;
mod listings;
mod round_trip;
mod scripts;

use std::io::Write;
use std::net::SocketAddr;
use std::process::{Command, Output, Stdio};

use caribe_lab::measure::HttpServer;
use caribe_lab::topology::{Family, Forwarding, Host, Layout, Site};

/// Ours.
const OURS: &str = "/sbin/ipvsadm";

/// A table with one of everything.
const EVERYTHING: &str = include_str!("../ipvsadm_diff/everything.rules");

/// Moves this thread to a network namespace of its own; programs that it starts are there too.
fn own_namespace() {
    nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET).expect("root, in the lab");
    let up = Command::new("ip")
        .args(["link", "set", "lo", "up"])
        .status();
    assert!(up.unwrap().success());
}

/// Runs a program where this thread is.
fn run(program: &str, words: &str, input: &str) -> Output {
    let mut child = Command::new(program)
        .args(words.split_whitespace())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A program that ends early closes the pipe.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output().unwrap()
}

/// Runs a program that must succeed without a word of complaint; what it printed.
fn done(program: &str, words: &str, input: &str) -> String {
    let output = run(program, words, input);
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{program} {words}: {output:?}"
    );
    String::from_utf8(output.stdout).unwrap()
}

/// Two real servers behind a director that holds the virtual address; its table is empty.
struct Served {
    site: Site,
    servers: Vec<HttpServer>,
    target: SocketAddr,
}

impl Served {
    fn build() -> Self {
        caribe_tests::demand_lab();
        let site = Site::build(Layout {
            forwarding: Forwarding::DirectRouting,
            family: Family::V4,
            real_servers: 2,
            router: false,
        })
        .unwrap();
        let servers = site.real_servers();
        let servers = servers
            .iter()
            .map(|(name, _)| HttpServer::start(site.host(name).unwrap(), 80).unwrap());
        let served = Self {
            servers: servers.collect(),
            target: SocketAddr::new(site.vip(), 80),
            site,
        };
        let address = format!("ip addr add {}/32 dev eth0", served.site.vip());
        let output = served.director().exec(&["sh", "-c", &address]).unwrap();
        assert!(output.status.success(), "{output:?}");
        served
    }

    fn director(&self) -> &Host {
        self.site.host("director-a").unwrap()
    }

    /// The rules of the service itself.
    fn rules(&self) -> String {
        let mut rules = format!("-A -t {} -s rr\n", self.target);
        for (_, rip) in self.site.real_servers() {
            rules.push_str(&format!("-a -t {} -r {rip}:80 -g -w 1\n", self.target));
        }
        rules
    }

    /// Runs a program on the director.
    fn run(&self, program: &str, words: &str, input: &str) -> Output {
        let (program, words, input) = (program.to_owned(), words.to_owned(), input.to_owned());
        self.director()
            .run(move || Ok(run(&program, &words, &input)))
            .unwrap()
    }

    /// The same; it must succeed without a word of complaint.
    fn done(&self, program: &str, words: &str, input: &str) -> String {
        let output = self.run(program, words, input);
        assert!(
            output.status.success() && output.stderr.is_empty(),
            "{program} {words}: {output:?}"
        );
        String::from_utf8(output.stdout).unwrap()
    }
}
