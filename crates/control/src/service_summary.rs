//! What `pulse --status` takes from the lines of [`Status`](crate::Status): which services are not served.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

/// lvsd itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LvsdSummary {
    /// Operations that the kernel refused and that concern no service of lvs.cf.
    #[serde(default)]
    pub refused: Vec<String>,
}

/// One of its services.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceSummary {
    /// What finds it, as ipvsadm would be told.
    pub service: String,
    /// Names of its `virtual` blocks.
    #[serde(default, rename = "virtual")]
    pub names: Vec<String>,
    /// Whether the kernel has it.
    pub present: bool,
    /// Its sorry server, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sorry_server: Option<SorrySummary>,
    /// Operations on it that the kernel refused and that are still wanted.
    #[serde(default)]
    pub refused: Vec<String>,
    /// How many real servers it has, one for each check.
    #[serde(default)]
    pub servers: usize,
    /// How many of them are up.
    #[serde(default)]
    pub up: usize,
    /// How many get connections; `None` from an lvsd of an earlier version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serving: Option<usize>,
}

/// A sorry server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SorrySummary {
    /// Where it is.
    pub address: String,
    /// Whether it serves now.
    #[serde(rename = "in")]
    pub is_in: bool,
}

impl ServiceSummary {
    /// What is wrong with it, a text for each trouble; empty if it is served.
    #[must_use]
    pub fn troubles(&self) -> Vec<String> {
        let name = format!("{} ({})", self.service, self.names.join(", "));
        let refused = self.refused.iter().map(|said| format!("refused: {said}"));
        let absence = (!self.present).then(|| "NOT IN THE KERNEL'S TABLE".to_owned());
        let all = absence.into_iter().chain(self.desertion()).chain(refused);
        all.map(|what| format!("{name}: {what}")).collect()
    }

    fn desertion(&self) -> Option<String> {
        if self.serving.unwrap_or(self.up) > 0 {
            return None;
        }
        let mut text = match (self.servers, self.up) {
            (0, _) => "NO REAL SERVER".to_owned(),
            (servers, 0) => format!("NO REAL SERVER is up of {servers}"),
            (_, up) => format!("NO REAL SERVER gets connections, {up} up with weight 0"),
        };
        match &self.sorry_server {
            Some(sorry) if sorry.is_in => {
                let _ = write!(text, "; sorry server {} serves", sorry.address);
            }
            Some(sorry) => {
                let _ = write!(text, "; sorry server {} is not in", sorry.address);
            }
            None => {}
        }
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service() -> ServiceSummary {
        ServiceSummary {
            service: "-t 192.0.2.1:80".into(),
            names: vec!["web".into()],
            present: true,
            servers: 2,
            up: 1,
            serving: Some(1),
            ..ServiceSummary::default()
        }
    }

    #[test]
    fn a_service_without_a_server_and_one_that_was_refused_are_said() {
        assert_eq!(service().troubles(), [""; 0]);
        let sorry = |is_in| {
            Some(SorrySummary {
                address: "10.0.0.9".into(),
                is_in,
            })
        };
        let down = || ServiceSummary {
            up: 0,
            serving: Some(0),
            ..service()
        };
        for (service, said) in [
            (down(), "NO REAL SERVER is up of 2"),
            (
                ServiceSummary {
                    sorry_server: sorry(true),
                    ..down()
                },
                "NO REAL SERVER is up of 2; sorry server 10.0.0.9 serves",
            ),
            (
                ServiceSummary {
                    sorry_server: sorry(false),
                    ..down()
                },
                "NO REAL SERVER is up of 2; sorry server 10.0.0.9 is not in",
            ),
            (
                ServiceSummary {
                    serving: Some(0),
                    ..service()
                },
                "NO REAL SERVER gets connections, 1 up with weight 0",
            ),
            (
                ServiceSummary {
                    servers: 0,
                    ..down()
                },
                "NO REAL SERVER",
            ),
            (
                ServiceSummary {
                    present: false,
                    ..service()
                },
                "NOT IN THE KERNEL'S TABLE",
            ),
            (
                ServiceSummary {
                    refused: vec!["-E x: no".into()],
                    ..service()
                },
                "refused: -E x: no",
            ),
            (
                ServiceSummary {
                    serving: None,
                    up: 0,
                    ..service()
                },
                "NO REAL SERVER is up of 2",
            ),
        ] {
            let said = format!("-t 192.0.2.1:80 (web): {said}");
            assert_eq!(service.troubles(), [said]);
        }
    }
}
