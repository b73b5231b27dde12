//! What the agent tells about itself and its node: `/info` as JSON and `/metrics` for Prometheus.

use std::time::Duration;

use serde_json::{Value, json};

use crate::environment::Environment;
use crate::logs::{self, Logs};
use crate::procfs;

/// The moment of a report.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    /// Seconds since 1970 at which the agent started.
    pub(crate) started_at: u64,
    pub(crate) up: Duration,
}

pub(crate) fn info(environment: &Environment, times: Times, faults: &[String]) -> Value {
    let Logs { files, lines, bytes } = logs::read(&environment.log_dir);
    let host = match procfs::read(&environment.proc_dir) {
        Ok(host) => json!({
            "uptimeSeconds": host.uptime_seconds,
            "loadavg": host.load_average,
            "memTotalKiB": host.memory_total_kib,
            "memAvailableKiB": host.memory_available_kib,
        }),
        Err(message) => Value::String(message),
    };
    json!({
        "version": environment.version,
        "node": environment.node,
        "pod": environment.pod,
        "hostname": hostname(),
        "startedAt": rfc3339(times.started_at),
        "uptimeSeconds": times.up.as_secs(),
        "logDir": environment.log_dir,
        "logFiles": files,
        "logLines": lines,
        "logBytes": bytes,
        "logDirWritable": logs::is_writable(&environment.log_dir),
        "proc": host,
        "faults": faults,
    })
}

pub(crate) fn metrics(environment: &Environment, times: Times, ready: bool) -> String {
    let Logs { files, lines, bytes } = logs::read(&environment.log_dir);
    let quoted = |text: &str| text.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n");
    let labels = format!("version=\"{}\",node=\"{}\"", quoted(&environment.version), quoted(&environment.node));
    let mut text = format!("# TYPE rollcall_agent_info gauge\nrollcall_agent_info{{{labels}}} 1\n");
    let figures = [
        ("ready", u64::from(ready)),
        ("uptime_seconds", times.up.as_secs()),
        ("log_files", files),
        ("log_lines", lines),
        ("log_bytes", bytes),
    ];
    for (name, value) in figures {
        text += &format!("# TYPE rollcall_agent_{name} gauge\nrollcall_agent_{name} {value}\n");
    }
    text
}

/// From the container's own `/proc`: that of the host would tell the name of the node.
fn hostname() -> String {
    let text = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    text.trim().to_owned()
}

/// Seconds since 1970 as a date, by the algorithm of Howard Hinnant's `civil_from_days`.
fn rfc3339(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_kubernetes_does() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(951_826_154), "2000-02-29T12:09:14Z");
        assert_eq!(rfc3339(1_735_689_599), "2024-12-31T23:59:59Z");
    }
}
