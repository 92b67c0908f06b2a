//! Images: pulled, made, listed, tagged and removed.
//!
//! The truth is the store: its references and the documents that they lead to. [`catalog`] reads
//! them into images; everything else here starts from a catalog.

mod archive;
mod catalog;
mod changes;
mod commit;
mod detail;
mod distribution;
mod error;
mod import;
mod keep;
mod list;
pub(crate) mod made;
mod meter;
mod names;
mod progress;
mod pull;
mod push;
mod registries;
mod remove;
mod repair;
mod restore;
mod sign_in;
mod sign_ins;
mod starter;
mod state;
mod tag;
mod trash;
#[cfg(test)]
mod trash_killed;
mod verify;

pub(crate) use archive::write_image;
pub(crate) use catalog::{Catalog, Image, layer_size};
pub use distribution::Distribution;
pub(crate) use error::{registry_failed, store_failed};
pub(crate) use names::parse;
pub use remove::Prune;
pub(crate) use remove::{Going, freed_without};
pub(crate) use state::{Images, ids};
