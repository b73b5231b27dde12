//! Small readers that note a problem and go on, so that a file's problems are all found at once.
//! Each returns `None` after noting at least one problem; what is a field of what is in the modules below.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::time::Duration;

use super::tree::{Tree, Value};
use super::{DaemonSetRef, names};
use crate::diagnostic::{Problem, Source, Span, nearest};

mod conditions;
mod expand;
mod files;
mod invariants;
mod nodes;
mod patience;
mod root;
mod steps;
mod texts;
mod validation;

pub use conditions::CONDITIONS;
pub use expand::EXPANSIONS;
pub(super) use invariants::DraftInvariant;
pub use invariants::INVARIANTS;
pub(super) use root::{Draft, root};
pub(super) use steps::DraftStep;
pub use steps::VERBS;
pub(super) use validation::validation;

/// The longest duration that makes sense in a test.
const MAX_DURATION: Duration = Duration::from_secs(24 * 60 * 60);

/// A name in a step that must be known at that step. Validation resolves it when everything has been read.
#[derive(Debug)]
pub(super) enum Mention {
    /// A node. A verb needs it to be there; a condition may also speak of one that was removed.
    Node { name: String, span: Span, present: bool },
    /// The verb acts on the container of the node mentioned before it, which a simulated node does not have.
    MustBeReal { verb: &'static str },
    /// A group of simulated nodes.
    Group { name: String, span: Span },
    /// A DaemonSet.
    DaemonSet { reference: DaemonSetRef, span: Span },
    /// A container of a DaemonSet's template.
    Container { daemon_set: DaemonSetRef, container: String, span: Span },
    /// The label of an earlier step.
    Since { step: String, span: Span },
}

/// What has been found while reading.
pub(super) struct Decoder<'a> {
    pub(super) problems: Vec<Problem>,
    mentions: Vec<Mention>,
    files: &'a dyn Fn(&str) -> Result<String, String>,
    /// The files that this one uses, read so far.
    pub(super) used: Vec<Source>,
    /// How many steps there are so far.
    steps: usize,
    /// How deep in files that use files.
    depth: usize,
    /// Whether a node could not be read, so that an unknown one may be that.
    pub(super) nodes_unclear: bool,
    /// Whether a step inside of another could not be read, so that an unknown label may be its.
    pub(super) steps_unclear: bool,
    /// Whether there are too many steps, which is told once.
    full: bool,
    /// Whether a manifest could not be read, so that an unknown DaemonSet may be in that.
    pub(super) manifests_unclear: bool,
}

/// The fields of a mapping whose keys are known to be strings, known and unique.
pub(super) struct Fields<'t> {
    pairs: Vec<(&'t str, Span, &'t Tree)>,
    pub(super) span: Span,
    what: &'static str,
    /// Known keys that an unknown one was probably meant to be; nobody needs to hear that those are absent.
    suspected: Vec<String>,
    /// Whether there was an unknown key, so that what is missing may be that.
    unclear: bool,
}

impl<'t> Fields<'t> {
    fn get(&self, key: &str) -> Option<&'t Tree> {
        self.pairs.iter().find(|(name, _, _)| *name == key).map(|(_, _, value)| *value)
    }

    fn key_span(&self, key: &str) -> Option<Span> {
        self.pairs.iter().find(|(name, _, _)| *name == key).map(|(_, span, _)| *span)
    }
}

impl<'a> Decoder<'a> {
    pub(super) fn new(files: &'a dyn Fn(&str) -> Result<String, String>) -> Self {
        Self {
            problems: Vec::new(),
            mentions: Vec::new(),
            files,
            used: Vec::new(),
            steps: 0,
            depth: 0,
            nodes_unclear: false,
            steps_unclear: false,
            full: false,
            manifests_unclear: false,
        }
    }

    fn problem(&mut self, span: Span, message: impl Into<String>) {
        self.problems.push(Problem::new(message).at(span));
    }

    fn problem_with_hint(&mut self, span: Span, message: impl Into<String>, hint: impl Into<String>) {
        self.problems.push(Problem::new(message).at(span).hint(hint));
    }

    fn wrong_type<T>(&mut self, tree: &Tree, what: impl Display, wanted: &str) -> Option<T> {
        let message = format!("{what} must be {wanted}, found {}", tree.value.describe());
        match (&tree.value, wanted.starts_with("a string")) {
            (Value::Bool(_) | Value::Integer(_) | Value::Float(_), true) => {
                self.problem_with_hint(tree.span, message, "put it in quotes");
            }
            _ => self.problem(tree.span, message),
        }
        None
    }

