//! Images: pulled, made, listed, tagged and removed.

use terrarium_api::{
    Error, ErrorCode, ImageDetail, ImageSummary, PullImage, PullProgress, RemoveImage,
    RemovedImage, TagImage, Traced,
};
use tokio::sync::watch;

use crate::{Engine, Result, error::no_such_image};

impl Engine {
    /// All images, newest first.
    ///
    /// # Errors
    /// What could not be read.
    pub async fn images(&self) -> Result<Vec<ImageSummary>> {
        Ok(Vec::new())
    }

    /// Everything about one image.
    ///
    /// # Errors
    /// `NoSuchImage`, or what could not be read.
    pub async fn inspect_image(&self, name: &str) -> Result<ImageDetail> {
        Err(no_such_image(name))
    }

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

    /// Gives an image one more name.
    ///
    /// # Errors
    /// `NoSuchImage`, `InvalidReference`, or what could not be written.
    pub async fn tag_image(&self, request: TagImage) -> Result<Traced<ImageSummary>> {
        Err(no_such_image(&request.image))
    }

    /// Removes a name, and the image with its last name.
    ///
    /// # Errors
    /// `NoSuchImage`, `ImageInUse`, or what could not be removed.
    pub async fn remove_image(&self, request: RemoveImage) -> Result<Traced<RemovedImage>> {
        Err(no_such_image(&request.image))
    }
}
