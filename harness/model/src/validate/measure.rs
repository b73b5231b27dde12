//! What is measured while gates are tried, and how it is read from a run.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{image::megabytes, scenarios::MEASURES};

/// What a measure is told in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Unit {
    /// Milliseconds.
    Ms,
    /// Bytes.
    Bytes,
    /// Thousandths of a core.
    MilliCpu,
    /// Hundredths of a whole.
    Percent,
}

impl Unit {
    /// Differences that are those of the machine: its scheduler, its disk, the second in which a kubelet looks.
    pub(super) fn noise(self) -> u64 {
        match self {
            Self::Ms => 500,
            Self::Bytes => 4_000_000,
            Self::MilliCpu => 50,
            Self::Percent => 5,
        }
    }
}

/// Something that was measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Measure {
    /// What.
    pub what: String,
    /// On which node, where it is of one.
    pub node: Option<String>,
    /// How much.
    pub value: u64,
    /// Of what.
    pub unit: Unit,
}

impl Measure {
    /// The measure that the time of a step of this name is, if it is one.
    #[must_use]
    pub fn of_step(name: &str, took_ms: u64) -> Option<Self> {
        MEASURES.into_iter().find_map(|(prefix, what)| {
            let node = name.strip_prefix(prefix)?;
            Some(Self { what: what.to_owned(), node: Some(node.to_owned()), value: took_ms, unit: Unit::Ms })
        })
    }

    /// The size of an image.
    #[must_use]
    pub fn of_size(bytes: u64) -> Self {
        Self { what: "size".to_owned(), node: None, value: bytes, unit: Unit::Bytes }
    }

    /// The measures that the output of a step tells, and its notes, each once.
    #[must_use]
    pub fn of_output(text: &str) -> (Vec<Self>, Vec<String>) {
        let (mut measures, mut notes): (Vec<Self>, Vec<String>) = (Vec::new(), Vec::new());
        let mut node = None;
        for line in text.lines() {
            // What is told of a pod begins with its node.
            let (of, said) = line.split_once(": ").unwrap_or(("", line));
            let said = match of {
                "measure" | "note" => line,
                _ if said.starts_with("measure: ") || said.starts_with("note: ") => {
                    node = of.split(' ').next().map(str::to_owned);
                    said
                }
                _ => line,
            };
            if let Some(words) = said.strip_prefix("measure: ") {
                measures.extend(told(words, node.as_deref()));
            } else if let Some(note) = said.strip_prefix("note: ") {
                let note = capabilities(note).unwrap_or_else(|| note.to_owned());
                if !notes.contains(&note) {
                    notes.push(note);
                }
            }
            measures.extend(pulled(line));
        }
        (measures, notes)
    }
}

/// `memory 12345 bytes`
fn told(words: &str, node: Option<&str>) -> Option<Measure> {
    let mut words = words.rsplitn(3, ' ');
    let unit = match words.next()? {
        "bytes" => Unit::Bytes,
        "milliCpu" => Unit::MilliCpu,
        "percent" => Unit::Percent,
        _ => return None,
    };
    let value = words.next()?.parse().ok()?;
    Some(Measure { what: words.next()?.to_owned(), node: node.map(str::to_owned), value, unit })
}

/// What the kubelet says of a pull (`pkg/kubelet/images/image_manager.go`): `… in 52ms (60ms including waiting). Image
/// size: 819200 bytes.`
fn pulled(line: &str) -> Option<Measure> {
    let (_, rest) = line.split_once("Successfully pulled image ")?;
    let (_, rest) = rest.split_once(" in ")?;
    let (took, _) = rest.split_once(" (").filter(|(_, rest)| rest.contains(" including waiting"))?;
    let node = line.split_once(": ").map(|(node, _)| node.to_owned());
    Some(Measure { what: "time to pull".to_owned(), node, value: go_duration_ms(took)?, unit: Unit::Ms })
}

