//! What a container changed on a large image, and bringing it to a registry.

use std::{
    fs::{self, File},
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use terrarium_tests::run;

use crate::{
    Bench,
    api::call,
    engine::Engine,
    measure::{Row, Side, alternate},
};

const ROUNDS: usize = 5;
const MEBIBYTE: u64 = 1 << 20;
/// What a container lies on; the time must not depend on it.
const BASES: [(&str, u64); 2] = [("16 MiB", 16), ("1 GiB", 1024)];
/// What is written into a layer that is pushed.
const PUSHED: u64 = 64;
const RANDOM: &str = "/tmp/random";

/// One file is changed on a small and on a large image: listed, and made a layer.
pub(crate) fn changed_file(bench: &Bench) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (name, mebibytes) in BASES {
        let image = format!("base-{mebibytes}");
        for engine in bench.engines() {
            import(engine, &image, mebibytes)?;
            let write = "echo changed > /data/0";
            engine.docker(&[
                "run",
                "--name",
                &image,
                &image,
                "/bin/busybox",
                "sh",
                "-c",
                write,
            ])?;
        }
        let list = format!("/containers/{image}/changes");
        let mut sides: Vec<Side<'_>> = bench
            .engines()
            .map(|engine| Side::new(engine.name(), || timed_call(engine, "GET", &list)))
            .collect();
        let work = format!("changes: one file on {name}");
        rows.push(Row::new(&work, alternate(ROUNDS, &mut sides)?));
        let commit = format!("/commit?container={image}&repo=made&tag={mebibytes}");
        let mut sides: Vec<Side<'_>> = bench
            .engines()
            .map(|engine| Side::new(engine.name(), || timed_call(engine, "POST", &commit)))
            .collect();
        let work = format!("commit: one file on {name}");
        rows.push(Row::new(&work, alternate(ROUNDS, &mut sides)?));
        for engine in bench.engines() {
            engine.remove_containers()?;
        }
    }
    Ok(rows)
}

/// Pushes a layer of random bytes that the registry has never seen.
pub(crate) fn push(bench: &Bench) -> Result<Vec<Row>> {
    let address = bench.registry.address();
    let mut sides = Vec::new();
    for engine in bench.engines() {
        let address = &address;
        let mut round = 0;
        sides.push(Side::new(engine.name(), move || {
            round += 1;
            let name = format!("{address}/bench/{}:{round}", engine.name());
            let write = format!("busybox dd if=/dev/urandom of=/new bs=1M count={PUSHED}");
            engine.docker(&["run", "--name", "writer", "busybox", "sh", "-c", &write])?;
            engine.docker(&["commit", "writer", &name])?;
            engine.docker(&["rm", "writer"])?;
            let took = engine.timed(&["push", "-q", &name])?;
            engine.docker(&["rmi", &name])?;
            Ok(took)
        }));
    }
    // What no push can be faster than: one of its parts alone.
    tool(
        Command::new("dd")
            .args(["if=/dev/urandom", &format!("of={RANDOM}"), "bs=1M"])
            .arg(format!("count={PUSHED}")),
    )?;
    sides.push(Side::new("sha256sum", move || {
        let started = Instant::now();
        tool(Command::new("sha256sum").arg(RANDOM))?;
        Ok(started.elapsed())
    }));
    let row = Row::new(
        &format!("push of {PUSHED} MiB, random"),
        alternate(ROUNDS, &mut sides)?,
    );
    drop(sides);
    fs::remove_file(RANDOM)?;
    Ok(vec![row])
}

fn timed_call(engine: &Engine, method: &str, path: &str) -> Result<Duration> {
    let started = Instant::now();
    call(&engine.socket(), method, path, None)?;
    Ok(started.elapsed())
}

/// Imports busybox and this much in files of a MiB.
fn import(engine: &Engine, image: &str, mebibytes: u64) -> Result<()> {
    let root = Path::new("/tmp/base");
    fs::create_dir_all(root.join("data"))?;
    fs::create_dir_all(root.join("bin"))?;
    fs::copy("/bin/busybox", root.join("bin/busybox"))?;
    for number in 0..mebibytes {
        File::create(root.join("data").join(number.to_string()))?.set_len(MEBIBYTE)?;
    }
    let archive = "/tmp/base.tar";
    tool(Command::new("tar").args(["-c", "-f", archive, "-C", "/tmp/base", "."]))?;
    engine.docker(&["import", archive, image])?;
    fs::remove_file(archive)?;
    fs::remove_dir_all(root)?;
    Ok(())
}

fn tool(command: &mut Command) -> Result<()> {
    let ran = run(command, "")?;
    ensure!(ran.code == Some(0), "{}: {}", ran.line, ran.stderr);
    Ok(())
}
