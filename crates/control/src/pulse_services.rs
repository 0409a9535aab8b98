//! What lvsd reports of the services, in the report of a pulse.

use crate::pulse::{PulseLine, PulseReport};

impl PulseReport {
    /// Takes what is needed from the lines of lvsd's status.
    pub fn add_lvsd(&mut self, text: &str) {
        for line in text.lines() {
            match PulseLine::decode(line) {
                Some(PulseLine::Lvsd(lvsd)) => self.lvsd = Some(lvsd),
                Some(PulseLine::Service(service)) => self.services.push(service),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lvsds_own_lines_are_read() {
        let mut report = PulseReport::default();
        report.add_lvsd(concat!(
            r#"{"kind":"lvsd","pid":7,"refused":["--set 1 2 3: no"],"services":1}"#,
            "\n",
            r#"{"kind":"service","service":"-f 1","virtual":["a","b"],"scheduler":"wlc","present":true,"sorry_server":null,"refused":[],"servers":1,"up":0,"serving":0}"#,
            "\n",
            r#"{"kind":"server","service":"-f 1","state":"up"}"#,
            "\n",
        ));
        assert_eq!(report.lvsd.unwrap().refused, ["--set 1 2 3: no"]);
        let troubles: Vec<String> = report
            .services
            .iter()
            .flat_map(|it| it.troubles())
            .collect();
        assert_eq!(troubles, ["-f 1 (a, b): NO REAL SERVER is up of 1"]);
    }
}
