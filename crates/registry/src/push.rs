//! Pushing: does the registry have the blob, can it take it from a neighbor, else upload it.
//!
//! distribution-spec 1.1, "Push". The body goes in one streamed `PATCH`, as Docker sends it; an upload that breaks off
//! goes on from where the registry says it stands.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderValue, Method, StatusCode, header};
use reqwest::Response;
use terrarium_oci::{Descriptor, MediaType, Reference};
use tokio::io::AsyncRead;

use crate::auth::Scope;
use crate::endpoint::{Endpoint, registry_endpoint};
use crate::transport::{Call, Content, Streamed, Transport};
use crate::{Client, Error, Result};

/// Opens the bytes of a blob from an offset on; again whenever an upload has to go on.
pub type OpenBlob = Arc<dyn Fn(u64) -> io::Result<Pin<Box<dyn AsyncRead + Send>>> + Send + Sync>;

/// A blob to push.
#[derive(Clone)]
pub struct Upload {
    /// What it is.
    pub descriptor: Descriptor,
    /// Its bytes.
    pub open: OpenBlob,
    /// A repository of the same registry that is believed to have it.
    pub neighbor: Option<String>,
    /// Counts the bytes that were handed to the network.
    pub sent_bytes: Arc<AtomicU64>,
}

/// How a blob came to be in the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pushed {
    /// It was there.
    Present,
    /// The registry took it from this repository of its own.
    Mounted(String),
    /// It was sent.
    Uploaded,
}

impl Client {
    /// Brings a blob into the repository of `reference`, sending it only if nothing less helps.
    ///
    /// # Errors
    /// As for [`Client::resolve`]; [`Error::Unreachable`] also if the blob itself cannot be read.
    pub async fn push_blob(&self, reference: &Reference, upload: &Upload) -> Result<Pushed> {
        let push = BlobPush {
            transport: &self.transport,
            endpoint: registry_endpoint(reference.registry(), &self.transport.options)?,
            reference,
            upload,
        };
        if push.is_there().await? {
            return Ok(Pushed::Present);
        }
        let begun = push.begin(upload.neighbor.as_deref()).await?;
        if begun.status() == StatusCode::CREATED {
            return Ok(Pushed::Mounted(upload.neighbor.clone().unwrap_or_default()));
        }
        let place = location(&begun, &push.endpoint)?;
        let place = push.send_all(place).await?;
        push.finish(place).await?;
        Ok(Pushed::Uploaded)
    }

    /// Puts a manifest or an index under a tag or under its digest; what it names must be there.
    ///
    /// # Errors
    /// As for [`Client::resolve`].
    pub async fn push_document(
        &self,
        reference: &Reference,
        target: &str,
        media_type: &MediaType,
        bytes: Vec<u8>,
    ) -> Result<()> {
        let endpoint = registry_endpoint(reference.registry(), &self.transport.options)?;
        let repository = reference.repository();
        let what = format!("manifest `{target}` of repository `{repository}`");
        let path = format!("v2/{repository}/manifests/{target}");
        let mut call = push_call(Method::PUT, path, what, reference);
        let kind = HeaderValue::from_str(media_type.as_str()).map_err(|_| Error::Protocol {
            host: endpoint.host.clone(),
            message: "the media type of the manifest is no header".to_owned(),
        })?;
        call.headers.insert(header::CONTENT_TYPE, kind);
        call.body = Some(Content::Whole(bytes.into()));
        self.transport.send(&endpoint, &call).await.map(drop)
    }
}

/// One blob on its way.
struct BlobPush<'a> {
    transport: &'a Transport,
    endpoint: Endpoint,
    reference: &'a Reference,
    upload: &'a Upload,
}

