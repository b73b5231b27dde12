//! `new`: a scenario to begin with. It writes one file, and never over another.

use std::{
    fs::OpenOptions,
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

use rollcall::model::scenario::names;

use crate::{
    error::CliError,
    output::{self, shell_word},
};

/// What the file begins with. It must be valid as it is, and a test runs it through the linter.
const STARTER: &str = include_str!("starter.yaml");
/// What stands in the starter for the scenario's name.
const NAME: &str = "NAME";

pub(super) fn new(name: &str, file: Option<PathBuf>) -> Result<(), CliError> {
    names::dns_label(name).map_err(|why| {
        CliError::usage(format!("the name of a scenario `{name}` {why}")).hint("for instance `my-agent-comes-up`")
    })?;
    let file = file.unwrap_or_else(|| PathBuf::from(format!("{name}.yaml")));
    write(&file, &starter(name))?;
    let (path, folder) = (shell_word(&file.display().to_string()), folder_of(&file));
    output::line(&format!("written to {path}"));
    output::remark(&format!("check it with  rollcall lint {path}"));
    output::remark(&format!("run it with    rollcall run {path}"));
    let schema = shell_word(&folder.join("scenario.schema.json").display().to_string());
    output::remark(&format!("and for completion in an editor:  rollcall schema > {schema}"));
    Ok(())
}

fn starter(name: &str) -> String {
    STARTER.replace(NAME, name)
}

fn folder_of(file: &Path) -> &Path {
    file.parent().unwrap_or(Path::new(""))
}

fn write(file: &Path, text: &str) -> Result<(), CliError> {
    let refused = |error: std::io::Error| {
        let message = format!("cannot write `{}`: {error}", file.display());
        match error.kind() {
            ErrorKind::AlreadyExists => CliError::usage(format!("`{}` is there already", file.display()))
                .hint("it is not written over; name another file with `--file`"),
            ErrorKind::NotFound => CliError::usage(message).hint("make the folder before"),
            _ => CliError::environment(message),
        }
    };
    let mut opened = OpenOptions::new().write(true).create_new(true).open(file).map_err(refused)?;
    opened.write_all(text.as_bytes()).map_err(refused)
}

#[cfg(test)]
mod tests {
    use rollcall::model::{Plan, Scenario};

    use super::*;
    use crate::{exit_code::ExitCode, report::testing::plain};

    #[test]
    fn the_starter_is_a_valid_scenario_with_that_name() {
        let nothing = |path: &str| Err(format!("the starter needs no file, and asks for {path}"));
        let scenario = Scenario::load("new.yaml", &starter("my-first"), &nothing);
        let scenario = scenario.unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(scenario.metadata.name, "my-first");
        insta::assert_snapshot!(Plan::new(&scenario).to_string());
    }

    #[test]
    fn the_starter_tells_editors_of_the_schema_and_has_a_comment_for_each_part() {
        let text = starter("my-first");
        assert!(text.starts_with("# yaml-language-server: $schema="), "{text}");
        assert!(!text.contains(NAME), "{text}");
        assert!(text.lines().filter(|line| line.trim_start().starts_with('#')).count() >= 8, "{text}");
    }

    #[test]
    fn a_file_that_is_there_is_not_written_over() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("a.yaml");
        new("first", Some(file.clone())).unwrap();
        let before = std::fs::read_to_string(&file).unwrap();
        let error = new("second", Some(file.clone())).unwrap_err();
        assert_eq!(error.code, ExitCode::USAGE);
        let said = plain(&error.render()).replace(&root.path().display().to_string(), "ROOT");
        insta::assert_snapshot!(said, @r"
        error: `ROOT/a.yaml` is there already
          (hint: it is not written over; name another file with `--file`)
        ");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), before);
    }

    #[test]
    fn a_name_that_is_none_and_a_folder_that_is_not_there_are_the_users() {
        let error = new("My Scenario", None).unwrap_err();
        assert_eq!(error.code, ExitCode::USAGE);
        insta::assert_snapshot!(plain(&error.render()), @r"
        error: the name of a scenario `My Scenario` may hold only lower case letters, digits and `-`
          (hint: for instance `my-agent-comes-up`)
        ");
        let error = new("a", Some("/no/such/folder/a.yaml".into())).unwrap_err();
        assert_eq!(error.code, ExitCode::USAGE);
        insta::assert_snapshot!(plain(&error.render()), @r"
        error: cannot write `/no/such/folder/a.yaml`: No such file or directory (os error 2)
          (hint: make the folder before)
        ");
    }
}
