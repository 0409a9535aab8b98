//! The options of nanny(8) that say how it checks. lvsd and fos write them; a nanny reads them, from its
//! command line or from an errand. Both directions of an option stand side by side.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::time::Duration;

use lvs_model::CheckSpec;
use popt::{Row, Setter, Value};

/// One of these options.
#[derive(Debug)]
pub struct CheckOption {
    /// As lvsd writes it.
    name: &'static str,
    /// What lvsd writes: nothing, the option alone or with a value.
    write: Write,
    /// What nanny reads, and what its help says.
    pub row: Row<Setter<CheckSpec, BadValue>>,
}

#[derive(Debug)]
enum Write {
    Flag(fn(&CheckSpec) -> bool),
    Value(fn(&CheckSpec) -> Option<OsString>),
}

/// A value that an option does not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadValue {
    word: String,
    reason: &'static str,
}

impl BadValue {
    /// Why `word` is refused, as a part of a sentence.
    #[must_use]
    pub fn new(word: impl Into<String>, reason: &'static str) -> Self {
        let word = word.into();
        Self { word, reason }
    }

    /// A number that the option's type does not hold.
    #[must_use]
    pub fn out_of_range(number: i32) -> Self {
        Self::new(number.to_string(), "number too large or too small")
    }
}

impl fmt::Display for BadValue {
    /// `-1: number too large or too small`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.word, self.reason)
    }
}

impl std::error::Error for BadValue {}

type CheckRow = Row<Setter<CheckSpec, BadValue>>;

/// Port that is checked.
pub static PORT: CheckOption = CheckOption {
    name: "-r",
    write: Write::Value(|check| check.port.map(|port| port.to_string().into())),
    row: CheckRow::number("rport", "PORT", |check, number| {
        let port = u16::try_from(number).map_err(|_| BadValue::out_of_range(number))?;
        check.port = Some(port);
        Ok(())
    })
    .letter('r')
    .help("Port of the server (default that of the virtual service)"),
};

/// External check.
pub static SEND_PROGRAM: CheckOption = CheckOption {
    name: "-e",
    write: Write::Value(|check| check.send_program.clone()),
    row: CheckRow::text("send_program", "COMMAND", |check, text| {
        check.send_program = Some(text.to_owned());
    })
    .letter('e')
    .help("Check with this program; %h and %p are the server's address and port"),
};

/// Text to send, given even if there is a program.
pub static SEND: CheckOption = CheckOption {
    name: "-s",
    write: Write::Value(|check| check.send.clone()),
    row: CheckRow::text("send_string", "TEXT", |check, text| {
        check.send = Some(text.to_owned());
    })
    .letter('s')
    .help("Send this to the server"),
};

/// Beginning of the answer, or an expression.
pub static EXPECT: CheckOption = CheckOption {
    name: "-x",
    write: Write::Value(|check| check.expect.clone()),
    row: CheckRow::text("expect_string", "TEXT", |check, text| {
        check.expect = Some(text.to_owned());
    })
    .letter('x')
    .help("Expect this from the server"),
};

/// The beginning of the answer is an expression.
pub static REGEX: CheckOption = CheckOption {
    name: "--regex",
    write: Write::Flag(|check| check.use_regex),
    row: CheckRow::flag("regex", |check| check.use_regex = true)
        .help("The expected text is a regular expression"),
};

/// Backslashes are no escapes: by hand only.
pub static SUPPRESS: CheckOption = CheckOption {
    name: "-T",
    write: Write::Flag(|check| check.keeps_backslashes),
    row: CheckRow::flag("suppress", |check| check.keeps_backslashes = true)
        .letter('T')
        .help("Leave backslashes as they are"),
};

/// Pause between two checks.
pub static INTERVAL: CheckOption = CheckOption {
    name: "-t",
    write: Write::Value(|check| Some(write_seconds(check.timeout).into())),
    row: CheckRow::checked("interval", "SECONDS", |check, text| {
        check.timeout = read_seconds(text)?;
        if check.timeout.is_zero() {
            let word = text.to_string_lossy();
            return Err(BadValue::new(word, "an interval must be more than 0"));
        }
        Ok(())
    })
    .letter('t')
    .help("Pause between checks and limit of each step, decimals allowed (default 10)"),
};

/// Time that a failed server must be good again.
pub static REENTRY: CheckOption = CheckOption {
    name: "-a",
    write: Write::Value(|check| Some(write_seconds(check.reentry).into())),
    row: CheckRow::checked("reentrytime", "SECONDS", |check, text| {
        check.reentry = read_seconds(text)?;
        Ok(())
    })
    .letter('a')
    .help("Time that a failed server must be good again (default 180, with --fos the interval)"),
};

/// Failed checks that take a server out; written only where it is not 1, which the original has.
pub static FALL: CheckOption = CheckOption {
    name: "--fall",
    write: Write::Value(|check| {
        let is_default = check.fall == CheckSpec::default().fall;
        (!is_default).then(|| check.fall.to_string().into())
    }),
    row: CheckRow::number("fall", "COUNT", |check, number| {
        check.fall = u32::try_from(number).map_err(|_| BadValue::out_of_range(number))?;
        Ok(())
    })
    .help("Failed checks in a row that take the server out (default 1)"),
};

/// Good checks that bring a server back.
pub static RISE: CheckOption = CheckOption {
    name: "--rise",
    write: Write::Value(|check| check.rise.map(|rise| rise.to_string().into())),
    row: CheckRow::number("rise", "COUNT", |check, number| {
        let rise = u32::try_from(number).map_err(|_| BadValue::out_of_range(number))?;
        check.rise = Some(rise);
        Ok(())
    })
    .help("Good checks in a row that bring it back (default by --reentrytime)"),
};

/// What the original does not know, in the order in which lvsd writes it: behind what it knows.
pub static EXTENSIONS: &[&CheckOption] = &[&FALL, &RISE];

impl CheckOption {
    /// Writes what `check` says here to the end of a command line; [`read`](Self::read) reads it.
    pub fn write(&self, check: &CheckSpec, argv: &mut Vec<OsString>) {
        match self.write {
            Write::Flag(is_on) => argv.extend(is_on(check).then(|| self.name.into())),
            Write::Value(value) => {
                let words = value(check).map(|value| [self.name.into(), value]);
                argv.extend(words.into_iter().flatten());
            }
        }
    }

    /// Reads what [`write`](Self::write), or a person, wrote.
    ///
    /// # Errors
    /// [`BadValue`] that the option does not take.
    pub fn read(&self, check: &mut CheckSpec, value: Value<'_>) -> Result<(), BadValue> {
        self.row.key().set(check, value)
    }
}

/// Seconds as lvs.cf writes them: whole ones without a point, `0.25` otherwise.
fn write_seconds(duration: Duration) -> String {
    let text = format!("{}.{:09}", duration.as_secs(), duration.subsec_nanos());
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Seconds, with decimals if need be.
fn read_seconds(text: &OsStr) -> Result<Duration, BadValue> {
    let word = text.to_string_lossy();
    let bad = |reason| BadValue::new(&*word, reason);
    let is_plain = word
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    let number = word.parse().ok().filter(|_| is_plain);
    let number: f64 = number.ok_or_else(|| bad("invalid numeric value"))?;
    if number > f64::from(i32::MAX) {
        return Err(bad("number too large or too small"));
    }
    Duration::try_from_secs_f64(number).map_err(|_| bad("invalid numeric value"))
}

#[cfg(test)]
#[path = "check_options_tests.rs"]
mod tests;
