//! Damaged and taken data roots.

use std::{fs, process::Command};

use anyhow::Result;
use terrarium_tests::{Host, binaries, can_run_containers, run};

use crate::scene::{IMAGE, Scene, assert_says, names};

/// What a person would miss.
fn everything(host: &Host) -> String {
    let ask = |arguments: &[&str]| {
        let ran = host.docker(arguments);
        let mut lines: Vec<_> = ran.ok().lines().collect();
        // What was made at the same time has no order.
        lines.sort_unstable();
        lines.join("\n")
    };
    [
        ask(&["images", "--no-trunc", "--format", IMAGE]),
        ask(&[
            "ps",
            "-a",
            "--no-trunc",
            "--format",
            "{{.ID}} {{.Names}} {{.State}}",
        ]),
        ask(&["volume", "ls"]),
        ask(&["logs", "ended"]),
        ask(&["inspect", "-f", "{{.State.ExitCode}}", "ended"]),
        ask(&["exec", "running", "cat", "/kept/file"]),
    ]
    .join("\n")
}

fn furnish(host: &Host) {
    host.docker(&["volume", "create", "kept"]).ok();
    let write = "echo kept >/kept/file; exec sleep 600";
    host.docker(&[
        "run",
        "-d",
        "--name",
        "running",
        "-v",
        "kept:/kept",
        "alpine",
        "sh",
        "-c",
        write,
    ])
    .ok();
    host.docker(&[
        "run",
        "--name",
        "ended",
        "alpine",
        "sh",
        "-c",
        "echo said; exit 5",
    ])
    .fails(5);
    host.docker(&["tag", "alpine", "mine:1"]).ok();
    let wait = "until [ -e /kept/file ]; do sleep 0.1; done";
    host.docker(&["exec", "running", "sh", "-c", wait]).ok();
}

#[test]
fn a_damaged_or_lost_database_is_made_anew_and_nothing_is_missing() -> Result<()> {
    if !can_run_containers() {
        return Ok(());
    }
    let Scene {
        registry: _registry,
        mut host,
    } = Scene::new()?;
    furnish(&host);
    let before = everything(&host);
    host.kill()?;
    remove_database(&host)?;
    let database = host.data_root().join("terrarium.db");
    fs::write(&database, "no database at all".repeat(1000))?;
    host.restart()?;
    assert_eq!(everything(&host), before);
    let info = host.docker(&["info"]);
    assert_says(
        &format!("{}{}", info.stdout, info.stderr),
        &["has been rebuilt"],
    );

    host.stop()?;
    remove_database(&host)?;
    host.restart()?;
    assert_eq!(everything(&host), before);
    Ok(())
}

/// With its journal, from which SQLite would mend it.
fn remove_database(host: &Host) -> Result<()> {
    for name in names(&host.data_root())? {
        if name.starts_with("terrarium.db") {
            fs::remove_file(host.data_root().join(name))?;
        }
    }
    Ok(())
}

#[test]
fn a_second_host_is_told_who_has_the_data_root_and_disturbs_nothing() -> Result<()> {
    if !can_run_containers() {
        return Ok(());
    }
    let scene = Scene::new()?;
    let host = &scene.host;
    for run_root in [host.run_root(), host.scratch().join("other")] {
        let mut second = Command::new(binaries().join("terrariumd"));
        second.arg("--data-root").arg(host.data_root());
        let refused = run(second.arg("--run-root").arg(&run_root), "")?;
        let owner = format!("in use by process {}", host.pid());
        let root = host.data_root().display().to_string();
        assert_says(refused.fails(1), &[&root, &owner, "hint: "]);
        host.docker(&["run", "--rm", "alpine", "true"]).ok();
    }
    Ok(())
}
