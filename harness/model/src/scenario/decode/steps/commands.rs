//! Verbs that run commands, and those that decide how images are found.

use std::time::Duration;

use crate::condition::ExecCondition;
use crate::scenario::decode::Decoder;
use crate::scenario::tree::{Tree, Value};
use crate::scenario::{Action, PullFault};

/// How long a slow registry takes to answer where the scenario does not say.
const SLOW: Duration = Duration::from_secs(5);

pub(super) fn verb(decoder: &mut Decoder<'_>, key: &str, tree: &Tree) -> Option<Action> {
    match key {
        "exec" => exec(decoder, tree, "`exec`").map(Action::Exec),
        "nodeExec" => exec(decoder, tree, "`nodeExec`").map(Action::NodeExec),
        "run" => run(decoder, tree),
        "pushImage" => {
            let fields = decoder.fields(tree, "`pushImage`", &["name", "use"])?;
            let name = decoder.image(&fields, "name");
            let image = match fields.get("use") {
                Some(_) => decoder.image(&fields, "use"),
                None => name.clone(),
            };
            Some(Action::PushImage { name: name?, image: image? })
        }
        "pullFault" => pull_fault(decoder, tree),
        // `steps::verb` sends nothing else here.
        _ => None,
    }
}

/// A command in a container of each selected pod. The verb and the condition are written alike.
pub(in crate::scenario::decode) fn exec(
    decoder: &mut Decoder<'_>,
    tree: &Tree,
    what: &'static str,
) -> Option<ExecCondition> {
    let known = [
        "daemonSet",
        "namespace",
        "node",
        "nodes",
        "nodeSelector",
        "container",
        "command",
        "exitCode",
        "stdout",
        "stderr",
    ];
    let fields = decoder.fields(tree, what, &known)?;
    let container = decoder.container(&fields);
    let exit_code = decoder.optional(&fields, "exitCode", |decoder, tree| decoder.number(tree, "`exitCode`", 0, 255));
    let stdout = decoder.optional(&fields, "stdout", |decoder, tree| decoder.text(tree, "stdout"));
    let stderr = decoder.optional(&fields, "stderr", |decoder, tree| decoder.text(tree, "stderr"));
    let pods = decoder.pod_selection(&fields);
    let command = decoder.require(&fields, "command").and_then(|tree| {
        if let Value::String(_) = tree.value {
            let message = "`command` must be a list, found a string: there is no shell in between";
            decoder.problem_with_hint(tree.span, message, "for instance `command: [cat, /etc/hosts]`");
            return None;
        }
        decoder.full_list(tree, "command", |decoder, tree| decoder.argument(tree))
    });
    Some(ExecCondition {
        pods: pods?,
        container: container?,
        command: command?,
        exit_code: exit_code?.unwrap_or(0),
        stdout: stdout?,
        stderr: stderr?,
    })
}

/// A shell command, or `{command, exitCode}`.
fn run(decoder: &mut Decoder<'_>, tree: &Tree) -> Option<Action> {
    let (command, exit_code, what) = match &tree.value {
        Value::Map(_) => {
            let fields = decoder.fields(tree, "`run`", &["command", "exitCode"])?;
            let exit_code =
                decoder.optional(&fields, "exitCode", |decoder, tree| decoder.number(tree, "`exitCode`", 0, 255));
            (decoder.require(&fields, "command")?, exit_code?.unwrap_or(0), "command")
        }
        _ => (tree, 0, "run"),
    };
    let command = match &command.value {
        Value::String(_) => vec![decoder.string(command, format!("`{what}`"))?],
        Value::List(_) => decoder.full_list(command, what, |decoder, tree| decoder.argument(tree))?,
        _ => return decoder.wrong_type(command, format!("`{what}`"), "a string for the shell, or a list"),
    };
    Some(Action::Run { command, exit_code })
}

fn pull_fault(decoder: &mut Decoder<'_>, tree: &Tree) -> Option<Action> {
    let fields = decoder.fields(tree, "`pullFault`", &["image", "fault", "delay"])?;
    let image = decoder.image(&fields, "image");
    let delay = decoder.optional(&fields, "delay", |decoder, tree| decoder.duration(tree, "delay", false))?;
    let fault = decoder.require(&fields, "fault")?;
    let words = [
        ("absent", PullFault::Absent),
        ("slow", PullFault::Slow(delay.unwrap_or(SLOW))),
        ("unauthorized", PullFault::Unauthorized),
        ("tooManyRequests", PullFault::TooManyRequests),
        ("none", PullFault::None),
    ];
    let fault = decoder.word(fault, "fault", &words)?;
    if let (Some(span), false) = (fields.key_span("delay"), matches!(fault, PullFault::Slow(_))) {
        decoder.problem(span, "`delay` goes with `fault: slow`");
        return None;
    }
    Some(Action::PullFault { image: image?, fault })
}
