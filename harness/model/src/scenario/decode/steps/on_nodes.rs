//! Verbs that change a node through the API server, or its kubelet.

use crate::scenario::decode::nodes::taint;
use crate::scenario::decode::{Decoder, Fields, Mention};
use crate::scenario::tree::{Tree, Value};
use crate::scenario::{Action, Pressure, Taint, names, parse_untaint};

/// The most simulated nodes of a group.
const MAX_SIMULATED: i32 = 10_000;

pub(super) fn verb(decoder: &mut Decoder<'_>, key: &str, tree: &Tree) -> Option<Action> {
    match key {
        "taint" => {
            let fields = decoder.fields(tree, "`taint`", &["node", "taint"])?;
            let node = required_node(decoder, &fields);
            let tree = decoder.require(&fields, "taint");
            let taint: Option<Taint> = tree.and_then(|tree| taint(decoder, tree));
            Some(Action::Taint { node: node?, taint: taint? })
        }
        "untaint" => {
            let fields = decoder.fields(tree, "`untaint`", &["node", "taint"])?;
            let node = required_node(decoder, &fields);
            let tree = decoder.require(&fields, "taint")?;
            let text = decoder.string(tree, "a taint")?;
            let (key, effect) = parse_untaint(&text).map_err(|error| decoder.taint_syntax(tree.span, error)).ok()?;
            Some(Action::Untaint { node: node?, key, effect })
        }
        "label" => {
            let fields = decoder.fields(tree, "`label`", &["node", "labels"])?;
            let node = required_node(decoder, &fields);
            let tree = decoder.require(&fields, "labels")?;
            let labels = decoder.labels(tree)?;
            if labels.is_empty() {
                decoder.problem(tree.span, "`labels` is empty");
                return None;
            }
            Some(Action::Label { node: node?, labels })
        }
        "unlabel" => {
            let fields = decoder.fields(tree, "`unlabel`", &["node", "keys"])?;
            let node = required_node(decoder, &fields);
            let tree = decoder.require(&fields, "keys")?;
            let key = |decoder: &mut Decoder<'_>, tree: &Tree| decoder.name(tree, "label key", names::qualified_name);
            let keys = decoder.full_list(tree, "keys", key)?;
            Some(Action::Unlabel { node: node?, keys })
        }
        "drain" => drain(decoder, tree),
        "pressure" => {
            let fields = decoder.fields(tree, "`pressure`", &["node", "resource", "release"])?;
            let node = required_node(decoder, &fields);
            decoder.must_be_real("`pressure`");
            let release = decoder.flag(&fields, "release", false);
            let resource = decoder.require(&fields, "resource")?;
            let resource =
                decoder.word(resource, "resource", &Pressure::ALL.map(|resource| (resource.as_str(), resource)));
            Some(Action::Pressure { node: node?, resource: resource?, on: !release? })
        }
        "scaleSimulatedNodes" => {
            let fields = decoder.fields(tree, "`scaleSimulatedNodes`", &["name", "count"])?;
            let count = decoder.require(&fields, "count");
            let count = count.and_then(|tree| decoder.number(tree, "`count`", 0, MAX_SIMULATED));
            let tree = decoder.require(&fields, "name")?;
            let name = decoder.string(tree, "`name`")?;
            decoder.mentions.push(Mention::Group { name: name.clone(), span: tree.span });
            Some(Action::ScaleSimulatedNodes { name, count: u32::try_from(count?).ok()? })
        }
        // `steps::verb` sends nothing else here.
        _ => None,
    }
}

pub(super) fn required_node(decoder: &mut Decoder<'_>, fields: &Fields<'_>) -> Option<String> {
    let tree = decoder.require(fields, "node")?;
    decoder.node(tree, true)
}

fn drain(decoder: &mut Decoder<'_>, tree: &Tree) -> Option<Action> {
    if let Value::String(_) = tree.value {
        let node = decoder.node(tree, true)?;
        return Some(Action::Drain { node, ignore_daemon_sets: true, grace_period: None });
    }
    let fields = decoder.fields(tree, "`drain`", &["node", "ignoreDaemonSets", "gracePeriod"])?;
    let node = required_node(decoder, &fields);
    let ignore_daemon_sets = decoder.flag(&fields, "ignoreDaemonSets", true);
    let grace_period = decoder.optional(&fields, "gracePeriod", |decoder, tree| {
        let grace = decoder.duration(tree, "gracePeriod", true)?;
        if grace.subsec_nanos() > 0 {
            decoder.problem(tree.span, "`gracePeriod` must be whole seconds, as the API has it");
            return None;
        }
        Some(grace)
    });
    Some(Action::Drain { node: node?, ignore_daemon_sets: ignore_daemon_sets?, grace_period: grace_period? })
}
