//! The OCI distribution protocol: resolve, fetch, push.
//!
//! Owns: which hosts are asked, how one signs in, what is retried, and that every byte of a document is verified before
//! it is believed. Must never know: where content is kept. It writes no file; the only files it reads are
//! configuration: credentials and certificates, whose places the caller names.
//! Start at [`Client`].
//! Implements: distribution-spec 1.1, the token authentication of the distribution project, Docker's credential helpers.
#![forbid(unsafe_code)]

mod auth;
mod blob;
mod browse;
mod client;
mod endpoint;
mod error;
mod manifest;
mod parallel;
mod probe;
mod push;
mod quote;
mod rate_limit;
mod referrers;
mod resolve;
mod retry;
mod signature;
mod transport;

pub use auth::{Credential, Keychain, SignIn};
pub use blob::BlobStream;
pub use browse::Page;
pub use client::{Client, Options};
pub use error::{Broken, Error, Result};
pub use parallel::ParallelBlob;
pub use probe::{Finding, Probe, Step};
pub use push::{OpenBlob, Pushed, Upload};
pub use rate_limit::RateLimit;
pub use resolve::Resolved;
pub use retry::Retry;
pub use signature::{PublicKey, Signature, Verdict};
pub use transport::provide_tls;
