use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use terrarium_api::{BlobPhase, BlobProgress, Lapse, PullDocument, PullProgress, PullStage};

/// How a pull stands, written to by all its parts.
#[derive(Debug)]
pub(super) struct Board {
    started: Instant,
    progress: Mutex<PullProgress>,
}

impl Board {
    /// The board of a pull that begins now.
    pub(super) fn new(activity: String, reference: String) -> Self {
        Self {
            started: Instant::now(),
            progress: Mutex::new(PullProgress {
                activity,
                reference,
                stage: PullStage::Resolving,
                documents: Vec::new(),
                blobs: Vec::new(),
                downloaded_bytes: 0,
                to_download_bytes: 0,
                saved_bytes: 0,
                elapsed_usec: 0,
                image_id: None,
                manifest_digest: None,
                up_to_date: false,
            }),
        }
    }

    /// How it stands now.
    pub(super) fn progress(&self) -> PullProgress {
        let mut progress = self.lock().clone();
        progress.elapsed_usec = self.now_usec();
        progress
    }

    /// The pull goes on to another stage.
    pub(super) fn stage(&self, stage: PullStage) {
        self.lock().stage = stage;
    }

    /// Everything is here.
    pub(super) fn done(&self, image_id: String, up_to_date: bool) {
        let mut progress = self.lock();
        progress.stage = PullStage::Done;
        progress.image_id = Some(image_id);
        progress.up_to_date = up_to_date;
    }

    /// A document was read.
    pub(super) fn document(&self, document: PullDocument) {
        self.lock().documents.push(document);
    }

    /// The manifest is known, and so are the blobs: the config, then the layers, bottom first.
    pub(super) fn plan(&self, manifest_digest: String, blobs: Vec<BlobProgress>) {
        let mut progress = self.lock();
        progress.manifest_digest = Some(manifest_digest);
        progress.to_download_bytes = blobs.iter().map(|blob| blob.size_bytes).sum();
        progress.blobs = blobs;
    }

    /// Some bytes of a blob need not be downloaded: they are here.
    pub(super) fn saved(&self, row: usize, bytes: u64) {
        let mut progress = self.lock();
        progress.saved_bytes += bytes;
        progress.to_download_bytes -= bytes;
        progress.blobs[row].downloaded_bytes += bytes;
    }

    /// A blob and its layer are here, as they are in these images.
    pub(super) fn already_here(&self, row: usize, shared_with: Vec<String>) {
        let mut progress = self.lock();
        progress.blobs[row].phase = BlobPhase::AlreadyHere;
        progress.blobs[row].shared_with = shared_with;
    }

    /// The download of a blob begins.
    pub(super) fn download_begins(&self, row: usize) {
        let lapse = self.open();
        let mut progress = self.lock();
        progress.blobs[row].phase = BlobPhase::Downloading;
        progress.blobs[row].download = Some(lapse);
    }

    /// More bytes of a blob have arrived.
    pub(super) fn arrived(&self, row: usize, bytes: u64) {
        let mut progress = self.lock();
        progress.downloaded_bytes += bytes;
        progress.blobs[row].downloaded_bytes += bytes;
    }

    /// The last byte has arrived: now the digest is compared, and the blob is put on disk.
    pub(super) fn verify_begins(&self, row: usize) {
        let lapse = self.open();
        let mut progress = self.lock();
        let blob = &mut progress.blobs[row];
        close(&mut blob.download, lapse.start_usec);
        blob.phase = BlobPhase::Verifying;
        blob.verify = Some(lapse);
    }

    /// The blob is the right one.
    pub(super) fn verified(&self, row: usize) {
        let now_usec = self.now_usec();
        let mut progress = self.lock();
        let blob = &mut progress.blobs[row];
        close(&mut blob.verify, now_usec);
        blob.phase = match blob.unpack {
            Some(Lapse { end_usec: None, .. }) => BlobPhase::Unpacking,
            _ => BlobPhase::Done,
        };
    }

    /// Unpacking begins, most often together with the download.
    pub(super) fn unpack_begins(&self, row: usize) {
        let lapse = self.open();
        let mut progress = self.lock();
        let blob = &mut progress.blobs[row];
        blob.unpack = Some(lapse);
        if blob.download.is_none() {
            blob.phase = BlobPhase::Unpacking;
        }
    }

    /// All files are written.
    pub(super) fn unpacked(&self, row: usize) {
        let now_usec = self.now_usec();
        let mut progress = self.lock();
        let blob = &mut progress.blobs[row];
        close(&mut blob.unpack, now_usec);
        if blob.phase == BlobPhase::Unpacking {
            blob.phase = BlobPhase::Done;
        }
    }

    fn open(&self) -> Lapse {
        Lapse {
            start_usec: self.now_usec(),
            end_usec: None,
        }
    }

    fn now_usec(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn lock(&self) -> MutexGuard<'_, PullProgress> {
        // What is shown is at worst a moment old; a panic elsewhere does not make it wrong.
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn close(lapse: &mut Option<Lapse>, now_usec: u64) {
    if let Some(lapse) = lapse {
        lapse.end_usec = Some(now_usec);
    }
}