impl BlobPush<'_> {
    fn call(&self, method: Method, path: String) -> Call {
        let (repository, digest) = (self.reference.repository(), &self.upload.descriptor.digest);
        let what = format!("blob {digest} of repository `{repository}`");
        push_call(method, path, what, self.reference)
    }

    async fn is_there(&self) -> Result<bool> {
        let (repository, digest) = (self.reference.repository(), &self.upload.descriptor.digest);
        let call = self.call(Method::HEAD, format!("v2/{repository}/blobs/{digest}"));
        match self.transport.send(&self.endpoint, &call).await {
            Ok(_) => Ok(true),
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Begins an upload, or has the blob mounted from the neighbor.
    async fn begin(&self, neighbor: Option<&str>) -> Result<Response> {
        let (repository, digest) = (self.reference.repository(), &self.upload.descriptor.digest);
        let uploads = format!("v2/{repository}/blobs/uploads/");
        if let Some(neighbor) = neighbor {
            let path = format!("{uploads}?mount={digest}&from={neighbor}");
            let mut call = self.call(Method::POST, path);
            call.scope = Scope::mount(repository, neighbor);
            call.body = Some(Content::empty());
            match self.transport.send(&self.endpoint, &call).await {
                Ok(answer) => return Ok(answer),
                // Who may not read the neighbor can still send the blob.
                Err(error) => tracing::debug!(%error, neighbor, "a blob could not be mounted"),
            }
        }
        let mut call = self.call(Method::POST, uploads);
        call.body = Some(Content::empty());
        self.transport.send(&self.endpoint, &call).await
    }

    /// Sends the bytes, going on where a connection broke. The place for what comes next.
    async fn send_all(&self, mut place: String) -> Result<String> {
        let mut failures = 0;
        let mut offset = 0;
        loop {
            self.upload.sent_bytes.store(offset, Ordering::Relaxed);
            let error = match self.send_from(&place, offset).await {
                Ok(answer) => return location(&answer, &self.endpoint),
                Err(error) => error,
            };
            failures += 1;
            self.transport.options.retry.wait(failures, error).await?;
            (place, offset) = self.where_it_stands(place).await?;
        }
    }

    async fn send_from(&self, place: &str, offset: u64) -> Result<Response> {
        let size = self.upload.descriptor.size_bytes;
        let mut call = self.call(Method::PATCH, place.to_owned());
        call.headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/octet-stream"),
        );
        if offset > 0 {
            let range = format!("{offset}-{}", size.saturating_sub(1));
            let range = HeaderValue::try_from(range).expect("digits are visible");
            call.headers.insert(header::CONTENT_RANGE, range);
        }
        call.body = Some(Content::Streamed(Streamed {
            open: Arc::clone(&self.upload.open),
            offset,
            length: size.saturating_sub(offset),
            sent_bytes: Arc::clone(&self.upload.sent_bytes),
        }));
        // Once only: after a break, the registry has to say where it stands.
        self.transport.send_once(&self.endpoint, &call).await
    }

    /// How much of an upload the registry has. One that has forgotten it gets a new upload.
    async fn where_it_stands(&self, place: String) -> Result<(String, u64)> {
        let call = self.call(Method::GET, place);
        if let Ok(answer) = self.transport.send(&self.endpoint, &call).await {
            let range = answer.headers().get(header::RANGE);
            let end = range.and_then(|range| range.to_str().ok()?.split('-').nth(1)?.parse().ok());
            // `0-0` is said of one byte and of none: the one is sent again.
            let have = end.filter(|end: &u64| *end > 0).map_or(0, |end| end + 1);
            if have > 0 && have <= self.upload.descriptor.size_bytes {
                return Ok((location(&answer, &self.endpoint)?, have));
            }
        }
        let begun = self.begin(None).await?;
        Ok((location(&begun, &self.endpoint)?, 0))
    }

    /// Closes an upload: the registry compares the digest.
    async fn finish(&self, place: String) -> Result<()> {
        let separator = if place.contains('?') { '&' } else { '?' };
        let digest = self.upload.descriptor.digest.as_str().replace(':', "%3A");
        let mut call = self.call(Method::PUT, format!("{place}{separator}digest={digest}"));
        call.body = Some(Content::empty());
        self.transport.send(&self.endpoint, &call).await.map(drop)
    }
}

fn push_call(method: Method, path: String, what: String, reference: &Reference) -> Call {
    let mut call = Call::get(path, what, Scope::push(reference.repository()));
    call.method = method;
    call
}

/// Where an upload goes on, as the registry says.
fn location(answer: &Response, endpoint: &Endpoint) -> Result<String> {
    let place = answer.headers().get(header::LOCATION);
    let place = place.and_then(|place| place.to_str().ok());
    place.map(str::to_owned).ok_or_else(|| Error::Protocol {
        host: endpoint.host.clone(),
        message: "the answer to an upload does not say where it goes on".to_owned(),
    })
}
