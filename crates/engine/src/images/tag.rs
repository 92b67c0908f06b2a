use terrarium_api::{Error, ErrorCode, ImageSummary, TagImage, Traced};

use super::{
    Catalog,
    names::{parse, point},
};
use crate::{Engine, Result, Tracer, blocking::blocking, error::quoted};

impl Engine {
    /// Gives an image one more name.
    ///
    /// # Errors
    /// `NoSuchImage`, `InvalidReference`, or what could not be written.
    pub async fn tag_image(&self, request: TagImage) -> Result<Traced<ImageSummary>> {
        let reference = parse(&request.reference)?;
        if reference.digest().is_some() {
            let text = format!(
                "tag {}: a digest cannot be given",
                quoted(&request.reference)
            );
            return Err(Error::new(ErrorCode::InvalidReference, text)
                .hint("leave the part behind `@` away"));
        }
        let (familiar, canonical) = (reference.familiar(), reference.canonical());
        let command = format!("docker tag {} {familiar}", request.image);
        let mut tracer = Tracer::new("image.tag", &familiar, command);
        let inner = std::sync::Arc::clone(&self.inner);
        let work = blocking(move || {
            let images = &inner.images;
            let _naming = images.naming();
            let image = Catalog::read(&images.store).find(&request.image)?.clone();
            point(&images.store, &canonical, &image.root)?;
            Ok(image)
        });
        let image = tracer
            .step("write reference", familiar.clone(), work)
            .await?;
        self.image_event("tag", image.id.as_str(), &familiar);
        let summary = self.published_image(image.id.as_str()).await?;
        Ok(tracer.finish(summary))
    }

    /// Publishes what changed, and the row of one image.
    pub(crate) async fn published_image(&self, id: &str) -> Result<ImageSummary> {
        let images = self.publish_images().await?;
        let found = images.into_iter().find(|image| image.id == id);
        found.ok_or_else(|| crate::error::no_such_image(id))
    }
}
