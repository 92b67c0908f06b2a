//! An engine for one test.

use std::{
    io::{Read as _, Write as _},
    os::{fd::AsRawFd as _, unix::net::UnixStream},
    path::{Path, PathBuf},
    time::Duration,
};

use terrarium_api::{
    ContainerSummary, CreateContainer, ErrorCode, Exit, NetworkMode, RemoveContainer,
    WaitCondition, WaitContainer,
};
use terrarium_engine::{AttachContainer, Attached, Config, Engine};
use tokio::io::AsyncReadExt as _;

/// Longer than anything here takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// An engine with the starter image, and its folders.
pub(crate) struct Fixture {
    pub(crate) engine: Engine,
    pub(crate) config: Config,
    pub(crate) image: String,
    _folder: tempfile::TempDir,
}

impl Fixture {
    /// Opens an engine; none, loudly, where that is not possible.
    pub(crate) async fn open() -> Option<Self> {
        let runtime = runtime();
        if !nix::unistd::Uid::effective().is_root() || !runtime.exists() {
            let why = format!("needs root and {}", runtime.display());
            assert!(std::env::var_os("REQUIRE_PRIVILEGED").is_none(), "{why}");
            eprintln!("SKIPPED: {why}");
            return None;
        }
        Some(Self::open_in(&std::env::temp_dir()).await)
    }

    /// Opens an engine, as whoever this is, in a folder below `parent`.
    pub(crate) async fn open_in(parent: &Path) -> Self {
        let folder = tempfile::tempdir_in(parent).unwrap();
        let config = Config {
            data_root: folder.path().join("data"),
            run_root: folder.path().join("run"),
            socket: folder.path().join("docker.sock"),
            runtime: runtime(),
            registry_mirrors: Vec::new(),
            insecure_registries: Vec::new(),
        };
        let engine = Engine::open(config.clone()).await.unwrap();
        let image = engine.make_starter_image().await.unwrap().value.id;
        Self {
            engine,
            config,
            image,
            _folder: folder,
        }
    }

    /// A request for a shell that runs `script`, without a network.
    pub(crate) fn shell(&self, script: &str) -> CreateContainer {
        CreateContainer {
            image: self.image.clone(),
            entrypoint: Some(vec!["/bin/sh".into(), "-c".into()]),
            command: Some(vec![script.into()]),
            network: NetworkMode::None,
            ..Default::default()
        }
    }

    /// Creates; its id.
    pub(crate) async fn create(&self, request: CreateContainer) -> String {
        let created = self.engine.create_container(request).await;
        created.unwrap().value.id
    }

    /// Attaches to both outputs, and to the input if asked.
    pub(crate) async fn attach(&self, id: &str, stdin: bool) -> Attached {
        let attach = AttachContainer {
            container: id.to_owned(),
            stdin,
            stdout: true,
            stderr: true,
        };
        self.engine.attach_container(attach).await.unwrap()
    }

    /// Creates and starts.
    pub(crate) async fn run(&self, request: CreateContainer) -> ContainerSummary {
        let created = self.engine.create_container(request).await.unwrap().value;
        self.engine
            .start_container(&created.id)
            .await
            .unwrap()
            .value
    }

    /// Runs to the end; what it wrote to both streams, and how it ended.
    pub(crate) async fn output(&self, request: CreateContainer) -> (String, Exit) {
        let id = self.create(request).await;
        let mut attached = self.attach(&id, false).await;
        let waiter = self
            .engine
            .wait_container(wait(&id, WaitCondition::NextExit))
            .await
            .unwrap();
        self.engine.start_container(&id).await.unwrap();
        let mut bytes = Vec::new();
        let read = attached.output.read_to_end(&mut bytes);
        tokio::time::timeout(PATIENCE, read).await.unwrap().unwrap();
        let exit = tokio::time::timeout(PATIENCE, waiter.done())
            .await
            .unwrap()
            .unwrap();
        (unframed(&bytes), exit)
    }

    /// Waits for the end of a run that goes on.
    pub(crate) async fn exit(&self, id: &str) -> Exit {
        let waiter = self
            .engine
            .wait_container(wait(id, WaitCondition::NotRunning))
            .await
            .unwrap();
        tokio::time::timeout(PATIENCE, waiter.done())
            .await
            .unwrap()
            .unwrap()
    }

    /// The lines of a container's log.
    pub(crate) async fn log(&self, id: &str) -> Vec<String> {
        let path = self.engine.inspect_container(id).await.unwrap().log_path;
        let text = std::fs::read_to_string(path).unwrap_or_default();
        text.lines()
            .map(|line| {
                let line: serde_json::Value = serde_json::from_str(line).unwrap();
                line["log"].as_str().unwrap().trim_end().to_owned()
            })
            .collect()
    }

    /// Waits until a container has logged a line.
    pub(crate) async fn logged(&self, id: &str, line: &str) {
        let logged = async |_: &Engine| self.log(id).await.iter().any(|known| known == line);
        self.until(logged).await;
    }

