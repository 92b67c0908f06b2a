//! What a name points to in its registry, without pulling it.

use terrarium_api::Credentials;
use terrarium_oci::{Descriptor, Document, ImageConfig, MAX_DOCUMENT_BYTES, Platform};

use super::{error::registry_failed, names::parse};
use crate::{Engine, Result};

/// What a name points to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distribution {
    /// The index, or the manifest where there is none.
    pub root: Descriptor,
    /// The platforms that it is for.
    pub platforms: Vec<Platform>,
}

impl Engine {
    /// Asks a registry what a name points to. It costs no pull where pulls are counted by layers, and
    /// nothing is kept.
    ///
    /// # Errors
    /// `InvalidReference`, `ReferenceNotFound`, or what the registry said.
    pub async fn distribution(
        &self,
        name: &str,
        credentials: Option<Credentials>,
    ) -> Result<Distribution> {
        let reference = parse(name)?;
        let client = self.inner.images.client(reference.registry(), credentials);
        let failed = |error| registry_failed(format!("ask for {}", reference.familiar()), &error);
        let (root, document) = client.document(&reference).await.map_err(failed)?;
        let platforms = match document {
            Document::Index(index) => index.platforms(),
            // Only the config says what a single manifest is for; that of an artifact says nothing.
            Document::Manifest(manifest) if manifest.is_image() => {
                let config = client
                    .fetch_small(&reference, &manifest.config, MAX_DOCUMENT_BYTES)
                    .await
                    .map_err(failed)?;
                let config = ImageConfig::parse(&config).ok();
                config.map(|config| config.platform).into_iter().collect()
            }
            Document::Manifest(_) => Vec::new(),
        };
        Ok(Distribution { root, platforms })
    }
}
