//! Judges invariants at every change.
//!
//! # Changes of different kinds
//! Each kind has a watch of its own, and they do not wait for each other: the pods that a larger `maxUnavailable` lets
//! go can be seen to go before the DaemonSet is seen to have changed, and those that a smaller one would have kept after
//! it. Resource versions tell which was first, for they are one counter of the store.
//! So a change of pods is judged by the DaemonSet as it was then. Where that is not known yet, because the DaemonSet has
//! not been seen at a later version, the change is a suspect: it is judged again by every version of the DaemonSet that
//! turns out to be from before it, and for good as soon as one from after it is seen, or [`PATIENCE`] has passed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use k8s_openapi::api::apps::v1::DaemonSet;
use k8s_openapi::jiff::{SignedDuration, Timestamp};

use super::faults::{self, Fault};
use super::history::History;
use super::nodes::{Nodes, concerns};
use super::scene::{Scene, Scenes};
use super::{Invariant, Rule, checks};
use crate::condition::{Judgement, Memory, Report};
use crate::scenario::DaemonSetRef;
use crate::world::{Change, Kind, Object, World};

/// How long a suspect waits for a later state of the DaemonSet. Watches on one machine lag by milliseconds.
const PATIENCE: SignedDuration = SignedDuration::from_secs(1);
/// How many suspects are kept at a time. Each holds a world.
const MOST_SUSPECTS: usize = 32;

/// An invariant that did not hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Breach {
    /// The invariant, by its place among those of the scenario.
    pub index: usize,
    /// When it did not hold.
    pub at: Timestamp,
    /// Why.
    pub report: Report,
}

/// Judges invariants at every change of a world.
#[derive(Debug, Default)]
pub struct Monitor {
    watched: Vec<Watched>,
}

/// One invariant and what is known for it.
#[derive(Debug)]
struct Watched {
    invariant: Invariant,
    running: Running,
    /// Whether there was anything to be judged.
    checked: bool,
    /// The DaemonSet of the rule, as it has been seen so far.
    history: History,
    nodes: Nodes,
    /// What counted against the rule after the last change.
    counted: BTreeMap<String, usize>,
    restarts: BTreeMap<String, i64>,
    /// Pods that are the scenario's doing.
    tolerated: BTreeSet<String>,
    suspects: Vec<Suspect>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Running {
    /// Its first step has not ended.
    NotYet,
    /// It is judged; `true` once it must hold, which for conditions may be later.
    Yes(bool),
    /// Its last step has ended, or it was breached.
    Over,
}

/// A change that may have been a breach.
#[derive(Debug)]
struct Suspect {
    at: Timestamp,
    /// The resource version of the change.
    version: Option<u64>,
    world: World,
    nodes: Nodes,
    /// What counted against the rule before it.
    counted: BTreeMap<String, usize>,
    /// What is wrong, by all that is known so far.
    report: Option<Report>,
}

impl Monitor {
    /// Watches over these invariants. Those that name no first step begin at once.
    #[must_use]
    pub fn new(invariants: &[Invariant]) -> Self {
        let watched = invariants.iter().map(|invariant| Watched {
            running: if invariant.from.is_some() { Running::NotYet } else { Running::Yes(false) },
            invariant: invariant.clone(),
            checked: false,
            history: History::default(),
            nodes: Nodes::default(),
            counted: BTreeMap::new(),
            restarts: BTreeMap::new(),
            tolerated: BTreeSet::new(),
            suspects: Vec::new(),
        });
        Self { watched: watched.collect() }
    }

    /// Whether nothing is watched over.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.watched.is_empty()
    }

    /// A step of the scenario begins that disturbs pods on purpose.
    pub fn fault_begins(&mut self, fault: &Fault, now: Timestamp) {
        for watched in self.watched.iter_mut().filter(|watched| watched.is_concerned(fault)) {
            watched.nodes.begin(fault, now);
        }
    }

    /// The step is over, and the watches have seen what it did.
    pub fn fault_ends(&mut self, fault: &Fault) {
        for watched in self.watched.iter_mut().filter(|watched| watched.is_concerned(fault)) {
            watched.nodes.end(fault);
        }
    }

