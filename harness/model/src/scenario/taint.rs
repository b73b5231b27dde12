//! A taint as kubectl writes it: `key=value:Effect`.
//! Syntax only; what a taint does to a DaemonSet is the oracle's.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::names;

/// What a taint does to pods that do not tolerate it (`core/v1 Taint.effect`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TaintEffect {
    /// No new pod is put there.
    NoSchedule,
    /// Other nodes are preferred. Nothing in a DaemonSet's placement heeds it.
    PreferNoSchedule,
    /// No new pod is put there, and running ones are evicted.
    NoExecute,
}

impl TaintEffect {
    /// Every effect.
    pub const ALL: [Self; 3] = [Self::NoSchedule, Self::PreferNoSchedule, Self::NoExecute];

    /// The word in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoSchedule => "NoSchedule",
            Self::PreferNoSchedule => "PreferNoSchedule",
            Self::NoExecute => "NoExecute",
        }
    }
}

impl fmt::Display for TaintEffect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A taint of a node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Taint {
    /// A qualified name.
    pub key: String,
    /// A label value, empty when there is none.
    pub value: String,
    /// The effect.
    pub effect: TaintEffect,
}

/// `key=value:Effect`, or `key:Effect` when there is no value.
impl fmt::Display for Taint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.value.is_empty() {
            write!(f, "{}:{}", self.key, self.effect)
        } else {
            write!(f, "{}={}:{}", self.key, self.value, self.effect)
        }
    }
}

/// Why a text is not a taint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TaintSyntax {
    /// The reason, without the text itself.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
}

impl TaintSyntax {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }
}

/// Splits `key[=value][:Effect]`.
fn split(text: &str) -> Result<(&str, &str, Option<TaintEffect>), TaintSyntax> {
    let (rest, effect) = match text.rsplit_once(':') {
        Some((rest, word)) => (rest, Some(effect(word)?)),
        None => (text, None),
    };
    let (key, value) = rest.split_once('=').unwrap_or((rest, ""));
    names::qualified_name(key).map_err(|why| TaintSyntax::new(format!("taint key `{key}` {why}")))?;
    names::label_value(value).map_err(|why| TaintSyntax::new(format!("taint value `{value}` {why}")))?;
    Ok((key, value, effect))
}

fn effect(word: &str) -> Result<TaintEffect, TaintSyntax> {
    if let Some(effect) = TaintEffect::ALL.into_iter().find(|effect| effect.as_str() == word) {
        return Ok(effect);
    }
    let words = TaintEffect::ALL.map(TaintEffect::as_str);
    let hint = match crate::diagnostic::nearest(word, words) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "an effect is `NoSchedule`, `PreferNoSchedule` or `NoExecute`".to_owned(),
    };
    Err(TaintSyntax { message: format!("unknown taint effect `{word}`"), hint: Some(hint) })
}

/// Reads `key=value:Effect` or `key:Effect`, by the rules of kubectl's `parseTaint`
/// (`pkg/util/taints/taints.go`): the key is a qualified name, the value a label value.
impl FromStr for Taint {
    type Err = TaintSyntax;

    fn from_str(text: &str) -> Result<Self, TaintSyntax> {
        match split(text)? {
            (key, value, Some(effect)) => Ok(Self { key: key.to_owned(), value: value.to_owned(), effect }),
            (_, _, None) => Err(TaintSyntax {
                message: format!("taint `{text}` has no effect"),
                hint: Some("write it as `key=value:Effect`, for instance `maintenance=true:NoExecute`".to_owned()),
            }),
        }
    }
}

/// Reads what an untaint step removes: `key:Effect` or `key`.
///
/// # Errors
/// Says what is wrong with the text, among it a value, which kubectl's `key:Effect-` does not take either.
pub fn parse_untaint(text: &str) -> Result<(String, Option<TaintEffect>), TaintSyntax> {
    let (key, value, effect) = split(text)?;
    if text.contains('=') {
        let hint = match effect {
            Some(effect) => format!("write `{key}:{effect}`"),
            None => format!("write `{key}`"),
        };
        return Err(TaintSyntax {
            message: format!("a taint is removed by key and effect, without its value `{value}`"),
            hint: Some(hint),
        });
    }
    Ok((key.to_owned(), effect))
}
