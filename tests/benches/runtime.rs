//! OCI runtimes on one bundle: the one that our engine writes, with everything in it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, anyhow};
use nix::{
    mount::{MntFlags, umount2},
    sched::{CloneFlags, unshare},
};
use serde_json::{Value, json};
use terrarium_tests::binaries;

use crate::{
    Bench,
    measure::{Row, Side, alternate, timed},
    skip,
};

const ROUNDS: usize = 40;

/// `run` of `true`, with namespaces, cgroups, masked paths, capabilities and seccomp as Docker has
/// them by default.
pub(crate) fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let bundle = make_bundle(bench)?;
    let rows = std::thread::scope(|scope| {
        let measured = scope.spawn(|| {
            hide_unified_hierarchy()?;
            compare(&bundle)
        });
        measured
            .join()
            .map_err(|_| anyhow!("the thread panicked"))?
    })?;
    fs::remove_dir_all(&bundle)?;
    Ok(rows)
}

/// crun refuses a machine with controllers in both versions of cgroups. A thread has a mount
/// namespace of its own, which the runtimes it starts inherit.
fn hide_unified_hierarchy() -> Result<()> {
    unshare(CloneFlags::CLONE_NEWNS).context("make a mount namespace")?;
    // It is there on hybrid machines only.
    let _ = umount2("/sys/fs/cgroup/unified", MntFlags::MNT_DETACH);
    Ok(())
}

fn compare(bundle: &Path) -> Result<Vec<Row>> {
    let mut programs = vec![("terrarium", binaries().join("terrarium-runtime"))];
    for peer in ["crun", "runc"] {
        match find(peer) {
            Some(path) => programs.push((peer, path)),
            None => skip(&format!("{peer} is not installed")),
        }
    }
    let states = bundle.join("states");
    let mut sides = Vec::new();
    for (name, program) in &programs {
        let root = states.join(name);
        sides.push(Side::new(name, move || {
            let mut command = Command::new(program);
            command.arg("--root").arg(&root).arg("run");
            timed(command.arg("--bundle").arg(bundle).arg("bench"))
        }));
    }
    let figures = alternate(ROUNDS, &mut sides)?;
    Ok(vec![Row::new("OCI run of true, with seccomp", figures)])
}

/// Takes the spec of a container of our engine, and gives it a plain folder as root.
fn make_bundle(bench: &Bench) -> Result<PathBuf> {
    let bundle = PathBuf::from("/tmp/bundle");
    let root = bundle.join("rootfs");
    for folder in ["bin", "dev", "etc", "proc", "sys"] {
        fs::create_dir_all(root.join(folder))?;
    }
    fs::copy("/bin/busybox", root.join("bin/true")).context("copy the static busybox")?;
    let engine = &bench.ours;
    let id = engine.docker(&["run", "-d", "--network", "none", "busybox", "sleep", "1000"])?;
    let path = engine.folder().join("run/containers").join(&id);
    let text = fs::read_to_string(path.join("config.json")).context("read the engine's spec")?;
    engine.remove_containers()?;
    let spec = plain(serde_json::from_str(&text)?);
    fs::write(bundle.join("config.json"), spec.to_string())?;
    Ok(bundle)
}

/// Leaves out what only the engine's own container has: its files, its name, its long sleep.
fn plain(mut spec: Value) -> Value {
    // Older runtimes refuse a version that they do not know, though nothing here is new.
    spec["ociVersion"] = json!("1.0.2");
    spec["root"] = json!({"path": "rootfs"});
    spec["process"]["args"] = json!(["true"]);
    spec["process"]["terminal"] = json!(false);
    spec["linux"]["cgroupsPath"] = json!("/terrarium-bench");
    if let Some(mounts) = spec["mounts"].as_array_mut() {
        mounts.retain(|mount| mount["type"] != "bind");
    }
    if let Some(fields) = spec.as_object_mut() {
        fields.remove("annotations");
        fields.remove("hooks");
    }
    spec
}

fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
    folders
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}