    /// A step with a label has ended: invariants begin and end with it. Returns the breaches that this settles.
    pub fn step_ended(&mut self, label: &str, world: &World, now: Timestamp, memory: &Memory) -> Vec<Breach> {
        let mut breaches = Vec::new();
        let scenes = Scenes::new(world, now);
        for (index, watched) in self.watched.iter_mut().enumerate() {
            if watched.invariant.from.as_deref() == Some(label) && watched.running == Running::NotYet {
                watched.running = Running::Yes(true);
                breaches.extend(watched.judge(index, None, &scenes, memory));
            }
            if watched.invariant.until.as_deref() == Some(label) && watched.running != Running::Over {
                breaches.extend(watched.settle(index));
                breaches.extend(watched.unchecked(index, now));
                watched.running = Running::Over;
            }
        }
        breaches
    }

    /// Judges the world as it is after a change.
    pub fn observe(&mut self, change: &Change, world: &World, now: Timestamp, memory: &Memory) -> Vec<Breach> {
        if !world.synced() {
            return Vec::new();
        }
        // What the components say, and what conditions ask beside, changes no pod; conditions may ask for it.
        let aside = matches!(
            change,
            Change::Set(Object::Event(_))
                | Change::Delete(Object::Event(_))
                | Change::Resync { kind: Kind::Event, .. }
                | Change::Learn { .. }
                | Change::Forget(_)
        );
        let scenes = Scenes::new(world, now);
        let judged = self.watched.iter_mut().enumerate();
        let judged = judged.filter(|(_, watched)| !aside || watched.daemon_set().is_none());
        judged.filter_map(|(index, watched)| watched.judge(index, Some(change), &scenes, memory)).collect()
    }

    /// The run is over: what is still suspected is a breach, and so is an invariant that never had anything to judge.
    pub fn finish(&mut self, now: Timestamp) -> Vec<Breach> {
        let mut breaches = Vec::new();
        for (index, watched) in self.watched.iter_mut().enumerate() {
            breaches.extend(watched.settle(index));
            breaches.extend(watched.unchecked(index, now));
            watched.running = Running::Over;
        }
        breaches
    }

    /// When a suspect becomes a breach though nothing changes.
    #[must_use]
    pub fn next_check(&self) -> Option<Timestamp> {
        let suspects = self.watched.iter().filter_map(Watched::first_suspect);
        suspects.filter_map(|suspect| suspect.at.checked_add(PATIENCE).ok()).min()
    }

    /// Settles the suspects whose time is over.
    pub fn time_passed(&mut self, now: Timestamp) -> Vec<Breach> {
        let due = self.watched.iter_mut().enumerate().filter(|(_, watched)| {
            let at = watched.first_suspect().and_then(|suspect| suspect.at.checked_add(PATIENCE).ok());
            at.is_some_and(|at| at <= now)
        });
        due.filter_map(|(index, watched)| watched.settle(index)).collect()
    }
}

impl Watched {
    fn daemon_set(&self) -> Option<&DaemonSetRef> {
        match &self.invariant.rule {
            Rule::OnePodPerNode { daemon_set }
            | Rule::MaxUnavailable { daemon_set, .. }
            | Rule::MaxSurge { daemon_set, .. }
            | Rule::NeverOn { daemon_set, .. }
            | Rule::NoRestarts { daemon_set }
            | Rule::AtMostTwoRevisions { daemon_set }
            | Rule::Available { daemon_set, .. } => Some(daemon_set),
            Rule::Always(_) => None,
        }
    }

    fn is_concerned(&self, fault: &Fault) -> bool {
        self.daemon_set().is_some_and(|daemon_set| concerns(fault, daemon_set))
    }

    /// Judges the world, and what was suspected before by what is known now.
    fn judge(&mut self, index: usize, change: Option<&Change>, scenes: &Scenes<'_>, memory: &Memory) -> Option<Breach> {
        let &Scenes { world, now, .. } = scenes;
        if self.running == Running::Over {
            return None;
        }
        let Some(reference) = self.daemon_set().cloned() else {
            // A condition is judged as the world is seen.
            let report = self.look_at_condition(world, now, memory)?;
            return Some(self.breach(index, now, report));
        };
        if matches!(change, Some(Change::Resync { kind: Kind::DaemonSet, .. })) {
            self.history.gap();
        }
        if self.history.see(world.daemon_set(&reference)) {
            self.nodes.begin_anew();
            self.counted.clear();
        }
        if let Some(breach) = self.reconsider(index, change, world) {
            return Some(breach);
        }
        let version = change.and_then(faults::version);
        let then = self.history.at(version);
        let daemon_set = then.daemon_set?;
        let counted = self.counted.clone();
        let report = self.look(&scenes.of(&daemon_set), change);
        if let Some(newer) = then.newer {
            // What was allowed then is no breach of what the DaemonSet says since.
            self.counted = self.count(&scenes.of(&newer), &self.nodes).counted;
            return report.map(|report| self.breach(index, now, report));
        }
        let by_itself = change.is_some_and(|change| kind_of(change) == Some(Kind::DaemonSet));
        let counts = self.running != Running::NotYet && !by_itself && checks::is_more(&self.counted, &counted);
        if report.is_some() || counts {
            self.suspect(Suspect {
                at: now,
                version,
                world: world.clone(),
                nodes: self.nodes.clone(),
                counted,
                report,
            });
        }
        None
    }

