//! Texts as objects: one object, a list, or several documents. Pure.
//!
//! What is not needed is skipped where it stands: first the kinds alone are read, then the objects of wanted kinds.
//! So nothing of a Secret becomes a value, not even for a moment.

use std::fmt;

use k8s_openapi::api::{
    apps::v1::{ControllerRevision, DaemonSet},
    core::v1::{Event, Node, Pod},
    policy::v1::PodDisruptionBudget,
};
use rollcall_model::{Kind, Object};
use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Why a text is none, and where.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) message: String,
}

/// What a diagnosis may rest on.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) objects: Vec<Object>,
    pub(super) budgets: Vec<PodDisruptionBudget>,
}

/// A kind that is needed.
enum Wanted {
    Object(Kind),
    Budget,
}

/// What is in a JSON text that a diagnosis may rest on.
pub(super) fn json(text: &str) -> Result<Found, Fault> {
    let fault = |error: serde_json::Error| {
        let message = error.to_string();
        let end = message.rfind(" at line ").unwrap_or(message.len());
        Fault { line: error.line(), column: error.column(), message: message[..end].to_owned() }
    };
    let head: Head = serde_json::from_str(text).map_err(fault)?;
    let mut found = Found::default();
    let mut reader = serde_json::Deserializer::from_str(text);
    Take { head: &head, list: None, into: &mut found }.deserialize(&mut reader).map_err(fault)?;
    Ok(found)
}

/// What is in a YAML text, in all its documents.
pub(super) fn yaml(text: &str) -> Result<Found, Fault> {
    let mut found = Found::default();
    for (above, document) in documents(text) {
        let fault = |error: serde_yaml::Error| fault_of(&error, above);
        let head = serde_yaml::with_deserializer_from_str_with_options(document, options(), |reader| {
            Head::deserialize(reader)
        });
        let head = head.map_err(fault)?;
        if head.is_nothing() {
            continue;
        }
        serde_yaml::with_deserializer_from_str_with_options(document, options(), |reader| {
            Take { head: &head, list: None, into: &mut found }.deserialize(reader)
        })
        .map_err(fault)?;
    }
    Ok(found)
}

fn options() -> serde_yaml::Options {
    serde_yaml::options! {
        // As kubectl reads it.
        legacy_octal_numbers: true,
        // It would quote what stands around a fault, whatever that is.
        with_snippet: false,
        // The pods of thousands of nodes are some ten million values. Aliases are what makes more of less.
        budget: serde_yaml::budget! {
            max_events: 200_000_000,
            max_nodes: 100_000_000,
            max_total_scalar_bytes: 4 << 30,
        },
        alias_limits: serde_yaml::alias_limits! {
            max_total_replayed_events: 100_000,
            max_replay_stack_depth: 16,
        },
    }
}

fn fault_of(error: &serde_yaml::Error, above: usize) -> Fault {
    let number = |value: u64| usize::try_from(value).unwrap_or(usize::MAX).max(1);
    let (line, column) = error.location().map_or((1, 1), |place| (number(place.line()), number(place.column())));
    let message = error.to_string();
    let end = message.rfind(" at line ").unwrap_or(message.len());
    Fault { line: above + line, column, message: message[..end].to_owned() }
}

/// Each document with the number of lines above it. A line that begins with `---` begins one, wherever it stands
/// (<https://yaml.org/spec/1.2.2/#912-document-markers>).
fn documents(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let (mut start, mut above, mut offset) = (0, 0, 0);
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let begins =
            line.strip_prefix("---").is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace));
        if begins && offset > start {
            found.push((above, &text[start..offset]));
            (start, above) = (offset, number);
        }
        offset += line.len();
    }
    found.push((above, &text[start..]));
    // A document may be a comment, and directives are before the first one.
    let is_something = |line: &str| !matches!(line.trim_start().chars().next(), None | Some('#' | '%'));
    found.retain(|(_, document)| document.lines().any(&is_something));
    found
}

/// What a text is, without what is in it.
#[derive(Debug, Default)]
struct Head {
    api_version: Option<String>,
    kind: Option<String>,
    /// Of a list, or of a text that is nothing but a sequence.
    items: Option<Vec<Self>>,
}

impl Head {
    fn is_nothing(&self) -> bool {
        self.kind.is_none() && self.items.is_none()
    }

