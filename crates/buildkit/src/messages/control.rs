//! `moby.buildkit.v1`: builds and how they go on.

use std::collections::HashMap;

use bytes::Bytes;

use super::Timestamp;

/// `StatusResponse`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct StatusResponse {
    /// Steps that began, ended or failed.
    #[prost(message, repeated, tag = "1")]
    pub vertexes: Vec<Vertex>,
    /// Work within a step.
    #[prost(message, repeated, tag = "2")]
    pub statuses: Vec<VertexStatus>,
    /// Output.
    #[prost(message, repeated, tag = "3")]
    pub logs: Vec<VertexLog>,
}

/// A step.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Vertex {
    /// Its name to the machine.
    #[prost(string, tag = "1")]
    pub digest: String,
    /// The steps that it needs.
    #[prost(string, repeated, tag = "2")]
    pub inputs: Vec<String>,
    /// Its name to people.
    #[prost(string, tag = "3")]
    pub name: String,
    /// Whether nothing had to be done.
    #[prost(bool, tag = "4")]
    pub cached: bool,
    /// When it began.
    #[prost(message, optional, tag = "5")]
    pub started: Option<Timestamp>,
    /// When it ended.
    #[prost(message, optional, tag = "6")]
    pub completed: Option<Timestamp>,
    /// Why it failed.
    #[prost(string, tag = "7")]
    pub error: String,
}

/// Work within a step.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct VertexStatus {
    /// What it is.
    #[prost(string, tag = "1")]
    pub id: String,
    /// The step.
    #[prost(string, tag = "2")]
    pub vertex: String,
    /// As people read it.
    #[prost(string, tag = "3")]
    pub name: String,
    /// How far it is.
    #[prost(int64, tag = "4")]
    pub current: i64,
    /// How far it goes.
    #[prost(int64, tag = "5")]
    pub total: i64,
    /// Now.
    #[prost(message, optional, tag = "6")]
    pub timestamp: Option<Timestamp>,
    /// When it began.
    #[prost(message, optional, tag = "7")]
    pub started: Option<Timestamp>,
    /// When it ended.
    #[prost(message, optional, tag = "8")]
    pub completed: Option<Timestamp>,
}

/// Output of a step.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct VertexLog {
    /// The step.
    #[prost(string, tag = "1")]
    pub vertex: String,
    /// When it was written.
    #[prost(message, optional, tag = "2")]
    pub timestamp: Option<Timestamp>,
    /// 1 for output, 2 for errors.
    #[prost(int64, tag = "3")]
    pub stream: i64,
    /// The bytes.
    #[prost(bytes = "vec", tag = "4")]
    pub bytes: Vec<u8>,
}

/// `SolveRequest`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct SolveRequest {
    /// The client's name of it.
    #[prost(string, tag = "1")]
    pub reference: String,
    /// What becomes of the result; the only one, of clients before several were possible.
    #[prost(string, tag = "3")]
    pub exporter: String,
    /// How.
    #[prost(map = "string, string", tag = "4")]
    pub exporter_attributes: HashMap<String, String>,
    /// Where the files are.
    #[prost(string, tag = "5")]
    pub session: String,
    /// What reads the build; nothing where the client does.
    #[prost(string, tag = "6")]
    pub frontend: String,
    /// What it is told.
    #[prost(map = "string, string", tag = "7")]
    pub frontend_attributes: HashMap<String, String>,
    /// Caches that are read and written beside our own.
    #[prost(message, optional, tag = "8")]
    pub cache: Option<CacheOptions>,
    /// What is allowed beyond the usual.
    #[prost(string, repeated, tag = "9")]
    pub entitlements: Vec<String>,
    /// What becomes of the result.
    #[prost(message, repeated, tag = "13")]
    pub exporters: Vec<Exporter>,
}

