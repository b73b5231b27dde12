//! A diagnosis as text: for people, for programs, and for issues.

use rollcall::model::explain::Answer;

use crate::{args::Form, error::CliError, report::style};

/// The whole of it, with the colours of a terminal.
pub(super) fn document(answer: &Answer, form: Form) -> Result<String, CliError> {
    match form {
        Form::Table => Ok(answer.text(style::paint)),
        Form::Json => {
            let text = serde_json::to_string_pretty(answer);
            text.map(|text| format!("{text}\n")).map_err(|error| failed("JSON", &error))
        }
        Form::Yaml => yaml(answer),
        Form::Markdown => Ok(answer.markdown()),
    }
}

/// One of many that follow each other: JSON on a line, so that programs can follow; other texts with what parts them.
pub(super) fn one_of_many(answer: &Answer, form: Form, is_first: bool) -> Result<String, CliError> {
    let before = match form {
        Form::Yaml if !is_first => "---\n",
        Form::Table | Form::Markdown if !is_first => "\n",
        _ => "",
    };
    let text = match form {
        Form::Json => {
            let text = serde_json::to_string(answer);
            text.map(|text| format!("{text}\n")).map_err(|error| failed("JSON", &error))?
        }
        _ => document(answer, form)?,
    };
    Ok(format!("{before}{text}"))
}

/// Strings that older readers of YAML take for something else are quoted, and long lines stay whole.
fn yaml(answer: &Answer) -> Result<String, CliError> {
    let options = serde_yaml::ser_options! { folded_wrap_chars: usize::MAX };
    serde_yaml::to_string_with_options(answer, options).map_err(|error| failed("YAML", &error))
}

fn failed(form: &str, error: &dyn std::fmt::Display) -> CliError {
    CliError::environment(format!("could not write {form}: {error}"))
}

#[cfg(test)]
pub(super) mod tests {
    use rollcall::model::explain::{
        Cause, Certainty, Diagnoses, Diagnosis, Evidence, Finding, NodeDiagnosis, NodeState,
    };

    use super::*;
    use crate::report::testing::plain;

    /// What a cluster may say, and older readers of YAML take for something else.
    const NASTY: [&str; 14] = [
        "yes",
        "off",
        "null",
        "~",
        "0644",
        "1e3",
        "12:30:45",
        "2026-01-01",
        "- a",
        "a: b",
        "# c",
        "'q' \"d\" \\n",
        "",
        "  blanks  ",
    ];

    pub(in super::super) fn answer() -> Answer {
        let evidence = |says: &str| Evidence { source: "log of container agent".into(), says: says.into() };
        let finding = Finding {
            cause: Cause::CrashLoop,
            object: "pod default/agent-x".into(),
            what: "container `agent` ends again and again".into(),
            evidence: vec![evidence("starting\nfatal: yes\n\n  no\n"), evidence(&"long ".repeat(60))],
            remedy: "read it".into(),
            command: Some("kubectl -n default logs agent-x".into()),
            certainty: Certainty::Proven,
        };
        let node = |name: &str, state, findings| NodeDiagnosis {
            node: name.into(),
            state,
            pod: Some(format!("agent-{name}")),
            findings,
        };
        Answer::One(Diagnosis {
            daemon_set: "default/agent".into(),
            in_order: false,
            findings: Vec::new(),
            nodes: vec![node("w1", NodeState::Unhealthy, vec![finding]), node("yes", NodeState::Ok, Vec::new())],
            not_looked_at: Vec::new(),
        })
    }

    pub(in super::super) fn in_order() -> Answer {
        let Answer::One(mut one) = answer() else { panic!("one") };
        one.in_order = true;
        one.nodes.remove(0);
        Answer::One(one)
    }

    fn several() -> Answer {
        let Answer::One(one) = answer() else { panic!("one") };
        Answer::Several(Diagnoses { items: vec![one.clone(), one] })
    }

    #[test]
    fn yaml_is_what_json_is() {
        for answer in [answer(), several()] {
            let read: serde_json::Value = serde_yaml::from_str(&document(&answer, Form::Yaml).unwrap()).unwrap();
            assert_eq!(read, serde_json::to_value(&answer).unwrap());
        }
        insta::assert_snapshot!(document(&answer(), Form::Yaml).unwrap(), @r#"
        daemonSet: default/agent
        inOrder: false
        findings: []
        nodes:
        - node: w1
          state: unhealthy
          pod: agent-w1
          findings:
          - cause: crash-loop
            object: pod default/agent-x
            what: container `agent` ends again and again
            evidence:
            - source: log of container agent
              says: |
                starting
                fatal: yes

                  no
            - source: log of container agent
              says: "long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long long "
            remedy: read it
            command: kubectl -n default logs agent-x
            certainty: proven
        - node: "yes"
          state: ok
          pod: agent-yes
          findings: []
        notLookedAt: []
        "#);
    }

    #[test]
    fn whatever_a_cluster_says_comes_back_from_yaml_as_it_was() {
        let Answer::One(mut found) = answer() else { panic!("one") };
        found.not_looked_at = NASTY.map(str::to_owned).to_vec();
        let read: serde_json::Value =
            serde_yaml::from_str(&document(&Answer::One(found), Form::Yaml).unwrap()).unwrap();
        assert_eq!(read["notLookedAt"], serde_json::json!(NASTY));
    }

    #[test]
    fn the_table_has_colours_that_can_be_taken_out() {
        let text = document(&answer(), Form::Table).unwrap();
        assert!(text.contains("\u{1b}[1m\u{1b}[31munhealthy\u{1b}[0m  agent-w1"), "{text:?}");
        insta::assert_snapshot!(plain(&text).lines().take(5).collect::<Vec<_>>().join("\n"), @r"
        daemonset default/agent: ok on 1 of 2 nodes that are meant

        NODE  STATE      POD        WHY
        w1    unhealthy  agent-w1   crash-loop
        yes   ok         agent-yes
        ");
        for form in [Form::Json, Form::Yaml, Form::Markdown] {
            assert!(!document(&answer(), form).unwrap().contains('\u{1b}'));
        }
    }

    #[test]
    fn those_that_follow_each_other_are_parted_and_json_is_a_line_each() {
        let next = |form, is_first| one_of_many(&answer(), form, is_first).unwrap();
        assert_eq!(next(Form::Json, false).lines().count(), 1);
        assert_eq!(next(Form::Yaml, false), format!("---\n{}", next(Form::Yaml, true)));
        assert_eq!(next(Form::Table, false), format!("\n{}", next(Form::Table, true)));
        assert!(next(Form::Markdown, true).starts_with("## ") && next(Form::Markdown, false).starts_with("\n## "));
    }
}
