//! Images through the engine, with the real worker: pulled from registries on loopback, removed,
//! and made.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set its scene has failed"
)]

#[path = "../../../registry/tests/it/docker_registry.rs"]
#[expect(dead_code, reason = "the client's own tests use all of it")]
mod docker_registry;
mod files;
mod image;
mod import;
mod memory_registry;
mod names;
mod pull;
mod refuse;
mod registries;
mod repair;
mod scene;
#[path = "../../../registry/tests/it/server.rs"]
#[expect(dead_code, reason = "the client's own tests use all of it")]
mod server;
mod starter;
mod trash;
