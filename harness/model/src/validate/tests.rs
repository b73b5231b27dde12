//! The gates of some candidates.

use std::time::Duration;

use super::*;
use crate::{Manifest, Plan, Scenario};

const AGENT: &str = "apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent, namespace: kube-system}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec:
      tolerations: [{key: node-role.kubernetes.io/control-plane, operator: Exists}]
      terminationGracePeriodSeconds: 5
      containers:
        - {name: agent, image: 'example.org/team/agent:1.2', ports: [{containerPort: 8080}]}
        - {name: helper, image: 'example.org/team/helper:1'}
";

fn manifest(text: &str) -> Manifest {
    Manifest::parse("agent.yaml", text).unwrap()
}

fn find(text: &str, image: &str) -> Result<Candidate, CandidateError> {
    Candidate::find(vec![manifest(text)], image, None)
}

fn agent() -> Candidate {
    find(AGENT, "example.org/team/agent:2").unwrap()
}

fn facts() -> ImageFacts {
    ImageFacts { command: vec!["/agent".into()], platform: "linux/amd64".into(), bytes: 1000, ..ImageFacts::default() }
}

fn work(candidate: &Candidate, settings: &Settings, name: GateName) -> Work {
    gates(candidate, &facts(), settings).into_iter().find(|gate| gate.name == name).unwrap().work
}

fn skipped(candidate: &Candidate, name: GateName) -> String {
    match work(candidate, &Settings::default(), name) {
        Work::Skipped { reason } => reason,
        other => panic!("{name} is not skipped: {other:?}"),
    }
}

/// As a file of this text would be read.
fn load(text: &str, manifest: &str) -> Scenario {
    let read = |path: &str| if path == "agent.yaml" { Ok(manifest.to_owned()) } else { Err(format!("no {path}")) };
    Scenario::load("gate.yaml", text, &read).unwrap_or_else(|problems| panic!("{problems}\n{text}"))
}

/// The agent with what makes the rest of the gates apply.
fn full() -> String {
    AGENT
        .replace(
            "ports: [{containerPort: 8080}]",
            "ports: [{containerPort: 8080}], resources: {limits: {memory: 32Mi}}, securityContext: {capabilities: {add: \
             [SYS_PTRACE, NET_ADMIN]}}, volumeMounts: [{name: logs, mountPath: /var/log/, readOnly: true}, \
             {name: state, mountPath: /state}]",
        )
        .replace(
            "      containers:",
            "      hostPID: true\n      volumes: [{name: logs, hostPath: {path: /var/log}}, {name: state, hostPath: {path: \
             /var/lib/agent}}]\n      containers:",
        )
}

#[test]
fn every_gate_is_a_valid_scenario_that_shares_its_cluster() {
    let node_labels = [("node-type".to_owned(), "worker".to_owned())].into();
    let settings = Settings { soak: Duration::from_secs(30), trials: true, node_labels, ..Settings::default() };
    let mut run = 0;
    for manifest in [AGENT.to_owned(), AGENT.replace(", namespace: kube-system", ""), full()] {
        for previous in [false, true] {
            let found = find(&manifest, "example.org/team/agent:2").unwrap();
            let candidate = if previous { found.with_previous() } else { found };
            for gate in gates(&candidate, &facts(), &settings) {
                let texts = match gate.work {
                    Work::Run(text) => vec![text],
                    Work::Trials(trials) => trials.into_iter().map(|trial| trial.text).collect(),
                    _ => continue,
                };
                run += 1;
                for text in texts {
                    let scenario = load(&text, &manifest);
                    assert_eq!(scenario.metadata.name, gate.name.as_str());
                    let plan = Plan::new(&scenario);
                    assert!(plan.cluster.shared && plan.cluster.nodes.len() == 3, "{text}");
                    assert_eq!(plan.cluster.nodes[1].labels["node-type"], "worker");
                }
            }
        }
    }
    assert_eq!(run, 2 * (11 + 13) + (13 + 15));
}

#[test]
fn what_is_looked_at_is_a_script_that_people_can_read() {
    let candidate = find(&full(), "example.org/team/agent").unwrap();
    for (gate, name) in [(GateName::Mounts, "gate_mounts"), (GateName::Resources, "gate_resources")] {
        let Work::Run(text) = work(&candidate, &Settings::default(), gate) else { panic!() };
        insta::assert_snapshot!(name, text);
    }
}

