//! YAML with the place of every value: all a decoder needs to name each problem's line and column.
//! It knows YAML and nothing of scenarios.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::Spanned;
use serde_yaml::options::{DuplicateKeyPolicy, NonFiniteFloatPolicy};

use crate::diagnostic::{Problem, Span};

/// The largest file that is read. Scenarios are written by hand; this is a hundred times a long one.
pub(super) const MAX_BYTES: usize = 1024 * 1024;

/// A value and its place.
#[derive(Debug, Clone)]
pub(super) struct Tree {
    pub(super) value: Value,
    pub(super) span: Span,
}

/// A YAML value. Keys keep their order, and repeated and non-scalar ones are kept for the decoder to refuse.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Integer(i128),
    Float(f64),
    String(String),
    List(Vec<Tree>),
    Map(Vec<(Tree, Tree)>),
}

impl Value {
    /// What the value is, with its article.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Null => "nothing".to_owned(),
            Self::Bool(value) => format!("the boolean `{value}`"),
            Self::Integer(value) => format!("the number `{value}`"),
            Self::Float(value) => format!("the number `{value}`"),
            Self::String(value) if value.chars().count() <= 40 => format!("the string `{}`", value.escape_debug()),
            Self::String(_) => "a string".to_owned(),
            Self::List(_) => "a list".to_owned(),
            Self::Map(_) => "a mapping".to_owned(),
        }
    }
}

impl Tree {
    /// The same tree as one of another file.
    pub(super) fn in_file(mut self, file: usize) -> Self {
        self.span.file = file;
        self.value = match self.value {
            Value::List(items) => Value::List(items.into_iter().map(|item| item.in_file(file)).collect()),
            Value::Map(pairs) => {
                let pairs = pairs.into_iter().map(|(key, value)| (key.in_file(file), value.in_file(file)));
                Value::Map(pairs.collect())
            }
            scalar => scalar,
        };
        self
    }

    /// The value of a key of a mapping.
    pub(super) fn get(&self, wanted: &str) -> Option<&Self> {
        let Value::Map(pairs) = &self.value else { return None };
        pairs.iter().find(|(key, _)| matches!(&key.value, Value::String(key) if key == wanted)).map(|(_, value)| value)
    }

    /// The value as JSON has it. Keys that are no strings have been refused by then, and are left out.
    pub(super) fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match &self.value {
            Value::Null => Json::Null,
            Value::Bool(value) => Json::Bool(*value),
            Value::Integer(value) => i64::try_from(*value).map_or_else(|_| Json::String(value.to_string()), Json::from),
            Value::Float(value) => serde_json::Number::from_f64(*value).map_or(Json::Null, Json::Number),
            Value::String(value) => Json::String(value.clone()),
            Value::List(items) => Json::Array(items.iter().map(Self::to_json).collect()),
            Value::Map(pairs) => {
                let pairs = pairs.iter().filter_map(|(key, value)| match &key.value {
                    Value::String(key) => Some((key.clone(), value.to_json())),
                    _ => None,
                });
                Json::Object(pairs.collect())
            }
        }
    }
}

/// Reads one document.
pub(super) fn parse(source: &str) -> Result<Tree, Problem> {
    if source.len() > MAX_BYTES {
        return Err(Problem::new(format!("the file is larger than {} KiB", MAX_BYTES / 1024))
            .hint("split the scenario, or check that this is one"));
    }
    let options = serde_yaml::options! {
        // The decoder reports repeated keys itself, all of them and with the other problems.
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        reject_unsupported_tags: true,
        with_snippet: false,
        // A scenario has a few hundred values. These stop alias bombs long before memory is short.
        budget: serde_yaml::budget! {
            max_depth: 64,
            max_nodes: 100_000,
            max_aliases: 1_000,
        },
        alias_limits: serde_yaml::alias_limits! {
            max_total_replayed_events: 100_000,
            max_replay_stack_depth: 16,
        },
    };
    let parsed: Result<Spanned<Raw>, _> = serde_yaml::from_str_with_options(source, options);
    parsed.map(Tree::from).map_err(|error| syntax_problem(&error))
}

fn syntax_problem(error: &serde_yaml::Error) -> Problem {
    let location = error.location().map(to_span);
    let text = error.to_string();
    // The position is shown beside the line already.
    let message = match (text.rfind(" at line "), location) {
        (Some(end), Some(_)) => text[..end].to_owned(),
        _ => text,
    };
    let hint = if message.starts_with("tabs ") {
        Some("indent with spaces")
    } else if message.starts_with("multiple YAML documents") {
        Some("a file is one scenario: remove the `---`, or make two files")
    } else {
        None
    };
    let message = match message.starts_with("multiple YAML documents") {
        true => "the file has more than one document".to_owned(),
        false => message,
    };
    Problem { message, location, hint: hint.map(str::to_owned) }
}

fn to_span(location: serde_yaml::Location) -> Span {
    let number = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
    Span {
        file: 0,
        line: number(location.line()).max(1),
        column: number(location.column()).max(1),
        len: number(location.span().len()),
    }
}

/// A tree as the deserializer makes it, before the places are turned into [`Span`]s.
enum Raw {
    Scalar(Value),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<Raw>, Spanned<Raw>)>),
}

impl From<Spanned<Raw>> for Tree {
    fn from(raw: Spanned<Raw>) -> Self {
        let mut span = to_span(raw.referenced);
        let value = match raw.value {
            Raw::Scalar(value) => value,
            Raw::List(items) => Value::List(items.into_iter().map(Tree::from).collect()),
            Raw::Map(pairs) => {
                let pairs: Vec<(Tree, Tree)> =
                    pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
                // A block mapping has no bracket to point at; its first key stands for it.
                if let (0, Some((key, _))) = (span.len, pairs.first()) {
                    span = key.span;
                }
                Value::Map(pairs)
            }
        };
        Self { value, span }
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Scalar(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Scalar(Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        deserializer.deserialize_any(Self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Scalar(Value::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Scalar(Value::Integer(value.into())))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Scalar(Value::Integer(value.into())))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Raw, E> {
        Ok(Raw::Scalar(Value::Integer(value)))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Raw, E> {
        Ok(Raw::Scalar(Value::Integer(i128::try_from(value).unwrap_or(i128::MAX))))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw::Scalar(Value::Float(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Scalar(Value::String(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut pairs = Vec::new();
        while let Some(key) = access.next_key()? {
            pairs.push((key, access.next_value()?));
        }
        Ok(Raw::Map(pairs))
    }
}
