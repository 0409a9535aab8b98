//! Destinations: the kernel's entries for real servers.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use crate::{AddressFamily, Counters};

/// How packets reach the destination (`IP_VS_CONN_F_*` in linux/ip_vs.h, the low three bits).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ForwardingMethod {
    /// Network address translation, `-m`.
    Masquerading,
    /// The director itself. No tool sets it.
    Local,
    /// IP in IP and its kin, `-i`.
    Tunnelling,
    /// The destination is on the director's link, `-g`.
    DirectRouting,
    /// 4 to 7: stored by the kernel, set by no tool.
    Other(u32),
}

impl ForwardingMethod {
    /// The kernel's number.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::Masquerading => 0,
            Self::Local => 1,
            Self::Tunnelling => 2,
            Self::DirectRouting => 3,
            Self::Other(number) => number,
        }
    }

    /// The method with this number; only the low three bits count.
    #[must_use]
    pub const fn from_number(number: u32) -> Self {
        match number & 7 {
            0 => Self::Masquerading,
            1 => Self::Local,
            2 => Self::Tunnelling,
            3 => Self::DirectRouting,
            other => Self::Other(other),
        }
    }

    /// The option that `ipvsadm` takes for it.
    #[must_use]
    pub const fn option(self) -> &'static str {
        match self {
            Self::Masquerading => "-m",
            Self::Tunnelling => "-i",
            Self::Local | Self::DirectRouting | Self::Other(_) => "-g",
        }
    }
}

/// Outer header of tunnelled packets (`IP_VS_CONN_F_TUNNEL_TYPE_*` in linux/ip_vs.h).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TunnelType {
    /// IP in IP.
    #[default]
    Ipip,
    /// Generic UDP encapsulation; needs a port.
    Gue,
    /// Generic routing encapsulation.
    Gre,
    /// A number that no tool of ours sets.
    Other(u8),
}

impl TunnelType {
    /// The kernel's number.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Ipip => 0,
            Self::Gue => 1,
            Self::Gre => 2,
            Self::Other(number) => number,
        }
    }

    /// The type with this number.
    #[must_use]
    pub const fn from_number(number: u8) -> Self {
        match number {
            0 => Self::Ipip,
            1 => Self::Gue,
            2 => Self::Gre,
            other => Self::Other(other),
        }
    }
}

/// Checksum bits of a tunnel (`IP_VS_TUNNEL_ENCAP_FLAG_*` in linux/ip_vs.h).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TunnelFlags(pub u16);

impl TunnelFlags {
    /// Outer checksum.
    pub const CHECKSUM: Self = Self(1);
    /// Remote checksum offload.
    pub const REMOTE_CHECKSUM: Self = Self(2);

    /// Whether all of `other` are set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// Tunnel data of a destination. The kernel keeps it for every forwarding method.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tunnel {
    /// The outer header.
    pub kind: TunnelType,
    /// Its port; 0 except for [`TunnelType::Gue`].
    pub port: u16,
    /// Its checksums.
    pub flags: TunnelFlags,
}

impl Tunnel {
    /// The checksum word that `ipvsadm --tun-…` takes: `nocsum`, `csum`, `remcsum`.
    #[must_use]
    pub const fn checksum_word(&self) -> &'static str {
        if self.flags.contains(TunnelFlags::REMOTE_CHECKSUM) {
            "remcsum"
        } else if self.flags.contains(TunnelFlags::CHECKSUM) {
            "csum"
        } else {
            "nocsum"
        }
    }
}

impl fmt::Display for Tunnel {
    /// As `ipvsadm -S` writes it behind a tunnelling destination; empty for an unknown type.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            TunnelType::Ipip => f.write_str(" --tun-type ipip"),
            TunnelType::Gue => {
                let checksum = self.checksum_word();
                write!(
                    f,
                    " --tun-type gue --tun-port {} --tun-{checksum}",
                    self.port
                )
            }
            TunnelType::Gre => write!(f, " --tun-type gre --tun-{}", self.checksum_word()),
            TunnelType::Other(_) => Ok(()),
        }
    }
}

/// Share of new connections, 0 to 2147483647; 0 is quiesced: none, but connections stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Weight(u32);

/// A weight that the kernel would take for negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WeightError(pub u32);

impl fmt::Display for WeightError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "weight {} is not between 0 and {}",
            self.0,
            Weight::MAX.0
        )
    }
}

impl std::error::Error for WeightError {}

impl Weight {
    /// Quiesced.
    pub const ZERO: Self = Self(0);
    /// What `ipvsadm` and lvs.cf take when none is given.
    pub const ONE: Self = Self(1);
    /// The largest that the kernel takes.
    pub const MAX: Self = Self(i32::MAX.unsigned_abs());

