//! Pulling a large image from a registry on loopback.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use terrarium_tests::run;

use crate::{
    Bench,
    measure::{Row, Side, alternate, timed},
    skip,
};

const ROUNDS: usize = 5;
/// Four layers of programs and libraries, as a real image has them.
const LAYERS: usize = 4;
const LAYER_BYTES: u64 = 40 << 20;

const PODMAN: &str = "/usr/bin/podman";

/// It needs no daemon, and keeps its images beside those of the others.
fn podman(arguments: &[&str]) -> Command {
    let mut command = Command::new(PODMAN);
    command.args(["--root", "/tmp/podman/root", "--runroot", "/tmp/podman/run"]);
    command
        .args(["--storage-driver", "overlay"])
        .args(arguments);
    command
}

/// A pull beside the peer's, and beside the plain tools without network and without checks.
pub(crate) fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let layout = make_image()?;
    let image = format!("{}/bench/large:latest", bench.registry.address());
    let source = format!("oci:{}:image", layout.display());
    let target = format!("docker://{image}");
    tool(
        "skopeo",
        &["copy", "-q", "--dest-tls-verify=false", &source, &target],
    )?;
    let layers = layers(&layout)?;
    let mut sides = Vec::new();
    for engine in bench.engines() {
        let image = &image;
        sides.push(Side::new(engine.name(), move || {
            let took = engine.timed(&["pull", "-q", image])?;
            // Removes blobs and snapshots as well, so that the next pull has everything to do.
            engine.docker(&["rmi", image])?;
            Ok(took)
        }));
    }
    if Path::new(PODMAN).is_file() {
        sides.push(Side::new("podman", || {
            let pull = ["pull", "-q", "--tls-verify=false", &image];
            let took = timed(&mut podman(&pull))?;
            timed(&mut podman(&["rmi", "-f", &image]))?;
            Ok(took)
        }));
    } else {
        skip("podman is not installed: apt-get install --no-install-recommends podman");
    }
    sides.push(Side::new("gzip + tar x", || unpack(&layers)));
    // What no pull can be faster than: one of its parts alone, on one processor and on the disk.
    sides.push(Side::new("gzip -dc", || inflate(&layers)));
    sides.push(Side::new("write + sync", || write_and_sync(bench)));
    let work = format!(
        "pull of {} MiB in {LAYERS} layers",
        LAYERS as u64 * (LAYER_BYTES >> 20)
    );
    Ok(vec![Row::new(&work, alternate(ROUNDS, &mut sides)?)])
}

/// Makes an image layout of this machine's own programs and libraries.
pub(crate) fn make_image() -> Result<PathBuf> {
    let layout = PathBuf::from("/tmp/large");
    if layout.exists() {
        return Ok(layout);
    }
    let image = format!("{}:image", layout.display());
    tool(
        "umoci",
        &["init", "--layout", &layout.display().to_string()],
    )?;
    tool("umoci", &["new", "--image", &image])?;
    let mut files = [
        "/usr/bin",
        "/usr/lib/x86_64-linux-gnu",
        "/usr/lib/aarch64-linux-gnu",
    ]
    .iter()
    .flat_map(|folder| files_of(Path::new(folder)));
    for layer in 0..LAYERS {
        let tree = PathBuf::from(format!("/tmp/layer{layer}"));
        fs::create_dir(&tree)?;
        let mut size = 0;
        for (path, length) in files.by_ref() {
            fs::copy(
                &path,
                tree.join(path.file_name().context("a file has a name")?),
            )?;
            size += length;
            if size >= LAYER_BYTES {
                break;
            }
        }
        ensure!(
            size >= LAYER_BYTES,
            "this machine has too few files for an image"
        );
        // Not `umoci insert`: it leaves out the padding of the last file, which tar refuses.
        let archive = format!("/tmp/layer{layer}.tar");
        let name = format!("layer{layer}");
        tool("tar", &["-c", "-f", &archive, "-C", "/tmp", &name])?;
        tool("umoci", &["raw", "add-layer", "--image", &image, &archive])?;
        fs::remove_file(&archive)?;
        fs::remove_dir_all(&tree)?;
    }
    Ok(layout)
}

/// The regular files in a folder, by name: the same image on every run.
fn files_of(folder: &Path) -> impl Iterator<Item = (PathBuf, u64)> + use<> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths.into_iter().filter_map(|path| {
        let metadata = path.symlink_metadata().ok()?;
        let fits = metadata.is_file() && metadata.len() < LAYER_BYTES / 2;
        fits.then_some((path, metadata.len()))
    })
}

/// The compressed layers of the layout, the lowest first.
fn layers(layout: &Path) -> Result<Vec<PathBuf>> {
    let source = format!("oci:{}:image", layout.display());
    let manifest: Value = serde_json::from_str(&tool("skopeo", &["inspect", "--raw", &source])?)?;
    let layers = manifest["layers"]
        .as_array()
        .context("a manifest has layers")?;
    let hex = layers
        .iter()
        .filter_map(|layer| layer["digest"].as_str()?.strip_prefix("sha256:"));
    Ok(hex
        .map(|hex| layout.join("blobs/sha256").join(hex))
        .collect())
}

fn unpack(layers: &[PathBuf]) -> Result<Duration> {
    let root = tempfile::tempdir_in("/tmp")?;
    let line = layers.iter().fold(String::from("set -e"), |line, layer| {
        let (layer, root) = (layer.display(), root.path().display());
        line + &format!("; gzip -dc {layer} | tar -x -C {root}")
    });
    timed(Command::new("sh").args(["-c", &line]))
}

/// Decompresses all layers, one after the other, to nowhere.
fn inflate(layers: &[PathBuf]) -> Result<Duration> {
    timed(Command::new("gzip").arg("-dc").args(layers))
}

/// Writes as many bytes as the image has to where our images are, and waits for the disk.
fn write_and_sync(bench: &Bench) -> Result<Duration> {
    let file = bench.ours.folder().join("written");
    let count = format!("count={}", LAYERS as u64 * (LAYER_BYTES >> 20));
    let to = format!("of={}", file.display());
    let took = timed(Command::new("dd").args(["if=/dev/zero", &to, "bs=1M", &count, "conv=fsync"]));
    fs::remove_file(&file)?;
    took
}

fn tool(program: &str, arguments: &[&str]) -> Result<String> {
    let ran = run(Command::new(program).args(arguments), "")?;
    ensure!(ran.code == Some(0), "{}: {}", ran.line, ran.stderr);
    Ok(ran.stdout)
}
