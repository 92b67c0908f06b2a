//! Pure types and parsers of the OCI specifications.
//!
//! Owns: how a reference, a digest, a platform, a descriptor and the JSON documents of an image are written, and
//! what is refused. Must never know: files, sockets, clocks, or where a document came from.
//! Start at [`Reference`] for names and at [`Document`] for what a registry answers.
//! Implements: image-spec 1.1, the reference grammar of the distribution project, Docker's image manifest v2 schema 2.
//!
//! The types of an image are our own and not those of `oci-spec`: a document from a registry is hostile until it has
//! passed the limits here, and Docker's extensions (health checks, `OnBuild`, `Shell`) have to survive.
#![forbid(unsafe_code)]

mod chain;
mod config;
mod descriptor;
mod digest;
mod document;
mod error;
mod manifest;
mod media_type;
mod platform;
mod reference;
mod serde_forms;

pub use chain::{ChainId, DiffId};
pub use config::{ExecConfig, Healthcheck, HistoryEntry, ImageConfig, RootFs, Step};
pub use descriptor::Descriptor;
pub use digest::{Algorithm, Digest, Hasher};
pub use document::{Document, MAX_DOCUMENT_BYTES};
pub use error::{DigestFault, DocumentFault, Error, PlatformFault, ReferenceFault, Result};
pub use manifest::{Index, MAX_INDEX_ENTRIES, MAX_LAYERS, Manifest};
pub use media_type::{Compression, MediaType};
pub use platform::Platform;
pub use reference::{DEFAULT_REGISTRY, DEFAULT_TAG, Dissection, Part, PartKind, Reference};

/// The runtime specification's types, so that every crate speaks the same version of `config.json`.
pub use oci_spec::runtime;
