//! `cel`: an expression of the Common Expression Language over what is watched, for what no other condition asks.
//!
//! Variables are `nodes`, `pods`, `daemonSets`, `revisions` and `events`: each a list of objects as the API has them.

use std::fmt;
use std::sync::Arc;

use cel::{Context, ExecutionError, Program, Value};
use imbl::OrdMap;
use serde::Serialize;

use super::{Judgement, Report};
use crate::diagnostic::nearest;
use crate::world::World;

/// What an expression may name.
const VARIABLES: [&str; 5] = ["daemonSets", "events", "nodes", "pods", "revisions"];
/// The longest expression. Whoever needs a longer one needs a test in a programming language.
const MAX_LENGTH: usize = 4096;
/// Both compiling and judging go as deep as the expression, whatever stack the caller is on.
const STACK: usize = 32 * 1024 * 1024;

/// A compiled expression.
#[derive(Debug, Clone)]
pub struct Expression {
    text: String,
    /// What it is in words, where somebody said it.
    says: Option<String>,
    program: Arc<Program>,
}

/// The words for it, or the expression as it was written.
impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.says {
            Some(words) => f.write_str(words),
            None => write!(f, "`{}`", self.text),
        }
    }
}

/// Why a text is no expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompileError {
    /// What is wrong.
    pub message: String,
    /// Line and column inside of the text, from 1.
    pub at: Option<(usize, usize)>,
    /// How many characters of it are meant; all to the end where it is not known.
    pub length: Option<usize>,
    /// What to change.
    pub hint: Option<String>,
}

impl Expression {
    /// Compiles an expression.
    ///
    /// # Errors
    /// Where and why it is none.
    pub fn compile(text: &str) -> Result<Self, CompileError> {
        let error = |message: String| CompileError { message, at: None, length: None, hint: None };
        if text.len() > MAX_LENGTH {
            return Err(error(format!("the expression is longer than {MAX_LENGTH} bytes")));
        }
        // The parser has panicked on text that is no expression before (cel-rust#306); that must not end a lint.
        let compiled = stacker::grow(STACK, || std::panic::catch_unwind(|| Program::compile(text)));
        let program = match compiled {
            Ok(Ok(program)) => program,
            Ok(Err(errors)) => {
                let first = errors.errors.first();
                let at = first
                    .and_then(|first| Some((usize::try_from(first.pos.0).ok()?, usize::try_from(first.pos.1).ok()?)));
                let why = first.map_or("no reason is known", |first| first.msg.lines().next().unwrap_or_default());
                let why = why.trim_start_matches("Syntax error: ");
                return Err(CompileError { at, ..error(format!("not a CEL expression: {why}")) });
            }
            Err(_) => return Err(error("not a CEL expression".to_owned())),
        };
        let unknown = {
            let references = program.references();
            let names = references.variables();
            // Names that macros such as `all` bind are listed by the parser too when they are only used inside.
            names.into_iter().find(|name| !VARIABLES.contains(name) && !name.starts_with('@')).map(str::to_owned)
        };
        if let Some(name) = unknown.filter(|name| !binds(text, name)) {
            let hint = match nearest(&name, VARIABLES) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known here: `{}`", VARIABLES.join("`, `")),
            };
            let (at, length) = (place_of(text, &name), Some(name.chars().count()));
            return Err(CompileError { message: format!("unknown variable `{name}`"), at, length, hint: Some(hint) });
        }
        Ok(Self { text: text.to_owned(), says: None, program: Arc::new(program) })
    }

    /// The same with words for people, in which it is told from then on.
    #[must_use]
    pub fn that_says(self, words: String) -> Self {
        Self { says: Some(words), ..self }
    }

    fn evaluate(&self, world: &World) -> Result<Value, String> {
        let mut context = Context::default();
        let references = self.program.references();
        for name in VARIABLES.into_iter().filter(|name| references.has_variable(name)) {
            let value = match name {
                "nodes" => list(&world.nodes),
                "pods" => list(&world.pods),
                "daemonSets" => list(&world.daemon_sets),
                "revisions" => list(&world.revisions),
                _ => list(&world.events),
            }?;
            context.add_variable_from_value(name, value);
        }
        self.program.execute(&context).map_err(|error| explain(&error))
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.says == other.says
    }
}

/// Whether a macro of the expression binds the name: `pods.all(NAME, …)`.
fn binds(text: &str, name: &str) -> bool {
    text.split('(')
        .skip(1)
        .any(|rest| rest.trim_start().strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with(',')))
}

/// Line and column at which a name stands by itself, and not as a field of something.
fn place_of(text: &str, name: &str) -> Option<(usize, usize)> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let (byte, _) = text.match_indices(name).find(|(at, found)| {
        let (before, after) = (&text[..*at], &text[at + found.len()..]);
        !before.ends_with(|c| is_part(c) || c == '.') && !after.starts_with(is_part)
    })?;
    let before = &text[..byte];
    let line = before.rsplit('\n').next().unwrap_or_default();
    Some((before.matches('\n').count() + 1, line.chars().count() + 1))
}

/// Judges the expression. An error is not false: it says nothing, so it ends the wait.
pub(super) fn judge(world: &World, expression: &Expression) -> Judgement {
    match stacker::grow(STACK, || expression.evaluate(world)) {
        Ok(Value::Bool(true)) => Judgement::Done,
        // What is false stands before it wherever this is told.
        Ok(Value::Bool(false)) => Judgement::not_yet("it is false"),
        Ok(other) => {
            let summary =
                format!("`{}` is {}, and must be true or false", expression.text, short(&format!("{other:?}")));
            Judgement::Never(Report::new(summary))
        }
        Err(why) => Judgement::Never(Report::new(format!("`{}` cannot be judged: {why}", expression.text))),
    }
}

fn list<K: Ord, T: Serialize>(objects: &OrdMap<K, Arc<T>>) -> Result<Value, String> {
    let objects: Vec<&T> = objects.values().map(AsRef::as_ref).collect();
    cel::to_value(objects).map_err(|error| error.to_string())
}

/// The error with the value that it was met with.
fn explain(error: &ExecutionError) -> String {
    let text = short(&error.to_string());
    match error {
        ExecutionError::NoSuchKey(_) => format!("{text} (`has(…)` asks whether there is one)"),
        _ => text,
    }
}

fn short(text: &str) -> String {
    if text.chars().count() <= 200 {
        text.to_owned()
    } else {
        format!("{}…", text.chars().take(200).collect::<String>())
    }
}
