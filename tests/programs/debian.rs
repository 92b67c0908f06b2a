//! An image of Debian as its own tools make it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use anyhow::Result;
use terrarium_tests::{Layout, Registry, can_run_containers, run_within, skip};

const PACKAGES: &str = "--include=nginx-light,postgresql,redis-server,gcc,libc6-dev,python3";

/// Fetching and installing Debian, or unpacking it, on a busy machine.
pub(crate) const LONG: Duration = Duration::from_secs(400);

/// Whoever needs the image first makes it.
static MAKING: Mutex<()> = Mutex::new(());

/// An image of Debian with servers, a compiler and Python, made once and kept for later runs.
fn debian() -> Result<Option<Layout>> {
    let _alone = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    let Some((mirror, suite)) = mirror() else {
        skip("needs a Debian whose apt has a mirror");
        return Ok(None);
    };
    let cache = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/test-cache");
    let kept = cache.join(format!("debian-{suite}-2"));
    if kept.exists() {
        return Ok(Some(Layout::open(&kept)));
    }
    fs::create_dir_all(&cache)?;
    let work = tempfile::tempdir_in(&cache)?;
    let root = work.path().join("root");
    let mut debootstrap = Command::new("debootstrap");
    debootstrap.args(["--variant=minbase", PACKAGES, &suite]);
    let made = run_within(debootstrap.arg(&root).arg(mirror), "", LONG);
    match made {
        Ok(made) if made.code == Some(0) => {}
        failed => {
            skip(&format!("debootstrap could not make Debian: {failed:?}"));
            return Ok(None);
        }
    }
    image(&root, &work.path().join("image"))?;
    fs::rename(work.path().join("image"), &kept)?;
    Ok(Some(Layout::open(&kept)))
}

/// Does something with a registry of Debian, given as mirrors of docker.io; nothing where it cannot be done.
pub(crate) fn with_debian(test: impl FnOnce(Vec<String>) -> Result<()>) -> Result<()> {
    if !can_run_containers() {
        return Ok(());
    }
    let Some(debian) = debian()? else {
        return Ok(());
    };
    let registry = Registry::start()?;
    registry.push_layout(&debian, "library/debian:latest")?;
    test(vec![registry.url()])
}

/// Makes a layer of a root file system, without what only the machine or apt needs.
fn image(root: &Path, path: &Path) -> Result<()> {
    let file = root.with_extension("tar");
    let mut tar = Command::new("tar");
    tar.args(["--numeric-owner", "--exclude=./dev/*", "--exclude=./proc/*"]);
    tar.args(["--exclude=./sys/*", "--exclude=./var/cache/apt/*"]);
    tar.arg("-C").arg(root).arg("-cf").arg(&file).arg(".");
    run_within(&mut tar, "", LONG)?.ok();
    let layout = Layout::create(path)?;
    layout.add_tar(&file)?;
    layout.configure(&[
        "--config.cmd=bash",
        "--config.env=PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    ])
}

/// The mirror and the suite of this machine's own apt.
fn mirror() -> Option<(String, String)> {
    let release = fs::read_to_string("/etc/os-release").ok()?;
    let value = |name: &str| {
        let line = release.lines().find_map(|line| line.strip_prefix(name))?;
        Some(line.trim_matches('"').to_owned())
    };
    if value("ID=")? != "debian" {
        return None;
    }
    let suite = value("VERSION_CODENAME=")?;
    let mut lists: Vec<PathBuf> = vec!["/etc/apt/sources.list".into()];
    let folder = fs::read_dir("/etc/apt/sources.list.d")
        .into_iter()
        .flatten();
    lists.extend(folder.flatten().map(|entry| entry.path()));
    let texts = lists
        .into_iter()
        .filter_map(|list| fs::read_to_string(list).ok());
    let mut words = texts.flat_map(|text| {
        let words = text.split_whitespace().map(str::to_owned);
        words.collect::<Vec<_>>()
    });
    let mirror = words.find(|word| word.starts_with("http") && word.ends_with("/debian"))?;
    Some((mirror, suite))
}
