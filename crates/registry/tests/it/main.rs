//! The client against Debian's `docker-registry` and against a server that misbehaves on purpose. All on loopback.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set its scene has failed"
)]

mod browse;
mod docker_registry;
mod hostile;
mod image;
mod parallel;
mod real;
mod server;
mod sign_in;
mod signature;
