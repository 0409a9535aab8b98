//! Files as people and tools write them, from a seed.

use lvs_model::Random;

/// A file that is accepted, and what it must mean.
pub struct File {
    pub text: Vec<u8>,
    pub serial: u32,
    /// Weights of the active servers in active blocks, in file order.
    pub active_weights: Vec<u32>,
    /// Each virtual block's name, without quotes, and how many servers it has; all are called `s`.
    pub blocks: Vec<(&'static str, usize)>,
    pub line_end: &'static str,
}

/// Statements outside blocks; `{n}` is a number from 1 to 9.
const GLOBAL: &[&str] = &[
    "primary = 192.0.2.{n}",
    "primary_shared = /dev/sd{n}",
    "service = lvs",
    "rsh_command = \"ssh\"",
    "backup_active = 0",
    "backup = 0.0.0.0",
    "heartbeat = 1",
    "heartbeat_port = 105{n}",
    "keepalive = 0.{n}",
    "#:keepalive = 0.{n}",
    "deadtime = 3{n}.25",
    "network = nat",
    "nat_router = 10.20.0.{n} eth1:{n}",
    "nat_nmask = 255.255.255.0",
    "reservation_conflict_action = preempt",
    "debug_level = NONE",
    "monitor_links = {n}",
    "syncdaemon = 1",
    "syncd_iface = bond{n}.100",
    "syncd_id = {n}",
    "tcp_timeout = {n}00",
    "udp_timeout = 0",
    "ipvsadm = /sbin/ipvsadm",
    "active_cmd = '/bin/notify \"up\" {n}'",
    "inactive_cmd = \"\"",
    "hard_shutdown = 0",
    "#:audit_interval = {n}.5",
];

/// Statements of a virtual block.
const BLOCK: &[&str] = &[
    "vip_nmask = 255.255.255.0",
    "sorry_server = 203.0.113.{n}",
    "fwmark = 0",
    "protocol = tcp",
    "scheduler = wrr",
    "scheduler = mh",
    "#:scheduler_flags = flag-1",
    "persistent = {n}00",
    "pmask = 255.255.255.{n}",
    "load_monitor = none",
    "client_monitor = /usr/sbin/nanny",
    "send = \"GET /{n} HTTP/1.0\\r\\n\\r\\n\"",
    "send = \"a \\\"quoted\\\" word\"",
    "expect = \"HTTP\"",
    "expect = *",
    "use_regex = 0",
    "timeout = {n}",
    "reentry = {n}.125",
    "quiesce_server = 1",
    "dirs = [ /a /b ]",
    "master = x",
];

impl File {
    pub fn generated(random: &mut Random) -> Self {
        let mut writer = Writer {
            text: Vec::new(),
            line_end: random.pick(&["\n", "\n", "\r\n", "\r"]),
        };
        let mut file = Self {
            text: Vec::new(),
            serial: u32::try_from(random.below(4_000_000_000)).unwrap_or(0),
            active_weights: Vec::new(),
            blocks: Vec::new(),
            line_end: writer.line_end,
        };
        writer.noise(random);
        writer.statement(random, 0, &format!("serial_no = {}", file.serial));
        writer.some_of(random, 0, GLOBAL);
        for number in 0..random.index(4) {
            file.block(random, &mut writer, number);
        }
        if random.once_in(4) {
            let at = writer.text.len().saturating_sub(writer.line_end.len());
            writer.text.truncate(at);
        }
        file.text = writer.text;
        file
    }

    fn block(&mut self, random: &mut Random, writer: &mut Writer, number: usize) {
        let name = random.pick(&["web", "\"my web\"", "[unnamed]", "m\u{fc}ller", "{}"]);
        let is_active = random.once_in(2);
        writer.line(random, 0, &format!("virtual {name} {{"));
        writer.statement(random, 5, &format!("active = {}", u8::from(is_active)));
        let address = format!("address = 192.0.2.8{number} eth0:{number}");
        writer.statement(random, 5, &address);
        writer.statement(random, 5, &format!("port = {}", 8000 + number));
        writer.some_of(random, 5, BLOCK);
        let servers = random.index(4);
        self.blocks.push((name.trim_matches('"'), servers));
        for server in 0..servers {
            let weight = 1 + random.index(65_535);
            let is_up = random.once_in(2);
            writer.line(random, 5, "server s {");
            writer.statement(random, 9, &format!("address = 10.20.0.{server}"));
            writer.statement(random, 9, &format!("weight = {weight}"));
            writer.statement(random, 9, &format!("active = {}", u8::from(is_up)));
            writer.close(random, 5);
            if is_active && is_up {
                self.active_weights.extend(u32::try_from(weight));
            }
        }
        writer.close(random, 0);
    }
}

struct Writer {
    text: Vec<u8>,
    line_end: &'static str,
}

impl Writer {
    fn some_of(&mut self, random: &mut Random, indent: usize, statements: &[&str]) {
        for statement in statements {
            if random.once_in(2) {
                let number = (1 + random.index(9)).to_string();
                let mask = random.pick(&["0", "128", "255"]);
                let statement = statement.replace(".{n}", &format!(".{number}"));
                let statement = if statement.starts_with("pmask") {
                    format!("pmask = 255.255.255.{mask}")
                } else {
                    statement.replace("{n}", &number)
                };
                self.statement(random, indent, &statement);
            }
        }
    }

    /// A statement, with odd blanks now and then, and something between it and the next.
    fn statement(&mut self, random: &mut Random, indent: usize, text: &str) {
        let text = if random.once_in(8) {
            text.replacen(" = ", random.pick(&["\t=\t", "  =  ", " = \t"]), 1)
        } else {
            text.to_owned()
        };
        self.line(random, indent, &text);
        self.noise(random);
    }

    fn line(&mut self, random: &mut Random, indent: usize, text: &str) {
        let indent = if random.once_in(8) {
            random.index(12)
        } else {
            indent
        };
        self.text.extend(std::iter::repeat_n(b' ', indent));
        self.text.extend_from_slice(text.as_bytes());
        if random.once_in(8) {
            self.text
                .extend_from_slice(random.pick(&[" ", "\t \t"]).as_bytes());
        }
        self.text.extend_from_slice(self.line_end.as_bytes());
    }

    fn close(&mut self, random: &mut Random, indent: usize) {
        let close = random.pick(&["}", "}", "} # end", "}  #"]);
        self.line(random, indent, close);
        self.noise(random);
    }

    /// Comments and blank lines.
    fn noise(&mut self, random: &mut Random) {
        if random.once_in(5) {
            let noise = [
                "",
                "# comment",
                "#",
                "\t",
                "# \"open { [ }",
                "#\u{e9}\u{1f980}",
            ];
            let noise = random.pick(&noise);
            self.line(random, 0, noise);
        }
    }
}
