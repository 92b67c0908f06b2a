use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use reqwest::Response;
use terrarium_oci::{Descriptor, Reference};

use crate::auth::Scope;
use crate::endpoint::Endpoint;
use crate::transport::{Call, Pace, Transport, broken, too_slow};
use crate::{Error, Result};

/// Progress that lets a connection count as a good one. Less than that, and the next break counts on.
const GOOD_PROGRESS_BYTES: u64 = 64 << 10;

/// The bytes of a blob, in order, never more than its descriptor says.
///
/// A connection that breaks is followed by another that continues where it broke, as long as there is progress.
pub struct BlobStream {
    transport: Arc<Transport>,
    endpoint: Endpoint,
    call: Call,
    descriptor: Descriptor,
    position: u64,
    /// Where it ends: the size of the blob, unless only a part is wanted.
    end: u64,
    body: Option<Body>,
    /// Failures since the last good progress.
    failures: u32,
    /// Whether the server has refused to send a part.
    whole_only: bool,
}

/// A reply that is being read.
struct Body {
    response: Response,
    /// Whether the server sends what was asked for, and not the whole.
    is_part: bool,
    /// Bytes that come again, because the server does not send parts.
    skip: u64,
    received: u64,
    pace: Pace,
}

impl BlobStream {
    pub(crate) fn new(
        transport: Arc<Transport>,
        endpoint: Endpoint,
        reference: &Reference,
        descriptor: &Descriptor,
        offset: u64,
    ) -> Self {
        let (repository, digest) = (reference.repository(), &descriptor.digest);
        let what = format!("blob {digest} of repository `{repository}`");
        let mut call = Call::get(
            format!("v2/{repository}/blobs/{digest}"),
            what,
            Scope::pull(repository),
        );
        // A content coding would change the bytes that the digest is about.
        call.headers.insert(
            header::ACCEPT_ENCODING,
            HeaderValue::from_static("identity"),
        );
        Self {
            transport,
            endpoint,
            call,
            descriptor: descriptor.clone(),
            position: offset.min(descriptor.size_bytes),
            end: descriptor.size_bytes,
            body: None,
            failures: 0,
            whole_only: false,
        }
    }

    /// The same, but only up to byte `end`.
    pub(crate) fn until(mut self, end: u64) -> Self {
        self.end = end.min(self.descriptor.size_bytes);
        self
    }

    /// Whether the server sends the part that was asked for; where it does not, all of the blob comes.
    pub(crate) fn take_all_without_parts(&mut self) -> bool {
        let has_parts = self.body.as_ref().is_some_and(|body| body.is_part);
        if !has_parts {
            self.end = self.descriptor.size_bytes;
        }
        has_parts
    }

    /// How many bytes of the blob there were up to here, those before the offset included.
    pub const fn position(&self) -> u64 {
        self.position
    }

    /// The host that serves the blob: the registry or a mirror.
    pub fn host(&self) -> &str {
        &self.endpoint.host
    }

