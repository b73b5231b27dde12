//! The command line as a program of its own, as a user runs it.

use std::{
    env,
    ffi::OsString,
    fmt,
    io::Read,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::OnceLock,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{eventually::eventually, repository};

/// How long a command may take where the test does not say. Two busy cores need some ten seconds for a cluster.
const DEADLINE: Duration = Duration::from_secs(120);

/// The binary `rollcall`, built once with the profile and into the target directory of the running test.
///
/// # Errors
/// When it does not build, with what the compiler said.
pub fn binary() -> Result<&'static Path> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let built = BUILT.get_or_init(|| build().map_err(|error| format!("{error:#}")));
    built.as_deref().map_err(|error| anyhow::anyhow!("{error}"))
}

fn build() -> Result<PathBuf> {
    // target/debug/deps/cluster_nodes-0123456789abcdef
    let test = env::current_exe().context("could not find the running test")?;
    let profile = test.ancestors().nth(2).context("the running test is not in a target directory")?;
    let target = profile.parent().context("the running test is not in a target directory")?;
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // With the features that tests are built with: those of the program alone would compile its dependencies once more.
    command.args(["test", "--quiet", "--no-run", "--workspace", "--test", "program", "--target-dir"]).arg(target);
    if profile.ends_with("release") {
        command.arg("--release");
    }
    // What cargo tells a test of its own package would make others' build scripts look changed.
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CARGO_")) {
        let kept = ["CARGO_HOME", "CARGO_NET_OFFLINE", "CARGO_INCREMENTAL", "CARGO_BUILD_JOBS"];
        if !kept.iter().any(|kept| name == *kept) && !name.to_string_lossy().starts_with("CARGO_REGISTRIES") {
            command.env_remove(name);
        }
    }
    let output = command.current_dir(repository::root()).output().context("could not run cargo")?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "`rollcall` does not build:\n{stderr}");
    Ok(profile.join("rollcall"))
}

/// One call of `rollcall` that has not been made yet.
#[must_use = "nothing runs until `run` or `start` is called"]
#[derive(Debug, Clone)]
pub struct Cli {
    arguments: Vec<OsString>,
    variables: Vec<(OsString, OsString)>,
    deadline: Duration,
}

impl Cli {
    /// With these words, in the repository's root.
    pub fn new<I: IntoIterator<Item = W>, W: Into<OsString>>(words: I) -> Self {
        let arguments = words.into_iter().map(Into::into).collect();
        Self { arguments, variables: Vec::new(), deadline: DEADLINE }
    }

    /// One more word.
    pub fn arg(mut self, word: impl Into<OsString>) -> Self {
        self.arguments.push(word.into());
        self
    }

    /// More words.
    pub fn args<I: IntoIterator<Item = W>, W: Into<OsString>>(mut self, words: I) -> Self {
        self.arguments.extend(words.into_iter().map(Into::into));
        self
    }

    /// With another time within which it must end.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// With an environment variable.
    pub fn env(mut self, key: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.variables.push((key.into(), value.into()));
        self
    }

    /// Starts it and waits for its end.
    ///
    /// # Errors
    /// When it cannot be started or does not end in time; it is killed then.
    pub fn run(self) -> Result<Outcome> {
        self.start()?.end()
    }

    /// Starts it.
    ///
    /// # Errors
    /// When it cannot be built or started.
    pub fn start(self) -> Result<Running> {
        let mut command = Command::new(binary()?);
        command.args(&self.arguments).env_remove("RUST_LOG").env("NO_COLOR", "1").current_dir(repository::root());
        // Last, so that a test has its own way.
        command.envs(self.variables.iter().map(|(key, value)| (key, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let words: Vec<_> = self.arguments.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        let line = format!("rollcall {}", words.join(" "));
        let started = Instant::now();
        let mut child = command.spawn().with_context(|| format!("could not start `{line}`"))?;
        let stdout = reader(child.stdout.take().context("standard output is a pipe")?);
        let stderr = reader(child.stderr.take().context("standard error is a pipe")?);
        Ok(Running { child, line, started, deadline: self.deadline, stdout, stderr })
    }
}

fn reader(mut pipe: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // What came before the pipe broke is worth showing.
        let _ = pipe.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// A running `rollcall`.
#[derive(Debug)]
pub struct Running {
    child: Child,
    line: String,
    started: Instant,
    deadline: Duration,
    stdout: JoinHandle<String>,
    stderr: JoinHandle<String>,
}

impl Running {
    /// Sends it a signal.
    ///
    /// # Errors
    /// When it is gone already.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).context("a process number")?);
        kill(pid, signal).with_context(|| format!("could not send {signal} to `{}`", self.line))
    }

    /// Whether it has ended.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn has_ended(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// Lets it run until so much time has passed since it was started, or to its end.
    ///
    /// # Errors
    /// When the system does not say whether it runs.
    pub fn until(&mut self, after: Duration) -> Result<bool> {
        while self.started.elapsed() < after {
            if self.has_ended()? {
                return Ok(false);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(!self.has_ended()?)
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When it does not end in time; it is killed then.
    pub fn end(mut self) -> Result<Outcome> {
        let left = self.deadline.saturating_sub(self.started.elapsed());
        let mut status: Option<ExitStatus> = None;
        let ended = eventually(left, || {
            status = self.child.try_wait()?;
            ensure!(status.is_some(), "`{}` has not ended", self.line);
            Ok(())
        });
        if ended.is_err() {
            self.child.kill()?;
            status = Some(self.child.wait()?);
        }
        let took = self.started.elapsed();
        let text = |reader: JoinHandle<String>| reader.join().unwrap_or_default();
        let outcome = Outcome {
            line: self.line,
            status: status.context("it has ended")?,
            took,
            stdout: text(self.stdout),
            stderr: text(self.stderr),
        };
        match ended {
            Ok(_) => Ok(outcome),
            Err(error) => Err(error.context(outcome.to_string())),
        }
    }
}

/// How a call ended. Displayed, it is everything a person needs to see what went wrong.
#[derive(Debug, Clone)]
pub struct Outcome {
    line: String,
    /// How it ended.
    pub status: ExitStatus,
    /// How long it ran.
    pub took: Duration,
    /// What it printed.
    pub stdout: String,
    /// What it printed beside.
    pub stderr: String,
}

impl Outcome {
    /// Succeeds if it ended with this code.
    ///
    /// # Errors
    /// Shows the call and everything it printed.
    pub fn code(self, code: i32) -> Result<Self> {
        if self.status.code() == Some(code) { Ok(self) } else { bail!("exit code {code} was expected of\n{self}") }
    }

    /// Succeeds if its standard output has every part.
    ///
    /// # Errors
    /// Shows the call and everything it printed.
    pub fn prints(self, parts: &[&str]) -> Result<Self> {
        for part in parts {
            ensure!(self.stdout.contains(part), "`{part}` is not printed by\n{self}");
        }
        Ok(self)
    }

    /// Succeeds if its standard error has every part.
    ///
    /// # Errors
    /// Shows the call and everything it printed.
    pub fn complains(self, parts: &[&str]) -> Result<Self> {
        for part in parts {
            ensure!(self.stderr.contains(part), "`{part}` is not said by\n{self}");
        }
        Ok(self)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "$ {}", self.line)?;
        writeln!(f, "{} after {:.1}s", self.status, self.took.as_secs_f64())?;
        for (name, text) in [("standard output", &self.stdout), ("standard error", &self.stderr)] {
            if !text.is_empty() {
                writeln!(f, "{name}:\n{}", text.trim_end())?;
            }
        }
        Ok(())
    }
}
