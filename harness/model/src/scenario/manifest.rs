//! A file of Kubernetes objects that a scenario applies.
//! It keeps every object as JSON, unknown fields included: the API server judges them, not rollcall.

use serde_json::Value;

use super::DaemonSetRef;

/// The largest manifest that is read. An API server takes no request over 3 MiB, and a file may hold several.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// A file of Kubernetes objects.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// The path as the scenario names it.
    pub path: String,
    /// The objects in the order of the file. Null documents are left out, and a `List` is taken apart.
    pub documents: Vec<Value>,
}

impl Manifest {
    /// Reads a file of one or more YAML documents as kubectl does: `0644` is an octal number, `yes` a boolean.
    ///
    /// # Errors
    /// The rest of a sentence that begins with the file's name.
    pub fn parse(path: &str, text: &str) -> Result<Self, String> {
        if text.len() > MAX_BYTES {
            return Err(format!("is larger than {} MiB", MAX_BYTES / 1024 / 1024));
        }
        let options = serde_yaml::options! {
            // File modes are written as `0644` in every second manifest.
            legacy_octal_numbers: true,
            reject_unsupported_tags: true,
            with_snippet: false,
            alias_limits: serde_yaml::alias_limits! {
                max_total_replayed_events: 100_000,
                max_replay_stack_depth: 16,
            },
        };
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let parsed: Vec<Value> = serde_yaml::from_multiple_with_options(text, options)
            .map_err(|error| format!("is not valid YAML: {error}"))?;
        let mut documents = Vec::new();
        for document in parsed {
            flatten(document, &mut documents);
        }
        if documents.is_empty() {
            return Err("holds no object".to_owned());
        }
        for (index, document) in documents.iter().enumerate() {
            check(document).map_err(|why| format!("is not a manifest: object {} {why}", index + 1))?;
        }
        Ok(Self { path: path.to_owned(), documents })
    }

    /// Objects that stand in the scenario itself.
    ///
    /// # Errors
    /// The rest of a sentence that begins with where they stand.
    pub fn inline(objects: Vec<Value>) -> Result<Self, String> {
        let mut documents = Vec::new();
        for object in objects {
            flatten(object, &mut documents);
        }
        if documents.is_empty() {
            return Err("holds no object".to_owned());
        }
        for (index, document) in documents.iter().enumerate() {
            check(document).map_err(|why| format!("is not a manifest: object {} {why}", index + 1))?;
        }
        let names: Vec<String> = documents
            .iter()
            .map(|object| {
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                format!("{} {}", text(&object["kind"]).to_lowercase(), text(&object["metadata"]["name"]))
            })
            .collect();
        Ok(Self { path: names.join(", "), documents })
    }

    /// The same objects with a JSON merge patch (RFC 7386) put over each DaemonSet; `None` where there is none.
    #[must_use]
    pub fn with_daemon_sets_merged(&self, patch: &Value) -> Option<Self> {
        let mut merged = self.clone();
        let mut any = false;
        for document in merged.documents.iter_mut().filter(|document| document["kind"] == "DaemonSet") {
            json_patch::merge(document, patch);
            any = true;
        }
        any.then_some(merged)
    }

    /// The DaemonSets of the file, each with the names of its containers, init containers included.
    #[must_use]
    pub fn daemon_sets(&self) -> Vec<(DaemonSetRef, Vec<String>)> {
        let is_daemon_set = |document: &&Value| {
            document["kind"] == "DaemonSet"
                && document["apiVersion"].as_str().is_some_and(|version| version.starts_with("apps/"))
        };
        let named = |document: &Value| Some((DaemonSetRef::of_object(document)?, containers(document)));
        self.documents.iter().filter(is_daemon_set).filter_map(named).collect()
    }
}

fn containers(document: &Value) -> Vec<String> {
    let spec = &document["spec"]["template"]["spec"];
    let lists = [&spec["initContainers"], &spec["containers"]];
    let all = lists.into_iter().filter_map(Value::as_array).flatten();
    all.filter_map(|container| container["name"].as_str()).map(str::to_owned).collect()
}

/// Takes a `v1 List` apart, as kubectl does, and leaves null documents out.
fn flatten(document: Value, into: &mut Vec<Value>) {
    match document {
        Value::Null => {}
        Value::Object(mut list)
            if list.get("kind").is_some_and(|kind| kind == "List") && list.contains_key("items") =>
        {
            match list.remove("items") {
                Some(Value::Array(items)) => items.into_iter().for_each(|item| flatten(item, into)),
                _ => into.push(Value::Object(list)),
            }
        }
        document => into.push(document),
    }
}

/// What rollcall needs of an object to hand it to an API server.
fn check(document: &Value) -> Result<(), String> {
    if !document.is_object() {
        return Err("is not a mapping".to_owned());
    }
    let present = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
    for key in ["apiVersion", "kind"] {
        if !present(&document[key]) {
            return Err(format!("has no `{key}`"));
        }
    }
    if !present(&document["metadata"]["name"]) {
        return Err(format!("(`{}`) has no `metadata.name`", document["kind"].as_str().unwrap_or_default()));
    }
    Ok(())
}
