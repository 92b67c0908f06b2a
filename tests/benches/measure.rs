//! Samples, medians, and the table.

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};

/// One of the programs that take turns.
pub(crate) struct Side<'a, T = Duration> {
    name: String,
    act: Box<dyn FnMut() -> Result<T> + 'a>,
}

impl<'a, T> Side<'a, T> {
    /// `act` does the work once and tells what the part took that counts.
    pub(crate) fn new(name: &str, act: impl FnMut() -> Result<T> + 'a) -> Self {
        Self {
            name: name.to_owned(),
            act: Box::new(act),
        }
    }
}

/// What a side needed: the median, and between which values four fifths of the samples lie.
#[derive(Debug, Clone)]
pub(crate) struct Figure {
    name: String,
    median: f64,
    low: f64,
    high: f64,
    unit: &'static str,
}

impl Figure {
    /// Sums samples up.
    ///
    /// # Panics
    /// Without any.
    pub(crate) fn of(name: &str, mut samples: Vec<f64>, unit: &'static str) -> Self {
        assert!(!samples.is_empty(), "{name} has no sample");
        samples.sort_by(f64::total_cmp);
        let at = |tenth: usize| samples[(samples.len() - 1) * tenth / 10];
        Self {
            name: name.to_owned(),
            median: at(5),
            low: at(1),
            high: at(9),
            unit,
        }
    }
}

/// One piece of work, done by us and by peers.
#[derive(Debug)]
pub(crate) struct Row {
    work: String,
    ours: Figure,
    peers: Vec<Figure>,
}

impl Row {
    /// The first figure is ours.
    ///
    /// # Panics
    /// Without any.
    pub(crate) fn new(work: &str, mut figures: Vec<Figure>) -> Self {
        let peers = figures.split_off(1);
        let ours = figures.remove(0);
        Self {
            work: work.to_owned(),
            ours,
            peers,
        }
    }

    /// Prints a line for each peer.
    pub(crate) fn print(&self) {
        let show = |figure: &Figure| {
            format!(
                "{:.1} {} ({:.1}..{:.1})",
                figure.median, figure.unit, figure.low, figure.high
            )
        };
        let ours = show(&self.ours);
        if self.peers.is_empty() {
            println!(
                "| {:<38} | {ours:<26} | {:<12} | {:<26} | {:>5} |",
                self.work, "", "", ""
            );
        }
        for peer in &self.peers {
            println!(
                "| {:<38} | {ours:<26} | {:<12} | {:<26} | {:>5.2} |",
                self.work,
                peer.name,
                show(peer),
                self.ours.median / peer.median
            );
        }
    }
}

/// Prints the head of the table.
pub(crate) fn print_head() {
    println!(
        "| {:<38} | {:<26} | {:<12} | {:<26} | ratio |",
        "work: median (p10..p90)", "ours", "peer", "its figure"
    );
    println!("|{0:-<40}|{0:-<28}|{0:-<14}|{0:-<28}|------:|", "");
}

/// Lets all sides take turns, and sums up how long each took.
pub(crate) fn alternate(rounds: usize, sides: &mut [Side<'_>]) -> Result<Vec<Figure>> {
    let samples = take_turns(rounds, sides)?.into_iter();
    let figure = |(name, took): (String, Vec<Duration>)| {
        let milliseconds = took.iter().map(|took| took.as_secs_f64() * 1000.0);
        Figure::of(&name, milliseconds.collect(), "ms")
    };
    Ok(samples.map(figure).collect())
}

/// Lets all sides take turns, and who is first changes: what a busy machine does to one, it does to
/// all. A first round, in which caches fill, does not count.
pub(crate) fn take_turns<T>(
    rounds: usize,
    sides: &mut [Side<'_, T>],
) -> Result<Vec<(String, Vec<T>)>> {
    let names = sides.iter().map(|side| (side.name.clone(), Vec::new()));
    let mut samples: Vec<(String, Vec<T>)> = names.collect();
    for round in 0..=rounds {
        for turn in 0..sides.len() {
            let index = (round + turn) % sides.len();
            let side = &mut sides[index];
            let took = (side.act)().with_context(|| format!("measure {}", side.name))?;
            if round > 0 {
                samples[index].1.push(took);
            }
        }
    }
    Ok(samples)
}

/// Runs a command that must succeed, and tells how long it took from its start to its end.
pub(crate) fn timed(command: &mut Command) -> Result<Duration> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let started = Instant::now();
    let output = command
        .output()
        .with_context(|| format!("start {command:?}"))?;
    let took = started.elapsed();
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?}: {}", said.trim());
    Ok(took)
}
