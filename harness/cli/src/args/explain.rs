//! The flags of `explain`. Those that kubectl has too are called as there.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use rollcall::model::explain::Selector;

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The DaemonSet: NAME or daemonset/NAME; every one of the namespace where it is left out
    #[arg(value_parser = daemon_set_name, conflicts_with_all = ["selector", "all_namespaces"])]
    pub(crate) name: Option<String>,
    /// The namespace; that of the context where it is left out
    #[arg(short, long)]
    pub(crate) namespace: Option<String>,
    /// Those with such labels: `app=agent,tier in (a, b),!legacy`
    #[arg(short = 'l', long, value_name = "LABELS")]
    pub(crate) selector: Option<Selector>,
    /// Those of every namespace, whatever `--namespace` says
    #[arg(short = 'A', long)]
    pub(crate) all_namespaces: bool,
    /// Go on, and print the diagnosis again when it has changed
    #[arg(short, long, conflicts_with = "from_dump")]
    pub(crate) watch: bool,
    /// How it is printed
    #[arg(short, long, value_enum, default_value_t = Form::Table)]
    pub(crate) output: Form,
    /// A cluster made by `up`
    #[arg(long, value_name = "NAME", conflicts_with_all = ["context", "kubeconfig"])]
    pub(crate) cluster: Option<String>,
    /// A context of the kubeconfig; the current one where it is left out
    #[arg(long, value_name = "CONTEXT")]
    pub(crate) context: Option<String>,
    /// The kubeconfig; what KUBECONFIG or ~/.kube/config has where it is left out
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// Saved objects instead of a cluster: a folder of JSON and YAML files, the evidence of a run, or one file
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["cluster", "context", "kubeconfig"])]
    pub(crate) from_dump: Option<PathBuf>,
}

/// How a diagnosis is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// For people
    Table,
    /// For programs
    Json,
    /// For programs, and for people who like it
    Yaml,
    /// To be pasted into an issue
    Markdown,
}

/// `daemonset/NAME` as kubectl takes it, or the name alone.
fn daemon_set_name(text: &str) -> Result<String, String> {
    match text.split_once('/') {
        None if text.is_empty() => Err("a name is missing".to_owned()),
        None => Ok(text.to_owned()),
        Some(("daemonset" | "daemonsets" | "ds" | "daemonset.apps" | "daemonsets.apps", name)) if !name.is_empty() => {
            Ok(name.to_owned())
        }
        Some((kind, _)) => Err(format!("`{kind}` is no DaemonSet; rollcall explains those")),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::Arguments;

    fn refused(line: &str) -> String {
        let words = line.split(' ').map(|word| word.replace('_', " "));
        Arguments::try_parse_from(words).unwrap_err().to_string()
    }

    #[test]
    fn flags_that_contradict_each_other_are_refused() {
        insta::assert_snapshot!(refused("rollcall explain agent -A"), @r"
        error: the argument '[NAME]' cannot be used with '--all-namespaces'

        Usage: rollcall explain <NAME>

        For more information, try '--help'.
        ");
        insta::assert_snapshot!(refused("rollcall explain agent -l app=agent"), @r"
        error: the argument '[NAME]' cannot be used with '--selector <LABELS>'

        Usage: rollcall explain <NAME>

        For more information, try '--help'.
        ");
        insta::assert_snapshot!(refused("rollcall explain --from-dump x --watch"), @r"
        error: the argument '--from-dump <FOLDER>' cannot be used with '--watch'

        Usage: rollcall explain --from-dump <FOLDER> [NAME]

        For more information, try '--help'.
        ");
        for flag in ["--cluster", "--context", "--kubeconfig"] {
            let said = refused(&format!("rollcall explain agent --from-dump x {flag} y"));
            assert!(said.contains("cannot be used with") && said.contains(flag), "{said}");
        }
    }

    #[test]
    fn what_is_no_selector_and_no_daemon_set_is_refused_with_what_is() {
        insta::assert_snapshot!(refused("rollcall explain -l app_is_agent"), @r"
        error: invalid value 'app is agent' for '--selector <LABELS>': `is` is no operator: they are `=`, `!=`, `in`, `notin`, `<` and `>`

        For more information, try '--help'.
        ");
        insta::assert_snapshot!(refused("rollcall explain deployment/agent"), @r"
        error: invalid value 'deployment/agent' for '[NAME]': `deployment` is no DaemonSet; rollcall explains those

        For more information, try '--help'.
        ");
        insta::assert_snapshot!(refused("rollcall explain agent -o xml"), @r"
        error: invalid value 'xml' for '--output <OUTPUT>'
          [possible values: table, json, yaml, markdown]

          tip: a similar value exists: 'yaml'

        For more information, try '--help'.
        ");
    }

    #[test]
    fn flags_of_kubectl_are_taken_as_kubectl_takes_them() {
        let taken = |line: &str| Arguments::try_parse_from(line.split(' ')).is_ok();
        for line in [
            "rollcall explain",
            "rollcall explain -n logging",
            "rollcall explain ds/agent -nlogging -oyaml",
            "rollcall explain daemonset/agent --namespace=logging --context=a --kubeconfig=b -w",
            "rollcall explain -A -l app=agent -n logging --watch -o json",
            "rollcall explain --all-namespaces --from-dump x",
        ] {
            assert!(taken(line), "{line}");
        }
    }
}
