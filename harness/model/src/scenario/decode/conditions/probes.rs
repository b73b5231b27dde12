//! Conditions that ask for more than the objects that are always watched: logs, events, other objects, expressions.

use crate::condition::{Condition, EventsCondition, Expression, LogsCondition, ObjectCondition};
use crate::diagnostic::{Problem, Span};
use crate::scenario::decode::Decoder;
use crate::scenario::names;
use crate::scenario::tree::{Tree, Value};

impl Decoder<'_> {
    pub(super) fn logs(&mut self, tree: &Tree) -> Option<Condition> {
        let known = ["daemonSet", "namespace", "node", "nodes", "nodeSelector", "container", "line", "anyPod"];
        let fields = self.fields(tree, "`logs`", &known)?;
        let container = self.container(&fields);
        let any_pod = self.flag(&fields, "anyPod", false);
        let pods = self.pod_selection(&fields);
        let line = self.require(&fields, "line").and_then(|tree| self.text(tree, "line"));
        Some(Condition::Logs(LogsCondition { pods: pods?, container: container?, line: line?, any_pod: any_pod? }))
    }

    pub(super) fn events(&mut self, tree: &Tree) -> Option<Condition> {
        let known = ["daemonSet", "namespace", "node", "kind", "name", "reason", "type", "message", "count"];
        let fields = self.fields(tree, "`events`", &known)?;
        if let (None, Some(span)) = (fields.get("daemonSet"), fields.key_span("namespace")) {
            self.problem(span, "`namespace` goes with `daemonSet`");
            return None;
        }
        if known[..8].iter().all(|key| fields.get(key).is_none()) {
            let hint = Some("for instance `reason: FailedCreate`");
            self.incomplete(&fields, "`events` says nothing about the events", hint);
            return None;
        }
        let daemon_set = match fields.get("daemonSet") {
            Some(_) => self.daemon_set(&fields).map(Some),
            None => Some(None),
        };
        let node = self.optional(&fields, "node", |decoder, tree| decoder.node(tree, false));
        let [kind, name, reason] = ["kind", "name", "reason"]
            .map(|key| self.optional(&fields, key, |decoder, tree| decoder.string(tree, format!("`{key}`"))));
        let type_ = self.optional(&fields, "type", |decoder, tree| {
            decoder.word(tree, "type", &[("Normal", "Normal"), ("Warning", "Warning")])
        });
        let message = self.optional(&fields, "message", |decoder, tree| decoder.text(tree, "message"));
        let count = self.optional(&fields, "count", |decoder, tree| decoder.number(tree, "`count`", 1, i32::MAX));
        Some(Condition::Events(EventsCondition {
            daemon_set: daemon_set?,
            node: node?,
            kind: kind?,
            name: name?,
            reason: reason?,
            type_: type_?.map(str::to_owned),
            message: message?,
            count: count?.and_then(|count| u32::try_from(count).ok()).unwrap_or(1),
        }))
    }

    pub(super) fn object(&mut self, tree: &Tree) -> Option<Condition> {
        let known = ["apiVersion", "kind", "namespace", "name", "labels", "match", "count"];
        let fields = self.fields(tree, "`object`", &known)?;
        let (api_version, kind) = (self.required_string(&fields, "apiVersion"), self.required_string(&fields, "kind"));
        let namespace =
            self.optional(&fields, "namespace", |decoder, tree| decoder.name(tree, "namespace", names::dns_label));
        let name = self.optional(&fields, "name", |decoder, tree| decoder.string(tree, "`name`"));
        let labels = self.optional(&fields, "labels", Self::labels);
        let matching = self.optional(&fields, "match", |decoder, tree| match tree.value {
            Value::Map(_) => Some(tree.to_json()),
            _ => decoder.wrong_type(tree, "`match`", "a mapping"),
        });
        let count = self.optional(&fields, "count", |decoder, tree| decoder.number(tree, "`count`", 0, i32::MAX));
        let (name, namespace) = (name?, namespace?);
        // An object that is named is one object, so its namespace is the one that everything else has too.
        let namespace = namespace.or_else(|| name.is_some().then(|| "default".to_owned()));
        Some(Condition::Object(ObjectCondition {
            api_version: api_version?,
            kind: kind?,
            namespace,
            name,
            labels: labels?.unwrap_or_default(),
            matching: matching?,
            count: count?.and_then(|count| u32::try_from(count).ok()),
        }))
    }

    pub(super) fn cel(&mut self, tree: &Tree) -> Option<Condition> {
        let Value::Map(_) = tree.value else { return self.expression(tree).map(Condition::Cel) };
        let fields = self.fields(tree, "`cel`", &["expression", "says"])?;
        let says = self.required_string(&fields, "says");
        let tree = self.require(&fields, "expression")?;
        Some(Condition::Cel(self.expression(tree)?.that_says(says?)))
    }

    fn expression(&mut self, tree: &Tree) -> Option<Expression> {
        let text = self.string(tree, "`cel`")?;
        match Expression::compile(&text) {
            Ok(expression) => Some(expression),
            Err(error) => {
                let location = match error.at {
                    Some((1, column)) if !text.contains('\n') => {
                        inside(tree.span, text.chars().count(), column, error.length)
                    }
                    _ => tree.span,
                };
                let problem = Problem { message: error.message, location: Some(location), hint: error.hint };
                self.problems.push(problem);
                None
            }
        }
    }
}

/// The place of a column of a text that stands on one line, quoted or not.
fn inside(span: Span, all: usize, column: usize, length: Option<usize>) -> Span {
    let quote = span.len.saturating_sub(all) / 2;
    let offset = quote + column.saturating_sub(1).min(all);
    let rest = span.len.saturating_sub(offset + quote).max(1);
    Span { column: span.column + offset, len: length.map_or(rest, |length| length.min(rest)), ..span }
}
