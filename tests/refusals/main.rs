//! What is wrong is refused with what, which and why, and leaves nothing half-written.

mod commands;
mod disk;
mod hosts;
mod layers;
mod registries;
mod scene;
