use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use terrarium_api::{PushBlob, PushPhase, PushProgress};

use super::plan::PlannedBlob;

/// How a push stands, written to by all its parts.
#[derive(Debug)]
pub(super) struct Board {
    started: Instant,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    progress: PushProgress,
    /// What was handed to the network of each blob.
    sent: Vec<Arc<AtomicU64>>,
}

impl Board {
    /// The board of a push that begins now.
    pub(super) fn new(activity: String, reference: String) -> Self {
        let progress = PushProgress {
            activity,
            reference,
            blobs: Vec::new(),
            pushed_bytes: 0,
            to_push_bytes: 0,
            saved_bytes: 0,
            elapsed_usec: 0,
            digest: None,
        };
        Self {
            started: Instant::now(),
            state: Mutex::new(State {
                progress,
                sent: Vec::new(),
            }),
        }
    }

    /// The blobs are known.
    pub(super) fn plan(&self, blobs: &[PlannedBlob]) {
        let mut state = self.lock();
        state.sent = blobs.iter().map(|_| Arc::default()).collect();
        state.progress.blobs = blobs
            .iter()
            .map(|blob| PushBlob {
                digest: blob.descriptor.digest.to_string(),
                layer: blob.layer,
                size_bytes: blob.descriptor.size_bytes,
                pushed_bytes: 0,
                phase: PushPhase::Waiting,
            })
            .collect();
    }

    /// A blob gets its turn; its bytes are counted in what is returned.
    pub(super) fn begin(&self, row: usize) -> Arc<AtomicU64> {
        let mut state = self.lock();
        state.progress.blobs[row].phase = PushPhase::Pushing;
        Arc::clone(&state.sent[row])
    }

    /// A blob is in the registry.
    pub(super) fn end(&self, row: usize, phase: PushPhase) {
        self.lock().progress.blobs[row].phase = phase;
    }

    /// The name points to the image.
    pub(super) fn done(&self, digest: String) {
        self.lock().progress.digest = Some(digest);
    }

    /// How it stands now.
    pub(super) fn progress(&self) -> PushProgress {
        let mut state = self.lock();
        let sent: Vec<u64> = state
            .sent
            .iter()
            .map(|sent| sent.load(Ordering::Relaxed))
            .collect();
        let progress = &mut state.progress;
        for (blob, sent) in progress.blobs.iter_mut().zip(sent) {
            blob.pushed_bytes = sent.min(blob.size_bytes);
        }
        let saved =
            |blob: &&PushBlob| matches!(blob.phase, PushPhase::AlreadyThere | PushPhase::Mounted);
        progress.saved_bytes = progress
            .blobs
            .iter()
            .filter(saved)
            .map(|blob| blob.size_bytes)
            .sum();
        progress.pushed_bytes = progress.blobs.iter().map(|blob| blob.pushed_bytes).sum();
        let all: u64 = progress.blobs.iter().map(|blob| blob.size_bytes).sum();
        progress.to_push_bytes = all - progress.saved_bytes;
        progress.elapsed_usec =
            u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        progress.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // What is shown is at worst a moment old; a panic elsewhere does not make it wrong.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
