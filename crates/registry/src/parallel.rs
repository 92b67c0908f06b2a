//! A large blob in parts that are fetched beside each other: many servers give each connection only so much.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use terrarium_oci::{Descriptor, Reference};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::endpoint::Endpoint;
use crate::transport::Transport;
use crate::{BlobStream, Result};

/// Bytes of a part; so much of each may wait in memory for those before it.
const PART_BYTES: u64 = 8 << 20;
/// Parts under way besides the one that is being read.
const AHEAD: usize = 3;
/// A blob with less left is not worth more than one connection.
const WORTH_IT_BYTES: u64 = 4 * PART_BYTES;

/// Where a blob comes from.
#[derive(Clone)]
pub(crate) struct BlobSource {
    pub(crate) transport: Arc<Transport>,
    pub(crate) endpoint: Endpoint,
    pub(crate) reference: Reference,
    pub(crate) descriptor: Descriptor,
}

impl BlobSource {
    fn from(&self, offset: u64) -> BlobStream {
        let (transport, endpoint) = (self.transport.clone(), self.endpoint.clone());
        BlobStream::new(
            transport,
            endpoint,
            &self.reference,
            &self.descriptor,
            offset,
        )
    }
}

/// The bytes of a blob, in order.
///
/// Memory is bounded by the parts under way. Each continues by itself where a connection breaks.
pub struct ParallelBlob {
    source: BlobSource,
    /// The part that is read from the network as it is asked for; the first, or all where there are no parts.
    first: Option<BlobStream>,
    parts: VecDeque<Part>,
    /// Where the next part begins that nobody fetches yet.
    next: u64,
}

/// A part that is being fetched.
struct Part {
    pieces: mpsc::UnboundedReceiver<Result<Bytes>>,
    fetching: JoinHandle<()>,
}

impl Drop for Part {
    fn drop(&mut self) {
        self.fetching.abort();
    }
}

impl ParallelBlob {
    pub(crate) async fn open(source: BlobSource, offset: u64) -> Result<Self> {
        let size_bytes = source.descriptor.size_bytes;
        let is_large = size_bytes.saturating_sub(offset) > WORTH_IT_BYTES;
        let mut first = source.from(offset);
        let mut next = size_bytes;
        if is_large {
            first = first.until(offset + PART_BYTES);
            next = offset + PART_BYTES;
        }
        first.connect().await?;
        if is_large && !first.take_all_without_parts() {
            next = size_bytes;
        }
        Ok(Self {
            source,
            first: Some(first),
            parts: VecDeque::new(),
            next,
        })
    }

    /// The next bytes, or `None` behind the last one. If it is dropped, nothing is lost but connections.
    ///
    /// # Errors
    /// As for [`BlobStream::chunk`].
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        self.fetch_ahead();
        if let Some(first) = &mut self.first {
            if let Some(bytes) = first.chunk().await? {
                return Ok(Some(bytes));
            }
            self.first = None;
        }
        while let Some(part) = self.parts.front_mut() {
            if let Some(piece) = part.pieces.recv().await {
                return piece.map(Some);
            }
            self.parts.pop_front();
            self.fetch_ahead();
        }
        Ok(None)
    }

    fn fetch_ahead(&mut self) {
        let end = self.source.descriptor.size_bytes;
        while self.parts.len() < AHEAD && self.next < end {
            let stream = self.source.from(self.next).until(self.next + PART_BYTES);
            self.next = (self.next + PART_BYTES).min(end);
            // Not more than a part waits in it.
            let (sender, pieces) = mpsc::unbounded_channel();
            let fetching = tokio::spawn(fetch(stream, sender));
            self.parts.push_back(Part { pieces, fetching });
        }
    }
}

async fn fetch(mut stream: BlobStream, sender: mpsc::UnboundedSender<Result<Bytes>>) {
    loop {
        let piece = match stream.chunk().await {
            Ok(Some(bytes)) => Ok(bytes),
            Ok(None) => return,
            Err(error) => Err(error),
        };
        let is_over = piece.is_err();
        if sender.send(piece).is_err() || is_over {
            return;
        }
    }
}
