//! What refers to a manifest: signatures, attestations, lists of contents (distribution-spec 1.1, "Listing
//! Referrers").

use http::{HeaderValue, header};
use terrarium_oci::{Descriptor, Digest, Document, MAX_DOCUMENT_BYTES, MediaType, Reference};

use crate::auth::Scope;
use crate::endpoint::registry_endpoint;
use crate::transport::{Call, read_body};
use crate::{Client, Error, Result};

impl Client {
    /// What refers to the manifest or index `digest` in its repository. A registry without the API is
    /// asked for the tag that stands in for it; none where neither is.
    ///
    /// # Errors
    /// As for [`Client::resolve`].
    pub async fn referrers(
        &self,
        reference: &Reference,
        digest: &Digest,
    ) -> Result<Vec<Descriptor>> {
        let endpoint = registry_endpoint(reference.registry(), &self.transport.options)?;
        let repository = reference.repository();
        let mut call = Call::get(
            format!("v2/{repository}/referrers/{digest}"),
            format!("referrers of {digest} in repository `{repository}`"),
            Scope::pull(repository),
        );
        let kind = HeaderValue::from_static("application/vnd.oci.image.index.v1+json");
        call.headers.insert(header::ACCEPT, kind);
        let response = match self.transport.send(&endpoint, &call).await {
            Err(Error::NotFound { .. }) => return self.tagged_referrers(reference, digest).await,
            response => response?,
        };
        let bytes = read_body(response, &endpoint.host, &call.what, MAX_DOCUMENT_BYTES).await?;
        let parsed = Document::parse(Some(&MediaType::OciIndex), &bytes);
        match parsed {
            Ok(Document::Index(index)) => Ok(index.manifests),
            // What is no index lists nothing; older registries answer anything here.
            _ => Ok(Vec::new()),
        }
    }

    async fn tagged_referrers(
        &self,
        reference: &Reference,
        digest: &Digest,
    ) -> Result<Vec<Descriptor>> {
        let tag = digest.as_str().replace(':', "-");
        let Ok(tag) = format!("{}:{tag}", reference.name()).parse::<Reference>() else {
            return Ok(Vec::new());
        };
        match self.document(&tag).await {
            Ok((_, Document::Index(index))) => Ok(index.manifests),
            Ok(_) | Err(Error::NotFound { .. }) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}
