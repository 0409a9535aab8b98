//! A panic in the log: who runs in the background has nobody who reads standard error.

use std::any::Any;
use std::fmt;
use std::panic::{self, Location, PanicHookInfo};

/// From now on a panic is an error line with its place, behind which the program ends as its build says.
pub(super) fn log_them() {
    panic::set_hook(Box::new(|info| log::error!("{}", Panic::of(info))));
}

/// What is said of it.
struct Panic<'a> {
    /// Where in our source.
    place: Option<&'a Location<'a>>,
    text: &'a str,
}

impl<'a> Panic<'a> {
    fn of(info: &'a PanicHookInfo<'_>) -> Self {
        Self {
            place: info.location(),
            text: text(info.payload()),
        }
    }
}

/// What `panic!` was given: a text, or one that was put together.
fn text(payload: &dyn Any) -> &str {
    let fixed = payload.downcast_ref().copied();
    let made = || payload.downcast_ref::<String>().map(String::as_str);
    fixed.or_else(made).unwrap_or("no reason")
}

impl fmt::Display for Panic<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("fault of this program")?;
        if let Some(place) = self.place {
            write!(f, ", {}:{}", place.file(), place.line())?;
        }
        write!(f, ": {}", self.text)
    }
}
