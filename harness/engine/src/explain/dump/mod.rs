//! Saved objects and logs in the place of a cluster, so that what was wrong can be explained afterwards and elsewhere.
//!
//! What is not in a dump is said, and never taken for what is not there.

mod files;
mod moment;
mod parse;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use k8s_openapi::{
    api::policy::v1::PodDisruptionBudget, apimachinery::pkg::apis::meta::v1::ObjectMeta, jiff::Timestamp,
};
use rollcall_model::{
    Change, DaemonSetRef, Kind, Object, Stamped, World,
    condition::MOST_LOGS,
    explain::{Answer, Diagnoses, Diagnosis, Extras, Question, WantedLog, explain, wanted_logs},
};

use self::{
    files::Form,
    parse::{Fault, Found},
};
use super::{collect, not_there};
use crate::error::{Error, Result};

/// Objects and logs that were saved.
#[derive(Debug)]
pub struct Dump {
    path: PathBuf,
    world: World,
    budgets: Vec<PodDisruptionBudget>,
    /// What evidence of a run says that it lacks: a file, and why.
    missing: BTreeMap<String, String>,
    /// When it was made: the newest moment that anything in it was stamped with.
    pub moment: Timestamp,
}

impl Dump {
    /// Reads every `.json`, `.yaml` and `.yml` file below a folder, or the one file that is named.
    ///
    /// A file may hold an object, a list, or several documents. Kinds that are not needed are skipped unread, Secrets
    /// among them. Logs are read when something is explained.
    ///
    /// # Errors
    /// When it is not there, a file cannot be read or is broken, it has no node or no DaemonSet, or the objects are
    /// those of two clusters.
    pub fn read(path: &Path) -> Result<Self> {
        let files = files::of_objects(path)?;
        let mut gathered = Gathered::default();
        for file in &files {
            gathered.add(file, read(file)?)?;
        }
        let budgets = gathered.budgets.values().cloned().collect();
        let world = gathered.world();
        let missing = lacks_of_evidence(path);
        for (kind, is_lacking) in [
            (Kind::Node, world.nodes.is_empty()),
            (Kind::DaemonSet, world.daemon_sets.is_empty()),
            // A cluster may have none.
            (Kind::Pod, false),
        ] {
            let said = missing.get(&format!("objects, {}", kind.plural()));
            if is_lacking || said.is_some() {
                return Err(lacks(path, kind.plural(), &said.map(|why| format!(": {why}")).unwrap_or_default()));
            }
        }
        let stamped = moment::newest(&world).into_iter().chain(end_of_recording(path));
        let moment = stamped.max().or_else(|| newest_file(&files)).unwrap_or_default();
        Ok(Self { path: path.to_owned(), world, budgets, missing, moment })
    }

    /// Why DaemonSets are as they were, on every node.
    ///
    /// # Errors
    /// [`Error::NoneSelected`] where there is none, and a usage error where there is none of the name that was asked
    /// for, or where its pods are not in the dump.
    pub fn explain(&self, question: &Question) -> Result<Answer> {
        let found = question.of(&self.world);
        if found.is_empty() {
            let all: Vec<ObjectMeta> =
                self.world.daemon_sets.values().map(|daemon_set| daemon_set.metadata.clone()).collect();
            return Err(not_there::error(question, Some(&all)));
        }
        let mut items = found.iter().filter_map(|reference| self.one(reference).transpose());
        match question {
            Question::One(_) => {
                let one = items.next().unwrap_or_else(|| Err(not_there::error(question, None)));
                one.map(Answer::One)
            }
            Question::Those(_) => Ok(Answer::Several(Diagnoses { items: items.collect::<Result<_>>()? })),
        }
    }

    fn one(&self, reference: &DaemonSetRef) -> Result<Option<Diagnosis>> {
        let Some(daemon_set) = self.world.daemon_set(reference) else { return Ok(None) };
        let status = daemon_set.status.clone().unwrap_or_default();
        let counted = status.current_number_scheduled + status.number_misscheduled;
        if counted > 0 && self.world.pods_of(daemon_set).is_empty() {
            let why = format!(" of daemonset `{}/{}`, which counts {counted}", reference.namespace, reference.name);
            return Err(lacks(&self.path, Kind::Pod.plural(), &why));
        }
        let mut extras =
            Extras { budgets: self.budgets.clone(), not_looked_at: self.lacks_of(reference), ..Extras::default() };
        if self.world.revisions_of(daemon_set).is_empty() {
            let text = "revisions, by which old pods are told: the dump has none of this daemonset";
            extras.not_looked_at.push(text.to_owned());
        }
        self.logs(wanted_logs(&self.world, daemon_set, MOST_LOGS), &mut extras)?;
        Ok(explain(&self.world, &extras, reference, self.moment))
    }

    /// What the dump does not have of the whole.
    fn lacks_of(&self, reference: &DaemonSetRef) -> Vec<String> {
        let mut lacks = Vec::new();
        if self.world.pods.keys().all(|(namespace, _)| *namespace == reference.namespace) {
            let text = "pods of other namespaces, which may hold ports and resources: the dump has none";
            lacks.push(text.to_owned());
        }
        if !self.world.events.keys().any(|(namespace, _)| *namespace == reference.namespace) {
            lacks.push(format!("events of namespace `{}`: the dump has none", reference.namespace));
        }
        lacks
    }

