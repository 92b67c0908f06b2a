//! Images: pulled, made, listed, tagged and removed.
//!
//! The truth is the store: its references and the documents that they lead to. [`catalog`] reads
//! them into images; everything else here starts from a catalog.

mod catalog;
mod changes;
mod detail;
mod error;
mod list;
mod names;
mod remove;
mod state;
mod tag;

pub(crate) use catalog::{Catalog, Image};
pub(crate) use error::store_failed;
pub use remove::Prune;
pub(crate) use state::Images;

use terrarium_api::{Error, ErrorCode, ImageSummary, PullImage, PullProgress, Traced};
use tokio::sync::watch;

use crate::{Engine, Result};

impl Engine {
    /// Pulls an image and tells `progress` how it stands.
    ///
    /// Dropping the future cancels the pull, and so does canceling its activity.
    ///
    /// # Errors
    /// What the registry or the store said, on which blob.
    pub async fn pull_image(
        &self,
        request: PullImage,
        progress: watch::Sender<Option<PullProgress>>,
    ) -> Result<Traced<ImageSummary>> {
        drop(progress);
        Err(Error::new(
            ErrorCode::Unsupported,
            format!("pull {}: not possible yet", request.reference),
        ))
    }

    /// Makes the starter image from this machine's own busybox.
    ///
    /// # Errors
    /// `Unsupported` without a static busybox, or what could not be written.
    pub async fn make_starter_image(&self) -> Result<Traced<ImageSummary>> {
        Err(Error::new(
            ErrorCode::Unsupported,
            "make the starter image: not possible yet",
        ))
    }
}
