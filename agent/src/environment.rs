//! What the pod's manifest told the agent, read once at the start. No other file reads the environment.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// The settings of one agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Environment {
    pub(crate) version: String,
    pub(crate) node: String,
    pub(crate) pod: String,
    /// `None` when serving is switched off.
    pub(crate) listen: Option<Listen>,
    pub(crate) log_dir: PathBuf,
    pub(crate) proc_dir: PathBuf,
    pub(crate) faults: String,
    pub(crate) faults_file: PathBuf,
}

/// Where to serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listen {
    /// Empty for all addresses of both families.
    pub(crate) address: String,
    /// 0 lets the system choose.
    pub(crate) port: u16,
}

impl Environment {
    /// # Errors
    ///
    /// A variable that cannot be understood, as a message that names it.
    pub(crate) fn read() -> Result<Environment, String> {
        Environment::from(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    }

    fn from(get: impl Fn(&str) -> Option<String>) -> Result<Environment, String> {
        let or = |name: &str, default: &str| get(name).unwrap_or_else(|| default.to_owned());
        let address = or("AGENT_ADDRESS", "");
        let listen = match or("AGENT_PORT", "8080").as_str() {
            "0" => None,
            "any" => Some(Listen { address, port: 0 }),
            port => {
                let port = port.parse().map_err(|_| {
                    format!("`AGENT_PORT` is `{port}`, not a port\n(hint: `0` switches serving off, `any` lets the system choose)")
                })?;
                Some(Listen { address, port })
            }
        };
        let host_proc = if Path::new("/host/proc").is_dir() { "/host/proc" } else { "/proc" };
        Ok(Environment {
            version: or("ROLLCALL_AGENT_VERSION", "dev"),
            node: or("NODE_NAME", ""),
            pod: or("POD_NAME", ""),
            listen,
            log_dir: or("AGENT_LOG_DIR", "/var/log").into(),
            proc_dir: or("AGENT_PROC_DIR", host_proc).into(),
            faults: or("AGENT_FAULTS", ""),
            faults_file: or("AGENT_FAULTS_FILE", "/etc/agent/faults").into(),
        })
    }
}

impl Listen {
    /// The address under which the agent reaches itself.
    pub(crate) fn local(&self) -> Option<SocketAddr> {
        let address = if self.address.is_empty() { "127.0.0.1" } else { &self.address };
        Some(SocketAddr::new(address.parse().ok()?, self.port))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_port(port: &str) -> Result<Environment, String> {
        Environment::from(|name| (name == "AGENT_PORT").then(|| port.to_owned()))
    }

    #[test]
    fn without_any_variable_it_serves_on_8080() {
        let environment = Environment::from(|_| None).unwrap();
        let listen = environment.listen.unwrap();
        assert_eq!(listen.local(), Some("127.0.0.1:8080".parse().unwrap()));
        assert_eq!(environment.version, "dev");
    }

    #[test]
    fn port_zero_switches_serving_off() {
        assert_eq!(with_port("0").unwrap().listen, None);
        assert_eq!(with_port("any").unwrap().listen.unwrap().port, 0);
    }

    #[test]
    fn a_wrong_port_is_named() {
        assert!(with_port("http").unwrap_err().contains("`AGENT_PORT` is `http`"));
    }
}
