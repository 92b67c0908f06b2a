//! A window that nobody sees must cost nothing.

use std::{
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use terrarium_tests::{binaries, run};

use crate::{
    budget::Budget,
    opening::{app, end, window_of},
    process::{self, Threads},
    screen::Screen,
};

const SETTLE: Duration = Duration::from_secs(6);
const SPAN: Duration = Duration::from_secs(10);

/// How often threads of a window are put on a core in a second.
struct Rates {
    shown: f64,
    hidden: f64,
}

/// Ours and an empty one, shown and hidden.
pub(crate) fn measure() -> Result<Vec<Budget>> {
    let screen = Screen::start()?;
    let roots = tempfile::Builder::new().prefix("tb").tempdir_in("/tmp")?;
    let ours = rates(&screen, &mut app(&roots))?;
    let empty = rates(
        &screen,
        &mut Command::new(binaries().join("examples/empty")),
    )?;
    Ok(vec![
        Budget::at_most(
            0.0,
            "/s",
            "wake-ups of a hidden window, more than an empty one",
            (ours.hidden - empty.hidden).max(0.0).floor(),
        ),
        Budget::figure("/s", "  all its processes", ours.hidden),
        Budget::figure("/s", "  an empty window", empty.hidden),
        Budget::figure("/s", "  shown, while nothing runs", ours.shown),
        Budget::figure("/s", "  an empty window, shown", empty.shown),
    ])
}

fn rates(screen: &Screen, command: &mut Command) -> Result<Rates> {
    let mut child = window_of(screen, command)
        .spawn()
        .context("start a window")?;
    let measured = screen.await_page().and_then(|()| {
        let pids = process::tree(child.id())?;
        let shown = rate(&pids)?;
        hide(screen)?;
        Ok(Rates {
            shown,
            hidden: rate(&pids)?,
        })
    });
    end(&mut child)?;
    screen.await_nothing()?;
    measured
}

fn rate(pids: &[u32]) -> Result<f64> {
    thread::sleep(SETTLE);
    let before = Threads::of(pids)?;
    thread::sleep(SPAN);
    let used = Threads::of(pids)?.since(&before);
    Ok(used.times / SPAN.as_secs_f64())
}

/// Unmaps the only window, as a minimized one is.
fn hide(screen: &Screen) -> Result<()> {
    let mut xdotool = Command::new("xdotool");
    xdotool.args(["search", "--onlyvisible", "--name", ".", "windowunmap"]);
    let ran = run(
        xdotool.env("DISPLAY", &screen.name).stdin(Stdio::null()),
        "",
    )?;
    ensure!(ran.code == Some(0), "hide the window: {}", ran.stderr);
    screen.await_nothing()
}
