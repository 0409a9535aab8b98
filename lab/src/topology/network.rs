//! Hosts joined by switches. Everything is wired by a few runs of `ip -batch`: one program started
//! costs more than a hundred of its commands.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::process::{Command, Stdio};

use super::Host;

/// The bridge's name in a switch's namespace.
const BRIDGE: &str = "bridge";

/// Hosts and switches, found by name.
#[derive(Default)]
pub struct Network {
    hosts: BTreeMap<String, Host>,
    /// By host and interface: hardware address.
    stations: BTreeMap<(String, String), String>,
    /// Commands not yet run, by namespace; those of the machine itself under "".
    pending: BTreeMap<String, String>,
}

impl Network {
    /// A network without anything.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a host.
    ///
    /// # Errors
    /// If its namespace cannot be made.
    pub fn host(&mut self, name: &str) -> io::Result<()> {
        self.add(Host::new(name)?, "link set lo up")
    }

    /// Adds a host with its own `/run`, `/etc/sysconfig/ha` and log.
    ///
    /// # Errors
    /// If its namespaces cannot be made.
    pub fn director(&mut self, name: &str) -> io::Result<()> {
        self.add(Host::director(name)?, "link set lo up")
    }

    /// Adds a switch.
    ///
    /// # Errors
    /// If its namespace cannot be made.
    pub fn switch(&mut self, name: &str) -> io::Result<()> {
        let bridge = format!(
            "link add {BRIDGE} type bridge forward_delay 0 mcast_snooping 0\nlink set {BRIDGE} up"
        );
        self.add(Host::new(name)?, &bridge)
    }

    fn add(&mut self, host: Host, commands: &str) -> io::Result<()> {
        let name = host.name().to_owned();
        self.hosts.insert(name.clone(), host);
        self.later(&name, commands)
    }

    /// Plugs `host`'s new interface into `switch` and gives it addresses (`10.9.0.1/24`).
    ///
    /// # Errors
    /// If one of the two is not there.
    pub fn connect(
        &mut self,
        host: &str,
        interface: &str,
        switch: &str,
        addresses: &[String],
    ) -> io::Result<()> {
        let number = self.stations.len() + 1;
        let mac = format!("02:00:00:00:{:02x}:{:02x}", number >> 8, number & 0xff);
        let port = format!("port{number}");
        let pair = format!(
            "link add {port} netns {} type veth peer name {interface} netns {} address {mac}",
            self.get(switch)?.namespace(),
            self.get(host)?.namespace()
        );
        self.pending
            .entry(String::new())
            .or_default()
            .push_str(&format!("{pair}\n"));
        self.later(switch, &format!("link set {port} master {BRIDGE} up"))?;
        self.later(host, &format!("link set {interface} up"))?;
        for address in addresses {
            let flags = if address.contains(':') { " nodad" } else { "" };
            self.later(host, &format!("addr add {address} dev {interface}{flags}"))?;
        }
        self.stations.insert((host.into(), interface.into()), mac);
        Ok(())
    }

    /// Notes a command of `ip` for the host, run by [`Network::build`].
    ///
    /// # Errors
    /// If the host is not there.
    pub fn later(&mut self, host: &str, command: &str) -> io::Result<()> {
        let namespace = self.get(host)?.namespace().to_owned();
        self.pending
            .entry(namespace)
            .or_default()
            .push_str(&format!("{command}\n"));
        Ok(())
    }

    /// Runs everything noted so far: first the cables, then each host's own commands.
    ///
    /// # Errors
    /// If one command fails.
    pub fn build(&mut self) -> io::Result<()> {
        let bridges_first = std::mem::take(&mut self.pending);
        if let Some(cables) = bridges_first.get("") {
            ip_batch(None, cables)?;
        }
        for (namespace, commands) in bridges_first.iter().filter(|(name, _)| !name.is_empty()) {
            ip_batch(Some(namespace), commands)?;
        }
        Ok(())
    }

    /// The host or switch called `name`.
    ///
    /// # Errors
    /// If there is none.
    pub fn get(&self, name: &str) -> io::Result<&Host> {
        self.hosts
            .get(name)
            .ok_or_else(|| io::Error::other(format!("no host called {name}")))
    }

    /// The hardware address of a host's interface.
    ///
    /// # Errors
    /// If there is none.
    pub fn mac(&self, host: &str, interface: &str) -> io::Result<&str> {
        let key = (host.to_owned(), interface.to_owned());
        let mac = self.stations.get(&key);
        mac.map(String::as_str)
            .ok_or_else(|| io::Error::other(format!("{host} has no interface {interface}")))
    }

    /// Whose interface has the hardware address.
    #[must_use]
    pub fn owner_of(&self, mac: &str) -> Option<&str> {
        self.stations
            .iter()
            .find(|(_, held)| *held == mac)
            .map(|((host, _), _)| host.as_str())
    }

    /// The interfaces of a host that are plugged in.
    pub(super) fn interfaces(&self, host: &str) -> Vec<String> {
        self.stations
            .keys()
            .filter(|(name, _)| name == host)
            .map(|(_, i)| i.clone())
            .collect()
    }
}

/// Runs commands of `ip`, one a line, in a namespace.
pub(super) fn ip_batch(namespace: Option<&str>, commands: &str) -> io::Result<()> {
    batch("ip", namespace, commands)
}

/// Runs a batch of `ip` or `tc`.
pub(super) fn batch(program: &str, namespace: Option<&str>, commands: &str) -> io::Result<()> {
    let mut command = Command::new(program);
    if let Some(namespace) = namespace {
        command.args(["-n", namespace]);
    }
    command.args(["-batch", "-"]).stdin(Stdio::piped());
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(commands.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!(
        "{program}: {}: {commands}",
        said.trim()
    )))
}
