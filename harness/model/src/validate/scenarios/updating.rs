//! Steps of the gates in which an agent is updated.

use serde_json::json;

use super::Scenario;

impl Scenario<'_> {
    /// An update in which the gap of each node is a step of its own.
    pub(super) fn upgrade(&self) -> String {
        let ds = self.daemon_set();
        let image = &self.candidate.image;
        let rollout = self.rollout();
        let mut text = self.begin_with_previous();
        let update = self.apply(None) + &self.rolled_out("updated");
        let strategy = &self.candidate.daemon_set_object()["spec"]["updateStrategy"];
        if !strategy["rollingUpdate"]["maxSurge"].is_null() {
            return text + &update + &self.all_have(image);
        }
        text.push_str("  - parallel:\n");
        text.push_str(&branch(&update));
        for node in self.meant().unwrap_or_default() {
            let of_node = format!("{ds}, node: {node}, ready: true, terminating: false");
            text.push_str(&branch(&format!(
                "  - expect: {{pods: {{{of_node}, count: 0}}, within: {rollout}}}\n  \
                 - name: gap on {node}\n    expect: {{pods: {{{of_node}, image: {}, count: 1}}, within: {rollout}}}\n",
                json!(image)
            )));
        }
        text + &self.all_have(image)
    }

    pub(super) fn rollback(&self) -> String {
        let old = self.candidate.previous.as_deref().unwrap_or_default();
        self.begin_with_previous()
            + &self.apply(None)
            + &self.rolled_out("updated")
            + &format!("  - rollback: {{{}}}\n", self.daemon_set())
            + &self.rolled_out("rolled back")
            + &self.all_have(old)
    }

    pub(super) fn surge(&self) -> String {
        // With `minReadySeconds` the controller may forget an old pod (`old-pod-left`), which is not the agent's fault.
        let surge = json!({"spec": {"minReadySeconds": 0, "updateStrategy": {
            "type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0},
        }}});
        let (begin, change) = match self.candidate.previous.as_deref() {
            Some(old) => {
                let mut former = surge.clone();
                former["spec"]["template"] = json!({"spec": self.candidate.containers_with(old)});
                (former, self.apply(Some(&surge)))
            }
            None => (surge, format!("  - rolloutRestart: {{{}}}\n", self.daemon_set())),
        };
        self.apply(Some(&begin)) + &self.all_rolled_out() + &change + &self.rolled_out("updated")
    }

    /// The former image on every node.
    fn begin_with_previous(&self) -> String {
        let old = self.candidate.previous.as_deref().unwrap_or_default();
        let patch = json!({"spec": {"template": {"spec": self.candidate.containers_with(old)}}});
        self.apply(Some(&patch)) + &self.all_rolled_out()
    }

    fn all_rolled_out(&self) -> String {
        format!("  - name: settled\n    expect: {{rolledOut: {{{}}}, within: {}}}\n", self.daemon_set(), self.ready())
    }

    fn rolled_out(&self, name: &str) -> String {
        format!("  - name: {name}\n    expect: {{rolledOut: {{{}}}, within: {}}}\n", self.daemon_set(), self.rollout())
    }

    fn all_have(&self, image: &str) -> String {
        let ds = self.daemon_set();
        format!("  - expect: {{pods: {{{ds}, image: {}, ready: true}}, within: 10s}}\n", json!(image))
    }
}

/// Steps as a branch of `parallel`.
fn branch(steps: &str) -> String {
    let inner: String = steps.lines().map(|line| format!("      {line}\n")).collect();
    // The first of them begins the branch, too.
    inner.replacen("        - ", "      - - ", 1)
}
