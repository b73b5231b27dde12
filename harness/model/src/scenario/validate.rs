//! Whether the names in a scenario mean something: walks the steps and keeps what exists after each.
//! Everything has been read by now; what could not be read is not blamed on the names that need it.

use std::collections::BTreeMap;

use super::decode::{Draft, DraftInvariant, DraftStep, Mention};
use super::{Action, DaemonSetRef, NodeVerb, Role};
use crate::diagnostic::{Problem, Span, nearest};

/// What is unclear because a part of the file could not be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unclear {
    pub(super) nodes: bool,
    pub(super) manifests: bool,
}

/// Finds every problem with the names of a scenario.
pub(super) fn validate(draft: &Draft, unclear: Unclear) -> Vec<Problem> {
    let mut walk = Walk {
        problems: Vec::new(),
        unclear,
        nodes: BTreeMap::new(),
        groups: BTreeMap::new(),
        daemon_sets: BTreeMap::new(),
        labels: Vec::new(),
    };
    walk.cluster(draft);
    walk.images(draft);
    let unclear = draft.steps_span.is_none();
    for step in &draft.steps {
        walk.step(step, unclear);
    }
    for step in &draft.on_failure {
        walk.step(step, unclear);
    }
    for invariant in &draft.invariants {
        walk.invariant(invariant, unclear);
    }
    walk.assertions(draft);
    walk.problems
}

struct Walk {
    problems: Vec<Problem>,
    unclear: Unclear,
    /// Every node there ever was, with its role, and whether it is there now.
    nodes: BTreeMap<String, (Role, bool)>,
    /// The groups of simulated nodes, each with the most nodes that it ever had.
    groups: BTreeMap<String, u32>,
    /// Every DaemonSet that was ever applied, with its containers.
    daemon_sets: BTreeMap<DaemonSetRef, Vec<String>>,
    /// The labels of the steps so far.
    labels: Vec<(String, Span)>,
}

impl Walk {
    fn problem(&mut self, span: Span, message: String) {
        self.problems.push(Problem::new(message).at(span));
    }

    fn cluster(&mut self, draft: &Draft) {
        for (node, span) in &draft.nodes {
            self.add(&node.name, node.role, *span);
        }
        for (group, span) in &draft.simulated {
            if self.groups.insert(group.name.clone(), group.count).is_some() {
                self.problem(*span, format!("there are two groups of simulated nodes `{}`", group.name));
            }
            let clash = draft.nodes.iter().find(|(node, _)| member(&node.name, &group.name).is_some());
            if let Some((node, _)) = clash {
                let message =
                    format!("a node of the group `{}` would have the name of node `{}`", group.name, node.name);
                self.problem(*span, message);
            }
        }
        let Some(span) = draft.nodes_span else { return };
        if !draft.nodes.iter().any(|(node, _)| node.role == Role::ControlPlane) {
            let problem = Problem::new("no node has the role `control-plane`").at(span);
            self.problems.push(problem.hint("add `{name: control-plane, role: control-plane}`"));
        }
    }

    fn add(&mut self, name: &str, role: Role, span: Span) {
        if let Some((_, true)) = self.nodes.get(name) {
            self.problem(span, format!("there are two nodes `{name}`"));
        }
        self.nodes.insert(name.to_owned(), (role, true));
    }

    fn images(&mut self, draft: &Draft) {
        let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
        for (image, span) in &draft.images {
            if let Some(first) = seen.insert(&image.name, *span) {
                let problem = Problem::new(format!("image `{}` is named twice", image.name)).at(*span);
                self.problems.push(problem.hint(format!("it is at {first} already")));
            }
        }
    }

    fn step(&mut self, draft: &DraftStep, labels_unclear: bool) {
        // What a step applies exists for the step's own names too; what it removes is still there for them.
        if let Action::Apply { manifest } = &draft.step.action {
            self.daemon_sets.extend(manifest.daemon_sets());
        }
        self.mentions(&draft.mentions, labels_unclear);
        match &draft.step.action {
            Action::AddNodes { nodes } => {
                for node in nodes {
                    self.add(&node.name, node.role, draft.subject);
                }
            }
            Action::Node { verb: NodeVerb::Remove, node } => self.remove(node, draft.subject),
            Action::ScaleSimulatedNodes { name, count } => {
                if let Some(most) = self.groups.get_mut(name) {
                    *most = (*most).max(*count);
                }
            }
            _ => {}
        }
        for inside in draft.branches.iter().flatten() {
            self.step(inside, labels_unclear);
        }
        if let (Some(name), Some(span)) = (&draft.step.name, draft.name_span) {
            // A step that is repeated has its name again; the last time is the one that is meant.
            if let Some((_, first)) = self.labels.iter().find(|(label, first)| label == name && *first != span) {
                let problem = Problem::new(format!("two steps have the name `{name}`")).at(span);
                self.problems.push(problem.hint(format!("the other is at {first}")));
            }
            self.labels.push((name.clone(), span));
        }
    }

    fn mentions(&mut self, mentions: &[Mention], labels_unclear: bool) {
        let mut last = None;
        for mention in mentions {
            match mention {
                Mention::Node { name, span, present } => {
                    last = Some((name, *span));
                    self.node(name, *span, *present);
                }
                Mention::MustBeReal { verb } => {
                    if let Some((name, span)) = last.filter(|(name, _)| self.is_simulated(name)) {
                        let problem =
                            Problem::new(format!("{verb} needs a real node, and `{name}` is simulated")).at(span);
                        self.problems.push(problem.hint("a simulated node has no container and no kubelet"));
                    }
                }
                Mention::Group { name, span } => self.group(name, *span),
                Mention::DaemonSet { reference, span } => self.daemon_set(reference, *span),
                Mention::Container { daemon_set, container, span } => self.container(daemon_set, container, *span),
                Mention::Since { step, span } => {
                    if !labels_unclear {
                        self.since(step, *span);
                    }
                }
            }
        }
    }