    /// Waits until something is so.
    pub(crate) async fn until(&self, condition: impl AsyncFn(&Engine) -> bool) {
        let holds = async {
            while !condition(&self.engine).await {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, holds).await.unwrap();
    }

    /// How an exec process ended.
    pub(crate) async fn exec_exit(&self, id: &str) -> i32 {
        let ended = async |engine: &Engine| {
            let detail = engine.inspect_exec(id).await.unwrap();
            !detail.running
        };
        self.until(ended).await;
        self.engine
            .inspect_exec(id)
            .await
            .unwrap()
            .exit_code
            .unwrap()
    }

    /// Closes the engine as the end of its process would, and opens another on the same folders.
    pub(crate) async fn reopen(&mut self) {
        self.reopen_after(|| {}).await;
    }

    /// As [`Fixture::reopen`], with something that happens while no host is there.
    pub(crate) async fn reopen_after(&mut self, meanwhile: impl FnOnce()) {
        let elsewhere = tempfile::tempdir().unwrap();
        let placeholder = Config {
            data_root: elsewhere.path().join("data"),
            run_root: elsewhere.path().join("run"),
            ..self.config.clone()
        };
        let placeholder = Engine::open(placeholder).await.unwrap();
        drop(std::mem::replace(&mut self.engine, placeholder));
        // Tasks of the old engine may still be letting go of it.
        self.until_free().await;
        meanwhile();
        // A host killed while it started a program leaves, for a moment, a child that still holds it.
        self.until_free().await;
        self.engine = Engine::open(self.config.clone()).await.unwrap();
    }

    /// Waits until nobody owns the data root.
    async fn until_free(&self) {
        let lock = || std::fs::File::open(self.config.data_root.join("lock")).unwrap();
        let deadline = std::time::Instant::now() + PATIENCE;
        while nix::fcntl::Flock::lock(lock(), nix::fcntl::FlockArg::LockExclusiveNonblock).is_err()
        {
            assert!(
                std::time::Instant::now() < deadline,
                "the data root is kept by something"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Removes all containers and checks that nothing of them is left.
    pub(crate) async fn close(&self) {
        for container in self.engine.containers().await.unwrap() {
            if let Err(error) = self.engine.remove_container(remove(&container.id)).await {
                // One may be removing itself.
                assert_eq!(error.code, ErrorCode::NoSuchContainer, "{error}");
            }
        }
        let folders = [
            self.config.run_root.join("containers"),
            self.config.data_root.join("containers"),
            self.config.data_root.join("trash/containers"),
        ];
        // Who waits for a removal is told before the last file is gone.
        let clean = async |_: &Engine| folders.iter().all(|folder| names(folder).is_empty());
        self.until(clean).await;
        self.engine.close().await.unwrap();
    }
}

impl Drop for Fixture {
    /// Ends what a test that failed left: its shims, and its bridge.
    fn drop(&mut self) {
        let runs = self.config.run_root.join("containers");
        for id in names(&runs) {
            // The path itself may be longer than an address can be.
            let Ok(folder) = std::fs::File::open(runs.join(id)) else {
                continue;
            };
            let socket = format!("/proc/self/fd/{}/shim.sock", folder.as_raw_fd());
            if let Ok(mut shim) = UnixStream::connect(socket) {
                let _ = shim.write_all(b"{\"id\":1,\"call\":\"shutdown\"}\n");
                // It closes when it has ended.
                let _ = shim.read_to_end(&mut Vec::new());
            }
        }
        let root = &self.config.run_root;
        let opened = if nix::unistd::Uid::effective().is_root() {
            terrarium_network::Network::open(root)
        } else {
            let runtime = self.config.runtime.clone();
            terrarium_network::Network::open_rootless(root, runtime, String::new())
        };
        if let Ok(network) = opened {
            let _ = network.sweep(&[]).map(drop).and_then(|()| network.close());
        }
    }
}

pub(crate) fn wait(id: &str, condition: WaitCondition) -> WaitContainer {
    WaitContainer {
        container: id.into(),
        condition,
    }
}

pub(crate) fn remove(id: &str) -> RemoveContainer {
    RemoveContainer {
        container: id.into(),
        force: true,
        volumes: true,
    }
}

pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

/// The payloads of frames.
pub(crate) fn unframed(mut bytes: &[u8]) -> String {
    let mut text = Vec::new();
    while let Some((head, rest)) = bytes.split_first_chunk::<8>() {
        let length = u32::from_be_bytes([head[4], head[5], head[6], head[7]]) as usize;
        text.extend_from_slice(&rest[..length]);
        bytes = &rest[length..];
    }
    String::from_utf8_lossy(&text).into_owned()
}

pub(crate) fn runtime() -> PathBuf {
    let folder = std::env::var_os("TERRARIUM_BIN_DIR").map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| {
        // target/PROFILE/deps/test
        let exe = std::env::current_exe().unwrap();
        exe.parent().and_then(Path::parent).unwrap().to_owned()
    });
    folder.join("terrarium-runtime")
}

/// The parent of a process.
pub(crate) fn parent_of(pid: u32) -> u32 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields = stat.rsplit_once(") ").unwrap().1;
    fields.split(' ').nth(1).unwrap().parse().unwrap()
}

/// Waits until a process is gone, or only waits to be reaped.
pub(crate) fn until_gone(pid: u32) {
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let state = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
        if state.is_empty() || state.starts_with('Z') {
            return;
        }
        assert!(
            std::time::Instant::now() < deadline,
            "process {pid} is still there"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}
