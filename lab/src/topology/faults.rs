//! What can go wrong between hosts: links, partitions, loss and delay, the clock.

use std::io;
use std::time::Duration;

use nix::sys::time::TimeSpec;
use nix::time::ClockId;

use super::network::{Network, batch, ip_batch};

/// How bad a link is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disturbance {
    /// Packets lost, percent, 0–100.
    pub loss: u8,
    /// Packets sent twice, percent, 0–100.
    pub duplicate: u8,
    /// Added to the way of each packet.
    pub delay: Duration,
    /// The delay varies by so much; packets then overtake each other.
    pub jitter: Duration,
}

impl Network {
    /// Takes all links of a host down, or up again.
    ///
    /// # Errors
    /// If `ip` refuses.
    pub fn set_links(&self, host: &str, up: bool) -> io::Result<()> {
        let state = if up { "up" } else { "down" };
        let commands: String = self
            .interfaces(host)
            .iter()
            .map(|interface| format!("link set {interface} {state}\n"))
            .collect();
        ip_batch(Some(self.get(host)?.namespace()), &commands)
    }

    /// Takes one link of a host down, or up again.
    ///
    /// # Errors
    /// If `ip` refuses.
    pub fn set_link(&self, host: &str, interface: &str, up: bool) -> io::Result<()> {
        let state = if up { "up" } else { "down" };
        let command = format!("link set {interface} {state}\n");
        ip_batch(Some(self.get(host)?.namespace()), &command)
    }

    /// Drops whatever `from` sends to `to` on any common switch; the other way stays open.
    ///
    /// # Errors
    /// If `tc` refuses, for example because the way is cut already.
    pub fn cut_one_way(&self, from: &str, to: &str) -> io::Result<()> {
        let mut commands = String::new();
        for interface in self.interfaces(to) {
            commands.push_str(&format!("qdisc replace dev {interface} clsact\n"));
            for sender in self.interfaces(from) {
                let mac = self.mac(from, &sender)?;
                commands.push_str(&format!(
                    "filter add dev {interface} ingress protocol all flower src_mac {mac} action drop\n"
                ));
            }
        }
        batch("tc", Some(self.get(to)?.namespace()), &commands)
    }

    /// Drops everything between two hosts, both ways.
    ///
    /// # Errors
    /// As [`Network::cut_one_way`].
    pub fn cut(&self, one: &str, other: &str) -> io::Result<()> {
        self.cut_one_way(one, other)?;
        self.cut_one_way(other, one)
    }

    /// Ends every cut of the ways into a host.
    ///
    /// # Errors
    /// If `tc` refuses, for example because nothing is cut.
    pub fn mend(&self, host: &str) -> io::Result<()> {
        let commands: String = self
            .interfaces(host)
            .iter()
            .map(|interface| format!("qdisc del dev {interface} clsact\n"))
            .collect();
        batch("tc", Some(self.get(host)?.namespace()), &commands)
    }

    /// Makes what a host sends on an interface late, lost or doubled; the default ends it.
    ///
    /// # Errors
    /// If `tc` refuses.
    pub fn disturb(&self, host: &str, interface: &str, how: Disturbance) -> io::Result<()> {
        let command = format!(
            "qdisc replace dev {interface} root netem delay {}us {}us loss {}% duplicate {}%\n",
            how.delay.as_micros(),
            how.jitter.as_micros(),
            how.loss,
            how.duplicate
        );
        batch("tc", Some(self.get(host)?.namespace()), &command)
    }
}

/// Moves the wall clock; it is the whole guest's, so all hosts see it.
///
/// # Errors
/// If the kernel refuses the time.
pub fn step_clock(forward: bool, by: Duration) -> io::Result<()> {
    let by = TimeSpec::from_duration(by);
    let now = ClockId::CLOCK_REALTIME.now()?;
    let then = if forward { now + by } else { now - by };
    Ok(ClockId::CLOCK_REALTIME.set_time(then)?)
}
