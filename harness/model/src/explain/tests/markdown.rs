//! A diagnosis as Markdown.

use serde_json::json;

use super::Cluster;
use crate::explain::{Cause, Certainty, Evidence, Extras, Finding};

#[test]
fn nodes_are_a_table_and_each_cause_is_a_section() {
    let mut cluster = Cluster::healthy()
        .crashed(json!({"exitCode": 1, "reason": "Error", "message": ""}))
        .log(true, "starting\nfatal: `a|b` is no <option>\n");
    cluster.nodes.push(super::node("w3"));
    cluster.nodes[2]["spec"]["taints"] = json!([{"key": "dedicated", "effect": "NoSchedule"}]);
    cluster.extras.not_looked_at.push("events of namespace `default`: no *right*".to_owned());
    insta::assert_snapshot!(cluster.explain().markdown(), @r"
    ## daemonset default/agent: ok on 1 of 2 nodes that are meant

    | Node | State | Pod | Why |
    |---|---|---|---|
    | `w1` | unhealthy | `agent-w1` | crash-loop |
    | `w2` | ok | `agent-w2` |  |
    | `w3` | not meant | - | taint-not-tolerated |

    ### crash-loop on w1 (proven)

    container `agent` ends with exit code 1 again and again

    Seen:

    - `status.containerStatuses[agent].lastState.terminated`: `Error, exit code 1, 3 restarts`
    - log of container agent:

      ```
      starting
      fatal: `a|b` is no <option>
      ```

    Remedy: do what its last words say

    ```
    kubectl -n default logs agent-w1 -c agent --previous
    ```

    ### Not meant

    - w3: taint `dedicated:NoSchedule` is not tolerated

    ### Not looked at

    - events of namespace `default`: no \*right\*
    ");
}

/// What a cluster says may be anything.
#[test]
fn nothing_that_was_seen_means_anything_to_the_renderer() {
    let mut found = Cluster::healthy().explain();
    let evidence = |source: &str, says: &str| Evidence { source: source.into(), says: says.into() };
    found.nodes[0].node = "a|b".to_owned();
    found.nodes[0].state = crate::explain::NodeState::Unhealthy;
    found.nodes[0].findings = vec![Finding {
        cause: Cause::ProbeFailed,
        object: "pod default/agent".into(),
        what: "container `a|b` says *<script>* [x](y) #1 ~~no~~ and one ` alone".into(),
        evidence: vec![
            evidence("an|event", "`quoted` and ``twice``"),
            evidence("log", "one\n```\nthree | four\n```\n  five"),
            evidence("empty", ""),
        ],
        remedy: "- see `https://example.com/a_b_c`".into(),
        command: Some("kubectl get `x` | cat".into()),
        certainty: Certainty::Likely,
    }];
    insta::assert_snapshot!(found.markdown(), @r"
    ## daemonset default/agent: ok on 1 of 2 nodes that are meant

    | Node | State | Pod | Why |
    |---|---|---|---|
    | `a\|b` | unhealthy | `agent-w1` | probe-failed |
    | `w2` | ok | `agent-w2` |  |

    ### probe-failed on a|b (likely)

    container \`a|b\` says \*\<script\>\* \[x\](y) \#1 \~\~no\~\~ and one \` alone

    Seen:

    - `an|event`: ``` `quoted` and ``twice`` ```
    - `log`:

      ````
      one
      ```
      three | four
      ```
        five
      ````
    - `empty`

    Remedy: \- see `https://example.com/a_b_c`

    ```
    kubectl get `x` | cat
    ```
    ");
}

#[test]
fn where_everything_is_in_order_the_table_is_all() {
    let mut cluster = Cluster::healthy();
    cluster.extras = Extras::default();
    insta::assert_snapshot!(cluster.explain().markdown(), @"
    ## daemonset default/agent: ok on 2 of 2 nodes that are meant

    | Node | State | Pod | Why |
    |---|---|---|---|
    | `w1` | ok | `agent-w1` |  |
    | `w2` | ok | `agent-w2` |  |
    ");
}
