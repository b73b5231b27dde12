//! Cutting a node off the network and joining it again, without touching its processes.

use std::time::Duration;

use super::{Cluster, machine::Machine};
use crate::{
    clock,
    error::{Error, Result},
};

/// Packets are dropped in the `raw` table, before anything kube-proxy or a CNI plug-in has to say, and where nothing
/// of theirs is ever written.
const RULES: [[&str; 5]; 2] = [["PREROUTING", "-i", "eth0", "-j", "DROP"], ["OUTPUT", "-o", "eth0", "-j", "DROP"]];

impl Cluster {
    /// Drops every packet between a node and all others. Connections stay open and silent, as with a pulled cable.
    ///
    /// # Errors
    /// When there is no such node or its packet filter refuses.
    pub async fn cut_node(&self, node: &str) -> Result<Duration> {
        let started = clock::instant();
        let machine = self.machine(node).await?;
        for rule in RULES {
            // Cutting twice is cutting once.
            if self.iptables(&machine, "-C", rule).await? != 0 {
                self.must(&machine, "-I", rule).await?;
            }
        }
        Ok(started.elapsed())
    }

    /// Joins a node to the network again and returns when it is ready for use.
    ///
    /// # Errors
    /// When there is no such node or it does not come back in time.
    pub async fn heal_node(&self, node: &str, deadline: Duration) -> Result<Duration> {
        let started = clock::instant();
        let machine = self.machine(node).await?;
        let since = clock::now();
        for rule in RULES {
            while self.iptables(&machine, "-C", rule).await? == 0 {
                self.must(&machine, "-D", rule).await?;
            }
        }
        self.back(&machine, deadline, since, started).await
    }

    /// Whether packets of a node are dropped.
    pub(super) async fn is_cut(&self, machine: &Machine) -> Result<bool> {
        for rule in RULES {
            if self.iptables(machine, "-C", rule).await? == 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn iptables(&self, machine: &Machine, verb: &str, rule: [&str; 5]) -> Result<i64> {
        Ok(self.made()?.docker.exec(&machine.container, &command(verb, rule)).await?.code)
    }

    async fn must(&self, machine: &Machine, verb: &str, rule: [&str; 5]) -> Result<()> {
        let command = command(verb, rule);
        let output = self.made()?.docker.exec(&machine.container, &command).await?;
        if output.code == 0 {
            return Ok(());
        }
        Err(Error::Exec {
            node: machine.member.name.clone(),
            command: command.join(" "),
            code: output.code,
            output: format!("{}{}", output.stdout, output.stderr).trim().to_owned(),
        })
    }
}

fn command<'a>(verb: &'a str, rule: [&'a str; 5]) -> Vec<&'a str> {
    ["iptables", "-w", "-t", "raw", verb].into_iter().chain(rule).collect()
}
