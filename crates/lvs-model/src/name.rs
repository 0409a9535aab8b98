//! Names that the kernel resolves: schedulers and persistence engines are open sets.

use std::fmt;
use std::str::FromStr;

/// Why a text is no name of a kernel module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameError {
    /// Nothing in it.
    Empty,
    /// More bytes than the kernel's field holds; the number it does hold.
    TooLong(usize),
    /// A NUL byte, a blank or a control character.
    BadByte,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the name is empty"),
            Self::TooLong(limit) => write!(f, "the name is longer than {limit} bytes"),
            Self::BadByte => f.write_str("the name has a blank or a control character in it"),
        }
    }
}

impl std::error::Error for NameError {}

fn check(text: &str, limit: usize) -> Result<(), NameError> {
    if text.is_empty() {
        Err(NameError::Empty)
    } else if text.len() > limit {
        Err(NameError::TooLong(limit))
    } else if text.bytes().any(|b| b <= b' ' || b == 0x7f) {
        Err(NameError::BadByte)
    } else {
        Ok(())
    }
}

macro_rules! kernel_name {
    ($(#[$doc:meta])* $name:ident, $limit:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Box<str>);

        impl $name {
            /// Most bytes a name can have.
            pub const MAX_LEN: usize = $limit;

            /// Takes the name as it is; the kernel decides whether it knows it.
            ///
            /// # Errors
            /// [`NameError`] if the text is empty, too long or has blanks in it.
            pub fn new(text: &str) -> Result<Self, NameError> {
                check(text, Self::MAX_LEN)?;
                Ok(Self(text.into()))
            }

            /// The name's text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

kernel_name! {
    /// A scheduler, by the name that the kernel's module `ip_vs_<name>` registers.
    ///
    /// At most 15 bytes (`IP_VS_SCHEDNAME_MAXLEN` in linux/ip_vs.h, less the NUL).
    SchedulerName, 15
}

kernel_name! {
    /// A persistence engine, by the name that the kernel's module `ip_vs_pe_<name>` registers.
    ///
    /// At most 16 bytes (`IP_VS_PENAME_MAXLEN` in linux/ip_vs.h).
    EngineName, 16
}

impl Default for SchedulerName {
    /// `wlc`, what `ipvsadm` and lvs.cf take when none is given.
    fn default() -> Self {
        Self("wlc".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_does_not_fit_the_kernels_field_is_refused() {
        assert!(SchedulerName::new(&"x".repeat(15)).is_ok());
        assert_eq!(
            SchedulerName::new(&"x".repeat(16)),
            Err(NameError::TooLong(15))
        );
        assert_eq!(SchedulerName::new(""), Err(NameError::Empty));
        assert_eq!(EngineName::new("s p"), Err(NameError::BadByte));
    }
}