    /// The kind, if it is one that is needed. Those of a list of one kind, such as a PodList, do not say it.
    fn wanted(&self, list: Option<&Self>) -> Option<Wanted> {
        let of_list = || list?.kind.as_deref()?.strip_suffix("List").filter(|kind| !kind.is_empty());
        let kind = self.kind.as_deref().or_else(of_list)?;
        let version = self.api_version.as_deref().or_else(|| list?.api_version.as_deref())?;
        Some(match (version, kind) {
            ("v1", "Node") => Wanted::Object(Kind::Node),
            ("v1", "Pod") => Wanted::Object(Kind::Pod),
            ("v1", "Event") => Wanted::Object(Kind::Event),
            ("apps/v1", "DaemonSet") => Wanted::Object(Kind::DaemonSet),
            ("apps/v1", "ControllerRevision") => Wanted::Object(Kind::Revision),
            ("policy/v1", "PodDisruptionBudget") => Wanted::Budget,
            _ => return None,
        })
    }
}

impl<'de> Deserialize<'de> for Head {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(HeadVisitor)
    }
}

struct HeadVisitor;

impl<'de> Visitor<'de> for HeadVisitor {
    type Value = Head;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of Kubernetes")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Head, A::Error> {
        let mut head = Head::default();
        while let Some(Word(key)) = map.next_key()? {
            match key.as_deref() {
                Some("apiVersion") => Word(head.api_version) = map.next_value()?,
                Some("kind") => Word(head.kind) = map.next_value()?,
                Some("items") => head.items = map.next_value::<Self::Value>()?.items,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(head)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Head, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Head { items: Some(items), ..Head::default() })
    }

