//! Wear: many lives in a row and many at once, which must not slow down, leak, or lose one.

use anyhow::{Context as _, Result, ensure};

use super::{bundle::Bundle, program, took::Took, works};
use crate::measure::{Figure, Row};

/// Lives in a row.
const CYCLES: usize = 10_000;
/// How many of them are summed up at the beginning and at the end.
const WINDOW: usize = 1_000;
/// Rounds of a hundred lives, eight at a time.
const ROUNDS: usize = 100;

/// What is last beside what was first: their ratio is the growth.
pub(super) fn measure(bundle: &Bundle) -> Result<Vec<Row>> {
    let ours = &program::runtimes()[0];
    let live = |number: usize| {
        let took = Took::of(ours.command(bundle, "run", &["soak"]));
        took.with_context(|| format!("life {number}"))
    };
    let lives: Vec<Took> = (0..CYCLES).map(live).collect::<Result<_>>()?;
    let left = bundle.left();
    ensure!(left.is_empty(), "left behind: {left:?}");
    let gather = |number: usize| {
        works::live_together(ours, bundle).with_context(|| format!("crowd {number}"))
    };
    let crowds: Vec<Took> = (0..ROUNDS).map(gather).collect::<Result<_>>()?;
    let mut rows = growth("the last 1,000 of 10,000 runs", &lives, WINDOW);
    rows.extend(growth("the last 20 of 100 crowds of 100", &crowds, 20));
    Ok(rows)
}

fn growth(work: &str, samples: &[Took], window: usize) -> Vec<Row> {
    let (first, last) = (&samples[..window], &samples[samples.len() - window..]);
    let row = |kind: &str, of: fn(&Took) -> f64| {
        let figure =
            |name: &str, part: &[Took]| Figure::of(name, part.iter().map(of).collect(), "ms");
        let figures = vec![figure("terrarium", last), figure("the first", first)];
        Row::new(&format!("{work}{kind}"), figures)
    };
    vec![row("", Took::wall_ms), row(": CPU", Took::cpu_ms)]
}
