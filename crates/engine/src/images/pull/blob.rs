use std::{
    io::{self, Read},
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use terrarium_api::{Error, ErrorCode};
use terrarium_oci::Descriptor;
use terrarium_store::{Ingest, LayerWork, Wanted, worker::Report};
use tokio::sync::mpsc;

use super::Pull;
use crate::{
    Result,
    blocking::blocking,
    images::{error::registry_failed, store_failed},
};

/// Pieces between the network and the disk.
const PIECES_BUFFERED: usize = 32;

/// A blob of the image.
#[derive(Debug, Clone)]
pub(super) struct Blob {
    row: usize,
    name: String,
    descriptor: Descriptor,
    shared_with: Vec<String>,
}

impl Blob {
    /// The blob of a row of the board; `name` is for people, like `layer 3 of 7`.
    pub(super) fn new(row: usize, name: String, descriptor: Descriptor) -> Self {
        Self {
            row,
            name,
            descriptor,
            shared_with: Vec::new(),
        }
    }

    /// Notes which images have it already.
    pub(super) fn shared(mut self, with: Vec<String>) -> Self {
        self.shared_with = with;
        self
    }

    fn fetch(&self) -> String {
        format!("fetch blob {} ({})", self.descriptor.digest, self.name)
    }
}

/// What became of a blob.
#[derive(Debug)]
pub(super) struct Brought {
    /// Whether there was anything to do.
    pub(super) brought: bool,
    /// Its layer, to be committed.
    pub(super) unpacked: Option<(LayerWork, Report)>,
}

/// A piece of the download, or its honest end. Without the latter it was given up.
enum Piece {
    Bytes(Bytes),
    End,
}

/// Brings a blob if it is not here, and unpacks it if there is `work` for it.
pub(super) async fn bring(pull: Arc<Pull>, blob: Blob, work: Option<LayerWork>) -> Result<Brought> {
    let wanted = {
        let (pull, blob) = (Arc::clone(&pull), blob.clone());
        blocking(move || {
            let wanted = pull.store.content().want(&blob.descriptor, &pull.lease);
            wanted.map_err(|error| store_failed(blob.fetch(), &error))
        })
    };
    match (wanted.await?, work) {
        (Wanted::Present, None) => {
            pull.board.saved(blob.row, blob.descriptor.size_bytes);
            pull.board.already_here(blob.row, blob.shared_with);
            Ok(Brought {
                brought: false,
                unpacked: None,
            })
        }
        (Wanted::Present, Some(work)) => {
            pull.board.saved(blob.row, blob.descriptor.size_bytes);
            let unpacked = unpack_present(&pull, &blob, work).await?;
            Ok(Brought {
                brought: true,
                unpacked: Some(unpacked),
            })
        }
        (Wanted::Missing(ingest), work) => {
            let unpacked = download_and_unpack(&pull, &blob, *ingest, work).await?;
            Ok(Brought {
                brought: true,
                unpacked,
            })
        }
    }
}

async fn unpack_present(
    pull: &Arc<Pull>,
    blob: &Blob,
    work: LayerWork,
) -> Result<(LayerWork, Report)> {
    let content = pull.store.content().blob(&blob.descriptor.digest);
    let source = content.map_err(|error| store_failed(format!("unpack {}", blob.name), &error))?;
    let broke = Arc::new(AtomicBool::new(false));
    unpack(
        pull,
        blob,
        work,
        Source {
            inner: source.file,
            broke,
        },
    )
    .await
}

async fn download_and_unpack(
    pull: &Arc<Pull>,
    blob: &Blob,
    ingest: Ingest,
    work: Option<LayerWork>,
) -> Result<Option<(LayerWork, Report)>> {
    let follow = ingest
        .follow()
        .map_err(|error| store_failed(blob.fetch(), &error))?;
    let mut download = std::pin::pin!(download(pull, blob, ingest));
    let Some(work) = work else {
        download.await?;
        return Ok(None);
    };
    let broke = Arc::new(AtomicBool::new(false));
    let source = Source {
        inner: follow,
        broke: Arc::clone(&broke),
    };
    let mut unpacking = std::pin::pin!(unpack(pull, blob, work, source));
    tokio::select! {
        biased;
        downloaded = &mut download => {
            downloaded?;
            unpacking.await.map(Some)
        }
        unpacked = &mut unpacking => match unpacked {
            // Behind the end of the tar more may follow, and all of it is in the digest.
            Ok(done) => download.await.map(|()| Some(done)),
            // Who unpacks only sees that nothing comes any more; the download knows why.
            Err(error) if broke.load(Ordering::Relaxed) => Err(download.await.err().unwrap_or(error)),
            Err(error) => Err(error),
        },
    }
}

/// Downloads a blob into the store, from where an earlier try ended.
async fn download(pull: &Arc<Pull>, blob: &Blob, ingest: Ingest) -> Result<()> {
    let offset = ingest.offset();
    pull.board.saved(blob.row, offset);
    pull.board.download_begins(blob.row);
    let (sender, receiver) = mpsc::channel(PIECES_BUFFERED);
    let write = {
        let (pull, blob) = (Arc::clone(pull), blob.clone());
        blocking(move || write(&pull, &blob, ingest, receiver))
    };
    let fetch = async {
        let sender = sender;
        let failed = |error| registry_failed(blob.fetch(), &error);
        let stream = pull
            .client
            .fetch_parallel(&pull.reference, &blob.descriptor, offset);
        let mut stream = stream.await.map_err(failed)?;
        while let Some(bytes) = stream.chunk().await.map_err(failed)? {
            if sender.send(Piece::Bytes(bytes)).await.is_err() {
                // The writer has gone, and says why.
                return Ok(());
            }
        }
        let _ = sender.send(Piece::End).await;
        Ok(())
    };
    let (fetched, written) = tokio::join!(fetch, write);
    fetched.and(written)
}

/// The end of a download that blocks: hashes and writes, and makes the blob visible.
fn write(
    pull: &Pull,
    blob: &Blob,
    mut ingest: Ingest,
    mut pieces: mpsc::Receiver<Piece>,
) -> Result<()> {
    let failed = |error| store_failed(blob.fetch(), &error);
    while let Some(piece) = pieces.blocking_recv() {
        match piece {
            Piece::Bytes(bytes) => {
                if let Err(error) = ingest.write(&bytes) {
                    let error = failed(error);
                    if error.code == ErrorCode::DiskFull {
                        // Kept for the next try, it would keep the disk full for everybody.
                        let _ = ingest.abort();
                    }
                    return Err(error);
                }
                pull.board.arrived(blob.row, bytes.len() as u64);
            }
            Piece::End => {
                pull.board.verify_begins(blob.row);
                ingest.commit().map_err(failed)?;
                pull.board.verified(blob.row);
                return Ok(());
            }
        }
    }
    // Dropping the ingest keeps what came, for the next try.
    Err(Error::new(ErrorCode::Canceled, "the download was given up"))
}

async fn unpack(
    pull: &Arc<Pull>,
    blob: &Blob,
    work: LayerWork,
    source: Source<impl Read + Send + 'static>,
) -> Result<(LayerWork, Report)> {
    let (pull, row, name) = (Arc::clone(pull), blob.row, blob.name.clone());
    blocking(move || {
        pull.board.unpack_begins(row);
        let report = work.unpack(source, |_| match pull.is_stopped() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        });
        let report = report.map_err(|error| store_failed(format!("unpack {name}"), &error))?;
        for note in &report.notes {
            tracing::debug!(layer = %name, %note, "something of the layer was left out");
        }
        pull.board.unpacked(row);
        Ok((work, report))
    })
    .await
}

/// A source that notes that it broke off, as opposed to its content being refused.
struct Source<R> {
    inner: R,
    broke: Arc<AtomicBool>,
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer);
        if read
            .as_ref()
            .is_err_and(|error| error.kind() != io::ErrorKind::Interrupted)
        {
            self.broke.store(true, Ordering::Relaxed);
        }
        read
    }
}
