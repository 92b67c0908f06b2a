//! The contract with every face of the engine: requests, replies, revisioned events, error codes.
//!
//! Owns the wire types, and nothing that acts. It must never know how a use case is done, nor any
//! transport: a Tauri command and a Docker route are both translations of what stands here.
//! Start from [`commands`], the table of all calls; `ui/src/lib/ipc/generated` is written from it.
//!
//! Field names are camel case on the wire. Times are milliseconds since the Unix epoch (`…_at_ms`)
//! unless the name says otherwise, sizes are bytes, and CPU is in microseconds or percent of one
//! core.

#![forbid(unsafe_code)]

/// Derives what every wire type derives.
macro_rules! wire {
    ($($item:item)*) => { $(
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
        #[serde(rename_all = "camelCase")]
        $item
    )* };
}

pub mod activity;
pub mod build;
pub mod cause;
pub mod coach;
pub mod commands;
pub mod container;
pub mod copy;
pub mod dockerfile;
pub mod error;
pub mod event;
pub mod exec;
pub mod files;
pub mod health;
pub mod hint;
pub mod image;
pub mod isolation;
pub mod lifecycle;
pub mod logs;
pub mod mount;
pub mod network;
pub mod project;
pub mod prune;
pub mod registry;
pub mod signature;
pub mod stats;
pub mod store;
pub mod system;
pub mod trace;
pub mod trash;
pub mod volume;

pub use activity::*;
pub use build::*;
pub use cause::*;
pub use coach::*;
pub use container::*;
pub use copy::*;
pub use dockerfile::*;
pub use error::*;
pub use event::*;
pub use exec::*;
pub use files::*;
pub use health::*;
pub use hint::*;
pub use image::*;
pub use isolation::*;
pub use lifecycle::*;
pub use logs::*;
pub use mount::*;
pub use network::*;
pub use project::*;
pub use prune::*;
pub use registry::*;
pub use signature::*;
pub use stats::*;
pub use store::*;
pub use system::*;
pub use trace::*;
pub use trash::*;
pub use volume::*;
