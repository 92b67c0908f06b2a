//! The files of images and containers, layer by layer: what the layer explorer asks for.
//!
//! The lists come from the store, which has a worker make each once; here they are merged, kept for
//! as long as someone looks, and turned into rows.

mod changes;
mod compare;
mod folder;
mod name;
mod open;
mod part;
mod read;
mod search;
mod summary;

pub(crate) use open::Explored;