    /// Keeps a change in mind. When there are too many those that look right are not kept.
    fn suspect(&mut self, suspect: Suspect) {
        let over = |at: Timestamp| suspect.at.duration_since(at) > PATIENCE;
        self.suspects.retain(|known| known.report.is_some() || !over(known.at));
        let is_old = self.suspects.last().is_some_and(|last| last.report.is_some() && last.report == suspect.report);
        let has_room = self.suspects.len() < MOST_SUSPECTS;
        if !is_old && (has_room || (suspect.report.is_some() && self.first_suspect().is_none())) {
            self.suspects.push(suspect);
        }
    }

    /// The first change that is wrong by all that is known.
    fn first_suspect(&self) -> Option<&Suspect> {
        self.suspects.iter().find(|suspect| suspect.report.is_some())
    }

    /// What is wrong with a condition, if it must hold.
    fn look_at_condition(&mut self, world: &World, now: Timestamp, memory: &Memory) -> Option<Report> {
        let Rule::Always(condition) = &self.invariant.rule else { return None };
        if self.running == Running::NotYet || condition.unanswered(world).is_some() {
            return None;
        }
        let judgement = condition.judge(world, now, memory);
        self.checked |= judgement.is_done() || self.running == Running::Yes(true);
        match (judgement, self.running) {
            (Judgement::Done, _) => {
                self.running = Running::Yes(true);
                None
            }
            (Judgement::NotYet(report) | Judgement::Never(report), Running::Yes(true)) => Some(report),
            _ => None,
        }
    }

    /// What is wrong with the world, if this invariant is in force.
    fn look(&mut self, scene: &Scene<'_>, change: Option<&Change>) -> Option<Report> {
        if scene.daemon_set.metadata.deletion_timestamp.is_some() {
            return None;
        }
        // The nodes are followed before the stretch begins too, so that it begins with what is so.
        self.nodes.observe(scene);
        let (wrong, something) = match &self.invariant.rule {
            Rule::OnePodPerNode { .. } | Rule::MaxUnavailable { .. } | Rule::MaxSurge { .. } => {
                let finding = self.count(scene, &self.nodes);
                // At its beginning nothing is excused by how it was before.
                let before = if change.is_some() { &self.counted } else { &BTreeMap::new() };
                let counted = finding.counted.clone();
                let news = finding.news(before);
                self.counted = counted;
                // A DaemonSet that changes makes no pod come or go.
                let by_itself = change.is_some_and(|change| kind_of(change) == Some(Kind::DaemonSet));
                (news.filter(|_| !by_itself), checks::has_pods(scene))
            }
            Rule::NeverOn { nodes, .. } => {
                let some = scene.world.nodes.iter().any(|(name, node)| nodes.has(name, Some(node)));
                (checks::never_on(scene, nodes, &mut self.tolerated), some)
            }
            Rule::NoRestarts { .. } => {
                let wrong = checks::no_restarts(scene, &self.nodes, &mut self.restarts);
                (wrong, checks::has_pods(scene))
            }
            Rule::AtMostTwoRevisions { .. } => {
                let wrong = checks::at_most_two_revisions(scene, &self.nodes, &mut self.tolerated);
                (wrong, checks::has_pods(scene))
            }
            Rule::Available { least, .. } => {
                let wrong = checks::available(&self.nodes, *least);
                if wrong.is_none() && self.running != Running::NotYet {
                    self.running = Running::Yes(true);
                }
                // It must hold once it has held, or once its first step has ended.
                let must = self.running == Running::Yes(true);
                (wrong.filter(|_| must), must)
            }
            Rule::Always(_) => return None,
        };
        if self.running == Running::NotYet {
            return None;
        }
        self.checked |= something;
        wrong
    }

