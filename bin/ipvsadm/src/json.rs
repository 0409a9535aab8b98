//! JSON on the way to standard output: objects and arrays written as they come, on one line.

use crate::output::Output;

/// The inside of an object or array; the part that opened it writes its end.
pub(crate) struct Json<'o, 'a> {
    out: &'o mut Output<'a>,
    is_first: bool,
}

impl<'o, 'a> Json<'o, 'a> {
    /// Writes one object and ends the line.
    pub(crate) fn document<E>(
        out: &'o mut Output<'a>,
        fill: impl FnOnce(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        out.text("{");
        let mut json = Self {
            out,
            is_first: true,
        };
        fill(&mut json)?;
        json.out.text("}").end();
        Ok(())
    }

    /// Whether writing has failed.
    pub(crate) const fn is_broken(&self) -> bool {
        self.out.is_broken()
    }

    fn separate(&mut self) {
        if !self.is_first {
            self.out.text(",");
        }
        self.is_first = false;
    }

    fn name(&mut self, name: &str) -> &mut Output<'a> {
        self.separate();
        self.out.text("\"").text(name).text("\":")
    }

    /// A field with a text, which may hold anything.
    pub(crate) fn text(&mut self, name: &str, value: &str) {
        let out = self.name(name);
        quote(out, value);
    }

    /// A field with a number, in full.
    pub(crate) fn number(&mut self, name: &str, value: impl Into<u64>) {
        self.name(name).number(value);
    }

    /// A field that is true or false.
    pub(crate) fn truth(&mut self, name: &str, value: bool) {
        self.name(name).text(if value { "true" } else { "false" });
    }

    /// A field with an array of texts.
    pub(crate) fn texts<'t>(&mut self, name: &str, values: impl Iterator<Item = &'t str>) {
        self.array(name, |json| {
            for value in values {
                json.separate();
                quote(json.out, value);
            }
        });
    }

    /// A field with an object.
    pub(crate) fn object(&mut self, name: &str, fill: impl FnOnce(&mut Self)) {
        self.name(name).text("{");
        self.inside(fill);
        self.out.text("}");
    }

    /// A field with an array, filled by [`item`](Self::item).
    pub(crate) fn array<T>(&mut self, name: &str, fill: impl FnOnce(&mut Self) -> T) -> T {
        self.name(name).text("[");
        let filled = self.inside(fill);
        self.out.text("]");
        filled
    }

    /// An object in an array. Long arrays leave the buffer between two of them.
    pub(crate) fn item(&mut self, fill: impl FnOnce(&mut Self)) {
        self.separate();
        self.out.text("{");
        self.inside(fill);
        self.out.text("}").relieve();
    }

    fn inside<T>(&mut self, fill: impl FnOnce(&mut Self) -> T) -> T {
        self.is_first = true;
        let filled = fill(self);
        self.is_first = false;
        filled
    }
}

fn quote(out: &mut Output<'_>, text: &str) {
    out.text("\"");
    for character in text.chars() {
        match character {
            '"' => out.text("\\\""),
            '\\' => out.text("\\\\"),
            '\0'..='\u{1f}' => out.text(&format!("\\u{:04x}", u32::from(character))),
            _ => out.text(character.encode_utf8(&mut [0; 4])),
        };
    }
    out.text("\"");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(fill: impl FnOnce(&mut Json<'_, '_>)) -> String {
        let mut target = Vec::new();
        let mut out = Output::new(&mut target);
        let filled: Result<(), ()> = Json::document(&mut out, |json| {
            fill(json);
            Ok(())
        });
        filled.unwrap();
        out.flush().unwrap();
        String::from_utf8(target).unwrap()
    }

    #[test]
    fn commas_stand_between_fields_and_items_only() {
        let text = written(|json| {
            json.number("a", 1_u32);
            json.array("b", |json| {
                json.item(|json| json.truth("c", true));
                json.item(|_| ());
            });
            json.object("d", |json| json.texts("e", ["x", "y"].into_iter()));
            json.number("f", u64::MAX);
        });
        assert_eq!(
            text,
            "{\"a\":1,\"b\":[{\"c\":true},{}],\"d\":{\"e\":[\"x\",\"y\"]},\
             \"f\":18446744073709551615}\n"
        );
    }

    #[test]
    fn what_json_forbids_in_a_text_is_escaped() {
        let text = written(|json| json.text("t", "a\"\\\n\u{1}ü"));
        assert_eq!(text, "{\"t\":\"a\\\"\\\\\\u000a\\u0001ü\"}\n");
    }
}
