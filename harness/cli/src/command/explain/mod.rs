//! `explain`: why DaemonSets are as they are, on every node.

mod screen;
mod show;

use rollcall::{
    Dump, Interrupt, Onlooker, WatchEnd,
    model::{
        DaemonSetRef,
        explain::{Answer, Question, Selection},
    },
};

use self::screen::Screen;
use super::which;
use crate::{args::Explain, error::CliError, exit_code::ExitCode, output};

/// Exit code 0 where everything is in order, and 5 where something is not, as where an expectation does not hold: 1 is a
/// bug of rollcall everywhere, and a script has to tell them apart.
pub(super) async fn explain(flags: &Explain, interrupt: Interrupt) -> Result<ExitCode, CliError> {
    if flags.watch {
        return watch(flags, &interrupt).await;
    }
    let answer = tokio::select! {
        answer = look(flags) => answer?,
        () = interrupt.triggered() => return Err(CliError::interrupted()),
    };
    output::text(&show::document(&answer, flags.output)?);
    Ok(code(answer.in_order()))
}

async fn look(flags: &Explain) -> Result<Answer, CliError> {
    if let Some(path) = &flags.from_dump {
        let dump = Dump::read(path)?;
        let answer = dump.explain(&question(flags, "default"))?;
        output::remark(&format!("as of {}, the newest moment in the dump", dump.moment));
        return Ok(answer);
    }
    let onlooker = onlooker(flags).await?;
    Ok(onlooker.explain(&question(flags, &onlooker.namespace)).await?)
}

/// Goes on until it is interrupted, what is watched is gone, or nobody reads. The exit code is that of the last
/// diagnosis, since an interrupt is how one ends a watch.
async fn watch(flags: &Explain, interrupt: &Interrupt) -> Result<ExitCode, CliError> {
    let mut screen = Screen::new(flags.output);
    let watched = async {
        let onlooker = onlooker(flags).await?;
        let question = question(flags, &onlooker.namespace);
        let end = onlooker.watch(&question, |sight| screen.show(&sight)).await?;
        if end == WatchEnd::Gone {
            output::remark(&gone(&question));
        }
        Ok::<_, CliError>(end)
    };
    let end = tokio::select! {
        end = watched => Some(end?),
        () = interrupt.triggered() => None,
    };
    screen.failed()?;
    match (end, screen.in_order) {
        (Some(WatchEnd::Gone), _) => Ok(ExitCode::DID_NOT_HOLD),
        (_, Some(in_order)) => Ok(code(in_order)),
        (_, None) => Err(CliError::interrupted()),
    }
}

fn code(in_order: bool) -> ExitCode {
    if in_order { ExitCode::HELD } else { ExitCode::DID_NOT_HOLD }
}

async fn onlooker(flags: &Explain) -> Result<Onlooker, CliError> {
    Ok(match &flags.cluster {
        Some(name) => Onlooker::of(&which::cluster(Some(name.clone())).await?).await?,
        None => Onlooker::in_context(flags.kubeconfig.as_deref(), flags.context.as_deref()).await?,
    })
}

/// What is asked, with the namespace that is meant where none is named.
fn question(flags: &Explain, namespace: &str) -> Question {
    let namespace = flags.namespace.as_deref().unwrap_or(namespace);
    match &flags.name {
        Some(name) => Question::One(DaemonSetRef::new(name).in_namespace(namespace)),
        None => Question::Those(Selection {
            namespace: (!flags.all_namespaces).then(|| namespace.to_owned()),
            labels: flags.selector.clone().unwrap_or_default(),
        }),
    }
}

/// What there is to say at the end of a watch whose object is gone.
fn gone(question: &Question) -> String {
    match question {
        Question::One(DaemonSetRef { namespace, name }) => format!("daemonset {namespace}/{name} was deleted"),
        Question::Those(_) => "the last of these daemonsets was deleted".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Arguments, Command};

    fn asked(line: &str) -> Question {
        match Arguments::try_parse_from(line.split(' ')).unwrap().command {
            Command::Explain(flags) => question(&flags, "of-context"),
            other => panic!("{other:?}"),
        }
    }

    fn those(namespace: Option<&str>, labels: &str) -> Question {
        Question::Those(Selection { namespace: namespace.map(str::to_owned), labels: labels.parse().unwrap() })
    }

    #[test]
    fn what_is_left_out_is_what_kubectl_takes() {
        let one = |namespace: &str| Question::One(DaemonSetRef::new("a").in_namespace(namespace));
        assert_eq!(asked("rollcall explain a"), one("of-context"));
        assert_eq!(asked("rollcall explain ds/a -n b"), one("b"));
        assert_eq!(asked("rollcall explain"), those(Some("of-context"), ""));
        assert_eq!(asked("rollcall explain -n b -l x=y"), those(Some("b"), "x=y"));
        assert_eq!(asked("rollcall explain -A -n b"), those(None, ""));
    }

    #[test]
    fn the_end_of_a_watch_says_what_is_gone() {
        insta::assert_snapshot!(gone(&asked("rollcall explain a")), @"daemonset of-context/a was deleted");
        insta::assert_snapshot!(gone(&asked("rollcall explain -A")), @"the last of these daemonsets was deleted");
    }
}
