//! Verbs that change objects through the API server.

use std::sync::Arc;

use super::on_nodes::required_node;
use crate::scenario::decode::{Decoder, Fields, Mention, shorten};
use crate::scenario::tree::{Tree, Value};
use crate::scenario::{Action, Cascade, DaemonSetRef, DeleteTarget, Kill, Manifest, ObjectRef, PatchKind, names};

pub(super) fn verb(decoder: &mut Decoder<'_>, key: &str, tree: &Tree) -> Option<Action> {
    match key {
        "apply" => apply(decoder, tree),
        "delete" => delete(decoder, tree),
        "patch" => patch(decoder, tree),
        "rolloutRestart" => {
            let fields = decoder.fields(tree, "`rolloutRestart`", &["daemonSet", "namespace"])?;
            Some(Action::RolloutRestart { daemon_set: decoder.daemon_set(&fields)? })
        }
        "rollback" => {
            let fields = decoder.fields(tree, "`rollback`", &["daemonSet", "namespace", "toRevision"])?;
            let to_revision = decoder.optional(&fields, "toRevision", |decoder, tree| {
                decoder.number(tree, "`toRevision`", 1, i32::MAX).map(i64::from)
            });
            Some(Action::Rollback { daemon_set: decoder.daemon_set(&fields)?, to_revision: to_revision? })
        }
        "setImage" => {
            let fields = decoder.fields(tree, "`setImage`", &["daemonSet", "namespace", "container", "image"])?;
            let daemon_set = decoder.daemon_set(&fields);
            let container = decoder.required_string(&fields, "container");
            let image = decoder.image(&fields, "image");
            let (daemon_set, container) = (daemon_set?, container?);
            let span = fields.get("container").map_or(tree.span, |tree| tree.span);
            decoder.mentions.push(Mention::Container {
                daemon_set: daemon_set.clone(),
                container: container.clone(),
                span,
            });
            Some(Action::SetImage { daemon_set, container, image: image? })
        }
        "deletePod" => {
            let fields = decoder.fields(tree, "`deletePod`", &["daemonSet", "namespace", "node"])?;
            let daemon_set = decoder.daemon_set(&fields);
            let node = required_node(decoder, &fields);
            Some(Action::DeletePod { daemon_set: daemon_set?, node: node? })
        }
        "killContainer" => {
            let fields =
                decoder.fields(tree, "`killContainer`", &["daemonSet", "namespace", "node", "container", "by"])?;
            let daemon_set = decoder.daemon_set(&fields);
            let node = required_node(decoder, &fields);
            let by = decoder.optional(&fields, "by", |decoder, tree| {
                decoder.word(tree, "by", &Kill::ALL.map(|by| (by.as_str(), by)))
            })?;
            let container =
                decoder.optional(&fields, "container", |decoder, tree| decoder.string(tree, "`container`"))?;
            let (daemon_set, node) = (daemon_set?, node?);
            if let (Some(container), Some(tree)) = (&container, fields.get("container")) {
                decoder.mentions.push(Mention::Container {
                    daemon_set: daemon_set.clone(),
                    container: container.clone(),
                    span: tree.span,
                });
            }
            Some(Action::KillContainer { daemon_set, node, container, by: by.unwrap_or_default() })
        }
        // `steps::verb` sends nothing else here.
        _ => None,
    }
}

/// An object by `apiVersion`, `kind`, `name` and `namespace`.
pub(in crate::scenario::decode) fn object_ref(decoder: &mut Decoder<'_>, tree: &Tree) -> Option<ObjectRef> {
    let fields = decoder.fields(tree, "an object", &["apiVersion", "kind", "namespace", "name"])?;
    let namespace =
        decoder.optional(&fields, "namespace", |decoder, tree| decoder.name(tree, "namespace", names::dns_label));
    let (api_version, kind) =
        (decoder.required_string(&fields, "apiVersion"), decoder.required_string(&fields, "kind"));
    let name = decoder.required_string(&fields, "name");
    let object = ObjectRef {
        api_version: api_version?,
        kind: kind?,
        namespace: namespace?.unwrap_or_else(|| DaemonSetRef::new("").namespace),
        name: name?,
    };
    if let Some(reference) = object.as_daemon_set() {
        let span = fields.get("name").map_or(tree.span, |tree| tree.span);
        decoder.mentions.push(Mention::DaemonSet { reference, span });
    }
    Some(object)
}

