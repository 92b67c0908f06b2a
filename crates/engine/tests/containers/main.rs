//! Containers through the engine, with the real runtime: as root, on a data root of the test's own.

mod engine;
mod hosts;
mod lifecycle;
mod streams;
mod view;
