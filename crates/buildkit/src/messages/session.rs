//! What a client is asked for.

use bytes::Bytes;

/// `moby.filesync.v1.CredentialsRequest`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct CredentialsRequest {
    /// The registry, as clients call it.
    #[prost(string, tag = "1")]
    pub host: String,
}

/// `moby.filesync.v1.CredentialsResponse`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct CredentialsResponse {
    /// Empty with a token.
    #[prost(string, tag = "1")]
    pub username: String,
    /// The password, or a token.
    #[prost(string, tag = "2")]
    pub secret: String,
}

/// `moby.buildkit.secrets.v1.GetSecretRequest`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct SecretRequest {
    /// Its name.
    #[prost(string, tag = "1")]
    pub id: String,
}

/// `moby.buildkit.secrets.v1.GetSecretResponse`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct SecretResponse {
    /// What it is.
    #[prost(bytes = "bytes", tag = "1")]
    pub data: Bytes,
}

/// `moby.sshforward.v1.CheckAgentRequest`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct AgentRequest {
    /// Its name.
    #[prost(string, tag = "1")]
    pub id: String,
}

/// An answer that says nothing.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Empty {}
