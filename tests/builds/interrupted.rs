//! Builds that are left, canceled or killed in the middle.

use std::{
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{BASE, Scene, snapshots};

const PATIENCE: Duration = Duration::from_secs(20);

/// The first step is done and kept; the second one says so and does not end.
fn text() -> String {
    format!(
        "FROM {BASE}\nRUN echo first > /first\nRUN touch /half; echo in the middle; sleep 1000\n"
    )
}

/// A client whose build is in the middle of a command.
fn begun(scene: &Scene) -> Result<Child> {
    let folder = scene.folder_of("interrupted", &text())?;
    let mut command = scene.host.command(&["build", "-t", "interrupted"]);
    command
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let client = command.spawn()?;
    wait_until(
        || Ok(runs(scene)?.iter().any(|line| line.contains("Up"))),
        "a command runs",
    )?;
    Ok(client)
}

fn runs(scene: &Scene) -> Result<Vec<String>> {
    let ran = scene.host.docker(&[
        "ps",
        "-a",
        "--no-trunc",
        "--format",
        "{{.Command}} {{.Status}}",
    ]);
    let lines = ran.ok().lines().filter(|line| line.contains("middle"));
    Ok(lines.map(str::to_owned).collect())
}

fn wait_until(mut there: impl FnMut() -> Result<bool>, what: &str) -> Result<()> {
    let began = Instant::now();
    while !there()? {
        ensure!(began.elapsed() < PATIENCE, "waited for: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Nothing is left of the step, and what was done before counts.
fn nothing_is_lost_or_left(scene: &Scene) -> Result<()> {
    wait_until(
        || Ok(runs(scene)?.is_empty()),
        "the container of the step is gone",
    )?;
    assert_eq!(scene.host.docker(&["ps", "-aq"]).ok(), "");
    assert_eq!(scene.host.docker(&["images", "-q", "interrupted"]).ok(), "");
    let text = format!("FROM {BASE}\nRUN echo first > /first\nRUN test ! -e /half && cat /first\n");
    let said = scene.build("after", &text)?.ok().to_owned();
    assert_eq!(said.matches("Using cache").count(), 1, "{said}");
    assert!(
        scene
            .host
            .docker(&["run", "--rm", "after", "cat", "/first"])
            .ok()
            == "first"
    );
    scene.host.docker(&["rmi", "after"]).ok();
    scene.host.docker(&["builder", "prune", "-f"]).ok();
    wait_until(
        || Ok(snapshots(scene)? == scene.snapshots),
        "only the base stays",
    )
}

#[test]
fn a_client_that_leaves_ends_its_build() -> Result<()> {
    let Some(scene) = Scene::start()? else {
        return Ok(());
    };
    let mut client = begun(&scene)?;
    kill(Pid::from_raw(i32::try_from(client.id())?), Signal::SIGINT)?;
    client.wait()?;
    nothing_is_lost_or_left(&scene)
}

#[test]
fn a_host_that_is_killed_leaves_no_half_image() -> Result<()> {
    let Some(mut scene) = Scene::start()? else {
        return Ok(());
    };
    let mut client = begun(&scene)?;
    scene.host.kill()?;
    client.wait()?;
    scene.host.restart()?;
    nothing_is_lost_or_left(&scene)
}

#[test]
fn a_host_that_is_killed_again_and_again_keeps_a_true_cache() -> Result<()> {
    let Some(mut scene) = Scene::start()? else {
        return Ok(());
    };
    let steps: String = (0..12)
        .map(|n| format!("RUN echo {n} > /s{n}\nCOPY dir /d{n}\n"))
        .collect();
    let text = format!("FROM {BASE}\n{steps}");
    let folder = scene.folder_of("killed", &text)?;
    for round in 0..6_u64 {
        let mut command = scene.host.command(&["build", "-q", "-t", "killed"]);
        command
            .arg(&folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut client = command.spawn()?;
        // A different moment each time: the build goes on from where it came to.
        std::thread::sleep(Duration::from_millis(60 + 130 * round));
        scene.host.kill()?;
        client.wait()?;
        scene.host.restart()?;
    }
    scene.build("killed", &text)?.ok();
    let shown = scene.inside("killed", &["sh", "-c", "cat /s? /s??; cat /d*/one | wc -l"]);
    let numbers: Vec<String> = (0..12)
        .map(|n| n.to_string())
        .chain(["12".to_owned()])
        .collect();
    assert_eq!(shown.split_whitespace().collect::<Vec<_>>(), numbers);
    let again = scene.build("killed", &text)?.ok().to_owned();
    assert_eq!(again.matches("Using cache").count(), 24, "{again}");
    wait_until(
        || Ok(scene.host.docker(&["ps", "-aq"]).ok().is_empty()),
        "no step stays",
    )
}
