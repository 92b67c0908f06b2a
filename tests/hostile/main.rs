//! Attacks that once worked on a container runtime, each with a control: the same attack on a
//! deliberately weak set-up, where it must succeed. A replay without one could be blocked by chance.
//!
//! Races and more static variants are beside the runtime itself, in `crates/runtime/tests/hostile.rs`.

#![allow(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

mod binary;
mod configurations;
mod descriptors;
mod kernel;
mod links;
mod weak;

use std::path::Path;

use terrarium_tests::Bundle;

/// A bundle for the runtime under test.
fn bundle() -> Option<Bundle> {
    Bundle::new(Path::new(env!("CARGO_BIN_EXE_probe"))).unwrap()
}
