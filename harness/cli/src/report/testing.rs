//! Runs that never were, for the tests of what is printed.

use rollcall::{
    Failure,
    model::{
        Event, NodeReport, Report, Role, Stamped, Timestamp, Verdict,
        event::{Cleanup, FORMAT, RollCallPod, RollCallRow, StepOutcome},
        explain::{Cause, Certainty, Diagnosis, Evidence, Finding, NodeDiagnosis, NodeState},
    },
};

use super::{
    PlainReporter, Progress,
    recorder::{ScenarioRecorder, not_reached},
    suite::{ScenarioReport, SuiteReport},
};

/// Text as it is where there are no colours.
pub(crate) fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

/// What is printed of a run.
pub(super) fn report(events: &[Stamped], failure: Option<&Failure>) -> String {
    let mut reporter = PlainReporter::new(Vec::new(), Progress::none());
    events.iter().for_each(|event| reporter.event(event));
    reporter.finish(failure);
    plain(&String::from_utf8(reporter.into_inner()).expect("it is text"))
}

const APPLY: &str = "apply `../../manifests/01-log-collector-daemonset.yaml`";
const EXPECT: &str = "expect daemonset `log-collector` converged";
const HOLD: &str = "hold for 3s: daemonset `log-collector` converged";

fn run(events: Vec<Event>) -> Vec<Stamped> {
    let started = Event::RunStarted {
        format: FORMAT,
        scenario: "log-collector-follows-the-nodes".into(),
        file: "scenarios/membership/follows.yaml".into(),
        invariants: Vec::new(),
        steps: [APPLY, EXPECT, HOLD].map(String::from).to_vec(),
    };
    let all = std::iter::once(started).chain(events);
    all.map(|event| Stamped { at: Timestamp::UNIX_EPOCH, elapsed_ms: 0, event }).collect()
}

fn started() -> Vec<Event> {
    let nodes = ["control-plane", "worker-1", "worker-2"].map(String::from).to_vec();
    let image = |name: &str, skipped: bool| Event::ImagePushed {
        name: name.into(),
        from: "local image `rollcall/agent:1`".into(),
        bytes: if skipped { 0 } else { 12_345_678 },
        skipped,
    };
    vec![
        Event::ClusterStarting { nodes: nodes.clone(), simulated: 0 },
        image("docker.io/library/fluentd:latest", false),
        image("docker.io/rollcall/agent:1", true),
        Event::ClusterStarted { nodes, simulated: 0, took_ms: 4_840 },
    ]
}

fn step(index: usize, name: Option<&str>, summary: &str, outcome: StepOutcome, took_ms: u64) -> Vec<Event> {
    vec![
        Event::StepStarted { index, name: name.map(String::from), summary: summary.into(), depth: 0 },
        Event::StepProgress { index, report: Report { summary: "not yet".into(), nodes: Vec::new() } },
        Event::StepFinished { index, outcome, took_ms },
    ]
}

fn roll_call(last_pod_is_ready: bool) -> Event {
    let pod = |name: &str, revision, ready| RollCallPod { name: name.into(), revision, ready };
    let row = |node: &str, role, ready, pods| RollCallRow { node: node.into(), role, ready, pods };
    Event::RollCall {
        rows: vec![
            row("control-plane", Role::ControlPlane, true, Vec::new()),
            row("worker-1", Role::Worker, true, vec![pod("log-collector-4jx7p", Some(2), true)]),
            row(
                "worker-2",
                Role::Worker,
                last_pod_is_ready,
                vec![pod("log-collector-9h2vd", Some(1), last_pod_is_ready), pod("log-collector-zz8kq", None, true)],
            ),
        ],
    }
}

fn finished(verdict: Verdict, cleanup: Cleanup) -> Event {
    Event::RunFinished { verdict, took_ms: 12_345, cleanup }
}

pub(super) fn held() -> Vec<Stamped> {
    let mut events = started();
    events.extend(step(0, None, APPLY, StepOutcome::Held, 87));
    events.extend(step(1, Some("before"), EXPECT, StepOutcome::Held, 1_950));
    events.extend(step(2, None, HOLD, StepOutcome::Held, 3_000));
    events.push(roll_call(true));
    events.push(finished(Verdict::Held, Cleanup::Done));
    run(events)
}

