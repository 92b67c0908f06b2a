//! From a name to an image that is here.
//!
//! Lease, documents, then the missing blobs in parallel: each is downloaded, hashed, written and
//! unpacked in one stream. Layers become visible bottom first, the name last of all, so that a
//! crash at any moment leaves either no image or a whole one.

mod blob;
mod board;
mod documents;
mod layers;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use terrarium_api::{
    Activity, ActivityKind, Error, ErrorCode, ImageSummary, Progress, PullImage, PullProgress,
    PullStage, Traced,
};
use terrarium_oci::{Platform, Reference};
use terrarium_registry::Client;
use terrarium_store::{Lease, Name, Store};
use tokio::sync::watch;

use self::{board::Board, documents::Documents};
use super::{
    names::{parse, point},
    progress::watched,
    store_failed,
};
use crate::{Engine, Result, Tracer, blocking::blocking, error::Wrap as _, files::random_hex};

/// How long a pull may take before the garbage collector may touch what it brought.
const LEASE: Duration = Duration::from_secs(24 * 3600);
/// What the parts of one pull share.
struct Pull {
    store: Store,
    client: Client,
    reference: Reference,
    platform: Platform,
    lease: Lease,
    board: Arc<Board>,
    stop: AtomicBool,
}

impl Pull {
    /// Whether nobody waits for the pull any more. Threads that block look here.
    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// Tells the threads of a pull to stop when its future ends, also when it is dropped.
struct Stop(Arc<Pull>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.stop.store(true, Ordering::Relaxed);
    }
}

impl Engine {
    /// Pulls an image and tells `progress` how it stands.
    ///
    /// Dropping the future cancels the pull, and so does canceling its activity. What was
    /// downloaded by then is kept for the next try.
    ///
    /// # Errors
    /// What the registry or the store said, on which blob.
    pub async fn pull_image(
        &self,
        request: PullImage,
        progress: watch::Sender<Option<PullProgress>>,
    ) -> Result<Traced<ImageSummary>> {
        let reference = parse(&request.reference)?;
        let platform = platform(request.platform.as_deref())?;
        let familiar = reference.familiar();
        let running = self.activities().begin(ActivityKind::Pull, &familiar);
        let board = Arc::new(Board::new(running.id(), reference.canonical()));
        let work = async {
            let registry = reference.registry().to_owned();
            let pull = Arc::new(Pull {
                client: self.inner.images.client(&registry, request.credentials),
                lease: lease(&self.inner.images.store).await?,
                store: self.inner.images.store.clone(),
                board: Arc::clone(&board),
                reference,
                platform,
                stop: AtomicBool::new(false),
            });
            let _stop = Stop(Arc::clone(&pull));
            self.pull(pull).await
        };
        let result = watched(&running, &progress, || board.progress(), tell, work).await;
        running.end(result.wrap(|| format!("pull {familiar}")))
    }

    async fn pull(&self, pull: Arc<Pull>) -> Result<Traced<ImageSummary>> {
        let (board, familiar) = (Arc::clone(&pull.board), pull.reference.familiar());
        let mut tracer = Tracer::new("image.pull", &familiar, format!("docker pull {familiar}"));
        let documents = tracer
            .step(
                "resolve",
                pull.reference.canonical(),
                documents::find(&pull),
            )
            .await?;

        board.stage(PullStage::Fetching);
        let documents = Arc::new(documents);
        let work = layers::bring(&pull, &documents);
        let brought = tracer
            .step(
                "fetch and unpack",
                documents.descriptor.digest.to_string(),
                work,
            )
            .await?;

        board.stage(PullStage::Committing);
        let store = pull.store.clone();
        let sync = blocking(move || {
            store
                .snapshots()
                .sync()
                .map_err(|error| store_failed("write layers to disk", &error))
        });
        tracer.step("syncfs", "snapshots", sync).await?;
        let moved = self.name(&pull, &documents);
        let moved = tracer
            .step("write reference", familiar.clone(), moved)
            .await?;

        let id = documents.manifest.config.digest.to_string();
        self.image_event("pull", &familiar, &familiar);
        let summary = self.published_image(&id).await?;
        board.done(id, !moved && !brought);
        Ok(tracer.finish(summary))
    }

    /// Points the name to what was pulled; says whether it pointed elsewhere before.
    async fn name(&self, pull: &Pull, documents: &Documents) -> Result<bool> {
        let (inner, name) = (Arc::clone(&self.inner), pull.reference.canonical());
        let root = documents.root.clone();
        blocking(move || {
            let _naming = inner.images.naming();
            let before = inner.images.store.references().get(&name);
            point(&inner.images.store, &name, &root)?;
            Ok(before.is_none_or(|before| before != root))
        })
        .await
    }
}

pub(super) fn platform(typed: Option<&str>) -> Result<Platform> {
    let Some(text) = typed.filter(|text| !text.is_empty()) else {
        return Ok(Platform::host());
    };
    text.parse().map_err(|error: terrarium_oci::Error| {
        let failed = Error::new(ErrorCode::InvalidArgument, "choose the platform").because(&error);
        match error.hint() {
            Some(hint) => failed.hint(hint),
            None => failed,
        }
    })
}

/// Begins a lease for an operation that brings an image.
pub(super) async fn lease(store: &Store) -> Result<Lease> {
    let store = store.clone();
    blocking(move || {
        let id = Name::new(format!("pull-{}", random_hex(8)));
        let lease = id.and_then(|id| store.leases().create(id, SystemTime::now(), LEASE));
        lease.map_err(|error| store_failed("begin a lease", &error))
    })
    .await
}

/// A pull in the list of activities.
fn tell(activity: &mut Activity, now: PullProgress) {
    activity.progress = Some(Progress {
        done_bytes: now.downloaded_bytes,
        total_bytes: now.to_download_bytes,
    });
    activity.pull = Some(now);
}
