//! The only place that knows a whole use case: pull, build, run, exec, stats, reconcile.
//!
//! Owns the order of things between store, registry, network and runtime, the container records,
//! the index in SQLite, and the events. It must never know a transport (Tauri, HTTP) and never do
//! kernel work on its own: it writes bundles and starts `terrarium-runtime`.
//! Start from [`Engine`].

#![forbid(unsafe_code)]

mod activity;
mod blocking;
mod builds;
mod config;
mod containers;
mod db;
mod dockerfile;
mod engine;
mod error;
mod events;
mod files;
mod images;
mod layers;
mod lock;
mod logs;
mod networks;
mod projects;
mod prune;
mod settings;
mod stats;
mod streams;
mod system;
mod terminal;
mod time;
mod trace;
mod volumes;

pub use activity::{Activities, Running};
pub use builds::{
    Asked, BuildEvent, BuildImage, Built, CacheExport, Deliver, Delivery, Destination,
    FollowedBuild, Form, GivenContext, GivenDockerfile, PruneBuilds, PrunedBuilds, StepPlace,
    Writing, left_out,
};
pub use config::Config;
pub use containers::{
    AttachContainer, Attached, Input, Output, PutFiles, StartExec, Waiter, Whose,
};
pub use engine::Engine;
pub use error::Result;
pub use events::{Hub, Received, Subscription};
pub use images::{Distribution, Prune};
pub use networks::network_id;
pub use terrarium_builder::{Content, Entry, Files, Kind};
pub use terrarium_store::layer::live::PathStat;
pub use trace::Tracer;
