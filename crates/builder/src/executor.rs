use std::fs::File;
use std::sync::Arc;

use terrarium_dockerfile::{Address, Sharing};
use terrarium_oci::{ChainId, Descriptor, DiffId, ImageConfig};

use crate::{Content, Files, Key};

/// An error of somebody else.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What acts on the machine for a build.
///
/// Layers are named by their chain ID; nothing is the empty file system of `scratch`.
pub trait Executor: Send + Sync {
    /// Keeps other builds from a step.
    type Guard: Send;

    /// Finds or fetches the image of a `FROM`.
    fn base(
        &self,
        name: &str,
        platform: Option<&str>,
    ) -> impl Future<Output = Result<Base, BoxError>> + Send;

    /// Follows a path in a file system to its end, symbolic links included.
    fn find(
        &self,
        on: Option<&ChainId>,
        path: &str,
    ) -> impl Future<Output = Result<Found, BoxError>> + Send;

    /// The numbers of `user[:group]` by the databases in a file system.
    fn owner(
        &self,
        on: Option<&ChainId>,
        user: &str,
    ) -> impl Future<Output = Result<(u32, u32), BoxError>> + Send;

    /// The files of layers, bottom first.
    fn files(&self, layers: &[Layer]) -> impl Future<Output = Result<Arc<Files>, BoxError>> + Send;

    /// Fetches what an address gives now; nothing where a step is only thought of.
    fn fetch(
        &self,
        address: &Address,
    ) -> impl Future<Output = Result<Option<Fetched>, BoxError>> + Send {
        let _ = address;
        async { Ok(None) }
    }

    /// Runs a process on a file system and gives what it changed, as a tar.
    fn run(
        &self,
        on: &[Layer],
        process: Process,
    ) -> impl Future<Output = Result<File, BoxError>> + Send;

    /// Makes a layer of a tar.
    fn keep(
        &self,
        on: Option<&ChainId>,
        tar: File,
    ) -> impl Future<Output = Result<Layer, BoxError>> + Send;

    /// Waits until no other build works on the same step.
    fn enter(&self, key: &Key) -> impl Future<Output = Self::Guard> + Send;

    /// The layer that a step gave before, put on `on`.
    fn recall(&self, key: &Key, on: Option<&ChainId>)
    -> impl Future<Output = Option<Layer>> + Send;

    /// The layer to go on with where a step is only thought of and not carried out; nothing where it is.
    fn suppose(&self, key: &Key, on: Option<&ChainId>) -> Option<Layer> {
        let _ = (key, on);
        None
    }

    /// Whether what is in these layers is known; it is not where one of them is only supposed.
    fn knows(&self, layers: &[Layer]) -> bool {
        let _ = layers;
        true
    }

    /// Notes what a step gave. A failure costs a later build some time and is not this one's.
    fn remember(&self, key: &Key, layer: &Layer) -> impl Future<Output = ()> + Send;
}

/// An image that a stage starts from.
#[derive(Debug, Clone)]
pub struct Base {
    /// Its config.
    pub config: ImageConfig,
    /// Its layers, bottom first.
    pub layers: Vec<Layer>,
}

/// A layer that is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// The digest of its tar.
    pub diff_id: DiffId,
    /// It and what lies below.
    pub chain: ChainId,
    /// Its blob.
    pub blob: Descriptor,
    /// When it was made, RFC 3339; empty where nobody knows.
    pub created: String,
}

/// What came from an address.
#[derive(Debug, Clone)]
pub enum Fetched {
    /// A file.
    File {
        /// Its bytes.
        content: Content,
        /// The 64 hexadecimal digits of their SHA-256.
        sha256: String,
        /// What the server calls it.
        name: Option<String>,
        /// When it changed, by what the server says, in seconds since 1970.
        modified: u64,
    },
    /// The files of a repository.
    Tree {
        /// The files.
        files: Arc<Files>,
        /// The commit that they are of, in hexadecimal digits.
        commit: String,
    },
}

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The path without links, from the root and without a slash at its start.
    pub path: String,
    /// Whether a folder is there.
    pub is_folder: bool,
    /// Whether anything is there.
    pub exists: bool,
}

/// What `RUN` runs.
#[derive(Debug, Clone, Default)]
pub struct Process {
    /// Program and arguments.
    pub arguments: Vec<String>,
    /// `NAME=value`.
    pub environment: Vec<String>,
    /// Where it starts.
    pub working_dir: String,
    /// As whom.
    pub user: String,
    /// What it sees besides the file system.
    pub mounts: Vec<ProcessMount>,
    /// `default`, `none` or `host`.
    pub network: String,
    /// The time, in seconds since 1970, that no file it leaves is newer than.
    pub newest: Option<u64>,
    /// The step of the Dockerfile, from 0, whose output this is.
    pub node: usize,
}

/// Something that a process sees and no layer keeps.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the fields are those of the language")]
pub enum ProcessMount {
    /// Files, at a folder or a file. What a process changes of them is lost.
    Files {
        files: Arc<Files>,
        source: String,
        target: String,
        read_only: bool,
    },
    /// A folder that lasts from build to build.
    Cache {
        id: String,
        target: String,
        read_only: bool,
        sharing: Sharing,
        mode: u32,
        uid: u32,
        gid: u32,
    },
    /// Memory.
    Memory {
        target: String,
        size_bytes: Option<u64>,
    },
    /// The socket of an agent for SSH keys.
    Agent {
        id: String,
        target: String,
        mode: u32,
        uid: u32,
        gid: u32,
    },
    /// A file with these bytes.
    Bytes {
        bytes: Vec<u8>,
        target: String,
        mode: u32,
        uid: u32,
        gid: u32,
    },
}
