//! From the start of the program to a page on the display, and what it then holds, beside an empty window.

use std::{
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tempfile::TempDir;
use terrarium_tests::binaries;

use crate::{
    budget::{Budget, median},
    process,
    screen::Screen,
};

const ROUNDS: usize = 7;
/// Until nothing is loaded anymore.
const SETTLE: Duration = Duration::from_secs(4);

/// A process of the window and its share of memory in MiB.
type Share = (String, f64);

/// One of the two windows, and its samples.
#[derive(Default)]
struct Side {
    painted_ms: Vec<f64>,
    total_mib: Vec<f64>,
    shares: Vec<Share>,
}

/// Start and memory, in alternation.
pub(crate) fn measure() -> Result<Vec<Budget>> {
    let screen = Screen::start()?;
    let roots = tempfile::Builder::new().prefix("tb").tempdir_in("/tmp")?;
    let (mut ours, mut empty) = (Side::default(), Side::default());
    // The first pair fills caches and does not count.
    for round in 0..=ROUNDS {
        for turn in 0..2 {
            let is_ours = (round + turn) % 2 == 0;
            let mut command = if is_ours { app(&roots) } else { empty_window() };
            let sample = sample(&screen, &mut command)?;
            let side = if is_ours { &mut ours } else { &mut empty };
            if round > 0 {
                side.add(sample);
            }
        }
    }
    let shares = ours.shares.clone();
    let (start, plain) = (median(ours.painted_ms), median(empty.painted_ms));
    let (memory, least) = (median(ours.total_mib), median(empty.total_mib));
    let mut budgets = vec![
        Budget::at_most(700.0, "ms", "start to a page on the display", start),
        Budget::figure("ms", "  an empty window", plain),
        Budget::at_most(1.5, "×", "  ratio", start / plain),
        Budget::figure("MiB", "memory of all its processes (PSS)", memory),
        Budget::figure("MiB", "  an empty window", least),
        Budget::at_most(60.0, "MiB", "  more than the empty one", memory - least),
    ];
    for ((name, share), (_, plain)) in shares.iter().zip(&empty.shares) {
        let what = format!("  of these in {name}");
        budgets.push(Budget::figure("MiB", what, share - plain));
    }
    Ok(budgets)
}

impl Side {
    fn add(&mut self, (painted_ms, shares): (f64, Vec<Share>)) {
        self.painted_ms.push(painted_ms);
        self.total_mib
            .push(shares.iter().map(|(_, share)| share).sum());
        self.shares = shares;
    }
}

/// The product, with folders of its own.
pub(crate) fn app(roots: &TempDir) -> Command {
    let mut command = Command::new(binaries().join("terrarium"));
    command.arg("--data-root").arg(roots.path().join("data"));
    command.arg("--run-root").arg(roots.path().join("run"));
    command
}

fn empty_window() -> Command {
    Command::new(binaries().join("examples/empty"))
}

/// A program that opens its window on this display.
pub(crate) fn window_of<'c>(screen: &Screen, command: &'c mut Command) -> &'c mut Command {
    command
        .env("DISPLAY", &screen.name)
        .env("NO_AT_BRIDGE", "1")
        .env("WEBKIT_DISABLE_DMABUF_RENDERER", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
}

fn sample(screen: &Screen, command: &mut Command) -> Result<(f64, Vec<Share>)> {
    let command = window_of(screen, command);
    let started = Instant::now();
    let mut child = command.spawn().context("start a window")?;
    let painted = screen.await_page().map(|()| started.elapsed());
    thread::sleep(SETTLE);
    let shares = shares(child.id());
    end(&mut child)?;
    screen.await_nothing()?;
    Ok((painted?.as_secs_f64() * 1000.0, shares?))
}

fn shares(root: u32) -> Result<Vec<Share>> {
    let pids = process::tree(root)?;
    let share = |pid: &u32| {
        let name = match process::name(*pid) {
            _ if *pid == root => "the program".to_owned(),
            name => name,
        };
        Ok((name, process::pss_mib(&[*pid])?))
    };
    let mut shares: Vec<Share> = pids.iter().map(share).collect::<Result<_>>()?;
    shares.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(shares)
}

/// Ends a window as a session does.
///
/// # Errors
/// When it cannot be told to.
pub(crate) fn end(child: &mut Child) -> Result<()> {
    kill(Pid::from_raw(i32::try_from(child.id())?), Signal::SIGTERM)?;
    child.wait()?;
    Ok(())
}