    /// The next bytes, or `None` behind the last one. If it is dropped in between, nothing is lost but a connection.
    ///
    /// # Errors
    /// [`Error::Truncated`] or the network's error if the rest cannot be had, [`Error::TooLarge`] if there is too much.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        loop {
            if self.position == self.end {
                return self.finish().await;
            }
            let error = match self.read().await {
                Ok(Some(bytes)) => return Ok(Some(bytes)),
                Ok(None) => self.truncated(),
                Err(error) => error,
            };
            self.body = None;
            self.failures += 1;
            self.transport
                .options
                .retry
                .wait(self.failures, error)
                .await?;
        }
    }

    /// Connects with retries, so that a mirror without the blob is noticed before the first byte.
    pub(crate) async fn connect(&mut self) -> Result<()> {
        while self.body.is_none() && self.position < self.end {
            if let Err(error) = self.open().await {
                self.failures += 1;
                self.transport
                    .options
                    .retry
                    .wait(self.failures, error)
                    .await?;
            }
        }
        Ok(())
    }

    async fn read(&mut self) -> Result<Option<Bytes>> {
        if self.body.is_none() {
            self.open().await?;
        }
        let body = self.body.as_mut().expect("just opened");
        while let Some(mut bytes) = next(body).await? {
            let repeated = body.skip.min(bytes.len() as u64);
            body.skip -= repeated;
            let mut bytes = bytes.split_off(repeated as usize);
            if bytes.is_empty() {
                continue;
            }
            body.received += bytes.len() as u64;
            if body.received >= GOOD_PROGRESS_BYTES {
                self.failures = 0;
            }
            let left = self.end - self.position;
            if bytes.len() as u64 > left {
                if self.end == self.descriptor.size_bytes {
                    return Err(self.too_large());
                }
                // A server without parts sends on; the rest is somebody else's.
                bytes.truncate(usize::try_from(left).unwrap_or(usize::MAX));
            }
            self.position += bytes.len() as u64;
            return Ok(Some(bytes));
        }
        Ok(None)
    }

    /// Asks for the bytes from the position on.
    async fn open(&mut self) -> Result<()> {
        let mut call = self.call.clone();
        let from = if self.whole_only { 0 } else { self.position };
        let is_part = self.end < self.descriptor.size_bytes && !self.whole_only;
        if from > 0 || is_part {
            let last = is_part.then(|| (self.end - 1).to_string());
            let range = format!("bytes={from}-{}", last.unwrap_or_default());
            let range = HeaderValue::try_from(range).expect("digits are visible");
            call.headers.insert(header::RANGE, range);
        }
        let response = self.transport.send_once(&self.endpoint, &call).await?;
        let start = match response.status() {
            StatusCode::PARTIAL_CONTENT if from > 0 || is_part => content_range_start(&response),
            // The blob cannot end before the position, for the descriptor's size is not reached: the server has no ranges.
            StatusCode::RANGE_NOT_SATISFIABLE if !self.whole_only => {
                self.whole_only = true;
                return Box::pin(self.open()).await;
            }
            StatusCode::OK => Some(0),
            _ => None,
        };
        let Some(start) = start.filter(|start| *start <= self.position) else {
            let message = "the server sent another part of the blob than was asked for".to_owned();
            return Err(Error::Protocol {
                host: self.endpoint.host.clone(),
                message,
            });
        };
        let has_parts = response.status() == StatusCode::PARTIAL_CONTENT;
        let end = match has_parts && is_part {
            true => self.end,
            false => self.descriptor.size_bytes,
        };
        self.check_length(&response, start..end)?;
        self.body = Some(Body {
            response,
            is_part: has_parts,
            skip: self.position - start,
            received: 0,
            pace: Pace::new(self.transport.options.patience),
        });
        Ok(())
    }

    /// Refuses a wrong length at once, and not after a gigabyte.
    fn check_length(&self, response: &Response, asked: Range<u64>) -> Result<()> {
        let start = asked.start;
        let expected = asked.end - start;
        match response.content_length() {
            Some(length) if length > expected => Err(self.too_large()),
            Some(length) if length < expected => {
                let expected = self.descriptor.size_bytes;
                let message = format!(
                    "{} has {} bytes there, but the manifest says {expected}",
                    self.descriptor.digest,
                    start + length
                );
                Err(Error::Protocol {
                    host: self.endpoint.host.clone(),
                    message,
                })
            }
            _ => Ok(()),
        }
    }

    /// Makes sure that nothing follows; the connection can be used again then.
    async fn finish(&mut self) -> Result<Option<Bytes>> {
        let Some(mut body) = self.body.take() else {
            return Ok(None);
        };
        if self.end < self.descriptor.size_bytes && !body.is_part {
            return Ok(None);
        }
        match next(&mut body).await {
            Ok(Some(surplus)) if !surplus.is_empty() => Err(self.too_large()),
            // All bytes are here: how the connection ends does not matter any more.
            _ => Ok(None),
        }
    }

    fn truncated(&self) -> Error {
        Error::Truncated {
            host: self.endpoint.host.clone(),
            digest: self.descriptor.digest.clone(),
            expected_bytes: self.descriptor.size_bytes,
            found_bytes: self.position,
        }
    }

    fn too_large(&self) -> Error {
        Error::TooLarge {
            host: self.endpoint.host.clone(),
            what: format!("blob {}", self.descriptor.digest),
            limit_bytes: self.descriptor.size_bytes,
        }
    }
}

impl std::fmt::Debug for BlobStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "BlobStream({} at {})",
            self.descriptor.digest, self.position
        )
    }
}

async fn next(body: &mut Body) -> Result<Option<Bytes>> {
    let address = body.response.url().clone();
    let came = body.pace.wait(body.response.chunk()).await;
    let bytes = came
        .ok_or_else(|| too_slow(&address))?
        .map_err(|source| broken(&address, source))?;
    body.pace.received(bytes.as_ref().map_or(0, Bytes::len));
    Ok(bytes)
}

/// The first byte of a partial reply: `bytes 100-199/200`.
fn content_range_start(response: &Response) -> Option<u64> {
    let text = response
        .headers()
        .get(header::CONTENT_RANGE)?
        .to_str()
        .ok()?;
    text.trim()
        .strip_prefix("bytes ")?
        .split_once('-')?
        .0
        .trim()
        .parse()
        .ok()
}
