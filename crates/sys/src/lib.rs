//! Every unsafe call and every kernel interface, behind safe types.
//!
//! Owns: system calls that the rest of the workspace needs and `std` or `nix` do not offer, and
//! the confinement of paths to a tree. Never knows: images, bundles, policies. One file per kernel
//! interface; each names its manual page.
#![expect(unsafe_code, reason = "the crate where unsafe code lives")]

pub mod tree;
pub mod xattr;
