//! Writes one JSON object; used by the status lines of [`Status`](crate::Status).

use std::fmt::{Display, Write};
use std::time::Duration;

/// An object that is being written, member by member, in the order of the calls.
pub struct Object<'a> {
    text: &'a mut String,
    has_members: bool,
}

impl<'a> Object<'a> {
    /// Writes `{`, what `members` writes, and `}`.
    pub fn write(text: &'a mut String, members: impl FnOnce(&mut Object<'_>)) {
        text.push('{');
        let mut object = Object {
            text,
            has_members: false,
        };
        members(&mut object);
        object.text.push('}');
    }

    /// A string.
    pub fn string(&mut self, name: &str, value: &str) {
        self.name(name);
        write_string(self.text, value);
    }

    /// A number, `true` or `false`.
    pub fn plain(&mut self, name: &str, value: impl Display) {
        self.name(name);
        // Writing to a string does not fail.
        let _ = write!(self.text, "{value}");
    }

    /// A number, or `null`.
    pub fn optional(&mut self, name: &str, value: Option<impl Display>) {
        match value {
            Some(value) => self.plain(name, value),
            None => self.plain(name, "null"),
        }
    }

    /// Seconds with six decimals.
    pub fn seconds(&mut self, name: &str, value: Duration) {
        let (seconds, micros) = (value.as_secs(), value.subsec_micros());
        self.plain(name, format_args!("{seconds}.{micros:06}"));
    }

    /// Strings.
    pub fn strings<S: AsRef<str>>(&mut self, name: &str, values: &[S]) {
        self.name(name);
        self.text.push('[');
        for (place, value) in values.iter().enumerate() {
            if place > 0 {
                self.text.push(',');
            }
            write_string(self.text, value.as_ref());
        }
        self.text.push(']');
    }

    /// Another object, or `null`.
    pub fn object<T>(
        &mut self,
        name: &str,
        value: Option<T>,
        members: impl FnOnce(&T, &mut Object<'_>),
    ) {
        self.name(name);
        match value {
            Some(value) => Object::write(self.text, |object| members(&value, object)),
            None => self.text.push_str("null"),
        }
    }

    fn name(&mut self, name: &str) {
        if std::mem::replace(&mut self.has_members, true) {
            self.text.push(',');
        }
        write_string(self.text, name);
        self.text.push(':');
    }
}

/// In quotes, with what JSON forbids in a string escaped.
fn write_string(text: &mut String, value: &str) {
    text.push('"');
    for character in value.chars() {
        match character {
            '"' | '\\' => text.extend(['\\', character]),
            '\n' => text.push_str("\\n"),
            '\t' => text.push_str("\\t"),
            control if u32::from(control) < 0x20 => {
                // Writing to a string does not fail.
                let _ = write!(text, "\\u{:04x}", u32::from(control));
            }
            other => text.push(other),
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_string_must_not_hold_is_escaped() {
        let mut text = String::new();
        Object::write(&mut text, |object| {
            object.string("a\"b", "c\\d\n\t\u{1}ä");
            object.plain("n", 7);
            object.seconds("t", Duration::from_micros(1_000_042));
            object.strings("l", &["x", "y\r"]);
            object.optional("o", None::<u8>);
            object.object("e", Some(()), |(), _| {});
        });
        let wanted =
            r#"{"a\"b":"c\\d\n\t\u0001ä","n":7,"t":1.000042,"l":["x","y\u000d"],"o":null,"e":{}}"#;
        assert_eq!(text, wanted);
    }
}
