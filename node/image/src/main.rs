//! Builds the node image and the probe agent images from packages, without an image registry.
//!
//! This file decides whether anything is to be done and hands the steps to the graph. An image whose
//! label carries the hash of today's inputs is left alone.

mod agent;
mod archive;
mod cancel;
mod command;
mod estimate;
mod go;
mod graph;
mod inputs;
mod node;
mod report;
mod rootfs;
mod settings;
mod steps;

use std::fs::{self, File};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use agent::{AGENT_VERSIONS, agent_tag};
use cancel::Cancel;
use command::{Invocation, remove};
use estimate::{Remembered, human};
use inputs::Inputs;
use node::Node;
use report::{Report, complain, say};
use settings::{Options, USAGE, Versions, debian_mirror, root};
use steps::Steps;

/// Disk space that a build from nothing takes: Go's caches 4 GB, results and the archive 1 GB, the engine's copy.
const WHOLE_BUILD_GB: u64 = 6;
/// And one that has Kubernetes compiled already.
const SMALL_BUILD_GB: u64 = 2;

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            say(USAGE);
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            complain(&error);
            return ExitCode::from(2);
        }
    };
    match build(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            // The environment could not do it, see the exit codes of `rollcall` itself.
            ExitCode::from(3)
        }
    }
}

fn build(options: &Options) -> Result<()> {
    let root = root()?;
    check_engine(&root)?;
    let store = root.join("target/node-image");
    // Before anything is looked at: what another build is making now need not be made again.
    let _lock = lock(&store)?;
    let mut steps = Steps { root: &root, store: &store, steps: Vec::new() };
    let mut made = Vec::new();
    if options.node {
        let node = node(options, &root)?;
        let present = labels(&root, &node.tag());
        let same = label(&present, "rollcall.inputs") == Some(&node.inputs);
        let has_extras = label(&present, "rollcall.extras") == Some("true");
        // One with extras has everything that one without them has.
        if same && (has_extras || !node.extras) {
            say(&format!("image {} is up to date", node.tag()));
        } else {
            made.push(node.tag());
            steps.node(node)?;
        }
    }
    if options.agent {
        let inputs = Inputs::default().path(&root, "agent")?.path(&root, "node/image")?.hash();
        let tags = AGENT_VERSIONS.map(agent_tag);
        if tags.iter().all(|tag| label(&labels(&root, tag), "rollcall.inputs") == Some(&inputs)) {
            say(&format!("images {} are up to date", tags.join(" and ")));
        } else {
            steps.agent(&inputs, &rust_target()?)?;
            made.extend(tags);
        }
    }
    if made.is_empty() {
        return Ok(());
    }
    run(steps, options, &made)
}

/// Waits until no other build works in the store: two would write the same folders.
fn lock(store: &Path) -> Result<File> {
    fs::create_dir_all(store).with_context(|| format!("could not make `{}`", store.display()))?;
    let lock = File::create(store.join(".lock")).context("could not make the lock file of the image build")?;
    if lock.try_lock().is_err() {
        say("another image build is running, waiting for it");
        lock.lock().context("could not lock the image build")?;
    }
    Ok(lock)
}

/// Runs the steps and says what came of them.
fn run(steps: Steps<'_>, options: &Options, made: &[String]) -> Result<()> {
    let Steps { root, store, steps } = steps;
    sweep(store);
    let compiled = steps
        .iter()
        .filter(|step| step.name == "kubernetes")
        .all(|step| step.result.as_ref().is_some_and(|path| path.exists()));
    check_space(store, if compiled { SMALL_BUILD_GB } else { WHOLE_BUILD_GB })?;

    let kept: Vec<_> = steps.iter().filter_map(|step| step.result.clone()).collect();
    let (cancel, interrupted) = Cancel::on_signals()?;
    let mut remembered = Remembered::read(&store.join("durations.json"));
    let mut report = Report::new(options.plain);
    let outcome = graph::run(steps, &store.join("logs"), &cancel, &mut remembered, &mut report);
    report.close();
    if interrupted.is_set() {
        bail!("interrupted\n(hint: finished steps are kept, the next run goes on from there)");
    }
    outcome?;
    drop_older(store, &kept);
    for tag in made {
        let size = Invocation::new(root, "docker", &["image", "inspect", "--format", "{{.Size}}", tag]).answer();
        let megabytes = size.and_then(|size| size.parse::<u64>().ok()).map_or(0, |size| size / 1_000_000);
        say(&format!("image {tag} built, {megabytes} MB"));
    }
    say(&format!("done in {}", human(report.seconds())));
    Ok(())
}

