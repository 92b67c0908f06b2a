//! A host, a registry, and what must be as before.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use terrarium_tests::{Host, Options, Registry, run};

pub(crate) struct Scene {
    pub(crate) registry: Registry,
    pub(crate) host: Host,
}

impl Scene {
    /// A host that has pulled `alpine`.
    pub(crate) fn new() -> Result<Self> {
        let registry = Registry::with_busybox()?;
        let host = Host::start(options(&registry))?;
        host.docker(&["pull", "-q", "alpine"]).ok();
        Ok(Self { registry, host })
    }

    /// The name of an image that is not of Docker Hub.
    pub(crate) fn name(&self, image: &str) -> String {
        format!("{}/{image}", self.registry.address())
    }

    /// Pulls what cannot be pulled. Every part of the message must be there, and everything else as before.
    #[track_caller]
    pub(crate) fn refuses(&self, image: &str, parts: &[&str]) {
        let before = State::of(&self.host).expect("what is there can be read");
        let refused = self.host.docker(&["pull", image]);
        assert_says(refused.fails(1), parts);
        before
            .comes_back(&self.host)
            .expect("what is there can be read");
        self.host.docker(&["run", "--rm", "alpine", "true"]).ok();
    }
}

pub(crate) fn options(registry: &Registry) -> Options {
    Options {
        mirrors: vec![registry.url()],
    }
}

#[track_caller]
pub(crate) fn assert_says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in: {message}");
    }
}

/// How an image is listed: its age would differ.
pub(crate) const IMAGE: &str = "{{.ID}} {{.Repository}} {{.Tag}}";

/// What a refusal must not change.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct State {
    images: String,
    containers: String,
    snapshots: BTreeSet<String>,
    leases: BTreeSet<String>,
}

impl State {
    /// Looks around, and finds what is half-written.
    pub(crate) fn of(host: &Host) -> Result<Self> {
        let content = host.data_root().join("content");
        assert_blobs_are_what_they_are_called(&content.join("blobs/sha256"))?;
        Ok(Self {
            images: host
                .docker(&["images", "-a", "--no-trunc", "--format", IMAGE])
                .ok()
                .to_owned(),
            containers: host.docker(&["ps", "-aq"]).ok().to_owned(),
            snapshots: names(&host.data_root().join("snapshots"))?,
            leases: names(&host.data_root().join("leases"))?,
        })
    }

    /// Waits until everything is as it was: what a refused pull had begun is removed behind it.
    #[track_caller]
    pub(crate) fn comes_back(&self, host: &Host) -> Result<()> {
        let started = Instant::now();
        let mut now = Self::of(host)?;
        while now != *self && started.elapsed() < Duration::from_secs(10) {
            thread::sleep(Duration::from_millis(50));
            now = Self::of(host)?;
        }
        assert_eq!(now, *self);
        Ok(())
    }
}

fn assert_blobs_are_what_they_are_called(blobs: &Path) -> Result<()> {
    let mut sums = Command::new("sha256sum");
    sums.current_dir(blobs).args(names(blobs)?);
    for line in run(&mut sums, "")?.ok().lines() {
        let (sum, name) = line.split_once("  ").context("a sum and a name")?;
        ensure!(sum == name, "blob {name} has the digest {sum}");
    }
    Ok(())
}

/// What a folder has, which need not be there.
pub(crate) fn names(folder: &Path) -> Result<BTreeSet<String>> {
    if !folder.exists() {
        return Ok(BTreeSet::new());
    }
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let name = |entry: std::io::Result<fs::DirEntry>| {
        Ok(entry?.file_name().to_string_lossy().into_owned())
    };
    entries.map(name).collect()
}