#[test]
fn what_may_not_be_needed_is_taken_away_one_by_one() {
    let candidate = find(&full(), "example.org/team/agent").unwrap();
    let settings = Settings { trials: true, ..Settings::default() };
    let Work::Trials(trials) = work(&candidate, &settings, GateName::LeastPrivilege) else { panic!() };
    let merges = trials.iter().map(|trial| {
        let merge = trial.text.lines().find(|line| line.trim_start().starts_with("merge:")).unwrap_or_default();
        format!("{}\n{}", trial.without, merge)
    });
    insta::assert_snapshot!(merges.collect::<Vec<_>>().join("\n"));
}

#[test]
fn a_manifest_for_no_node_comes_up_nowhere_until_there_is_one() {
    let text = AGENT.replace("      containers:", "      nodeSelector: {node-type: worker}\n      containers:");
    let candidate = find(&text, "example.org/team/agent").unwrap();
    let Work::Known { wrong, .. } = work(&candidate, &Settings::default(), GateName::ComesUp) else { panic!() };
    assert!(wrong[0].contains("node-type") && wrong[0].contains("`nodeLabels`"), "{wrong:?}");
    assert!(skipped(&candidate, GateName::Stops).contains("no node of the cluster"));
    let node_labels = [("node-type".to_owned(), "worker".to_owned())].into();
    let settings = Settings { node_labels, ..Settings::default() };
    let Work::Run(scenario) = work(&candidate, &settings, GateName::ComesUp) else { panic!() };
    assert!(scenario.contains("ready on worker-2") && !scenario.contains("ready on control-plane"), "{scenario}");
    let Work::Skipped { reason } = work(&candidate, &settings, GateName::ControlPlane) else { panic!() };
    assert!(reason.contains("node-type"), "{reason}");
    // A node that joins is as the workers are.
    assert!(matches!(work(&candidate, &settings, GateName::NodeJoins), Work::Run(_)));
}

#[test]
fn the_upgrade_measures_the_gap_of_each_node() {
    let Work::Run(text) = work(&agent().with_previous(), &Settings::default(), GateName::Upgrade) else { panic!() };
    insta::assert_snapshot!(text);
}

#[test]
fn an_update_that_surges_has_no_gap_to_wait_for() {
    let text =
        AGENT.replace("spec:\n  selector", "spec:\n  updateStrategy: {rollingUpdate: {maxSurge: 1}}\n  selector");
    let candidate = find(&text, "example.org/team/agent").unwrap().with_previous();
    let Work::Run(scenario) = work(&candidate, &Settings::default(), GateName::Upgrade) else { panic!() };
    assert!(!scenario.contains("gap on") && scenario.contains("name: updated"), "{scenario}");
    load(&scenario, &text);
}

#[test]
fn an_init_container_of_the_candidate_is_updated_with_it() {
    let init = "      initContainers:
        - {name: prepare, image: 'example.org/team/agent:1.2'}
        - {name: fetch, image: 'example.org/team/helper:1'}
      containers:";
    let text = AGENT.replace("      containers:", init);
    let candidate = find(&text, "example.org/team/agent:2").unwrap().with_previous();
    let Work::Run(text) = work(&candidate, &Settings::default(), GateName::Upgrade) else {
        panic!("it is not tried");
    };
    let count = |image: &str| text.matches(&format!("\"image\":\"example.org/team/{image}\"")).count();
    assert_eq!((count("agent:rollcall-previous"), count("agent:1.2"), count("helper:1")), (2, 0, 2), "{text}");
}

#[test]
fn what_cannot_be_tried_is_skipped_with_its_reason() {
    let candidate = agent();
    assert!(skipped(&candidate, GateName::Upgrade).contains("`--from`"));
    assert!(skipped(&candidate, GateName::Rollback).contains("`--from`"));
    assert!(skipped(&candidate, GateName::Soak).contains("`--soak`"));
    let without = find(&AGENT.replace("node-role.kubernetes.io/control-plane", "other"), "example.org/team/agent");
    assert!(skipped(&without.unwrap(), GateName::ControlPlane).contains("not meant for the control plane"));
    let by_hand = AGENT.replace("spec:\n  selector", "spec:\n  updateStrategy: {type: OnDelete}\n  selector");
    let by_hand = find(&by_hand, "example.org/team/agent").unwrap().with_previous();
    assert!(skipped(&by_hand, GateName::Upgrade).contains("OnDelete"));
    assert!(skipped(&candidate, GateName::Mounts).contains("read-only"));
    assert!(skipped(&candidate, GateName::MemoryLimit).contains("no memory limit"));
    assert!(skipped(&candidate, GateName::LeastPrivilege).contains("`--trials`"));
    let elsewhere = Settings { pressure: false, ..Settings::default() };
    assert!(matches!(work(&candidate, &elsewhere, GateName::NodePressure), Work::Skipped { .. }));
    let host = find(
        &AGENT.replace("      tolerations", "      hostNetwork: true\n      tolerations"),
        "example.org/team/agent",
    );
    assert!(skipped(&host.unwrap(), GateName::Surge).contains("port 8080"));
    let port = AGENT.replace("containerPort: 8080", "containerPort: 8080, hostPort: 99");
    assert!(skipped(&find(&port, "example.org/team/agent").unwrap(), GateName::Surge).contains("port 99"));
}

