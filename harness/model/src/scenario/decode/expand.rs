//! Steps that stand for other steps: `forEach`, `repeat` and `use`. They are replaced by those before anything is read,
//! so that a plan has nothing left to choose and every problem keeps its place.

use std::collections::BTreeMap;

use super::steps::{self, DraftStep};
use super::{Decoder, Fields, shorten};
use crate::diagnostic::{Source, nearest};
use crate::scenario::tree::{self, Tree, Value};
use crate::scenario::{API_VERSION, STEPS_KIND, names};

/// Every step that stands for others.
pub const EXPANSIONS: [&str; 3] = ["forEach", "repeat", "use"];
/// The most runs of one `forEach` or `repeat`.
const MAX_RUNS: usize = 1_000;
/// The most steps of a scenario when everything has been replaced.
const MAX_STEPS: usize = 10_000;
/// How deep files may use each other. A file that uses itself is found by this.
const MAX_DEPTH: usize = 16;

/// Values by name.
type Values = BTreeMap<String, Value>;

impl Decoder<'_> {
    /// The steps of a list. One that could not be read is `None`.
    pub(super) fn step_list(&mut self, items: &[Tree]) -> Vec<Option<DraftStep>> {
        let mut steps = Vec::new();
        for item in items {
            match expandable(item) {
                Some((key, value)) => match self.expand(key, item, value) {
                    Some(inside) => steps.extend(inside),
                    None => steps.push(None),
                },
                None => {
                    self.steps += 1;
                    steps.push(steps::step(self, item));
                }
            }
        }
        steps
    }

    fn expand(&mut self, key: &str, item: &Tree, tree: &Tree) -> Option<Vec<Option<DraftStep>>> {
        if let Some((extra, _)) = pairs(item).iter().find(|(name, _)| !is_key(name, key)) {
            let name = if let Value::String(name) = &extra.value { shorten(name) } else { String::new() };
            self.problem(extra.span, format!("`{key}` takes no `{name}` beside it"));
            return None;
        }
        match key {
            "forEach" => self.for_each(tree),
            "repeat" => self.repeat(tree),
            _ => self.use_file(tree),
        }
    }

    /// Reads the steps once for each set of values.
    fn runs(&mut self, items: &[Tree], runs: &[Values]) -> Option<Vec<Option<DraftStep>>> {
        let mut steps = Vec::new();
        for values in runs {
            let known = self.problems.len();
            let filled = items.iter().map(|item| self.filled_in(item, values, !stands_for_others(item)));
            let items: Vec<Tree> = filled.collect();
            if self.problems.len() > known {
                return None;
            }
            steps.extend(self.step_list(&items));
            if self.steps > MAX_STEPS {
                if !std::mem::replace(&mut self.full, true) {
                    let span = items.first().map(|item| item.span)?;
                    let hint = "what is repeated inside of what is repeated is multiplied";
                    self.problem_with_hint(span, format!("the scenario has more than {MAX_STEPS} steps"), hint);
                }
                return None;
            }
            // What is wrong is wrong in every run; the first says so.
            if self.problems.len() > known {
                break;
            }
        }
        Some(steps)
    }

    fn for_each(&mut self, tree: &Tree) -> Option<Vec<Option<DraftStep>>> {
        let fields = self.fields(tree, "`forEach`", &["values", "cases", "steps"])?;
        let runs = match (fields.get("values"), fields.get("cases")) {
            (Some(values), None) => self.matrix(values),
            (None, Some(cases)) => self.full_list(cases, "cases", |decoder, tree| decoder.value_map(tree, "a case")),
            _ => {
                self.incomplete(&fields, "`forEach` needs either `values` or `cases`", None);
                None
            }
        };
        let items = self.inner(&fields)?;
        let runs = runs?;
        if runs.len() > MAX_RUNS {
            let span = fields.key_span("cases").unwrap_or(tree.span);
            self.problem(span, format!("`forEach` has {} runs, and at most {MAX_RUNS} are allowed", runs.len()));
            return None;
        }
        self.runs(items, &runs)
    }

    /// Every combination of the values, the last name changing fastest.
    fn matrix(&mut self, tree: &Tree) -> Option<Vec<Values>> {
        let fields = self.mapping(tree, "`values`")?;
        if fields.pairs.is_empty() {
            self.problem(tree.span, "`values` is empty");
            return None;
        }
        let mut lists = Vec::new();
        for (name, span, list) in &fields.pairs {
            self.value_name(name, *span)?;
            let values = self.full_list(list, name, |decoder, tree| decoder.scalar(tree))?;
            lists.push((*name, values));
        }
        let number = lists.iter().fold(1_usize, |number, (_, values)| number.saturating_mul(values.len()));
        if number > MAX_RUNS {
            self.problem_with_hint(
                tree.span,
                format!("`forEach` has {number} runs, and at most {MAX_RUNS} are allowed"),
                "each name multiplies the runs by the number of its values",
            );
            return None;
        }
        let mut runs = vec![Values::new()];
        for (name, values) in lists {
            let with = |run: &Values, value: &Value| {
                let mut run = run.clone();
                run.insert(name.to_owned(), value.clone());
                run
            };
            runs = runs.iter().flat_map(|run| values.iter().map(move |value| with(run, value))).collect();
        }
        Some(runs)
    }

    fn repeat(&mut self, tree: &Tree) -> Option<Vec<Option<DraftStep>>> {
        let fields = self.fields(tree, "`repeat`", &["times", "steps"])?;
        let most = i32::try_from(MAX_RUNS).unwrap_or(i32::MAX);
        let times = self.require(&fields, "times").and_then(|tree| self.number(tree, "`times`", 1, most));
        let items = self.inner(&fields)?;
        let round = |round: i32| Values::from([("round".to_owned(), Value::Integer(round.into()))]);
        let runs: Vec<Values> = (1..=times?).map(round).collect();
        self.runs(items, &runs)
    }

    fn use_file(&mut self, tree: &Tree) -> Option<Vec<Option<DraftStep>>> {
        let fields = self.fields(tree, "`use`", &["file", "with"])?;
        let with = match fields.get("with") {
            Some(tree) => self.value_map(tree, "`with`"),
            None => Some(Values::new()),
        };
        let path = self.required_string(&fields, "file")?;
        let span = fields.get("file").map_or(tree.span, |tree| tree.span);
        if self.depth >= MAX_DEPTH {
            self.problem(span, format!("files use each other more than {MAX_DEPTH} deep: does one use itself?"));
            return None;
        }
        let text = match self.read(span, &path) {
            Ok(text) => text,
            Err(why) => {
                let message = format!("cannot read `{}`: {why}", shorten(&path));
                self.problem_with_hint(span, message, "the path is relative to the folder of the file that names it");
                return None;
            }
        };
        let file = self.path_from(span, &path);
        let parsed = tree::parse(text.strip_prefix('\u{feff}').unwrap_or(&text));
        self.used.push(Source { file, text });
        let number = self.used.len();
        let used = match parsed {
            Ok(used) => used.in_file(number),
            Err(mut problem) => {
                problem.location = problem.location.map(|mut place| {
                    place.file = number;
                    place
                });
                self.problems.push(problem);
                return None;
            }
        };
        let used_fields = self.fields(&used, "a file of steps", &["apiVersion", "kind", "parameters", "steps"])?;
        super::root::constant(self, &used_fields, "apiVersion", API_VERSION);
        super::root::constant(self, &used_fields, "kind", STEPS_KIND);
        let values = self.parameters(&used_fields, &fields, with?, tree)?;
        let items = self.inner(&used_fields)?;
        self.depth += 1;
        let steps = self.runs(items, &[values]);
        self.depth -= 1;
        steps
    }

    /// The values of the parameters of a used file: given ones, or their defaults.
    fn parameters(&mut self, used: &Fields<'_>, using: &Fields<'_>, given: Values, at: &Tree) -> Option<Values> {
        let mut values = Values::new();
        let declared = match used.get("parameters") {
            Some(tree) => self.mapping(tree, "`parameters`")?.pairs,
            None => Vec::new(),
        };
        let mut good = true;
        let names: Vec<&str> = declared.iter().map(|(name, _, _)| *name).collect();
        let strange: Vec<&String> = given.keys().filter(|name| !names.contains(&name.as_str())).collect();
        for (name, span, default) in &declared {
            good &= self.value_name(name, *span).is_some();
            match (given.get(*name), &default.value) {
                (Some(value), _) => drop(values.insert((*name).to_owned(), value.clone())),
                (None, Value::Null) if strange.iter().any(|given| nearest(given, [*name]).is_some()) => good = false,
                (None, Value::Null) => {
                    let span = using.key_span("with").unwrap_or(at.span);
                    self.problem(span, format!("`with` needs `{name}`, for which the file has no default"));
                    good = false;
                }
                (None, _) => drop(values.insert((*name).to_owned(), self.scalar(default)?)),
            }
        }
        let keys = using.get("with").map(pairs).unwrap_or_default();
        for name in strange {
            let key = keys.iter().find(|(key, _)| is_key(key, name));
            let span = key.map_or(at.span, |(key, _)| key.span);
            self.unknown(span, "parameter", name, &names);
            good = false;
        }
        good.then_some(values)
    }

    fn inner<'t>(&mut self, fields: &Fields<'t>) -> Option<&'t [Tree]> {
        let tree = self.require(fields, "steps")?;
        match &tree.value {
            Value::List(items) if items.is_empty() => {
                self.problem(tree.span, "`steps` is empty");
                None
            }
            Value::List(items) => Some(items),
            _ => self.wrong_type(tree, "`steps`", "a list"),
        }
    }

    fn value_map(&mut self, tree: &Tree, what: &'static str) -> Option<Values> {
        let fields = self.mapping(tree, what)?;
        let mut values = Values::new();
        for (name, span, value) in &fields.pairs {
            self.value_name(name, *span)?;
            values.insert((*name).to_owned(), self.scalar(value)?);
        }
        Some(values)
    }

    fn value_name(&mut self, name: &str, span: crate::diagnostic::Span) -> Option<()> {
        match names::value_name(name) {
            Ok(()) => Some(()),
            Err(why) => {
                self.problem(span, format!("the name of a value `{}` {why}", shorten(name)));
                None
            }
        }
    }

    /// A value that can stand inside of a text.
    fn scalar(&mut self, tree: &Tree) -> Option<Value> {
        match &tree.value {
            Value::List(_) | Value::Map(_) | Value::Null => self.wrong_type(tree, "a value", "a single value"),
            value => Some(value.clone()),
        }
    }

    /// The tree with `${name}` replaced in every text. A text that is nothing else becomes the value itself.
    /// `last` says that nothing inside brings values of its own, so that what is left unknown is unknown.
    fn filled_in(&mut self, tree: &Tree, values: &Values, last: bool) -> Tree {
        let value = match &tree.value {
            Value::String(text) => self.filled_in_text(text, tree, values, last),
            Value::List(items) => Value::List(items.iter().map(|item| self.filled_in(item, values, last)).collect()),
            Value::Map(pairs) => {
                let pairs = pairs
                    .iter()
                    .map(|(key, value)| (self.filled_in(key, values, last), self.filled_in(value, values, last)));
                Value::Map(pairs.collect())
            }
            value => value.clone(),
        };
        Tree { value, span: tree.span }
    }

    fn filled_in_text(&mut self, text: &str, tree: &Tree, values: &Values, last: bool) -> Value {
        if !text.contains("${") {
            return Value::String(text.to_owned());
        }
        if let Some(value) = text.strip_prefix("${").and_then(|rest| values.get(rest.strip_suffix('}')?)) {
            return value.clone();
        }
        let mut filled = text.to_owned();
        for (name, value) in values {
            filled = filled.replace(&format!("${{{name}}}"), &text_of(value));
        }
        if !last {
            return Value::String(filled);
        }
        // What is left is the shell's; a near miss is not.
        let left = filled.split("${").skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name);
        let missed = left.into_iter().find_map(|name| Some((name, nearest(name, values.keys().map(String::as_str))?)));
        if let Some((name, near)) = missed {
            let message = format!("unknown value `${{{}}}`", shorten(name));
            self.problem_with_hint(tree.span, message, format!("did you mean `${{{near}}}`?"));
        }
        Value::String(filled)
    }
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(value) => value.to_string(),
        Value::Integer(value) => value.to_string(),
        Value::Float(value) => value.to_string(),
        Value::Null | Value::List(_) | Value::Map(_) => String::new(),
    }
}

/// The key and the value of a step that stands for others.
fn expandable(item: &Tree) -> Option<(&'static str, &Tree)> {
    EXPANSIONS.into_iter().find_map(|key| Some((key, item.get(key)?)))
}

fn pairs(tree: &Tree) -> &[(Tree, Tree)] {
    match &tree.value {
        Value::Map(pairs) => pairs,
        _ => &[],
    }
}

fn is_key(tree: &Tree, key: &str) -> bool {
    matches!(&tree.value, Value::String(name) if name == key)
}

/// Whether a step has others inside that bring values of their own.
fn stands_for_others(tree: &Tree) -> bool {
    match &tree.value {
        Value::List(items) => items.iter().any(stands_for_others),
        Value::Map(pairs) => {
            pairs.iter().any(|(key, value)| EXPANSIONS.iter().any(|word| is_key(key, word)) || stands_for_others(value))
        }
        _ => false,
    }
}
