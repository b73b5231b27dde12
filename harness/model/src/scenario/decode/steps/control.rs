//! Steps that assert, and steps that hold other steps.

use super::{DraftStep, Read};
use crate::scenario::Action;
use crate::scenario::decode::Decoder;
use crate::scenario::tree::{Tree, Value};

pub(super) fn verb(decoder: &mut Decoder<'_>, key: &str, tree: &Tree) -> Option<Read> {
    match key {
        "expect" => {
            let (condition, within) = decoder.condition_with(tree, "`expect`", "within")?;
            Some(Read { within, ..Read::new(Action::Expect { condition }, tree.span) })
        }
        "explain" => {
            let (condition, within) = decoder.explain_within(tree)?;
            Some(Read { within, ..Read::new(Action::Expect { condition }, tree.span) })
        }
        "hold" => {
            let (condition, duration) = decoder.condition_with(tree, "`hold`", "for")?;
            match duration {
                Some(duration) => Some(Read::new(Action::Hold { condition, duration }, tree.span)),
                None => {
                    decoder.problem_with_hint(tree.span, "`hold` needs `for`", "for instance `for: 3s`");
                    None
                }
            }
        }
        "never" => never(decoder, tree),
        "parallel" => parallel(decoder, tree),
        "pause" => {
            let message = match &tree.value {
                Value::Map(_) => {
                    let fields = decoder.fields(tree, "`pause`", &["message"])?;
                    decoder.required_string(&fields, "message")?
                }
                _ => decoder.string(tree, "`pause`")?,
            };
            Some(Read::new(Action::Pause { message }, tree.span))
        }
        // `steps::verb` sends nothing else here.
        _ => None,
    }
}

/// A condition, and the steps during which it must not become true.
fn never(decoder: &mut Decoder<'_>, tree: &Tree) -> Option<Read> {
    let (condition, steps) = decoder.condition_beside(tree, "`never`", "steps");
    let Some(steps) = steps else {
        decoder.problem(tree.span, "`never` needs `steps`, during which the condition must not become true");
        return None;
    };
    let steps = inside(decoder, steps);
    let action = Action::Never { condition: condition?, steps: Vec::new() };
    Some(Read { branches: vec![steps?], ..Read::new(action, tree.span) })
}

/// A list of branches: each is a step or a list of steps.
fn parallel(decoder: &mut Decoder<'_>, tree: &Tree) -> Option<Read> {
    let Value::List(items) = &tree.value else { return decoder.wrong_type(tree, "`parallel`", "a list of branches") };
    if items.len() < 2 {
        decoder.problem(tree.span, "`parallel` needs at least two branches");
        return None;
    }
    let read: Vec<Option<Vec<DraftStep>>> = items
        .iter()
        .map(|item| match &item.value {
            Value::List(_) => inside(decoder, item),
            _ => inside_items(decoder, std::slice::from_ref(item)),
        })
        .collect();
    let branches: Option<Vec<Vec<DraftStep>>> = read.into_iter().collect();
    Some(Read { branches: branches?, ..Read::new(Action::Parallel { branches: Vec::new() }, tree.span) })
}

/// The steps of a list inside of a step.
fn inside(decoder: &mut Decoder<'_>, tree: &Tree) -> Option<Vec<DraftStep>> {
    let Value::List(items) = &tree.value else { return decoder.wrong_type(tree, "`steps`", "a list") };
    if items.is_empty() {
        decoder.problem(tree.span, "`steps` is empty");
        return None;
    }
    inside_items(decoder, items)
}

fn inside_items(decoder: &mut Decoder<'_>, items: &[Tree]) -> Option<Vec<DraftStep>> {
    // The names that the outer step mentions are its own.
    let outer = std::mem::take(&mut decoder.mentions);
    let steps = decoder.step_list(items);
    decoder.mentions = outer;
    // The names in those that can be read are looked at all the same.
    decoder.steps_unclear |= steps.iter().any(Option::is_none);
    Some(steps.into_iter().flatten().collect())
}