#[test]
fn the_repository_of_a_name_is_found_in_every_form_of_it() {
    let cases = [
        ("agent", "docker.io/library/agent"),
        ("agent:1", "docker.io/library/agent"),
        ("team/agent:1@sha256:00", "docker.io/team/agent"),
        ("docker.io/library/agent", "docker.io/library/agent"),
        ("index.docker.io/team/agent", "docker.io/team/agent"),
        ("localhost:5000/agent:2", "localhost:5000/agent"),
        ("localhost/agent", "localhost/agent"),
        ("quay.io/prometheus/node-exporter:v1", "quay.io/prometheus/node-exporter"),
    ];
    for (name, wanted) in cases {
        assert_eq!(repository(name), wanted, "{name}");
    }
}

#[test]
fn the_former_image_has_a_name_of_its_own_in_the_same_repository() {
    assert_eq!(agent().with_previous().previous.unwrap(), "example.org/team/agent:rollcall-previous");
    let other = find(&AGENT.replace("example.org/team/agent:1.2", "localhost:5000/a"), "localhost:5000/a").unwrap();
    assert_eq!(other.with_previous().previous.unwrap(), "localhost:5000/a:rollcall-previous");
}

#[test]
fn a_manifest_that_the_candidate_is_not_in_is_refused_with_what_is_there() {
    let said = |result: Result<Candidate, CandidateError>| {
        let error = result.unwrap_err();
        format!("{error}; {}", error.hint())
    };
    let config_map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
    let two = format!("{AGENT}---\n{}", AGENT.replace("name: agent, namespace", "name: other, namespace"));
    let twice = AGENT.replace("team/helper:1", "team/agent:1");
    let elsewhere = AGENT.replace("kube-system", "monitoring");
    insta::assert_snapshot!(
        [
            said(find(config_map, "agent")),
            said(find(AGENT, "agent")),
            said(find(&two, "example.org/team/agent")),
            said(Candidate::find(vec![manifest(AGENT)], "example.org/team/agent", Some("agnet"))),
            said(find(&twice, "example.org/team/agent")),
            said(find(&elsewhere, "example.org/team/agent")),
        ]
        .join("\n")
    );
    let named = Candidate::find(vec![manifest(&two)], "example.org/team/agent", Some("other")).unwrap();
    assert_eq!(named.daemon_set.name, "other");
    let with_namespace = format!("{elsewhere}---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: monitoring}}\n");
    find(&with_namespace, "example.org/team/agent").unwrap();
}

#[test]
fn an_image_is_blamed_for_what_nodes_could_not_use() {
    let judged = |manifest: &str, facts: &ImageFacts| {
        let candidate = find(manifest, "example.org/team/agent").unwrap();
        let gate = gates(&candidate, facts, &Settings::default()).remove(0);
        let Work::Known { wrong, notes } = gate.work else { panic!() };
        (wrong.join("; "), notes.join("; "))
    };
    let (wrong, notes) = judged(AGENT, &facts());
    assert_eq!(wrong, "");
    assert!(notes.contains("runs as root"), "{notes}");
    let named = ImageFacts { user: "10001:10001".into(), ..facts() };
    assert_eq!(judged(AGENT, &named), (String::new(), String::new()));
    let large = ImageFacts { bytes: 600_000_000, command: Vec::new(), ..named.clone() };
    let (wrong, _) = judged(AGENT, &large);
    assert!(wrong.contains("it is 600.0 MB, and at most 500.0 MB") && wrong.contains("no program to start"), "{wrong}");
    let latest = AGENT.replace("agent:1.2'", "agent'");
    assert!(judged(&latest, &named).1.contains("`latest`"));
    let kept = latest.replace("agent', ports", "agent', imagePullPolicy: IfNotPresent, ports");
    assert!(judged(&kept, &named).0.contains("whatever they once pulled"));
    let non_root = AGENT.replace("agent:1.2', ports", "agent:1.2', securityContext: {runAsNonRoot: true}, ports");
    assert!(judged(&non_root, &facts()).0.contains("no kubelet starts it"));
    let by_name = ImageFacts { user: "nobody".into(), ..facts() };
    assert!(judged(&non_root, &by_name).0.contains("a kubelet wants a number"));
    assert_eq!(judged(&non_root, &named).0, "");
}

