//! What reading a file costs, counted for the test that it grows with the file's size: bytes that were
//! split, and looks at lines, words, sections and findings. Outside tests nothing is counted.

/// So much was done.
#[cfg(not(test))]
pub(crate) const fn done(_steps: usize) {}

#[cfg(test)]
pub(crate) use counted::done;

#[cfg(test)]
mod counted {
    use std::cell::Cell;

    use crate::tests::Nobody;

    thread_local! {
        static STEPS: Cell<usize> = const { Cell::new(0) };
    }

    pub fn done(steps: usize) {
        STEPS.set(STEPS.get() + steps);
    }

    /// Steps of reading at least this many bytes of what `line` makes of 0, 1, 2 …
    fn steps(size: usize, line: &dyn Fn(usize) -> String) -> usize {
        let mut text = String::new();
        for number in 0.. {
            if text.len() >= size {
                break;
            }
            text += &line(number);
        }
        STEPS.set(0);
        // Whether it is accepted does not matter.
        let _ = crate::read(text.as_bytes(), &mut Nobody);
        STEPS.get()
    }

    fn block(number: usize, address: &str) -> String {
        let port = 1 + number % 65_535;
        format!("virtual v{number} {{\nactive = 1\naddress = {address}\nport = {port}\n}}\n")
    }

    /// A shape and its name.
    type Shape = (&'static str, Box<dyn Fn(usize) -> String>);

    fn shapes() -> Vec<Shape> {
        let same = |text: &'static str| -> Shape { (text, Box::new(move |_| text.to_owned())) };
        let numbered = |name, shape: fn(usize) -> String| -> Shape { (name, Box::new(shape)) };
        vec![
            same("a {\n"),
            same("x\n"),
            same("\""),
            same("} "),
            same("serial_no = 1\n"),
            same("virtual v {\n}\n"),
            same("virtual v {\nserver s {\n"),
            same("primary = localhost\n"),
            same("virtual v {\nactive = 1\naddress = 192.0.2.1 eth0:1\n}\n"),
            same("virtual v {\nactive = 1\nserver s {\naddress = localhost\nactive = 1\n}\n}\n"),
            same("send = \"\u{a0}\" \u{a0}\n"),
            numbered("lines of quotes", |_| {
                "\"a b\" ".repeat(crate::tree::MAX_LINE / 6) + "\n"
            }),
            numbered("services", |number| {
                let [low, high] = [number % 250, number / 250];
                block(number, &format!("192.0.{high}.{low} eth0:1"))
            }),
            numbered("services of one address", |number| {
                block(number, "192.0.2.1 eth0:1")
            }),
            numbered("services of one address on two interfaces", |number| {
                block(number, &format!("192.0.2.1 eth{}:1", number % 2))
            }),
            numbered("services with a name as address", |number| {
                block(number, &format!("host{number} eth0:1"))
            }),
            numbered("services of marks", |number| {
                let head = format!(
                    "virtual v{number} {{\nactive = 1\nfwmark = {}\n",
                    1 + number
                );
                head + "address = 192.0.2.1 eth0:1\nsorry_server = 192.0.2.9\n}\n"
            }),
            numbered("servers of one service", |number| {
                let head = match number {
                    0 => "virtual v {\nactive = 1\naddress = 192.0.2.1 eth0:1\n",
                    _ => "",
                };
                let port = 1 + number % 65_535;
                format!(
                    "{head}server s{number} {{\nactive = 1\naddress = 192.0.2.2\nport = {port}\n}}\n"
                )
            }),
        ]
    }

    #[test]
    fn the_work_of_reading_grows_with_the_size_of_the_file_and_no_faster() {
        const SMALL: usize = 128 * 1024;
        for (name, shape) in shapes() {
            let [few, many] = [SMALL, 4 * SMALL].map(|size| steps(size, &*shape));
            // What grew with the square would be sixteen times as much.
            assert!(few > 0 && many <= 5 * few, "{name:?}: {few}, then {many}");
        }
    }
}