    /// What counts against a rule that counts.
    fn count(&self, scene: &Scene<'_>, nodes: &Nodes) -> checks::Finding {
        match &self.invariant.rule {
            Rule::OnePodPerNode { .. } => checks::one_pod_per_node(scene),
            Rule::MaxUnavailable { budget, .. } => checks::max_unavailable(scene, nodes, *budget),
            Rule::MaxSurge { budget, .. } => checks::max_surge_kept(scene, *budget),
            _ => checks::Finding::default(),
        }
    }

    /// Judges suspects by what has just been seen of the DaemonSet.
    fn reconsider(&mut self, index: usize, change: Option<&Change>, world: &World) -> Option<Breach> {
        if self.suspects.is_empty() || !self.is_of_daemon_set(change?) {
            return None;
        }
        let seen = change.and_then(faults::version);
        let daemon_set = world.daemon_set(self.daemon_set()?).cloned();
        for suspect in std::mem::take(&mut self.suspects) {
            if seen.zip(suspect.version).is_some_and(|(seen, suspected)| seen > suspected) {
                match suspect.report {
                    Some(report) => return Some(self.breach(index, suspect.at, report)),
                    None => continue,
                }
            }
            // The DaemonSet was like this before the suspect, or nobody can tell. One that is being deleted is right
            // whatever its pods do.
            if let Some(daemon_set) = daemon_set.as_ref().filter(|it| it.metadata.deletion_timestamp.is_none()) {
                let report = self.suspected_still(&suspect, daemon_set);
                self.suspects.push(Suspect { report, ..suspect });
            }
        }
        None
    }

    /// Whether a change is of the DaemonSet of the rule, as far as can be told.
    fn is_of_daemon_set(&self, change: &Change) -> bool {
        match change {
            Change::Set(Object::DaemonSet(seen)) | Change::Delete(Object::DaemonSet(seen)) => {
                self.daemon_set().is_some_and(|reference| {
                    seen.metadata.name.as_ref() == Some(&reference.name)
                        && seen.metadata.namespace.as_ref() == Some(&reference.namespace)
                })
            }
            Change::Resync { kind: Kind::DaemonSet, .. } => true,
            _ => false,
        }
    }

    fn suspected_still(&self, suspect: &Suspect, daemon_set: &Arc<DaemonSet>) -> Option<Report> {
        match &self.invariant.rule {
            Rule::OnePodPerNode { .. } | Rule::MaxUnavailable { .. } | Rule::MaxSurge { .. } => {
                let scene = Scene::new(&suspect.world, suspect.at, daemon_set.clone());
                let finding = self.count(&scene, &suspect.nodes);
                finding.news(&suspect.counted)
            }
            _ => suspect.report.clone(),
        }
    }

    fn breach(&mut self, index: usize, at: Timestamp, report: Report) -> Breach {
        self.running = Running::Over;
        self.suspects.clear();
        Breach { index, at, report }
    }

    /// What is wrong by all that is known is a breach.
    fn settle(&mut self, index: usize) -> Option<Breach> {
        let wrong = self.suspects.iter_mut().find_map(|suspect| Some((suspect.at, suspect.report.take()?)));
        let (at, report) = wrong?;
        Some(self.breach(index, at, report))
    }

    /// Nothing to judge is not success.
    fn unchecked(&self, index: usize, now: Timestamp) -> Option<Breach> {
        if self.checked || self.running == Running::Over {
            return None;
        }
        let why = match (&self.invariant.rule, self.running) {
            (_, Running::NotYet) => "the step from which it holds never ended".to_owned(),
            (Rule::Always(_) | Rule::Available { .. }, _) => "it was never true".to_owned(),
            (_, _) => match self.daemon_set() {
                Some(daemon_set) if !self.history.has_seen_one() => format!("there was no daemonset `{daemon_set}`"),
                Some(_) if matches!(self.invariant.rule, Rule::NeverOn { .. }) => "there were no such nodes".to_owned(),
                Some(daemon_set) => format!("there were no pods of daemonset `{daemon_set}`"),
                None => "there was nothing to judge".to_owned(),
            },
        };
        Some(Breach { index, at: now, report: Report::new(why) })
    }
}

/// The kind of what a change is about.
fn kind_of(change: &Change) -> Option<Kind> {
    match change {
        Change::Set(object) | Change::Delete(object) => Some(object.kind()),
        Change::Resync { kind, .. } => Some(*kind),
        _ => None,
    }
}
