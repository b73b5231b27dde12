//! The fault switches: what can be asked for, and which of it holds on this node and in this version.
//!
//! Pure. What a switch does is carried out in `agent.rs` and `load.rs`.

use std::time::Duration;

use crate::units;

/// All switches with an example, for the message about an unknown one. The README has them with their effect.
const ALL: &str = "not-ready-after=10s crash-after=5s exit-code=3 allocate=64Mi ignore-sigterm slow-start=5s burn-cpu=1, \
                   each may follow on-node=NAME: and on-version=VERSION:";
/// More threads than this show nothing that fewer do not.
const MOST_THREADS: u8 = 64;

/// Everything in force; a later mention of a switch replaces an earlier one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Faults {
    pub(crate) not_ready_after: Option<Duration>,
    pub(crate) crash_after: Option<Duration>,
    pub(crate) exit_code: Option<u8>,
    pub(crate) allocate: usize,
    pub(crate) ignore_sigterm: bool,
    pub(crate) slow_start: Option<Duration>,
    pub(crate) burn_cpu: u8,
    /// As they were written, for people.
    pub(crate) in_force: Vec<String>,
}

impl Faults {
    /// # Errors
    ///
    /// A switch that does not exist or whose value cannot be understood; also one that does not concern this node, so
    /// that a typing error shows everywhere.
    pub(crate) fn parse(text: &str, node: &str, version: &str) -> Result<Faults, String> {
        let mut faults = Faults::default();
        for written in text.split([',', '\n']).map(str::trim).filter(|part| !part.is_empty() && !part.starts_with('#'))
        {
            let mut concerns_us = true;
            let mut switch = written;
            loop {
                if let Some((name, rest)) = prefixed(switch, "on-node=") {
                    concerns_us &= name == node;
                    switch = rest;
                } else if let Some((name, rest)) = prefixed(switch, "on-version=") {
                    concerns_us &= name == version;
                    switch = rest;
                } else {
                    break;
                }
            }
            let mut ignored = Faults::default();
            let target = if concerns_us { &mut faults } else { &mut ignored };
            target
                .set(switch.trim())
                .map_err(|problem| format!("fault switch `{written}`: {problem}\n(hint: the switches are {ALL})"))?;
            target.in_force.push(written.to_owned());
        }
        Ok(faults)
    }

    fn set(&mut self, switch: &str) -> Result<(), String> {
        let (name, value) = match switch.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (switch, None),
        };
        let needed = || value.ok_or(format!("`{name}` needs a value"));
        match name {
            "not-ready-after" => self.not_ready_after = Some(units::span(needed()?)?),
            "crash-after" => self.crash_after = Some(units::span(needed()?)?),
            "slow-start" => self.slow_start = Some(units::span(needed()?)?),
            "allocate" => self.allocate = units::bytes(needed()?)?,
            "exit-code" => {
                let value = needed()?;
                self.exit_code =
                    Some(value.parse().map_err(|_| format!("`{value}` is not an exit code from 0 to 255"))?);
            }
            "burn-cpu" => {
                let value = needed()?;
                let threads = value.parse().ok().filter(|threads| *threads <= MOST_THREADS);
                self.burn_cpu =
                    threads.ok_or(format!("`{value}` is not a number of threads from 0 to {MOST_THREADS}"))?;
            }
            "ignore-sigterm" if value.is_none() => self.ignore_sigterm = true,
            "ignore-sigterm" => return Err("`ignore-sigterm` takes no value".to_owned()),
            _ => return Err(format!("there is no switch `{name}`")),
        }
        Ok(())
    }

    /// The code to end with now, given how long these switches have been in force.
    pub(crate) fn exit(&self, in_force_for: Duration) -> Option<u8> {
        match (self.crash_after, self.exit_code) {
            (Some(after), code) => (in_force_for >= after).then_some(code.unwrap_or(1)),
            (None, code) => code,
        }
    }

    /// Why the agent is not ready, given how long these switches have been in force.
    pub(crate) fn not_ready(&self, in_force_for: Duration) -> Option<String> {
        let after = self.not_ready_after?;
        (in_force_for >= after).then(|| format!("fault switch `not-ready-after={}ms`", after.as_millis()))
    }
}

fn prefixed<'a>(switch: &'a str, prefix: &str) -> Option<(&'a str, &'a str)> {
    switch.strip_prefix(prefix)?.split_once(':').map(|(name, rest)| (name, rest.trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Faults, String> {
        Faults::parse(text, "worker-2", "2")
    }

    #[test]
    fn switches_are_separated_by_commas_or_lines() {
        let faults =
            parse("not-ready-after=10s, allocate=64Mi\n# why\n\nignore-sigterm\nburn-cpu=2,slow-start=1s").unwrap();
        assert_eq!(faults.not_ready_after, Some(Duration::from_secs(10)));
        assert_eq!(faults.allocate, 64 << 20);
        assert!(faults.ignore_sigterm);
        assert_eq!(faults.burn_cpu, 2);
        assert_eq!(faults.slow_start, Some(Duration::from_secs(1)));
        assert_eq!(faults.in_force.len(), 5);
        assert_eq!(parse("").unwrap(), Faults::default());
    }

    #[test]
    fn a_switch_for_another_node_or_version_does_not_count() {
        for other in
            ["on-node=worker-1:exit-code=3", "on-version=1:exit-code=3", "on-node=worker-2:on-version=1:exit-code=3"]
        {
            assert_eq!(parse(other).unwrap(), Faults::default(), "{other}");
        }
        for ours in
            ["on-node=worker-2:exit-code=3", "on-version=2: exit-code=3", "on-version=2:on-node=worker-2:exit-code=3"]
        {
            assert_eq!(parse(ours).unwrap().exit_code, Some(3), "{ours}");
        }
    }

    #[test]
    fn an_unknown_switch_lists_all_of_them() {
        let message = parse("crash-afer=5s").unwrap_err();
        assert!(message.starts_with("fault switch `crash-afer=5s`: there is no switch `crash-afer`"), "{message}");
        for name in [
            "not-ready-after",
            "crash-after",
            "exit-code",
            "allocate",
            "ignore-sigterm",
            "slow-start",
            "burn-cpu",
            "on-node",
            "on-version",
        ] {
            assert!(message.contains(name), "{name}");
        }
    }

    #[test]
    fn wrong_values_are_refused_even_for_another_node() {
        for wrong in [
            "crash-after",
            "crash-after=",
            "crash-after=5",
            "exit-code=256",
            "burn-cpu=65",
            "allocate=lots",
            "ignore-sigterm=1",
            "on-node=worker-1:nonsense",
            "on-node=worker-1",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_crash_has_its_time_and_its_code() {
        let faults = parse("crash-after=5s,exit-code=3").unwrap();
        assert_eq!(faults.exit(Duration::from_millis(4999)), None);
        assert_eq!(faults.exit(Duration::from_secs(5)), Some(3));
        assert_eq!(parse("crash-after=0s").unwrap().exit(Duration::ZERO), Some(1));
        assert_eq!(parse("exit-code=0").unwrap().exit(Duration::ZERO), Some(0));
        assert_eq!(Faults::default().exit(Duration::from_secs(99)), None);
    }

    #[test]
    fn readiness_ends_when_its_time_has_come() {
        let faults = parse("not-ready-after=10s").unwrap();
        assert_eq!(faults.not_ready(Duration::from_secs(9)), None);
        assert!(faults.not_ready(Duration::from_secs(10)).unwrap().contains("not-ready-after"));
    }
}
