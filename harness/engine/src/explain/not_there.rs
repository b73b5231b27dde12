//! No such DaemonSet: what there is instead. Pure.

use std::collections::BTreeSet;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use rollcall_model::{
    DaemonSetRef,
    diagnostic::nearest,
    explain::{Question, Selection},
    world::view::name_of,
};

use crate::error::Error;

/// How many names are told.
const MOST_NAMES: usize = 12;

/// That nothing is what was asked for, with what is near of all DaemonSets that there are; nothing where that is not
/// known.
pub(super) fn error(question: &Question, all: Option<&[ObjectMeta]>) -> Error {
    match question {
        Question::One(wanted) => no_such(wanted, all),
        Question::Those(selection) => none_selected(selection, all),
    }
}

/// With the names that are near, in its own namespace or of that name elsewhere.
fn no_such(wanted: &DaemonSetRef, all: Option<&[ObjectMeta]>) -> Error {
    let (namespace, name) = (wanted.namespace.as_str(), wanted.name.as_str());
    let message = format!("there is no daemonset `{name}` in namespace `{namespace}`");
    let Some(all) = all else { return Error::usage(message) };
    let of = |here: bool| all.iter().filter(move |found| (found.namespace.as_deref() == Some(namespace)) == here);
    let elsewhere = of(false).find(|found| name_of(found) == name);
    let near = nearest(name, of(true).map(name_of));
    let hint = match (near, elsewhere) {
        (_, Some(found)) => {
            format!("there is one in namespace `{}`: `-n {0}`", found.namespace.as_deref().unwrap_or_default())
        }
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, None) => match some(of(true).map(name_of)) {
            none if none.is_empty() => "there is none in that namespace; name another with `-n NAMESPACE`".to_owned(),
            names => format!("there are {names}"),
        },
    };
    Error::usage_hint(message, hint)
}

/// With the namespaces that have some, or the labels that they have.
fn none_selected(selection: &Selection, all: Option<&[ObjectMeta]>) -> Error {
    let labels = selection.labels.to_string();
    let with = if labels.is_empty() { String::new() } else { format!(" with labels `{labels}`") };
    let place = match &selection.namespace {
        Some(namespace) => format!("in namespace `{namespace}`"),
        None => "in any namespace".to_owned(),
    };
    let message = format!("there is no daemonset{with} {place}");
    let Some(all) = all else { return Error::NoneSelected { message, hint: None } };
    let is_here = |found: &&ObjectMeta| selection.namespace.is_none() || found.namespace == selection.namespace;
    let elsewhere = || all.iter().filter(|found| selection.labels.matches(found.labels.iter().flatten()));
    let namespaces: BTreeSet<&str> = elsewhere().filter_map(|found| found.namespace.as_deref()).collect();
    let hint = if !namespaces.is_empty() {
        format!("there are some in namespace {}; `-n` names one, and `-A` takes all", some(namespaces.into_iter()))
    } else if let (false, Some(found)) = (labels.is_empty(), all.iter().find(is_here)) {
        let labels = found.labels.iter().flatten().map(|(key, value)| format!("{key}={value}"));
        match labels.collect::<Vec<_>>() {
            labels if labels.is_empty() => format!("`{}` is there, and has no label", name_of(found)),
            labels => format!("`{}` is there, and has {}", name_of(found), some(labels.iter().map(String::as_str))),
        }
    } else {
        "nothing can be in order where there is nothing".to_owned()
    };
    Error::NoneSelected { message, hint: Some(hint) }
}

/// Some names, those beyond the first few as a number.
fn some<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    match names.get(MOST_NAMES..) {
        None | Some([]) => names.join(", "),
        Some(more) => format!("{} and {} more", names[..MOST_NAMES].join(", "), more.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<ObjectMeta> {
        let one = |namespace: &str, name: &str, labels: &[(&str, &str)]| ObjectMeta {
            namespace: Some(namespace.into()),
            name: Some(name.into()),
            labels: Some(labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()),
            ..ObjectMeta::default()
        };
        vec![
            one("default", "log-collector", &[("app", "log")]),
            one("default", "metrics", &[]),
            one("kube-system", "kube-proxy", &[("k8s-app", "kube-proxy")]),
        ]
    }

    fn told(question: &Question) -> String {
        let error = error(question, Some(&all()));
        format!("{error}\n{}", error.hint().unwrap_or_default())
    }

    fn one(namespace: &str, name: &str) -> Question {
        Question::One(DaemonSetRef::new(name).in_namespace(namespace))
    }

    fn those(namespace: Option<&str>, labels: &str) -> Question {
        Question::Those(Selection { namespace: namespace.map(str::to_owned), labels: labels.parse().unwrap() })
    }

    #[test]
    fn a_name_that_is_not_there_is_told_with_what_is() {
        insta::assert_snapshot!(told(&one("default", "log-colector")), @r"
        there is no daemonset `log-colector` in namespace `default`
        did you mean `log-collector`?
        ");
        insta::assert_snapshot!(told(&one("default", "kube-proxy")), @r"
        there is no daemonset `kube-proxy` in namespace `default`
        there is one in namespace `kube-system`: `-n kube-system`
        ");
        insta::assert_snapshot!(told(&one("default", "other")), @r"
        there is no daemonset `other` in namespace `default`
        there are `log-collector`, `metrics`
        ");
        insta::assert_snapshot!(told(&one("nowhere", "other")), @r"
        there is no daemonset `other` in namespace `nowhere`
        there is none in that namespace; name another with `-n NAMESPACE`
        ");
    }

    #[test]
    fn a_selection_of_nothing_is_told_with_where_there_is_something() {
        insta::assert_snapshot!(told(&those(Some("nowhere"), "")), @r"
        there is no daemonset in namespace `nowhere`
        there are some in namespace `default`, `kube-system`; `-n` names one, and `-A` takes all
        ");
        insta::assert_snapshot!(told(&those(Some("default"), "k8s-app")), @r"
        there is no daemonset with labels `k8s-app` in namespace `default`
        there are some in namespace `kube-system`; `-n` names one, and `-A` takes all
        ");
        insta::assert_snapshot!(told(&those(Some("default"), "app=logs")), @r"
        there is no daemonset with labels `app=logs` in namespace `default`
        `log-collector` is there, and has `app=log`
        ");
        insta::assert_snapshot!(told(&those(None, "app=logs")), @r"
        there is no daemonset with labels `app=logs` in any namespace
        `log-collector` is there, and has `app=log`
        ");
        insta::assert_snapshot!(error(&those(None, ""), Some(&[])).hint().unwrap_or_default(), @"nothing can be in order where there is nothing");
        assert_eq!(error(&those(None, ""), None).hint(), None);
    }
}
