//! Steps of the gates in which an agent is updated.

use std::fmt::Write;

use serde_json::json;

use super::Scenario;

impl Scenario<'_> {
    /// An update in which the gap of each node is a step of its own.
    pub(super) fn upgrade(&self) -> String {
        let ds = self.daemon_set();
        let image = &self.candidate.image;
        let rollout = self.rollout();
        let mut text = self.begin_with_previous();
        let strategy = &self.candidate.daemon_set_object()["spec"]["updateStrategy"];
        if !strategy["rollingUpdate"]["maxSurge"].is_null() {
            text.push_str(&self.set_image(image));
            text.push_str(&self.rolled_out("updated"));
            return text + &self.all_have(image);
        }
        text.push_str("  - parallel:\n");
        let change = self.set_image(image).replacen("  - ", "", 1);
        let _ = write!(
            text,
            "      - - {change}        - name: updated\n          expect: {{rolledOut: {{{ds}}}, within: {rollout}}}\n"
        );
        for node in self.meant().unwrap_or_default() {
            let _ = write!(
                text,
                "      - - expect: {{pods: {{{ds}, node: {node}, ready: true, terminating: false, count: 0}}, within: {rollout}}}\n        \
                 - name: gap on {node}\n          expect: {{pods: {{{ds}, node: {node}, image: {}, ready: true, count: 1}}, within: {rollout}}}\n",
                json!(image)
            );
        }
        text + &self.all_have(image)
    }

    pub(super) fn rollback(&self) -> String {
        let old = self.candidate.previous.as_deref().unwrap_or_default();
        self.begin_with_previous()
            + &self.set_image(&self.candidate.image)
            + &self.rolled_out("updated")
            + &format!("  - rollback: {{{}}}\n", self.daemon_set())
            + &self.rolled_out("rolled back")
            + &self.all_have(old)
    }

    pub(super) fn surge(&self) -> String {
        let containers = self.candidate.previous.as_deref().map(|old| self.candidate.containers_with(old));
        // With `minReadySeconds` the controller may forget an old pod (`old-pod-left`), which is not the agent's fault.
        let mut patch = json!({"spec": {"minReadySeconds": 0, "updateStrategy": {
            "type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0},
        }}});
        let change = match containers {
            Some(containers) => {
                patch["spec"]["template"] = json!({"spec": {"containers": containers}});
                self.set_image(&self.candidate.image)
            }
            None => format!("  - rolloutRestart: {{{}}}\n", self.daemon_set()),
        };
        self.apply(Some(&patch)) + &self.all_rolled_out() + &change + &self.rolled_out("updated")
    }

    /// The former image on every node.
    fn begin_with_previous(&self) -> String {
        let old = self.candidate.previous.as_deref().unwrap_or_default();
        let patch = json!({"spec": {"template": {"spec": {"containers": self.candidate.containers_with(old)}}}});
        self.apply(Some(&patch)) + &self.all_rolled_out()
    }

    fn all_rolled_out(&self) -> String {
        format!("  - name: settled\n    expect: {{rolledOut: {{{}}}, within: {}}}\n", self.daemon_set(), self.ready())
    }

    fn rolled_out(&self, name: &str) -> String {
        format!("  - name: {name}\n    expect: {{rolledOut: {{{}}}, within: {}}}\n", self.daemon_set(), self.rollout())
    }

    fn set_image(&self, image: &str) -> String {
        let (ds, container) = (self.daemon_set(), &self.candidate.container);
        format!("  - setImage: {{{ds}, container: {container}, image: {}}}\n", json!(image))
    }

    fn all_have(&self, image: &str) -> String {
        let ds = self.daemon_set();
        format!("  - expect: {{pods: {{{ds}, image: {}, ready: true}}, within: 10s}}\n", json!(image))
    }
}