    /// The logs that a diagnosis would look at, those that are there.
    fn logs(&self, wanted: Vec<WantedLog>, extras: &mut Extras) -> Result<()> {
        let (bytes, lines) =
            (collect::MOST_BYTES.unsigned_abs(), usize::try_from(collect::LINES).unwrap_or(usize::MAX));
        let mut lacking = BTreeMap::new();
        for log in wanted {
            let places = files::of_log(&log);
            let mut text = None;
            for place in places.iter().flatten() {
                let path = self.path.join(place);
                text = files::end_of(&path, bytes, lines).map_err(|error| Error::file("read", &path, error))?;
                if text.is_some() {
                    break;
                }
            }
            let said = places.iter().flatten().find_map(|place| self.missing.get(place));
            match text {
                Some(text) => drop(extras.logs.insert(log, text)),
                None => {
                    let why = said.map_or("the dump does not have it", String::as_str);
                    *lacking.entry(why.to_owned()).or_insert(0) += 1;
                }
            }
        }
        extras.not_looked_at.extend(collect::lacking_logs(lacking));
        Ok(())
    }
}

/// That a dump has no objects of a kind.
fn lacks(path: &Path, kinds: &str, why: &str) -> Error {
    Error::usage_hint(
        format!("the dump `{}` has no {kinds}{why}", path.display()),
        "save what a diagnosis rests on: \
         `kubectl get nodes,pods,daemonsets,controllerrevisions,events,poddisruptionbudgets -A -o json > objects.json`",
    )
}

/// The objects of a file.
fn read(file: &Path) -> Result<Found> {
    let bytes = fs::read(file).map_err(|error| Error::file("read", file, error))?;
    let text = String::from_utf8(bytes)
        .map_err(|_| Error::file("read", file, io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8")))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let is_json = match files::form(file) {
        Some(form) => form == Form::Json,
        None => text.trim_start().starts_with(['{', '[']),
    };
    let parsed = if is_json && text.trim().is_empty() {
        Ok(Found::default())
    } else if is_json {
        parse::json(text)
    } else {
        parse::yaml(text)
    };
    parsed.map_err(|Fault { line, column, message }| {
        Error::usage_hint(
            format!("`{}:{line}:{column}` is broken: {message}", file.display()),
            "save it again, or take the file out of the dump",
        )
    })
}

/// The objects so far, each with the file that it is from.
#[derive(Debug, Default)]
struct Gathered {
    objects: BTreeMap<(Kind, String, String), (Object, PathBuf)>,
    budgets: BTreeMap<(Option<String>, Option<String>), PodDisruptionBudget>,
}

impl Gathered {
    /// Takes in the objects of a file. Of one that is there twice the later state is kept.
    fn add(&mut self, file: &Path, found: Found) -> Result<()> {
        for budget in found.budgets {
            let key = (budget.metadata.namespace.clone(), budget.metadata.name.clone());
            let known = self.budgets.get(&key).map(|known| version(&known.metadata));
            if known <= Some(version(&budget.metadata)) {
                self.budgets.insert(key, budget);
            }
        }
        for object in found.objects {
            let metadata = metadata(&object);
            let name = |name: &Option<String>| name.clone().unwrap_or_default();
            let key = (object.kind(), name(&metadata.namespace), name(&metadata.name));
            if let Some((known, from)) = self.objects.get(&key) {
                let known = self::metadata(known);
                // An event that came again may be a new object under its old name.
                if known.uid != metadata.uid && key.0 != Kind::Event {
                    return Err(Error::usage_hint(
                        format!(
                            "the dump has two objects `{}` of {}, in `{}` and `{}`, with different UIDs",
                            key.2,
                            key.0.plural(),
                            from.display(),
                            file.display()
                        ),
                        "two clusters or two moments are mixed in it: name the folder of one",
                    ));
                }
                if version(known) > version(metadata) {
                    continue;
                }
            }
            self.objects.insert(key, (object, file.to_owned()));
        }
        Ok(())
    }

    fn world(self) -> World {
        let mut of_kinds: BTreeMap<Kind, Vec<Object>> = BTreeMap::new();
        for ((kind, ..), (object, _)) in self.objects {
            of_kinds.entry(kind).or_default().push(object);
        }
        let mut world = World::new();
        for (kind, objects) in of_kinds {
            world.apply(Change::Resync { kind, objects });
        }
        world
    }
}

fn metadata(object: &Object) -> &ObjectMeta {
    match object {
        Object::Node(object) => &object.metadata,
        Object::Pod(object) => &object.metadata,
        Object::DaemonSet(object) => &object.metadata,
        Object::Revision(object) => &object.metadata,
        Object::Event(object) => &object.metadata,
    }
}

/// Those of one API server can be compared
/// (<https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions>); without one it is the oldest.
fn version(metadata: &ObjectMeta) -> u128 {
    metadata.resource_version.as_deref().and_then(|version| version.parse().ok()).unwrap_or(0)
}

/// What the evidence of a run says that it lacks (`run/evidence/folder.rs`); nothing in other dumps.
fn lacks_of_evidence(path: &Path) -> BTreeMap<String, String> {
    let text = fs::read_to_string(path.join("missing.txt")).unwrap_or_default();
    let lines = text.lines().filter_map(|line| line.split_once(": "));
    lines.map(|(name, why)| (name.to_owned(), why.to_owned())).collect()
}

/// When the last thing happened that the evidence of a run recorded.
fn end_of_recording(path: &Path) -> Option<Timestamp> {
    let end = files::end_of(&path.join("recording.jsonl"), 1 << 20, 1).ok()??;
    serde_json::from_str::<Stamped>(end.trim()).ok().map(|stamped| stamped.at)
}

/// For want of any stamp.
fn newest_file(files: &[PathBuf]) -> Option<Timestamp> {
    let times = files.iter().filter_map(|file| fs::metadata(file).ok()?.modified().ok());
    times.max().and_then(|time| Timestamp::try_from(time).ok())
}