    /// An invariant may speak of everything that there is at some time.
    fn invariant(&mut self, draft: &DraftInvariant, labels_unclear: bool) {
        self.mentions(&draft.mentions, labels_unclear);
        if labels_unclear {
            return;
        }
        for (label, span) in [&draft.from, &draft.until].into_iter().flatten() {
            self.since(label, *span);
        }
        if let (Some((from, _)), Some((until, span))) = (&draft.from, &draft.until) {
            let at = |name: &String| self.labels.iter().position(|(label, _)| label == name);
            if at(from).zip(at(until)).is_some_and(|(from, until)| from >= until) {
                self.problem(*span, format!("step `{until}` does not come after step `{from}`"));
            }
        }
    }

    fn is_simulated(&self, name: &str) -> bool {
        self.groups.iter().any(|(group, most)| member(name, group).is_some_and(|number| number <= *most))
    }

    fn group(&mut self, name: &str, span: Span) {
        if self.groups.contains_key(name) || self.unclear.nodes {
            return;
        }
        let hint = match nearest(name, self.groups.keys().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "groups come from `cluster.nodes`, with `simulated: true`".to_owned(),
        };
        self.problems.push(Problem::new(format!("unknown group of simulated nodes `{name}`")).at(span).hint(hint));
    }

    fn node(&mut self, name: &str, span: Span, present: bool) {
        match self.nodes.get(name) {
            Some((_, false)) if present => self.problem(span, format!("node `{name}` was removed by an earlier step")),
            Some(_) => {}
            None if self.unclear.nodes || self.is_simulated(name) => {}
            None => {
                let problem = Problem::new(format!("unknown node `{name}`")).at(span);
                let known: Vec<&str> = self.nodes.keys().map(String::as_str).collect();
                let hint = match nearest(name, known.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "nodes come from `cluster.nodes` and from `addNodes` in an earlier step".to_owned(),
                };
                self.problems.push(problem.hint(hint));
            }
        }
    }

    fn remove(&mut self, name: &str, span: Span) {
        let others = self.nodes.iter().filter(|(other, _)| *other != name);
        let control_plane_left = others.into_iter().any(|(_, state)| *state == (Role::ControlPlane, true));
        if let Some((role, present)) = self.nodes.get_mut(name) {
            *present = false;
            if *role == Role::ControlPlane && !control_plane_left && !self.unclear.nodes {
                self.problem(span, format!("`{name}` is the last control-plane node, and a cluster needs one"));
            }
        }
    }

    fn daemon_set(&mut self, reference: &DaemonSetRef, span: Span) {
        if self.unclear.manifests || self.daemon_sets.contains_key(reference) {
            return;
        }
        let elsewhere = self.daemon_sets.keys().find(|known| known.name == reference.name);
        let names: Vec<&str> = self.daemon_sets.keys().map(|known| known.name.as_str()).collect();
        let hint = match (elsewhere, nearest(&reference.name, names.iter().copied())) {
            (Some(known), _) => format!("there is one in namespace `{0}`: add `namespace: {0}`", known.namespace),
            (None, Some(near)) => format!("did you mean `{near}`?"),
            (None, None) if names.is_empty() => "no earlier step applies a DaemonSet".to_owned(),
            (None, None) => {
                let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
                format!("earlier steps apply {}", names.join(", "))
            }
        };
        self.problems.push(Problem::new(format!("unknown daemonset `{reference}`")).at(span).hint(hint));
    }

    fn container(&mut self, daemon_set: &DaemonSetRef, container: &str, span: Span) {
        let Some(known) = self.daemon_sets.get(daemon_set) else { return };
        if known.iter().any(|name| name == container) {
            return;
        }
        let hint = match nearest(container, known.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("it has {}", known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")),
        };
        let message = format!("daemonset `{daemon_set}` has no container `{container}`");
        self.problems.push(Problem::new(message).at(span).hint(hint));
    }

    fn since(&mut self, step: &str, span: Span) {
        if self.labels.iter().any(|(label, _)| label == step) {
            return;
        }
        let hint = match nearest(step, self.labels.iter().map(|(label, _)| label.as_str())) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("give that step a name: `name: {step}`"),
        };
        self.problems.push(Problem::new(format!("no earlier step has the name `{step}`")).at(span).hint(hint));
    }

    fn assertions(&mut self, draft: &Draft) {
        let Some(span) = draft.steps_span else { return };
        let asserts = draft.steps.iter().flat_map(DraftStep::flat).any(|step| step.step.action.is_assertion());
        if !asserts {
            let problem = Problem::new("the scenario asserts nothing, so it could not fail").at(span);
            self.problems.push(problem.hint("add an `expect` or a `hold`"));
        }
    }
}

/// The number of a node in a group of simulated nodes, if it is named like one.
fn member(name: &str, group: &str) -> Option<u32> {
    let number = name.strip_prefix(group)?.strip_prefix('-')?;
    number.parse().ok().filter(|parsed: &u32| *parsed > 0 && parsed.to_string() == number)
}
