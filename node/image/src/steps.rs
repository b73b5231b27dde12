//! The kinds of steps there are, and the keys under which their results are kept.
//!
//! Which steps make an image is in `node.rs` and `agent.rs`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::command::Invocation;
use crate::go;
use crate::graph::{Action, Lane, Step};
use crate::inputs::Inputs;

/// Adds steps to a build.
pub(crate) struct Steps<'a> {
    pub(crate) root: &'a Path,
    /// Where results are kept.
    pub(crate) store: &'a Path,
    pub(crate) steps: Vec<Step>,
}

/// The commands of a step, given the folder they write into.
type Commands<'a> = Box<dyn Fn(&Path) -> Vec<Invocation> + 'a>;

/// What a step is made of, apart from where it is put.
pub(crate) struct Part<'a> {
    pub(crate) name: &'a str,
    /// The start of its result's name; differs from `name` where several results are kept side by side.
    pub(crate) label: String,
    pub(crate) lane: Lane,
    pub(crate) seconds: f64,
    pub(crate) after: &'a [&'a str],
    pub(crate) inputs: &'a [&'a str],
    pub(crate) commands: Commands<'a>,
    pub(crate) finish: Option<Action>,
}

/// A program of this workspace.
pub(crate) struct Rust<'a> {
    pub(crate) name: &'a str,
    pub(crate) package: &'a str,
    pub(crate) binary: &'a str,
    pub(crate) inputs: &'a [&'a str],
    pub(crate) seconds: f64,
    pub(crate) after: &'a [&'a str],
}

impl Steps<'_> {
    /// Adds a step with a result and says where that will be.
    pub(crate) fn add(&mut self, part: Part<'_>) -> Result<PathBuf> {
        let partial = self.store.join(format!(".{}.partial", part.name));
        let commands = (part.commands)(&partial);
        let mut inputs = Inputs::default();
        for path in part.inputs {
            inputs = inputs.path(self.root, path)?;
        }
        for (index, command) in commands.iter().enumerate() {
            // The folder a clone lies in is no input.
            let line = command.pasteable().replace(&*self.root.to_string_lossy(), "");
            inputs = inputs.setting(&format!("command {index}"), &line);
        }
        let result = self.store.join(format!("{}-{}", part.label, &inputs.hash()[..12]));
        self.steps.push(Step {
            name: part.name.to_owned(),
            label: part.label,
            lane: part.lane,
            seconds: part.seconds,
            after: part.after.iter().map(|&name| name.to_owned()).collect(),
            result: Some(result.clone()),
            partial,
            before: None,
            commands,
            finish: part.finish,
        });
        Ok(result)
    }

    /// A step that loads an archive into the engine and keeps nothing.
    pub(crate) fn add_load(&mut self, name: &str, seconds: f64, after: &[&str], archive: Action, finish: Action) {
        let partial = self.store.join(format!(".{name}.partial"));
        let file = partial.join("archive.tar").to_string_lossy().into_owned();
        self.steps.push(Step {
            name: name.to_owned(),
            label: name.to_owned(),
            lane: Lane::Processor,
            seconds,
            after: after.iter().map(|&name| name.to_owned()).collect(),
            result: None,
            partial,
            before: Some(archive),
            commands: vec![Invocation::new(self.root, "docker", &["load", "--quiet", "--input", &file])],
            finish: Some(finish),
        });
    }

    /// A static Rust program of this workspace, as `program` in its result.
    pub(crate) fn rust(&mut self, program: Rust<'_>, target: &str) -> Result<PathBuf> {
        let Rust { name, package, binary, inputs, seconds, after } = program;
        let root = self.root;
        let built = root.join("target/static").join(target).join("release").join(binary);
        self.add(Part {
            name,
            label: name.to_owned(),
            lane: Lane::Processor,
            seconds,
            after,
            inputs,
            commands: Box::new(move |_| {
                // A target folder of its own: these flags would make Cargo rebuild the rest again and again.
                let args = ["build", "--release", "--target", target, "--target-dir", "target/static", "-p", package];
                vec![Invocation::new(root, "cargo", &args).env("RUSTFLAGS", "-C target-feature=+crt-static")]
            }),
            finish: Some(Box::new(move |out| {
                fs::copy(&built, out.join("program"))
                    .with_context(|| format!("could not copy `{}`", built.display()))?;
                Ok(())
            })),
        })
    }

    /// A Go module without version variables of its own.
    pub(crate) fn go(
        &mut self,
        name: &str,
        seconds: f64,
        values: Vec<(&str, &str)>,
        packages: &[&str],
        finish: Option<Action>,
    ) -> Result<PathBuf> {
        let module = self.root.join("node/modules").join(name);
        let inputs = format!("node/modules/{name}");
        self.add(Part {
            name,
            label: name.to_owned(),
            lane: Lane::Processor,
            seconds,
            after: &[],
            inputs: &[&inputs],
            commands: Box::new(move |out| vec![go::build(&module, &[], &values, &out.join(""), packages)]),
            finish,
        })
    }
}

/// Removes the images that had these tags before, if nothing uses them any more.
pub(crate) fn drop_replaced(root: &Path, tags: &[String]) -> Action {
    let inspect =
        |tag: &str| Invocation::new(root, "docker", &["image", "inspect", "--format", "{{.Id}}", tag]).answer();
    let before: Vec<(String, String)> = tags.iter().filter_map(|tag| Some((tag.clone(), inspect(tag)?))).collect();
    let root = root.to_owned();
    Box::new(move |_| {
        for (tag, id) in &before {
            let inspect = Invocation::new(&root, "docker", &["image", "inspect", "--format", "{{.Id}}", tag]);
            if inspect.answer().is_some_and(|now| now != *id) {
                // It stays while a running cluster uses it; the engine then refuses, rightly.
                Invocation::new(&root, "docker", &["image", "rm", id]).answer();
            }
        }
        Ok(())
    })
}
