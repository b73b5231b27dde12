//! What a person sees of a build: bars on a terminal, plain lines elsewhere. The only place that prints.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is the reporter")]

use std::collections::BTreeMap;
use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::estimate::human;

/// How a build is shown.
pub(crate) struct Report {
    style: Style,
    started: Instant,
    whole: Option<f64>,
}

enum Style {
    #[cfg(test)]
    Silent,
    Plain,
    Bars {
        all: MultiProgress,
        total: ProgressBar,
        steps: BTreeMap<String, ProgressBar>,
    },
}

impl Report {
    /// Bars if standard error is a terminal and `plain` was not asked for.
    pub(crate) fn new(plain: bool) -> Self {
        let style = if plain || !stderr().is_terminal() {
            Style::Plain
        } else {
            let all = MultiProgress::new();
            let total = all.add(ProgressBar::new(1000));
            total.set_style(
                ProgressStyle::with_template("image {wide_bar:.cyan/dim} {msg}").expect("the template is valid"),
            );
            Style::Bars { all, total, steps: BTreeMap::new() }
        };
        Self { style, started: Instant::now(), whole: None }
    }

    #[cfg(test)]
    pub(crate) fn silent() -> Self {
        Self { style: Style::Silent, started: Instant::now(), whole: None }
    }

    pub(crate) fn step_started(&mut self, name: &str) {
        match &mut self.style {
            #[cfg(test)]
            Style::Silent => {}
            Style::Plain => println!("{name}: started"),
            Style::Bars { all, steps, .. } => {
                let bar = all.add(ProgressBar::new_spinner());
                bar.set_style(
                    ProgressStyle::with_template("  {spinner} {prefix:12} {elapsed:>4} {wide_msg:.dim}")
                        .expect("the template is valid"),
                );
                bar.set_prefix(name.to_owned());
                bar.enable_steady_tick(Duration::from_millis(120));
                steps.insert(name.to_owned(), bar);
            }
        }
    }

    /// The last line a step's command wrote.
    pub(crate) fn step_says(&mut self, name: &str, line: &str) {
        if let Style::Bars { steps, .. } = &self.style
            && let Some(bar) = steps.get(name)
        {
            bar.set_message(line.trim().to_owned());
        }
    }

    pub(crate) fn step_done(&mut self, name: &str, seconds: f64, left: f64) {
        match &self.style {
            #[cfg(test)]
            Style::Silent => {}
            Style::Plain if left > 0.0 => {
                println!("{name}: done in {seconds:.1}s, about {} left", human(left))
            }
            Style::Plain => println!("{name}: done in {seconds:.1}s"),
            Style::Bars { all, .. } => {
                // A line that cannot be printed is no reason to end a build.
                let _ = all.println(format!("  {name}: done in {seconds:.1}s"));
            }
        }
        self.step_ended(name);
    }

    pub(crate) fn step_ended(&mut self, name: &str) {
        if let Style::Bars { all, steps, .. } = &mut self.style
            && let Some(bar) = steps.remove(name)
        {
            bar.finish_and_clear();
            all.remove(&bar);
        }
    }

    /// How long the rest takes.
    pub(crate) fn time_left(&mut self, left: f64) {
        let elapsed = self.started.elapsed().as_secs_f64();
        if self.whole.is_none() {
            self.whole = Some(left);
            if matches!(self.style, Style::Plain) {
                println!("image: about {}", human(left));
            }
        }
        if let Style::Bars { total, .. } = &self.style {
            let share = elapsed / (elapsed + left).max(0.001);
            total.set_position((share * 1000.0) as u64);
            total.set_message(format!("about {} left", human(left)));
        }
    }

    /// Removes the bars; what follows is plain text.
    pub(crate) fn close(&mut self) {
        if let Style::Bars { all, .. } = &self.style {
            // A terminal that is gone needs no clearing.
            let _ = all.clear();
        }
    }

    /// Seconds since the report was opened.
    pub(crate) fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }
}

/// A line of result.
pub(crate) fn say(line: &str) {
    println!("{line}");
}

/// The one error a run ends with.
pub(crate) fn complain(error: &anyhow::Error) {
    eprintln!("error: {error:#}");
}
