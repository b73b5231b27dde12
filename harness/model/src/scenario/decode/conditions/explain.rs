//! The condition `explain`: causes by node.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::condition::{Condition, ExplainCondition};
use crate::explain::Cause;
use crate::scenario::decode::{Decoder, Fields, Mention};
use crate::scenario::tree::{Tree, Value};

/// The keys of the condition; the step has one more.
const KEYS: [&str; 4] = ["daemonSet", "namespace", "findings", "overall"];

impl Decoder<'_> {
    /// The value of the step `explain`: the condition, and its deadline in the same mapping.
    pub(in crate::scenario::decode) fn explain_within(&mut self, tree: &Tree) -> Option<(Condition, Option<Duration>)> {
        let known: Vec<&str> = KEYS.into_iter().chain(["within"]).collect();
        let fields = self.fields(tree, "`explain`", &known)?;
        let within = self.optional(&fields, "within", |decoder, tree| decoder.duration(tree, "within", false));
        Some((self.explained(&fields)?, within?))
    }

    pub(super) fn explain(&mut self, tree: &Tree) -> Option<Condition> {
        let fields = self.fields(tree, "`explain`", &KEYS)?;
        self.explained(&fields)
    }

    fn explained(&mut self, fields: &Fields<'_>) -> Option<Condition> {
        let findings = self.optional(fields, "findings", Self::findings);
        let overall = self.optional(fields, "overall", Self::causes);
        let daemon_set = self.daemon_set(fields)?;
        if fields.unclear {
            return None;
        }
        Some(Condition::Explain(ExplainCondition {
            daemon_set,
            findings: findings?.unwrap_or_default(),
            overall: overall?.unwrap_or_default(),
        }))
    }

    /// Causes by the name of a node.
    fn findings(&mut self, tree: &Tree) -> Option<BTreeMap<String, Vec<Cause>>> {
        let fields = self.mapping(tree, "`findings`")?;
        let mut findings = BTreeMap::new();
        let mut good = true;
        for (node, span, causes) in fields.pairs {
            self.mentions.push(Mention::Node { name: node.to_owned(), span, present: false });
            match self.causes(causes) {
                Some(causes) => drop(findings.insert(node.to_owned(), causes)),
                None => good = false,
            }
        }
        good.then_some(findings)
    }

    /// One cause, or a list of them.
    fn causes(&mut self, tree: &Tree) -> Option<Vec<Cause>> {
        match tree.value {
            Value::List(_) => self.full_list(tree, "causes", Self::cause),
            _ => self.cause(tree).map(|cause| vec![cause]),
        }
    }

    fn cause(&mut self, tree: &Tree) -> Option<Cause> {
        let words: Vec<(&str, Cause)> =
            Cause::ALL.into_iter().chain([Cause::NotKnown]).map(|cause| (cause.code(), cause)).collect();
        self.word(tree, "cause", &words)
    }
}
