//! `moby.buildkit.v1.frontend`: builds that a client directs itself.

use std::collections::HashMap;

use bytes::Bytes;

use super::{BytesMessage, Metadata};

/// `PongResponse`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct PongResponse {
    /// What frontends may do.
    #[prost(message, repeated, tag = "1")]
    pub frontend_capabilities: Vec<Capability>,
    /// What steps may do.
    #[prost(message, repeated, tag = "2")]
    pub step_capabilities: Vec<Capability>,
}

/// `moby.buildkit.v1.apicaps.APICap`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Capability {
    /// Its name.
    #[prost(string, tag = "1")]
    pub id: String,
    /// Whether it is there.
    #[prost(bool, tag = "2")]
    pub enabled: bool,
}

/// `SolveRequest` of a frontend.
#[derive(Clone, PartialEq, prost::Message)]
pub struct FrontendRequest {
    /// Steps that the client made itself.
    #[prost(message, optional, tag = "1")]
    pub definition: Option<Definition>,
    /// What reads the build.
    #[prost(string, tag = "2")]
    pub frontend: String,
    /// What it is told.
    #[prost(map = "string, string", tag = "3")]
    pub attributes: HashMap<String, String>,
}

/// `pb.Definition`, of which only is read whether there is one.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Definition {
    /// Steps.
    #[prost(bytes = "bytes", repeated, tag = "1")]
    pub steps: Vec<Bytes>,
}

/// `SolveResponse` of a frontend.
#[derive(Clone, PartialEq, prost::Message)]
pub struct FrontendResponse {
    /// What came out.
    #[prost(message, optional, tag = "3")]
    pub result: Option<FrontendResult>,
}

/// `Result`; of its kinds the one with a single tree.
#[derive(Clone, PartialEq, prost::Message)]
pub struct FrontendResult {
    /// A tree.
    #[prost(message, optional, tag = "3")]
    pub tree: Option<Tree>,
    /// What is said of it.
    #[prost(map = "string, bytes", tag = "10")]
    pub metadata: Metadata,
}

/// `Ref`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Tree {
    /// Its name.
    #[prost(string, tag = "1")]
    pub id: String,
}

/// `ReturnRequest`: the client is done.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ReturnRequest {
    /// What came out.
    #[prost(message, optional, tag = "1")]
    pub result: Option<FrontendResult>,
    /// Why nothing did.
    #[prost(message, optional, tag = "2")]
    pub error: Option<RpcStatus>,
}

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct RpcStatus {
    /// As of gRPC.
    #[prost(int32, tag = "1")]
    pub code: i32,
    /// Why.
    #[prost(string, tag = "2")]
    pub message: String,
}

/// Bytes in a call of its own.
pub type SessionMessage = BytesMessage;