/// `CacheOptions`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct CacheOptions {
    /// Where the cache of the build goes.
    #[prost(message, repeated, tag = "4")]
    pub exports: Vec<CacheEntry>,
    /// Where steps may be known.
    #[prost(message, repeated, tag = "5")]
    pub imports: Vec<CacheEntry>,
}

/// `CacheOptionsEntry`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct CacheEntry {
    /// The kind.
    #[prost(string, tag = "1")]
    pub kind: String,
    /// How.
    #[prost(map = "string, string", tag = "2")]
    pub attributes: HashMap<String, String>,
}

/// What becomes of a result.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Exporter {
    /// The kind.
    #[prost(string, tag = "1")]
    pub kind: String,
    /// How.
    #[prost(map = "string, string", tag = "2")]
    pub attributes: HashMap<String, String>,
}

/// `SolveResponse`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct SolveResponse {
    /// What came out, by names.
    #[prost(map = "string, string", tag = "1")]
    pub exporter: HashMap<String, String>,
}

/// `StatusRequest`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct StatusRequest {
    /// The client's name of a build.
    #[prost(string, tag = "1")]
    pub reference: String,
}

/// `ListWorkersResponse`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ListWorkersResponse {
    /// Those that build.
    #[prost(message, repeated, tag = "1")]
    pub workers: Vec<WorkerRecord>,
}

/// Who builds.
#[derive(Clone, PartialEq, prost::Message)]
pub struct WorkerRecord {
    /// Its name.
    #[prost(string, tag = "1")]
    pub id: String,
    /// What is to be known of it.
    #[prost(map = "string, string", tag = "2")]
    pub labels: HashMap<String, String>,
    /// What it builds for.
    #[prost(message, repeated, tag = "3")]
    pub platforms: Vec<Platform>,
    /// What it is.
    #[prost(message, optional, tag = "5")]
    pub version: Option<BuildkitVersion>,
}

/// `pb.Platform`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Platform {
    /// The processor.
    #[prost(string, tag = "1")]
    pub architecture: String,
    /// The system.
    #[prost(string, tag = "2")]
    pub os: String,
    /// The kind of processor.
    #[prost(string, tag = "3")]
    pub variant: String,
}

/// `InfoResponse`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct InfoResponse {
    /// What answers.
    #[prost(message, optional, tag = "1")]
    pub version: Option<BuildkitVersion>,
}

/// What answers.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct BuildkitVersion {
    /// Whose it is.
    #[prost(string, tag = "1")]
    pub package: String,
    /// Its version.
    #[prost(string, tag = "2")]
    pub version: String,
    /// Its commit.
    #[prost(string, tag = "3")]
    pub revision: String,
}

/// `PruneRequest`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct PruneRequest {
    /// Only what fits.
    #[prost(string, repeated, tag = "1")]
    pub filter: Vec<String>,
    /// Also what is in use elsewhere.
    #[prost(bool, tag = "2")]
    pub all: bool,
    /// What was used within so many nanoseconds stays.
    #[prost(int64, tag = "3")]
    pub keep_duration: i64,
    /// So many bytes stay.
    #[prost(int64, tag = "4")]
    pub keep_bytes: i64,
}

/// `DiskUsageResponse`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct DiskUsageResponse {
    /// What takes room.
    #[prost(message, repeated, tag = "1")]
    pub records: Vec<UsageRecord>,
}

/// What takes room.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct UsageRecord {
    /// Its name.
    #[prost(string, tag = "1")]
    pub id: String,
    /// Whether it may change.
    #[prost(bool, tag = "2")]
    pub mutable: bool,
    /// Whether somebody uses it.
    #[prost(bool, tag = "3")]
    pub in_use: bool,
    /// How many bytes.
    #[prost(int64, tag = "4")]
    pub size: i64,
    /// What it is.
    #[prost(string, tag = "9")]
    pub description: String,
}

/// A value of a result's metadata.
pub type Metadata = HashMap<String, Bytes>;
