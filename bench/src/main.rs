//! Measures how long a cluster takes and how much it weighs: medians of five rounds, as a table and as
//! `target/bench.json`. It judges nothing; no test asserts a time.
#![expect(clippy::print_stdout, reason = "the table is the program's whole purpose")]

mod lint;
mod rounds;
mod table;
mod weight;

use std::path::Path;

use anyhow::{Context, Result};

/// Rounds of each figure; the median of fewer says little.
const ROUNDS: usize = 5;
const RESULT: &str = "target/bench.json";

#[tokio::main]
async fn main() -> Result<()> {
    let mut figures = rounds::Figures::default();
    for round in 1..=ROUNDS {
        println!("round {round} of {ROUNDS}");
        rounds::measure(&mut figures).await.with_context(|| format!("round {round}"))?;
    }
    // Afterwards, so that it does not count for the memory of the harness.
    figures.linted = (0..ROUNDS).map(|_| lint::measure()).collect::<Result<_>>()?;
    let rows = table::rows(&figures, weight::image_bytes()?);
    println!("{}", table::render(&rows));
    std::fs::create_dir_all(Path::new(RESULT).parent().unwrap_or(Path::new(".")))?;
    std::fs::write(RESULT, format!("{:#}\n", table::json(&rows))).context(RESULT)?;
    println!("written to {RESULT}");
    Ok(())
}