    /// Reads a mapping: its keys must be strings, each once, each one of `known`.
    /// Unknown keys are noted and left out, so that the rest is still read.
    fn fields<'t>(&mut self, tree: &'t Tree, what: &'static str, known: &[&str]) -> Option<Fields<'t>> {
        let fields = self.mapping(tree, what)?;
        let (good, bad): (Vec<_>, Vec<_>) = fields.pairs.into_iter().partition(|(key, _, _)| known.contains(key));
        let mut suspected = Vec::new();
        let unclear = !bad.is_empty();
        for (key, span, _) in bad {
            self.unknown(span, "key", key, known);
            suspected.extend(nearest(key, known.iter().copied()).map(str::to_owned));
        }
        Some(Fields { pairs: good, suspected, unclear, ..fields })
    }

    /// Reads a mapping with any keys, as long as they are strings and unique.
    fn mapping<'t>(&mut self, tree: &'t Tree, what: &'static str) -> Option<Fields<'t>> {
        let Value::Map(entries) = &tree.value else { return self.wrong_type(tree, what, "a mapping") };
        let mut pairs: Vec<(&str, Span, &Tree)> = Vec::new();
        for (key, value) in entries {
            let Value::String(name) = &key.value else {
                let _: Option<()> = self.wrong_type(key, format!("a key of {what}"), "a string");
                continue;
            };
            match pairs.iter().find(|(earlier, _, _)| earlier == name) {
                Some((_, first, _)) => {
                    let hint = format!("it is at {first} already");
                    self.problem_with_hint(key.span, format!("duplicate key `{name}`"), hint);
                }
                None => pairs.push((name, key.span, value)),
            }
        }
        Some(Fields { pairs, span: tree.span, what, suspected: Vec::new(), unclear: false })
    }

    fn unknown(&mut self, span: Span, what: &str, name: &str, known: &[&str]) {
        let message = format!("unknown {what} `{}`", shorten(name));
        let hint = match nearest(name, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known here: {}", list_of(known)),
        };
        self.problem_with_hint(span, message, hint);
    }

    /// Notes what a mapping is missing, unless an unknown key of it may be just that.
    fn incomplete(&mut self, fields: &Fields<'_>, message: impl Into<String>, hint: Option<&str>) {
        if !fields.unclear {
            let problem = Problem::new(message).at(fields.span);
            self.problems.push(match hint {
                Some(hint) => problem.hint(hint),
                None => problem,
            });
        }
    }

