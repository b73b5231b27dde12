//! What a watch shows: on a terminal in the place of what was there, otherwise one after the other.

use std::{
    io::{self, IsTerminal},
    ops::ControlFlow,
};

use rollcall::{
    Sight,
    model::{Timestamp, explain::Answer},
};

use super::show;
use crate::{args::Form, error::CliError, output, report::style};

enum Text {
    /// For whoever reads the diagnosis.
    Out(String),
    /// For people alone.
    Beside(String),
}

/// Where a watch is shown.
pub(super) struct Screen {
    form: Form,
    clears: bool,
    /// What was written last.
    last: String,
    /// Whether everything was in order in the last diagnosis; nothing before the first.
    pub(super) in_order: Option<bool>,
    failure: Option<CliError>,
}

impl Screen {
    /// On standard output.
    pub(super) fn new(form: Form) -> Self {
        let is_dumb = std::env::var_os("TERM").is_none_or(|terminal| terminal == "dumb");
        Self {
            form,
            clears: io::stdout().is_terminal() && !is_dumb,
            last: String::new(),
            in_order: None,
            failure: None,
        }
    }

    /// Shows what there is to see. It breaks off where nobody reads any more.
    pub(super) fn show(&mut self, sight: &Sight<'_>) -> ControlFlow<()> {
        let is_read = match self.text_of(sight, Timestamp::now()) {
            Ok(Text::Out(text)) if self.clears => output::in_place(&text).is_ok(),
            Ok(Text::Out(text)) => output::try_text(&text).is_ok(),
            Ok(Text::Beside(text)) => {
                output::remark(&text);
                true
            }
            Err(failure) => {
                self.failure = Some(failure);
                false
            }
        };
        if is_read { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }

    fn text_of(&mut self, sight: &Sight<'_>, now: Timestamp) -> Result<Text, CliError> {
        Ok(match sight {
            Sight::Changed(answer) => {
                self.in_order = Some(answer.in_order());
                Text::Out(self.diagnosis(answer, now)?)
            }
            Sight::Silent { since, why } => {
                Text::Beside(format!("the API server does not answer since {}: {why}", seconds(*since)))
            }
            // What it said of the silence is taken away with the rest.
            Sight::Answers if self.clears => Text::Out(self.last.clone()),
            Sight::Answers => Text::Beside("the API server answers again".to_owned()),
        })
    }

    fn diagnosis(&mut self, answer: &Answer, now: Timestamp) -> Result<String, CliError> {
        let text = if self.clears {
            let text = show::document(answer, self.form)?;
            format!("{text}\n{}\n", style::faint(format!("since {}; interrupt to end", seconds(now))))
        } else {
            show::one_of_many(answer, self.form, self.last.is_empty())?
        };
        self.last.clone_from(&text);
        Ok(text)
    }

    /// Why it broke off, if that was an error.
    pub(super) fn failed(&mut self) -> Result<(), CliError> {
        self.failure.take().map_or(Ok(()), Err)
    }
}

/// A moment as people read it.
fn seconds(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::plain;

    fn moment() -> Timestamp {
        "2026-11-24T10:20:30.5Z".parse().unwrap()
    }

    /// What is written of some sights, with a mark at what is written beside.
    fn told(form: Form, clears: bool, sights: &[Sight<'_>]) -> String {
        let mut screen = Screen { form, clears, last: String::new(), in_order: None, failure: None };
        let text = |sight| match screen.text_of(sight, moment()).unwrap() {
            Text::Out(text) => format!("out:\n{}", plain(&text)),
            Text::Beside(text) => format!("beside: {text}\n"),
        };
        sights.iter().map(text).collect()
    }

    #[test]
    fn what_is_piped_comes_one_after_the_other() {
        let answer = show::tests::in_order();
        let sights = [
            Sight::Changed(&answer),
            Sight::Silent { since: moment(), why: "connection refused" },
            Sight::Answers,
            Sight::Changed(&answer),
        ];
        insta::assert_snapshot!(told(Form::Table, false, &sights), @r"
        out:
        daemonset default/agent: ok on 1 of 1 nodes that are meant

        NODE  STATE  POD        WHY
        yes   ok     agent-yes
        beside: the API server does not answer since 2026-11-24T10:20:30Z: connection refused
        beside: the API server answers again
        out:

        daemonset default/agent: ok on 1 of 1 nodes that are meant

        NODE  STATE  POD        WHY
        yes   ok     agent-yes
        ");
        insta::assert_snapshot!(told(Form::Json, false, &sights), @r#"
        out:
        {"daemonSet":"default/agent","inOrder":true,"findings":[],"nodes":[{"node":"yes","state":"ok","pod":"agent-yes","findings":[]}],"notLookedAt":[]}
        beside: the API server does not answer since 2026-11-24T10:20:30Z: connection refused
        beside: the API server answers again
        out:
        {"daemonSet":"default/agent","inOrder":true,"findings":[],"nodes":[{"node":"yes","state":"ok","pod":"agent-yes","findings":[]}],"notLookedAt":[]}
        "#);
    }

    #[test]
    fn on_a_terminal_each_is_in_the_place_of_the_last() {
        let answer = show::tests::in_order();
        let sights =
            [Sight::Changed(&answer), Sight::Silent { since: moment(), why: "connection refused" }, Sight::Answers];
        insta::assert_snapshot!(told(Form::Table, true, &sights), @r"
        out:
        daemonset default/agent: ok on 1 of 1 nodes that are meant

        NODE  STATE  POD        WHY
        yes   ok     agent-yes

        since 2026-11-24T10:20:30Z; interrupt to end
        beside: the API server does not answer since 2026-11-24T10:20:30Z: connection refused
        out:
        daemonset default/agent: ok on 1 of 1 nodes that are meant

        NODE  STATE  POD        WHY
        yes   ok     agent-yes

        since 2026-11-24T10:20:30Z; interrupt to end
        ");
    }

    #[test]
    fn the_last_diagnosis_says_whether_all_is_in_order() {
        let mut screen = Screen { form: Form::Json, clears: false, last: String::new(), in_order: None, failure: None };
        screen.text_of(&Sight::Changed(&show::tests::in_order()), moment()).unwrap();
        assert_eq!(screen.in_order, Some(true));
        screen.text_of(&Sight::Changed(&show::tests::answer()), moment()).unwrap();
        assert_eq!(screen.in_order, Some(false));
    }
}
