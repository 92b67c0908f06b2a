//! Many containers of one image: they share its files, and outlive the host that started them.

use std::{
    fs,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use terrarium_tests::{Host, Options, Registry, can_run_containers, run};

const COUNT: u64 = 20;

/// What each container writes.
const WRITTEN: u64 = 100_000;

/// Folders, the work folder of the overlay, and the rounding to blocks.
const OVERHEAD: u64 = 64 << 10;

/// Writes its own data, counts, and ends with 7 when it is told to.
const SCRIPT: &str = "head -c 100000 /dev/urandom >/data; i=0; \
    until [ -e \"/told/$NAME\" ]; do i=$((i+1)); echo $i; sleep 0.2; done; \
    echo told; exit 7";

#[test]
fn twenty_containers_share_one_image_and_lose_nothing_with_their_host() -> Result<()> {
    if !can_run_containers() {
        return Ok(());
    }
    let registry = Registry::with_busybox()?;
    let mut host = Host::start(Options {
        mirrors: vec![registry.url()],
    })?;
    host.docker(&["pull", "-q", "alpine"]).ok();
    let image = image_of(&host);
    let told = host.scratch().join("told");
    fs::create_dir(&told)?;
    let snapshots = host.data_root().join("snapshots");
    let before = bytes_in(&snapshots)?;

    for number in 0..COUNT {
        start(&host, &told, &name(number));
    }
    for number in 0..COUNT {
        logged(&host, &name(number), 3)?;
    }
    let grown = bytes_in(&snapshots)? - before;
    let least = COUNT * WRITTEN;
    assert!(
        (least..=least + COUNT * OVERHEAD).contains(&grown),
        "{COUNT} containers took {grown} bytes"
    );
    assert_eq!(image_of(&host), image);
    host.docker(&["run", "--rm", "alpine", "test", "!", "-e", "/data"])
        .ok();

    let ended = name(7);
    let id = host.docker(&["inspect", "-f", "{{.Id}}", &ended]);
    host.kill()?;
    fs::write(told.join(&ended), "")?;
    until("the exit file", || {
        let folder = host.run_root().join("containers").join(id.ok());
        folder.join("exit.json").exists()
    })?;
    host.restart()?;

    let running = host.docker(&["ps", "--format", "{{.Names}}"]);
    let mut running: Vec<_> = running.ok().lines().map(str::to_owned).collect();
    running.sort();
    let expected: Vec<_> = (0..COUNT).map(name).filter(|name| *name != ended).collect();
    assert_eq!(running, expected);
    let code = host.docker(&["inspect", "-f", "{{.State.ExitCode}}", &ended]);
    assert_eq!(code.ok(), "7");
    assert_eq!(host.docker(&["wait", &ended]).ok(), "7");
    let lines = lines(&host, &ended);
    let (last, counted) = lines.split_last().context("it has a log")?;
    assert_eq!(last, "told");
    assert_counts(counted);
    for name in expected {
        let seen = self::lines(&host, &name).len();
        assert_counts(&logged(&host, &name, seen + 2)?);
    }
    assert_eq!(image_of(&host), image);
    Ok(())
}

/// Sorts like its number.
fn name(number: u64) -> String {
    format!("counter-{number:02}")
}

fn start(host: &Host, told: &Path, name: &str) {
    let told = format!("{}:/told:ro", told.display());
    let named = format!("NAME={name}");
    host.docker(&[
        "run", "-d", "--name", name, "-e", &named, "-v", &told, "alpine", "sh", "-c", SCRIPT,
    ])
    .ok();
}

/// Everything by which an image is known.
fn image_of(host: &Host) -> String {
    let format = "{{.Id}} {{.RepoDigests}} {{.RootFS.Layers}} {{.Size}}";
    host.docker(&["image", "inspect", "-f", format, "alpine"])
        .ok()
        .to_owned()
}

fn lines(host: &Host, name: &str) -> Vec<String> {
    let log = host.docker(&["logs", name]);
    log.ok().lines().map(str::to_owned).collect()
}

/// The log of a container once it has this many lines.
fn logged(host: &Host, name: &str, count: usize) -> Result<Vec<String>> {
    let mut log = Vec::new();
    until(&format!("line {count} of {name}"), || {
        log = lines(host, name);
        log.len() >= count
    })?;
    Ok(log)
}

/// No number is missing and none is there twice.
#[track_caller]
fn assert_counts(lines: &[String]) {
    for (index, line) in lines.iter().enumerate() {
        assert_eq!(*line, (index + 1).to_string(), "{lines:?}");
    }
}

fn bytes_in(folder: &Path) -> Result<u64> {
    let ran = run(Command::new("du").args(["-s", "-B1"]).arg(folder), "")?;
    let first = ran.ok().split_whitespace().next();
    Ok(first.context("du says a number")?.parse()?)
}

fn until(what: &str, mut condition: impl FnMut() -> bool) -> Result<()> {
    let started = Instant::now();
    while !condition() {
        anyhow::ensure!(
            started.elapsed() < Duration::from_secs(30),
            "waited for {what}"
        );
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}
