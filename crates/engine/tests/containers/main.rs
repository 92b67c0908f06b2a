//! Containers through the engine, with the real runtime: as root, on a data root of the test's own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod crash;
mod engine;
mod hosts;
mod isolation;
mod lifecycle;
mod rootless;
mod speed;
mod streams;
mod view;
