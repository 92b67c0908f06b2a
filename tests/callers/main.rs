//! Other engines as users of our runtime: podman with conmon, and dockerd with containerd.

#![allow(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

mod dockerd;
mod image;
mod podman;
mod rootless;