#[test]
fn the_level_is_the_strictest_that_allows_everything() {
    let of = |pod: serde_json::Value| Privileges::of(&pod);
    let hardened = serde_json::json!({
        "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
        "volumes": [{"name": "tmp", "emptyDir": {}}],
        "containers": [{"name": "a", "securityContext": {
            "allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]},
        }}],
    });
    assert_eq!(of(hardened.clone()).level(), Level::Restricted, "{:?}", of(hardened.clone()));
    assert_eq!(of(serde_json::json!({"containers": [{"name": "a"}]})).level(), Level::Baseline);
    let host = serde_json::json!({
        "hostNetwork": true,
        "volumes": [{"name": "root", "hostPath": {"path": "/"}}],
        "containers": [{
            "name": "a",
            "ports": [{"containerPort": 1, "hostPort": 1}],
            "volumeMounts": [{"name": "root", "mountPath": "/host", "readOnly": true}],
            "securityContext": {"privileged": true, "capabilities": {"add": ["SYS_ADMIN", "CHOWN"]}},
        }],
    });
    let found = of(host);
    assert_eq!(found.level(), Level::Privileged);
    assert_eq!(
        found.beyond_baseline,
        [
            "hostNetwork: true",
            "volumes[root]: hostPath / (read-only)",
            "containers[a]: privileged",
            "containers[a]: hostPort 1",
            "containers[a]: capability SYS_ADMIN"
        ]
    );
    assert!(found.beyond_restricted.contains(&"containers[a]: capability CHOWN".to_owned()));
    // Each field by itself takes a hardened pod down a level.
    let worse = [
        ("/volumes/0", serde_json::json!({"name": "nfs", "nfs": {}})),
        ("/containers/0/securityContext/allowPrivilegeEscalation", serde_json::json!(true)),
        ("/containers/0/securityContext/capabilities/drop", serde_json::json!([])),
        ("/securityContext/runAsNonRoot", serde_json::json!(false)),
        ("/securityContext/seccompProfile", serde_json::json!({})),
    ];
    for (place, value) in worse {
        let mut pod = hardened.clone();
        *pod.pointer_mut(place).unwrap() = value;
        assert_eq!(of(pod).level(), Level::Baseline, "{place}");
    }
}

#[test]
fn an_image_without_a_manifest_gets_a_small_one() {
    let facts = ImageFacts { ports: vec!["9100/tcp".into(), "53/udp".into()], ..facts() };
    let made = minimal_daemon_set("quay.io/prometheus/node_exporter:v1", &facts);
    assert_eq!(made["metadata"]["name"], "node-exporter");
    let manifest = Manifest::inline(vec![made]).unwrap();
    let found = Candidate::find(vec![manifest], "quay.io/prometheus/node_exporter:v1", None).unwrap();
    assert_eq!(found.container, "node-exporter");
    assert_eq!(found.container_spec()["ports"][1]["protocol"], "UDP");
}