    fn visit_unit<E>(self) -> Result<Head, E> {
        Ok(Head::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Head, E> {
        Ok(Head::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Head, E> {
        Ok(Head::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Head, E> {
        Ok(Head::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Head, E> {
        Ok(Head::default())
    }

    fn visit_str<E>(self, _: &str) -> Result<Head, E> {
        Ok(Head::default())
    }
}

/// A text; nothing where something else stands.
struct Word(Option<String>);

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(untagged)]
        enum Any {
            Text(String),
            Other(IgnoredAny),
        }
        Any::deserialize(deserializer).map(|any| match any {
            Any::Text(text) => Self(Some(text)),
            Any::Other(_) => Self(None),
        })
    }
}

/// Takes the objects of wanted kinds, and skips all else.
struct Take<'a> {
    head: &'a Head,
    list: Option<&'a Head>,
    into: &'a mut Found,
}

impl<'de> DeserializeSeed<'de> for Take<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let object = match self.head.wanted(self.list) {
            Some(Wanted::Object(Kind::Node)) => Node::deserialize(deserializer)?.into(),
            Some(Wanted::Object(Kind::Pod)) => Pod::deserialize(deserializer)?.into(),
            Some(Wanted::Object(Kind::DaemonSet)) => DaemonSet::deserialize(deserializer)?.into(),
            Some(Wanted::Object(Kind::Revision)) => ControllerRevision::deserialize(deserializer)?.into(),
            Some(Wanted::Object(Kind::Event)) => Event::deserialize(deserializer)?.into(),
            Some(Wanted::Budget) => {
                self.into.budgets.push(PodDisruptionBudget::deserialize(deserializer)?);
                return Ok(());
            }
            None if self.head.items.is_some() => return deserializer.deserialize_any(Items(self)),
            None => return IgnoredAny::deserialize(deserializer).map(drop),
        };
        self.into.objects.push(object);
        Ok(())
    }
}

/// The items of a list, which its head knows.
struct Items<'a>(Take<'a>);

impl<'de> DeserializeSeed<'de> for Items<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Items<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Take { head, list, into } = self.0;
        while let Some(Word(key)) = map.next_key()? {
            match key.as_deref() {
                Some("items") => map.next_value_seed(Items(Take { head, list, into: &mut *into }))?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Take { head, into, .. } = self.0;
        let nothing = Head::default();
        let mut heads = head.items.iter().flatten();
        loop {
            let item = heads.next().unwrap_or(&nothing);
            let taken = seq.next_element_seed(Take { head: item, list: Some(head), into: &mut *into })?;
            if taken.is_none() {
                return Ok(());
            }
        }
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rollcall_model::{Object, world::view::name_of};

    use super::*;

    /// Kind and name of each.
    fn told(found: &Found) -> Vec<String> {
        let one = |object: &Object| match object {
            Object::Node(node) => format!("node {}", name_of(&node.metadata)),
            Object::Pod(pod) => format!("pod {}", name_of(&pod.metadata)),
            Object::DaemonSet(daemon_set) => format!("daemonset {}", name_of(&daemon_set.metadata)),
            Object::Revision(revision) => format!("revision {}", name_of(&revision.metadata)),
            Object::Event(event) => format!("event {}", name_of(&event.metadata)),
        };
        let budgets = found.budgets.iter().map(|budget| format!("budget {}", name_of(&budget.metadata)));
        found.objects.iter().map(one).chain(budgets).collect()
    }

    const LIST: &str = r#"{
        "apiVersion": "v1",
        "items": [
            {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "w1"}},
            {"apiVersion": "v1", "data": {"token": "aHVudGVyMg=="}, "kind": "Secret", "metadata": {"name": "s"}},
            {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "agent"}, "spec": {"selector": {}, "template": {}}},
            {"apiVersion": "apps/v1", "kind": "ControllerRevision", "metadata": {"name": "r"}, "revision": 1, "data": {"a": [1]}},
            {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "b"}},
            {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}}
        ],
        "kind": "List",
        "metadata": {}
    }"#;

    #[test]
    fn a_list_gives_what_is_needed_of_it() {
        let wanted = ["node w1", "daemonset agent", "revision r", "budget b"];
        assert_eq!(told(&json(LIST).unwrap()), wanted);
        assert_eq!(told(&yaml(LIST).unwrap()), wanted, "JSON is YAML");
    }

    #[test]
    fn a_single_object_is_one() {
        assert_eq!(
            told(&json(r#"{"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "p"}}"#).unwrap()),
            ["pod p"]
        );
        assert_eq!(told(&json(r#"{"kind": "Pod", "apiVersion": "v2", "metadata": {"name": "p"}}"#).unwrap()), [""; 0]);
    }

    /// As `kubectl get --raw` and `kubectl cluster-info dump` give them.
    #[test]
    fn items_of_a_list_of_one_kind_need_not_say_it() {
        let list = r#"{"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": [{"metadata": {"name": "p"}}]}"#;
        assert_eq!(told(&json(list).unwrap()), ["pod p"]);
        let list = r#"{"kind": "SecretList", "apiVersion": "v1", "items": [{"metadata": {"name": "p"}}]}"#;
        assert_eq!(told(&json(list).unwrap()), [""; 0]);
        let empty = r#"{"kind": "PodList", "apiVersion": "v1", "items": null}"#;
        assert_eq!(told(&json(empty).unwrap()), [""; 0]);
    }

    #[test]
    fn documents_may_be_many_and_some_nothing() {
        let text = "%YAML 1.1\n# saved\n---\n# a comment\n---\napiVersion: v1\nkind: Node\nmetadata: {name: w1}\n\
            --- # another\napiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n  annotations:\n    text: |\n      --- no\n---\n";
        assert_eq!(told(&yaml(text).unwrap()), ["node w1", "pod p"]);
        assert_eq!(told(&yaml("").unwrap()), [""; 0]);
    }

    #[test]
    fn what_is_no_object_is_skipped() {
        for text in ["[{\"name\": \"kubernetes\"}]", "{\"kind\": 5, \"items\": {\"a\": [1]}}", "7", "\"text\"", "null"]
        {
            assert_eq!(told(&json(text).unwrap()), [""; 0], "{text}");
            assert_eq!(told(&yaml(text).unwrap()), [""; 0], "{text}");
        }
        assert_eq!(told(&json(&format!("[{LIST}]")).unwrap()).len(), 4, "a sequence of lists");
    }

    #[test]
    fn a_fault_has_its_place() {
        insta::assert_debug_snapshot!(json("{\n  \"kind\": \"Pod\",\n  \"apiVersion\" \"v1\"\n}").unwrap_err(), @r#"
        Fault {
            line: 3,
            column: 16,
            message: "expected `:`",
        }
        "#);
        let pod = "{\"kind\": \"Pod\", \"apiVersion\": \"v1\",\n \"spec\": {\"containers\": 5}}";
        insta::assert_debug_snapshot!(json(pod).unwrap_err(), @r#"
        Fault {
            line: 2,
            column: 25,
            message: "invalid type: integer `5`, expected a sequence",
        }
        "#);
        insta::assert_debug_snapshot!(yaml("kind: Node\n---\nkind: Pod\nspec: {a: [}\n").unwrap_err(), @r#"
        Fault {
            line: 4,
            column: 11,
            message: "mismatched bracket '[' closed by '}'",
        }
        "#);
        let pod = "a: 1\n---\napiVersion: v1\nkind: Pod\nspec:\n  containers: five\n";
        insta::assert_debug_snapshot!(yaml(pod).unwrap_err(), @r#"
        Fault {
            line: 6,
            column: 15,
            message: "expected sequence start",
        }
        "#);
    }

    #[test]
    fn a_fault_behind_a_secret_tells_nothing_of_it() {
        let text = "apiVersion: v1\nkind: Secret\ndata: {token: hunter2}\nrest: [\n";
        assert!(!format!("{:?}", yaml(text).unwrap_err()).contains("hunter2"));
        let text = r#"{"apiVersion": "v1", "kind": "Secret", "data": {"token": "hunter2"} oops"#;
        assert!(!format!("{:?}", json(text).unwrap_err()).contains("hunter2"));
    }
}