fn patch(decoder: &mut Decoder<'_>, tree: &Tree) -> Option<Action> {
    let fields =
        decoder.fields(tree, "`patch`", &["daemonSet", "namespace", "object", "type", "patch", "subresource"])?;
    let kind = decoder.optional(&fields, "type", |decoder, tree| {
        let all = [PatchKind::Strategic, PatchKind::Merge, PatchKind::Json];
        decoder.word(tree, "type", &all.map(|kind| (kind.key(), kind)))
    });
    let subresource = decoder.optional(&fields, "subresource", |decoder, tree| decoder.string(tree, "`subresource`"));
    let patch = decoder.require(&fields, "patch");
    let target = match (fields.get("daemonSet"), fields.get("object")) {
        (Some(_), None) => ObjectRef::from(&decoder.daemon_set(&fields)?),
        (None, Some(object)) => {
            if let Some(span) = fields.key_span("namespace") {
                decoder.problem(span, "`namespace` goes with `daemonSet`; put it into `object`");
            }
            object_ref(decoder, object)?
        }
        _ => {
            decoder.incomplete(&fields, "`patch` needs either `daemonSet` or `object`", None);
            return None;
        }
    };
    let (patch, kind) = (patch?, kind?.unwrap_or_default());
    match (&patch.value, kind) {
        (Value::Map(_), PatchKind::Strategic | PatchKind::Merge) | (Value::List(_), PatchKind::Json) => {}
        (_, PatchKind::Json) => return decoder.wrong_type(patch, "a `json` patch", "a list of operations"),
        _ => return decoder.wrong_type(patch, format!("a `{}` patch", kind.key()), "a mapping"),
    }
    Some(Action::Patch { target, kind, patch: patch.to_json(), subresource: subresource? })
}

/// `{file}`, or objects that stand in the scenario itself.
fn apply(decoder: &mut Decoder<'_>, tree: &Tree) -> Option<Action> {
    let fields = decoder.fields(tree, "`apply`", &["file", "object", "objects", "merge"])?;
    let given: Vec<&str> = ["file", "object", "objects"].into_iter().filter(|key| fields.get(key).is_some()).collect();
    let manifest = match given[..] {
        ["file"] => manifest(decoder, &fields)?,
        [key] => {
            let value = fields.get(key)?;
            let objects = match (&value.value, key) {
                (Value::List(items), "objects") => items.iter().map(Tree::to_json).collect(),
                (_, "objects") => return decoder.wrong_type(value, "`objects`", "a list of objects"),
                _ => vec![value.to_json()],
            };
            match Manifest::inline(objects) {
                Ok(manifest) => Arc::new(manifest),
                Err(why) => {
                    decoder.problem(value.span, format!("`{key}` {why}"));
                    return None;
                }
            }
        }
        _ => {
            decoder.incomplete(&fields, "`apply` needs one of `file`, `object` and `objects`", None);
            return None;
        }
    };
    let Some(merge) = fields.get("merge") else { return Some(Action::Apply { manifest }) };
    let Value::Map(_) = merge.value else { return decoder.wrong_type(merge, "`merge`", "a mapping") };
    match manifest.with_daemon_sets_merged(&merge.to_json()) {
        Some(manifest) => Some(Action::Apply { manifest: Arc::new(manifest) }),
        None => {
            decoder.problem(merge.span, format!("`merge` changes DaemonSets, and `{}` holds none", manifest.path));
            None
        }
    }
}

fn delete(decoder: &mut Decoder<'_>, tree: &Tree) -> Option<Action> {
    let fields = decoder.fields(tree, "`delete`", &["daemonSet", "namespace", "object", "file", "cascade"])?;
    let cascade = decoder.optional(&fields, "cascade", |decoder, tree| {
        let all = [Cascade::Background, Cascade::Foreground, Cascade::Orphan];
        decoder.word(tree, "cascade", &all.map(|cascade| (cascade.key(), cascade)))
    });
    let given: Vec<&str> =
        ["daemonSet", "object", "file"].into_iter().filter(|key| fields.get(key).is_some()).collect();
    if let (Some(span), false) = (fields.key_span("namespace"), given == ["daemonSet"]) {
        decoder.problem(span, "`namespace` goes with `daemonSet`; an object and a file name their own");
    }
    let target = match given[..] {
        ["daemonSet"] => DeleteTarget::DaemonSet(decoder.daemon_set(&fields)?),
        ["object"] => {
            let object = object_ref(decoder, fields.get("object")?)?;
            object.as_daemon_set().map_or(DeleteTarget::Object(object), DeleteTarget::DaemonSet)
        }
        ["file"] => DeleteTarget::Manifest(manifest(decoder, &fields)?),
        _ => {
            decoder.incomplete(&fields, "`delete` needs one of `daemonSet`, `object` and `file`", None);
            return None;
        }
    };
    Some(Action::Delete { target, cascade: cascade?.unwrap_or_default() })
}

fn manifest(decoder: &mut Decoder<'_>, fields: &Fields<'_>) -> Option<Arc<Manifest>> {
    let path = decoder.required_string(fields, "file")?;
    let span = fields.get("file").map_or(fields.span, |tree| tree.span);
    let text = match decoder.read(span, &path) {
        Ok(text) => text,
        Err(why) => {
            let message = format!("cannot read `{}`: {why}", shorten(&path));
            decoder.problem_with_hint(span, message, "the path is relative to the scenario's own folder");
            return None;
        }
    };
    match Manifest::parse(&path, &text) {
        Ok(manifest) => Some(Arc::new(manifest)),
        Err(why) => {
            decoder.problem(span, format!("`{}` {why}", shorten(&path)));
            None
        }
    }
}