#[test]
fn a_file_says_what_has_to_be_reached_and_everything_that_is_wrong_with_it_at_once() {
    let text = "apiVersion: rollcall.dev/v1
kind: Validation
nodes: 4
readyWithin: 30s
rolloutWithin: 2m
soak: 10m
maxImageMegabytes: 80
podSecurity: baseline
slowerByPercent: 20
nodeLabels: {node-type: worker}
measureFor: 20s
memoryPercent: 80
throttledPercent: 10
trials: true
gates: [comes-up, stops]
";
    let found = Settings::load("rollcall-validate.yaml", text).unwrap();
    let wanted = Settings {
        nodes: 4,
        ready_within: Duration::from_secs(30),
        rollout_within: Duration::from_secs(120),
        soak: Duration::from_secs(600),
        largest_image: 80_000_000,
        level: Level::Baseline,
        slower_by: 20,
        measure_for: Duration::from_secs(20),
        memory_percent: 80,
        throttled_percent: 10,
        node_labels: [("node-type".to_owned(), "worker".to_owned())].into(),
        trials: true,
        pressure: true,
        gates: vec![GateName::ComesUp, GateName::Stops],
    };
    assert_eq!(found, wanted);
    let least = "apiVersion: rollcall.dev/v1\nkind: Validation\n";
    assert_eq!(Settings::load("f", least).unwrap(), Settings::default());
    let wrong = "apiVersion: rollcall.dev/v1\nkind: Scenario\nnodes: 1\nreadyWihtin: 30s\nsoak: 5\ngates: [stosp]\n";
    insta::assert_snapshot!(
        "settings_problems",
        Settings::load("rollcall-validate.yaml", wrong).unwrap_err().render(false)
    );
}

#[test]
fn a_gate_that_there_is_not_is_told_with_those_that_there_are() {
    for gate in GateName::ALL {
        assert_eq!(gate.as_str().parse::<GateName>().unwrap(), gate);
    }
    insta::assert_snapshot!("upgade".parse::<GateName>().unwrap_err());
}

fn scorecard() -> Scorecard {
    let passed = GateResult {
        measures: vec![
            Measure::of_step("ready on worker-1", 1200).unwrap(),
            Measure::of_step("ready on worker-2", 2400).unwrap(),
        ],
        took_ms: 5300,
        ..GateResult::new(GateName::ComesUp, Outcome::Passed)
    };
    let noted =
        GateResult { notes: vec!["it runs as root".into()], ..GateResult::new(GateName::Image, Outcome::Passed) };
    let failed = GateResult {
        reasons: vec!["step 3, stopped on worker-1:\nit was not gone after 5 s".into()],
        took_ms: 8000,
        evidence: Some("target/evidence/stops".into()),
        ..GateResult::new(GateName::Stops, Outcome::Failed)
    };
    let skipped =
        GateResult { reasons: vec!["no time was given".into()], ..GateResult::new(GateName::Soak, Outcome::Skipped) };
    Scorecard {
        image: "agent:2".into(),
        from: Some("agent:1".into()),
        daemon_set: "agent".into(),
        gates: vec![noted, passed, failed, skipped],
        took_ms: 30_000,
    }
}

#[test]
fn a_scorecard_shows_what_failed_and_why() {
    let card = scorecard();
    assert!(!card.passes());
    insta::assert_snapshot!("scorecard_text", card.text(crate::tone::plain));
    insta::assert_snapshot!("scorecard_markdown", card.markdown());
    let read: Scorecard = serde_json::from_str(&serde_json::to_string(&card).unwrap()).unwrap();
    assert_eq!(read, card);
}

#[test]
fn a_page_shows_text_and_runs_nothing_of_it() {
    let mut card = scorecard();
    card.gates[2].reasons.push("<script>alert(1)</script> & \"more\"".into());
    let page = card.html();
    assert!(
        !page.contains("<script") && page.contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;more&quot;"),
        "{page}"
    );
    assert!(!page.contains("http"), "{page}");
    insta::assert_snapshot!("scorecard_html", page);
}

#[test]
fn what_takes_much_longer_than_before_fails_its_gate() {
    let former = scorecard();
    let mut card = scorecard();
    card.compare(&former, 50);
    assert_eq!(card, former);
    card.gates[1].measures[0].value = 9000;
    card.compare(&former, 50);
    assert_eq!(card.gates[1].outcome, Outcome::Failed);
    insta::assert_snapshot!(card.gates[1].reasons.join("; "));
    let mut unknown = scorecard();
    unknown.compare(&Scorecard { gates: Vec::new(), ..scorecard() }, 50);
    assert_eq!((unknown.gates[1].outcome, unknown.gates[1].notes.len()), (Outcome::Passed, 1));
}

#[test]
fn nothing_passed_is_no_pass() {
    let mut card = scorecard();
    card.gates.retain(|gate| gate.outcome == Outcome::Skipped);
    assert!(!card.passes());
    card.gates = vec![GateResult::new(GateName::Image, Outcome::Passed)];
    assert!(card.passes());
    card.gates.push(GateResult::new(GateName::Stops, Outcome::Environment));
    assert!(!card.passes());
}