    /// Takes a number as weight.
    ///
    /// # Errors
    /// [`WeightError`] above [`Weight::MAX`].
    pub const fn new(number: u32) -> Result<Self, WeightError> {
        if number > Self::MAX.0 {
            Err(WeightError(number))
        } else {
            Ok(Self(number))
        }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl Default for Weight {
    fn default() -> Self {
        Self::ONE
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Connections at which a destination gets no new ones, and at which it does again; 0 is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Thresholds {
    /// No new connections from here on.
    pub upper: u32,
    /// New connections come again below this number; the kernel refuses more than `upper`.
    pub lower: u32,
}

/// What finds a destination within its service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DestinationKey {
    /// Address of the real server (RIP).
    pub address: IpAddr,
    /// Its port; 0 keeps the packet's.
    pub port: u16,
}

impl DestinationKey {
    /// Family of the destination; another than the service's needs tunnelling.
    #[must_use]
    pub const fn family(&self) -> AddressFamily {
        AddressFamily::of(&self.address)
    }
}

impl fmt::Display for DestinationKey {
    /// `10.0.0.2:80`, `[fd02::2]:80`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SocketAddr::new(self.address, self.port).fmt(f)
    }
}

/// The settings of a destination: all that `ipvsadm -a` can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Destination {
    /// What finds it.
    pub key: DestinationKey,
    /// How packets get there.
    pub forwarding: ForwardingMethod,
    /// Its share.
    pub weight: Weight,
    /// Its limits.
    pub thresholds: Thresholds,
    /// Its tunnel data.
    pub tunnel: Tunnel,
}

impl Destination {
    /// A destination with every setting at `ipvsadm`'s default: direct routing, weight 1.
    #[must_use]
    pub fn new(key: DestinationKey) -> Self {
        Self {
            key,
            forwarding: ForwardingMethod::DirectRouting,
            weight: Weight::ONE,
            thresholds: Thresholds::default(),
            tunnel: Tunnel::default(),
        }
    }

    /// Whether it gets no new connection. Its replacement comes before this, as before a removal.
    #[must_use]
    pub fn is_quiesced(&self) -> bool {
        self.weight == Weight::ZERO
    }
}

impl fmt::Display for Destination {
    /// As `ipvsadm -S -n` writes it behind `-a SERVICE`, plus the thresholds that C leaves out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "-r {} {} -w {}",
            self.key,
            self.forwarding.option(),
            self.weight
        )?;
        if self.forwarding == ForwardingMethod::Tunnelling {
            self.tunnel.fmt(f)?;
        }
        if self.thresholds.upper != 0 {
            write!(f, " -x {}", self.thresholds.upper)?;
        }
        if self.thresholds.lower != 0 {
            write!(f, " -y {}", self.thresholds.lower)?;
        }
        Ok(())
    }
}

/// A destination as the kernel lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DestinationEntry {
    /// Its settings.
    pub destination: Destination,
    /// Connections in an active state.
    pub active_connections: u32,
    /// Connections that are ending or idle.
    pub inactive_connections: u32,
    /// Persistence templates.
    pub persistent_connections: u32,
    /// Its totals and rates.
    pub counters: Counters,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tunnels_flags_are_told_apart() {
        let (one, other) = (TunnelFlags::CHECKSUM, TunnelFlags::REMOTE_CHECKSUM);
        assert!(TunnelFlags(3).contains(one) && TunnelFlags(3).contains(other));
        assert!(!one.contains(other) && !one.contains(TunnelFlags(3)));
    }

    #[test]
    fn a_weight_that_would_be_negative_is_refused_with_its_range() {
        let refused = Weight::new(2_147_483_648).unwrap_err().to_string();
        assert_eq!(refused, "weight 2147483648 is not between 0 and 2147483647");
    }

    fn key(text: &str) -> DestinationKey {
        let address: SocketAddr = text.parse().unwrap();
        DestinationKey {
            address: address.ip(),
            port: address.port(),
        }
    }

    #[test]
    fn a_destination_prints_as_ipvsadm_saves_it() {
        let mut destination = Destination::new(key("10.2.0.4:82"));
        assert_eq!(destination.to_string(), "-r 10.2.0.4:82 -g -w 1");
        destination.forwarding = ForwardingMethod::Tunnelling;
        destination.tunnel = Tunnel {
            kind: TunnelType::Gue,
            port: 6080,
            flags: TunnelFlags::REMOTE_CHECKSUM,
        };
        assert_eq!(
            destination.to_string(),
            "-r 10.2.0.4:82 -i -w 1 --tun-type gue --tun-port 6080 --tun-remcsum"
        );
    }

    #[test]
    fn a_weight_the_kernel_would_take_for_negative_is_refused() {
        assert_eq!(
            Weight::new(2_147_483_647).map(Weight::get),
            Ok(2_147_483_647)
        );
        assert_eq!(Weight::new(2_147_483_648), Err(WeightError(2_147_483_648)));
    }

    #[test]
    fn numbers_that_no_tool_sets_come_back_as_they_were() {
        for number in 0..8 {
            assert_eq!(ForwardingMethod::from_number(number).number(), number);
        }
        for number in 0..=u8::MAX {
            assert_eq!(TunnelType::from_number(number).number(), number);
        }
    }
}