/// What the node image is to be, with the hash of everything it is made from.
fn node(options: &Options, root: &Path) -> Result<Node> {
    let versions = Versions::read(root, &options.minor)?;
    let mirror = debian_mirror();
    let target = rust_target()?;
    // The mirror is left out: the same packages from elsewhere are the same image.
    let inputs = Inputs::default()
        .path(root, "node/modules")?
        .path(root, "node/init")?
        .path(root, "node/image")?
        .setting("kubernetes", &options.minor)
        .setting("target", &target)
        .hash();
    Ok(Node { minor: options.minor.clone(), versions, mirror, extras: options.extras, target, inputs })
}

/// The Rust target of this machine with static linking in it: the GNU one, its C library is there anyway.
fn rust_target() -> Result<String> {
    match std::env::consts::ARCH {
        arch @ ("x86_64" | "aarch64") => Ok(format!("{arch}-unknown-linux-gnu")),
        other => bail!("no node image for the architecture `{other}`\n(hint: x86_64 and aarch64 are built)"),
    }
}

fn check_engine(root: &Path) -> Result<()> {
    let version = Invocation::new(root, "docker", &["version", "--format", "{{.Server.Version}}"]);
    if version.answer().is_none() {
        bail!(
            "the container engine does not answer\n(hint: `scripts/prepare.sh` installs and starts one, or says what is missing)"
        );
    }
    Ok(())
}

/// The labels of a local image; none if there is no such image.
fn labels(root: &Path, tag: &str) -> Value {
    Invocation::new(root, "docker", &["image", "inspect", "--format", "{{json .Config.Labels}}", tag])
        .answer()
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or(Value::Null)
}

fn label<'a>(labels: &'a Value, name: &str) -> Option<&'a str> {
    labels.get(name)?.as_str()
}

/// Fails before the work instead of in the middle of it.
fn check_space(store: &Path, gigabytes: u64) -> Result<()> {
    let Ok(disk) = nix::sys::statvfs::statvfs(store) else {
        // A file system that does not say is no reason not to try.
        return Ok(());
    };
    let free = disk.blocks_available() * disk.fragment_size() / 1_000_000_000;
    if free < gigabytes {
        bail!(
            "the image build needs about {gigabytes} GB, and `{}` has {free} GB free\n(hint: `docker system df` and `go clean -cache` show and free the largest parts)",
            store.display()
        );
    }
    Ok(())
}

/// Removes what a build that was killed left half made.
fn sweep(store: &Path) {
    for entry in fs::read_dir(store).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') && name.ends_with(".partial") {
            remove(&entry.path());
        }
    }
}

/// Removes results of the same steps from older inputs; those of another Kubernetes minor stay.
fn drop_older(store: &Path, kept: &[std::path::PathBuf]) {
    let split = |path: &Path| -> Option<(String, String)> {
        let name = path.file_name()?.to_string_lossy().into_owned();
        let (label, key) = name.rsplit_once('-')?;
        (key.len() == 12).then(|| (label.to_owned(), key.to_owned()))
    };
    let current: Vec<_> = kept.iter().filter_map(|path| split(path)).collect();
    for entry in fs::read_dir(store).into_iter().flatten().flatten() {
        if let Some((label, key)) = split(&entry.path())
            && current.iter().any(|(other, now)| *other == label && *now != key)
        {
            remove(&entry.path());
        }
    }
}
