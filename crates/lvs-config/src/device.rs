//! Names of interfaces.

use std::ffi::OsStr;
use std::fmt;

/// Name of an interface, or of an alias on one such as `eth0:1`: 1 to 15 bytes, no `/` or blank.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Device(Box<str>);

/// A text that is no name of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceError;

impl fmt::Display for DeviceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an interface has 1 to 15 bytes, no blank and no /")
    }
}

impl std::error::Error for DeviceError {}

impl Device {
    /// Most bytes a name can have (`IFNAMSIZ` in linux/if.h, less the NUL).
    pub const MAX_LEN: usize = 15;

    /// Takes the name as it is.
    ///
    /// # Errors
    /// [`DeviceError`] if it or its interface is empty, it is too long, or has a blank, a control character or
    /// `/` in it.
    pub fn new(text: &str) -> Result<Self, DeviceError> {
        let bad = |b: u8| b <= b' ' || b == 0x7f || b == b'/';
        let has_interface = !text.is_empty() && !text.starts_with(':');
        if !has_interface || text.len() > Self::MAX_LEN || text.bytes().any(bad) {
            return Err(DeviceError);
        }
        Ok(Self(text.into()))
    }

    /// The whole name, `eth0:1`: the label of an alias.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.0
    }

    /// The interface under it, `eth0`.
    #[must_use]
    pub fn interface(&self) -> &str {
        self.0.split(':').next().unwrap_or_default()
    }

    /// Whether it names an alias, not a plain interface.
    #[must_use]
    pub fn is_alias(&self) -> bool {
        self.0.contains(':')
    }
}

impl AsRef<OsStr> for Device {
    fn as_ref(&self) -> &OsStr {
        OsStr::new(&*self.0)
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_fits_the_kernels_field_and_knows_its_interface() {
        let alias = Device::new("eth0:1").unwrap();
        assert_eq!((alias.label(), alias.interface()), ("eth0:1", "eth0"));
        assert!(alias.is_alias());
        assert!(Device::new("fifteen-bytes-x").is_ok());
        for bad in [":1", ":", "", "sixteen-bytes-xx", "a b", "a/b"] {
            assert_eq!(Device::new(bad), Err(DeviceError), "{bad:?}");
        }
    }
}