    fn require<'t>(&mut self, fields: &Fields<'t>, key: &str) -> Option<&'t Tree> {
        let found = fields.get(key);
        if found.is_none() && !fields.suspected.iter().any(|suspected| suspected == key) {
            self.problem(fields.span, format!("{} needs `{key}`", fields.what));
        }
        found
    }

    /// A string that is not empty.
    fn string(&mut self, tree: &Tree, what: impl Display) -> Option<String> {
        match &tree.value {
            Value::String(text) if text.trim().is_empty() => {
                self.problem(tree.span, format!("{what} is empty"));
                None
            }
            Value::String(text) => Some(text.clone()),
            _ => self.wrong_type(tree, what, "a string"),
        }
    }

    fn required_string(&mut self, fields: &Fields<'_>, key: &str) -> Option<String> {
        let tree = self.require(fields, key)?;
        self.string(tree, format!("`{key}`"))
    }

    /// A string that keeps one of the name rules.
    fn name(&mut self, tree: &Tree, what: &str, rule: fn(&str) -> Result<(), String>) -> Option<String> {
        let name = self.string(tree, what)?;
        match rule(&name) {
            Ok(()) => Some(name),
            Err(why) => {
                self.problem(tree.span, format!("{what} `{}` {why}", shorten(&name)));
                None
            }
        }
    }

    /// One of some words.
    fn word<T: Copy>(&mut self, tree: &Tree, what: &str, words: &[(&str, T)]) -> Option<T> {
        let text = self.string(tree, format!("`{what}`"))?;
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.unknown(tree.span, what, &text, &known);
        }
        found
    }

    fn boolean(&mut self, tree: &Tree, what: impl Display) -> Option<bool> {
        match tree.value {
            Value::Bool(value) => Some(value),
            _ => self.wrong_type(tree, what, "`true` or `false`"),
        }
    }

    /// An optional boolean field: the default where there is none, `None` where it is wrong.
    fn flag(&mut self, fields: &Fields<'_>, key: &str, default: bool) -> Option<bool> {
        match fields.get(key) {
            Some(tree) => self.boolean(tree, format!("`{key}`")),
            None => Some(default),
        }
    }

    fn number(&mut self, tree: &Tree, what: impl Display, least: i32, most: i32) -> Option<i32> {
        match tree.value {
            Value::Integer(value) if (i128::from(least)..=i128::from(most)).contains(&value) => {
                i32::try_from(value).ok()
            }
            _ if most == i32::MAX => self.wrong_type(tree, what, &format!("a whole number, {least} or more")),
            _ => self.wrong_type(tree, what, &format!("a whole number from {least} to {most}")),
        }
    }

    /// An optional field: `Some(None)` where it is absent, `None` where it is wrong.
    fn optional<T>(
        &mut self,
        fields: &Fields<'_>,
        key: &str,
        read: impl FnOnce(&mut Self, &Tree) -> Option<T>,
    ) -> Option<Option<T>> {
        match fields.get(key) {
            Some(tree) => read(self, tree).map(Some),
            None => Some(None),
        }
    }

    /// A duration such as `1m30s`: not negative, at most a day, and zero only where that has a meaning.
    fn duration(&mut self, tree: &Tree, what: &str, zero: bool) -> Option<Duration> {
        let text = match &tree.value {
            Value::String(text) => text,
            Value::Integer(value) => {
                let message = format!("`{what}` must be a duration, found {}", tree.value.describe());
                self.problem_with_hint(tree.span, message, format!("give it a unit: `{value}s`"));
                return None;
            }
            _ => return self.wrong_type(tree, format!("`{what}`"), "a duration such as `30s`"),
        };
        let message = match humantime::parse_duration(text) {
            Ok(duration) if duration.is_zero() && !zero => format!("`{what}` must be longer than zero"),
            Ok(duration) if duration > MAX_DURATION => format!("`{what}` is longer than a day: `{}`", shorten(text)),
            Ok(duration) => return Some(duration),
            Err(_) => {
                let message = format!("`{what}` is not a duration: `{}`", shorten(text));
                self.problem_with_hint(tree.span, message, "write it as `500ms`, `30s` or `1m30s`");
                return None;
            }
        };
        self.problem(tree.span, message);
        None
    }

    /// A list, of which every item is read even when one is wrong.
    fn list<T>(
        &mut self,
        tree: &Tree,
        what: impl Display,
        mut read: impl FnMut(&mut Self, &Tree) -> Option<T>,
    ) -> Option<Vec<T>> {
        let Value::List(items) = &tree.value else { return self.wrong_type(tree, what, "a list") };
        let read: Vec<Option<T>> = items.iter().map(|item| read(self, item)).collect();
        read.into_iter().collect()
    }

    /// A list with something in it.
    fn full_list<T>(
        &mut self,
        tree: &Tree,
        what: &str,
        read: impl FnMut(&mut Self, &Tree) -> Option<T>,
    ) -> Option<Vec<T>> {
        let list = self.list(tree, format!("`{what}`"), read)?;
        if list.is_empty() {
            self.problem(tree.span, format!("`{what}` is empty"));
            return None;
        }
        Some(list)
    }

    /// Labels: qualified names to label values.
    fn labels(&mut self, tree: &Tree) -> Option<BTreeMap<String, String>> {
        let fields = self.mapping(tree, "`labels`")?;
        let mut labels = BTreeMap::new();
        let mut good = true;
        for (key, span, value) in fields.pairs {
            if let Err(why) = names::qualified_name(key) {
                self.problem(span, format!("label key `{}` {why}", shorten(key)));
                good = false;
            }
            match &value.value {
                Value::String(text) => match names::label_value(text) {
                    Ok(()) => drop(labels.insert(key.to_owned(), text.clone())),
                    Err(why) => {
                        self.problem(value.span, format!("label value `{}` {why}", shorten(text)));
                        good = false;
                    }
                },
                _ => {
                    good = self
                        .wrong_type(value, format!("the value of label `{}`", shorten(key)), "a string")
                        .unwrap_or(false)
                }
            }
        }
        good.then_some(labels)
    }

    /// The `daemonSet` and `namespace` of a mapping, noted as a mention.
    fn daemon_set(&mut self, fields: &Fields<'_>) -> Option<DaemonSetRef> {
        let namespace =
            self.optional(fields, "namespace", |decoder, tree| decoder.name(tree, "namespace", names::dns_label));
        let tree = self.require(fields, "daemonSet")?;
        let name = self.name(tree, "daemonset name", names::dns_subdomain)?;
        let reference = match namespace? {
            Some(namespace) => DaemonSetRef::new(name).in_namespace(namespace),
            None => DaemonSetRef::new(name),
        };
        self.mentions.push(Mention::DaemonSet { reference: reference.clone(), span: tree.span });
        Some(reference)
    }

    /// Notes that the node that was mentioned last must have a container.
    fn must_be_real(&mut self, verb: &'static str) {
        self.mentions.push(Mention::MustBeReal { verb });
    }

    /// The name of a node, noted as a mention.
    fn node(&mut self, tree: &Tree, present: bool) -> Option<String> {
        let name = self.string(tree, "`node`")?;
        self.mentions.push(Mention::Node { name: name.clone(), span: tree.span, present });
        Some(name)
    }
}

/// A text short enough for a message, on one line.
fn shorten(text: &str) -> String {
    let mut short: String = text.chars().take(60).collect::<String>().escape_debug().to_string();
    if text.chars().count() > 60 {
        short.push('…');
    }
    short
}

/// `` `a`, `b` or `c` ``
fn list_of(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}
