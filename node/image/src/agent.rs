//! The images of the probe agent.

use anyhow::Result;
use serde_json::json;

use crate::archive::{Entry, Image, write_archive, write_layer};
use crate::graph::Action;
use crate::steps::{Rust, Steps, drop_replaced};

/// The versions of the probe agent.
pub(crate) const AGENT_VERSIONS: [&str; 2] = ["1", "2"];

pub(crate) fn agent_tag(version: &str) -> String {
    format!("rollcall/agent:{version}")
}

impl Steps<'_> {
    /// The two versions of the probe agent: one program, told by its environment which it is.
    pub(crate) fn agent(&mut self, inputs: &str, target: &str) -> Result<()> {
        let after: &[&str] = if self.steps.iter().any(|step| step.name == "init") { &["init"] } else { &[] };
        let program = self.rust(
            Rust {
                name: "agent",
                package: "rollcall-agent",
                binary: "agent",
                inputs: &["agent"],
                seconds: 15.0,
                after,
            },
            target,
        )?;
        let inputs = inputs.to_owned();
        let archive: Action = Box::new(move |out| {
            let layer = out.join("agent.tar");
            write_layer(&layer, &[Entry::File("agent".into(), program.join("program"), 0o755)])?;
            let images = AGENT_VERSIONS.map(|version| Image {
                tags: vec![agent_tag(version)],
                layers: vec![layer.clone()],
                config: json!({
                    "Entrypoint": ["/agent"],
                    "Env": [format!("ROLLCALL_AGENT_VERSION={version}")],
                    "Labels": {"rollcall.inputs": inputs},
                }),
            });
            write_archive(&out.join("archive.tar"), &images)
        });
        let finish = drop_replaced(self.root, &AGENT_VERSIONS.map(agent_tag));
        self.add_load("agent-image", 1.0, &["agent"], archive, finish);
        Ok(())
    }
}