/// A duration as Go writes it: `1m2.5s`, `1.234s`, `52ms`, `870µs`.
fn go_duration_ms(text: &str) -> Option<u64> {
    let mut total = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..end].parse().ok()?;
        let unit_end = rest[end..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |at| end + at);
        total += number
            * match &rest[end..unit_end] {
                "h" => 3_600_000.0,
                "m" => 60_000.0,
                "s" => 1000.0,
                "ms" => 1.0,
                "µs" | "us" => 0.001,
                "ns" => 0.000_001,
                _ => return None,
            };
        rest = &rest[unit_end..];
    }
    // Up to the next: none is 0 ms.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a time that is neither negative nor huge"
    )]
    Some(total.ceil() as u64)
}

/// Names of capabilities, each at its bit (`include/uapi/linux/capability.h`).
const CAPABILITIES: [&str; 41] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
];

/// `effective capabilities 00000000a80425fb`, by name.
fn capabilities(note: &str) -> Option<String> {
    let bits = u64::from_str_radix(note.strip_prefix("effective capabilities ")?, 16).ok()?;
    let names: Vec<&str> =
        (0..).zip(CAPABILITIES).filter(|(bit, _)| bits & (1 << bit) != 0).map(|(_, name)| name).collect();
    Some(match names.len() {
        0 => "it runs without any capability".to_owned(),
        // A kernel that has fewer than are known gives all of its own.
        count if count >= 38 => "it runs with every capability".to_owned(),
        _ => format!("it runs with capabilities {}", names.join(", ")),
    })
}

/// `1840 ms`, `12.3 MB`, `35m`, `4 %`
impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.unit {
            Unit::Ms => write!(f, "{} ms", self.value),
            Unit::Bytes => f.write_str(&megabytes(self.value)),
            Unit::MilliCpu => write!(f, "{}m", self.value),
            Unit::Percent => write!(f, "{} %", self.value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_steps_that_say_so_are_measures() {
        assert_eq!(Measure::of_step("settled", 1), None);
        let gap = Measure::of_step("gap on worker-1", 740).unwrap();
        let found = (gap.what.as_str(), gap.node.as_deref(), gap.to_string());
        assert_eq!(found, ("without an available pod", Some("worker-1"), "740 ms".to_owned()));
    }

    #[test]
    fn what_a_step_writes_is_measures_and_notes_with_their_nodes() {
        let text = "worker-1 agent-x: measure: memory 12345678 bytes
measure: CPU 35 milliCpu
note: effective capabilities 0000000000000401
worker-2 agent-y: measure: throttled 4 percent
measure: nonsense
note: effective capabilities 0000000000000401
something else";
        let (measures, notes) = Measure::of_output(text);
        let told: Vec<String> = measures
            .iter()
            .map(|measure| format!("{} {measure} {}", measure.what, measure.node.as_deref().unwrap_or_default()))
            .collect();
        assert_eq!(told, ["memory 12.3 MB worker-1", "CPU 35m worker-1", "throttled 4 % worker-2"]);
        assert_eq!(notes, ["it runs with capabilities CHOWN, NET_BIND_SERVICE"]);
    }

    #[test]
    fn the_time_of_a_pull_is_in_its_event() {
        let said = |text: &str| Measure::of_output(text).0.first().map(|measure| (measure.node.clone(), measure.value));
        let pull = "worker-1: Successfully pulled image \"a.b/c:1.2\" in 1.234s (2.5s including waiting). Image size: 81 bytes.";
        assert_eq!(said(pull), Some((Some("worker-1".to_owned()), 1234)));
        assert_eq!(said("worker-1: Container image \"a.b/c:1.2\" already present on machine"), None);
        assert_eq!(go_duration_ms("1m2.5s"), Some(62_500));
        assert_eq!(go_duration_ms("870µs"), Some(1));
        assert_eq!(go_duration_ms("soon"), None);
    }

    #[test]
    fn capabilities_are_told_by_name() {
        assert_eq!(capabilities("effective capabilities 0000000000000000").unwrap(), "it runs without any capability");
        assert_eq!(capabilities("effective capabilities 000001ffffffffff").unwrap(), "it runs with every capability");
        assert!(capabilities("effective capabilities 00000000a80425fb").unwrap().contains("NET_RAW"));
        assert_eq!(capabilities("other"), None);
    }
}
