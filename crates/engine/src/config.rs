//! What a host is started with.

use std::path::PathBuf;

use nix::unistd::Uid;
use terrarium_api::Privilege;

/// The settings of a host, from its command line.
#[derive(Debug, Clone)]
pub struct Config {
    /// Images, containers, volumes, index.
    pub data_root: PathBuf,
    /// Bundles and sockets of running containers; gone after a reboot.
    pub run_root: PathBuf,
    /// The Docker API socket.
    pub socket: PathBuf,
    /// `terrarium-runtime`.
    pub runtime: PathBuf,
    /// Mirrors of docker.io, tried in order before it.
    pub registry_mirrors: Vec<String>,
    /// Registries that may be used without TLS, besides those on loopback.
    pub insecure_registries: Vec<String>,
}

impl Config {
    /// The roots of this user: XDG folders, or the system's as root.
    ///
    /// The runtime is looked for beside the running program, where the build and the packages put
    /// it.
    pub fn for_this_user() -> Self {
        let (data_root, run_root) = match privilege() {
            Privilege::Rootful => ("/var/lib/terrarium".into(), "/run/terrarium".into()),
            Privilege::Rootless => (user_data_root(), user_run_root()),
        };
        Self {
            socket: run_root.join("docker.sock"),
            data_root,
            run_root,
            runtime: beside_this_program("terrarium-runtime"),
            registry_mirrors: Vec::new(),
            insecure_registries: Vec::new(),
        }
    }
}

/// With which rights this process runs.
pub(crate) fn privilege() -> Privilege {
    if Uid::effective().is_root() {
        Privilege::Rootful
    } else {
        Privilege::Rootless
    }
}

fn user_data_root() -> PathBuf {
    let base = env_folder("XDG_DATA_HOME")
        .or_else(|| env_folder("HOME").map(|home| home.join(".local/share")));
    base.unwrap_or_else(|| PathBuf::from("/tmp"))
        .join("terrarium")
}

fn user_run_root() -> PathBuf {
    let fallback = || PathBuf::from(format!("/tmp/terrarium-{}", Uid::effective()));
    env_folder("XDG_RUNTIME_DIR").map_or_else(fallback, |base| base.join("terrarium"))
}

fn env_folder(name: &str) -> Option<PathBuf> {
    // The XDG specification has relative paths ignored.
    std::env::var_os(name)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
}

fn beside_this_program(name: &str) -> PathBuf {
    let folder = std::env::current_exe()
        .ok()
        .and_then(|exe| exe.parent().map(PathBuf::from));
    folder.unwrap_or_default().join(name)
}