/// What is found where an image is not there, on one of three nodes.
fn no_image() -> Diagnosis {
    let finding = Finding {
        cause: Cause::ImageNotFound,
        object: "pod default/log-collector-9h2vd".into(),
        what: "the registry has no image `fluentd:v2`".into(),
        evidence: vec![Evidence {
            source: "status.containerStatuses[fluentd].state.waiting".into(),
            says: "ErrImagePull: not found".into(),
        }],
        remedy: "push the image, or correct its name".into(),
        command: None,
        certainty: Certainty::Proven,
    };
    let node = |node: &str, state, findings| NodeDiagnosis { node: node.into(), state, pod: None, findings };
    Diagnosis {
        daemon_set: "default/log-collector".into(),
        in_order: false,
        findings: Vec::new(),
        nodes: vec![node("worker-1", NodeState::Ok, Vec::new()), node("worker-2", NodeState::Unhealthy, vec![finding])],
        not_looked_at: Vec::new(),
    }
}

pub(super) fn did_not_hold() -> Vec<Stamped> {
    let node = |node: &str, what: &str| NodeReport { node: node.into(), what: what.into() };
    let outcome = StepOutcome::Failed {
        message: "daemonset `log-collector` did not converge: 1 of 2 eligible nodes has no ready pod after 20.0s"
            .into(),
        report: Some(Report {
            summary: "1 of 2 eligible nodes has no ready pod".into(),
            nodes: vec![
                node("worker-2", "pod `log-collector-9h2vd` waiting for 18s, `ErrImagePull`"),
                node("worker-1", "one ready pod"),
                node("worker-3", "one ready pod"),
            ],
        }),
    };
    let mut events = started();
    events.extend(step(0, None, APPLY, StepOutcome::Held, 87));
    events.extend(step(1, None, EXPECT, outcome, 20_000));
    events.push(Event::Diagnosed { index: 1, diagnosis: no_image() });
    events.push(roll_call(false));
    events.push(Event::EvidenceCollected { path: "rollcall-evidence/follows-19700101T000000Z".into() });
    events.push(finished(Verdict::DidNotHold, Cleanup::Kept));
    run(events)
}

pub(super) fn environment() -> Vec<Stamped> {
    let message = "cluster `x` has no node `worker-9`\n  (hint: did you mean `worker-1`?)".to_owned();
    let mut events = started();
    events.extend(step(0, None, "stop node `worker-9`", StepOutcome::Environment { message }, 3));
    events.push(finished(Verdict::Environment, Cleanup::Done));
    run(events)
}

pub(super) fn interrupted() -> Vec<Stamped> {
    let mut events = started();
    events.extend(step(0, None, APPLY, StepOutcome::Held, 87));
    events.extend(step(1, None, EXPECT, StepOutcome::Environment { message: "interrupted".into() }, 640));
    events.push(finished(Verdict::Environment, Cleanup::Done));
    run(events)
}

pub(super) fn not_started(cleanup: Cleanup) -> Vec<Stamped> {
    let nodes = ["control-plane".to_owned()].to_vec();
    run(vec![Event::ClusterStarting { nodes, simulated: 0 }, finished(Verdict::Environment, cleanup)])
}

/// What is reported of a run that did not begin, or of these events.
fn scenario(name: &str, events: &[Stamped], verdict: &Verdict, failure: Option<&Failure>) -> ScenarioReport {
    let steps = [(None, APPLY), (Some("settled"), EXPECT), (None, HOLD)];
    let planned = steps.iter().enumerate().map(|(index, (name, summary))| not_reached(index, *name, (*summary).into()));
    let mut recorder = ScenarioRecorder::of(name, "scenarios/membership/follows.yaml", planned.collect());
    events.iter().for_each(|event| recorder.event(event));
    recorder.finish(verdict, failure)
}

/// The report of a run in which everything happens that can.
pub(super) fn suite() -> SuiteReport {
    let failure = Failure { message: "no container engine answers".into(), hint: Some("start Docker".into()) };
    let left = Cleanup::Failed { message: "could not remove container `rollcall-x-worker-1`".into() };
    let skipped = Verdict::Skipped { reason: "interrupted before it began".into() };
    let scenarios = vec![
        scenario("holds", &held(), &Verdict::Held, None),
        scenario("does-not-hold", &did_not_hold(), &Verdict::DidNotHold, None),
        scenario("has-no-such-node", &environment(), &Verdict::Environment, None),
        scenario("has-no-cluster", &not_started(left), &Verdict::Environment, Some(&failure)),
        scenario("was-not-run", &[], &skipped, None),
    ];
    SuiteReport::new(Timestamp::UNIX_EPOCH, 65_432, scenarios)
}
