//! Measures how long a cluster takes and how much it weighs: medians of five rounds, as a table and as
//! `target/bench.json`. It judges nothing; no test asserts a time.
//!
//! `rollcall-bench real`, `rollcall-bench simulated` and `rollcall-bench validate` measure a part.
#![expect(clippy::print_stdout, reason = "the table is the program's whole purpose")]

mod explain;
mod judging;
mod lint;
mod rounds;
mod simulated;
mod table;
mod validate;
mod weight;

use std::path::Path;

use anyhow::{Context, Result};

/// Rounds of each figure; the median of fewer says little.
const ROUNDS: usize = 5;
const RESULT: &str = "target/bench.json";

#[tokio::main]
async fn main() -> Result<()> {
    let part = std::env::args().nth(1);
    if part.as_deref() == Some(simulated::ROUND) {
        println!("{}", simulated::round().await?);
        return Ok(());
    }
    let wanted = |name: &str| part.as_deref().is_none_or(|part| part == name);
    let parts = ["real", "simulated", "validate"];
    anyhow::ensure!(parts.into_iter().any(wanted), "there are the parts `real`, `simulated` and `validate`");
    let mut rows = Vec::new();
    if wanted("real") {
        let mut figures = rounds::Figures::default();
        for round in 1..=ROUNDS {
            println!("real nodes: round {round} of {ROUNDS}");
            rounds::measure(&mut figures).await.with_context(|| format!("round {round}"))?;
        }
        rows.extend(table::real(&figures, weight::image_bytes()?));
    }
    if wanted("simulated") {
        let mut figures = simulated::Figures::default();
        for round in 1..=ROUNDS {
            println!("simulated nodes: round {round} of {ROUNDS}");
            simulated::measure(&mut figures).with_context(|| format!("round {round}"))?;
        }
        rows.extend(table::simulated(&figures));
        println!("explain");
        rows.push(table::explained(&explain::measure(ROUNDS).await.context("explain")?));
    }
    if wanted("validate") {
        let mut rounds = Vec::new();
        for round in 1..=ROUNDS {
            println!("validate: round {round} of {ROUNDS}");
            rounds.push(validate::measure().with_context(|| format!("validate, round {round}"))?);
        }
        rows.push(table::validated(&rounds));
    }
    if part.is_none() {
        // Afterwards, so that it does not count for the memory of the harness.
        let linted = (0..ROUNDS).map(|_| lint::measure()).collect::<Result<Vec<_>>>()?;
        rows.push(table::linted(&linted));
    }
    println!("{}", table::render(&rows));
    std::fs::create_dir_all(Path::new(RESULT).parent().unwrap_or(Path::new(".")))?;
    std::fs::write(RESULT, format!("{:#}\n", table::json(&rows))).context(RESULT)?;
    println!("written to {RESULT}");
    Ok(())
}
