//! An engine in a temporary folder.

use std::{path::PathBuf, process::Command, sync::OnceLock};

use tempfile::TempDir;
use terrarium_api::{ImageSummary, PullImage, PullProgress, Traced};
use terrarium_engine::{Config, Engine, Result};
use tokio::sync::watch;

pub(crate) struct Scene {
    pub(crate) engine: Engine,
    folder: TempDir,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// An engine whose configuration is changed first.
    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::for_this_user();
        config.data_root = folder.path().join("data");
        config.run_root = folder.path().join("run");
        config.socket = folder.path().join("run/docker.sock");
        config.runtime = runtime();
        change(&mut config);
        let engine = Engine::open(config).await.unwrap();
        Self { engine, folder }
    }

    /// Pulls and tells the last progress.
    pub(crate) async fn pull(
        &self,
        reference: &str,
    ) -> Result<(Traced<ImageSummary>, PullProgress)> {
        let (sender, receiver) = watch::channel(None);
        let pulled = self.engine.pull_image(request(reference), sender).await?;
        let last = receiver.borrow().clone();
        Ok((pulled, last.expect("a pull reports")))
    }

    /// The files of the snapshots, by their name without folders.
    pub(crate) fn unpacked(&self) -> Vec<String> {
        let snapshots = std::fs::read_dir(self.folder.path().join("data/snapshots")).unwrap();
        let roots = snapshots.map(|entry| entry.unwrap().path().join("fs"));
        let files = roots
            .filter_map(|root| std::fs::read_dir(root).ok())
            .flatten();
        let mut names: Vec<String> = files
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort_unstable();
        names
    }

    /// Where a blob is kept.
    pub(crate) fn blob_file(&self, digest: &str) -> PathBuf {
        let hex = digest.trim_start_matches("sha256:");
        self.folder
            .path()
            .join("data/content/blobs/sha256")
            .join(hex)
    }

    /// Whether the data root has a file of this name.
    pub(crate) fn has_file(&self, name: &str) -> bool {
        self.folder.path().join("data").join(name).exists()
    }

    /// How many bytes blobs and partial downloads take.
    pub(crate) fn files_below(&self, folder: &str) -> usize {
        std::fs::read_dir(self.folder.path().join("data").join(folder)).map_or(0, Iterator::count)
    }
}

impl Scene {
    /// Waits until nothing holds a lease: threads of a pull that failed end a moment after it.
    pub(crate) async fn no_lease_stays(&self) {
        let waited = tokio::time::timeout(std::time::Duration::from_secs(20), async {
            while self.files_below("leases") > 0 {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        });
        waited.await.expect("a lease stayed");
    }
}

pub(crate) fn request(reference: &str) -> PullImage {
    PullImage {
        reference: reference.into(),
        platform: None,
        credentials: None,
    }
}

/// The runtime that belongs to this build, or the one that the environment names.
fn runtime() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let build = || {
        if let Some(given) = std::env::var_os("TERRARIUM_RUNTIME") {
            return given.into();
        }
        let cargo = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--package", "terrarium-runtime"])
            .status();
        assert!(cargo.unwrap().success(), "terrarium-runtime does not build");
        let own = std::env::current_exe().unwrap();
        own.ancestors().nth(2).unwrap().join("terrarium-runtime")
    };
    BUILT.get_or_init(build).clone()
}
