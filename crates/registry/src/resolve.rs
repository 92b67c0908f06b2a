use terrarium_oci::{Descriptor, Document, Index, Manifest, Platform, Reference};

use crate::endpoint::Endpoint;
use crate::manifest::{Fetched, fetch};
use crate::transport::Transport;
use crate::{Error, RateLimit, Result};

/// An index may list indexes, but nobody needs more than this.
const MAX_DEPTH: usize = 3;

/// What a reference names, for one platform. The bytes are verified and are what has to be stored.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// What the reference points to: the index, or the manifest where there is no index.
    pub root: Descriptor,
    /// The indexes on the way to the manifest, the root first, with their bytes.
    pub indexes: Vec<(Descriptor, Index, Vec<u8>)>,
    /// The manifest's descriptor.
    pub descriptor: Descriptor,
    /// The manifest.
    pub manifest: Manifest,
    /// The manifest's bytes.
    pub manifest_bytes: Vec<u8>,
    /// The host that answered: the registry or a mirror.
    pub host: String,
    /// How much the registry still serves, if it says.
    pub rate_limit: Option<RateLimit>,
}

/// Follows `reference` at `endpoint` to the manifest for `platform`.
pub(crate) async fn resolve(
    transport: &Transport,
    endpoint: &Endpoint,
    reference: &Reference,
    platform: &Platform,
) -> Result<Resolved> {
    let mut fetched = fetch(transport, endpoint, reference, None).await?;
    let root = fetched.descriptor.clone();
    let rate_limit = fetched.rate_limit.take();
    let mut indexes = Vec::new();
    loop {
        let Fetched {
            descriptor,
            document,
            bytes,
            ..
        } = fetched;
        let index = match document {
            Document::Manifest(manifest) => {
                let (manifest, host) = (*manifest, endpoint.host.clone());
                let manifest_bytes = bytes;
                return Ok(Resolved {
                    root,
                    indexes,
                    descriptor,
                    manifest,
                    manifest_bytes,
                    host,
                    rate_limit,
                });
            }
            Document::Index(index) => index,
        };
        if indexes.len() >= MAX_DEPTH {
            let message = format!("the index of {} is nested too deep", reference.familiar());
            return Err(Error::Protocol {
                host: endpoint.host.clone(),
                message,
            });
        }
        let next = index
            .select(platform)
            .cloned()
            .ok_or_else(|| Error::NoPlatform {
                what: reference.familiar(),
                wanted: Box::new(platform.clone()),
                available: index.platforms(),
            })?;
        indexes.push((descriptor, index, bytes));
        fetched = fetch(transport, endpoint, reference, Some(next)).await?;
    }
}
