//! From an image that is here to a name in a registry.
//!
//! Blobs first, several at once, then manifests, and the name last of all: whoever pulls meanwhile
//! finds the image before or after, never half of it.

mod board;
mod plan;

use std::{
    io::{Seek as _, SeekFrom},
    sync::Arc,
};

use terrarium_api::{
    Activity, ActivityKind, Credentials, Error, ErrorCode, Progress, PushImage, PushPhase,
    PushProgress, PushedImage, Traced,
};
use terrarium_oci::{Descriptor, Reference};
use terrarium_registry::{Client, OpenBlob, Pushed, Upload};
use terrarium_store::Store;
use tokio::{sync::watch, task::JoinSet};

use self::{
    board::Board,
    plan::{Plan, PlannedBlob, PlannedDocument},
};
use super::{error::registry_failed, names::parse, progress::watched};
use crate::{Engine, Result, Tracer, blocking::blocking, error::Wrap as _};

/// Blobs that are sent at the same time, as Docker does.
const AT_ONCE: usize = 5;
/// What the parts of one push share.
struct Push {
    store: Store,
    client: Client,
    reference: Reference,
    board: Arc<Board>,
}

impl Engine {
    /// Pushes what a name points to here to the registry that it names, and tells `progress` how it
    /// stands. Dropping the future cancels the push, and so does canceling its activity.
    ///
    /// # Errors
    /// `NoSuchImage`, `Unauthorized`, or what the registry said, on which blob.
    pub async fn push_image(
        &self,
        request: PushImage,
        progress: watch::Sender<Option<PushProgress>>,
    ) -> Result<Traced<PushedImage>> {
        let reference = parse(&request.reference)?;
        if reference.digest().is_some() {
            return Err(by_digest(&reference));
        }
        let familiar = reference.familiar();
        let running = self.activities().begin(ActivityKind::Push, &familiar);
        let board = Arc::new(Board::new(running.id(), familiar.clone()));
        let push = Arc::new(Push {
            client: self
                .inner
                .images
                .client(reference.registry(), request.credentials),
            store: self.inner.images.store.clone(),
            board: Arc::clone(&board),
            reference,
        });
        let work = self.push(&push);
        let result = watched(&running, &progress, || board.progress(), tell, work).await;
        running.end(result.wrap(|| format!("push {familiar}")))
    }

    /// Pushes a manifest that is here and what it names, which need not be an image; an activity.
    ///
    /// # Errors
    /// As [`Engine::push_image`].
    pub(crate) async fn push_manifest(
        &self,
        reference: Reference,
        credentials: Option<Credentials>,
        manifest: Descriptor,
    ) -> Result<()> {
        let familiar = reference.familiar();
        let images = &self.inner.images;
        let running = self.activities().begin(ActivityKind::Push, &familiar);
        let board = Board::new(running.id(), familiar);
        let push = Arc::new(Push {
            client: images.client(reference.registry(), credentials),
            store: images.store.clone(),
            board: Arc::new(board),
            reference,
        });
        let work = async {
            let store = push.store.clone();
            let plan = blocking(move || Plan::of_manifest(&store, &manifest)).await?;
            push.board.plan(&plan.blobs);
            push.blobs(plan.blobs).await?;
            let tag = push.reference.tag().unwrap_or(terrarium_oci::DEFAULT_TAG);
            push.document(&plan.root, tag).await
        };
        let pushed = tokio::select! {
            pushed = work => pushed,
            () = running.token().cancelled() => Err(Error::new(ErrorCode::Canceled, "canceled")),
        };
        running.end(pushed)
    }

    async fn push(&self, push: &Arc<Push>) -> Result<Traced<PushedImage>> {
        let familiar = push.reference.familiar();
        let mut tracer = Tracer::new("image.push", &familiar, format!("docker push {familiar}"));
        let (store, reference) = (push.store.clone(), push.reference.clone());
        let plan = blocking(move || Plan::of(&store, &reference));
        let plan = tracer
            .step("read manifests", familiar.clone(), plan)
            .await?;
        push.board.plan(&plan.blobs);

        let detail = format!("{} blobs", plan.blobs.len());
        tracer
            .step("push blobs", detail, push.blobs(plan.blobs))
            .await?;
        for child in &plan.children {
            push.document(child, child.digest.as_str()).await?;
        }
        let root = &plan.root;
        let tag = push.reference.tag().unwrap_or(terrarium_oci::DEFAULT_TAG);
        let named = push.document(root, tag);
        tracer
            .step("push manifest", root.digest.to_string(), named)
            .await?;

        let digest = root.digest.to_string();
        push.board.done(digest.clone());
        self.image_event("push", &familiar, &familiar);
        Ok(tracer.finish(PushedImage {
            reference: familiar,
            digest,
            size_bytes: root.bytes.len() as u64,
        }))
    }
}

impl Push {
    /// Sends the blobs, some at once; dropping it ends them all.
    async fn blobs(self: &Arc<Self>, blobs: Vec<PlannedBlob>) -> Result<()> {
        let mut waiting = blobs.into_iter().enumerate();
        let mut tasks = JoinSet::new();
        loop {
            while tasks.len() < AT_ONCE
                && let Some((row, blob)) = waiting.next()
            {
                let push = Arc::clone(self);
                tasks.spawn(async move { push.blob(row, &blob).await });
            }
            match tasks.join_next().await {
                None => return Ok(()),
                Some(Ok(sent)) => sent?,
                Some(Err(error)) => {
                    let failed = Error::new(ErrorCode::Internal, "a part of the push stopped");
                    return Err(failed.because(&error));
                }
            }
        }
    }

    async fn blob(&self, row: usize, blob: &PlannedBlob) -> Result<()> {
        let upload = Upload {
            descriptor: blob.descriptor.clone(),
            open: open(&self.store, blob),
            neighbor: blob.neighbor.clone(),
            sent_bytes: self.board.begin(row),
        };
        let pushed = self.client.push_blob(&self.reference, &upload).await;
        let pushed = pushed.map_err(|error| {
            registry_failed(format!("push blob {}", blob.descriptor.digest), &error)
        })?;
        let phase = match pushed {
            Pushed::Present => PushPhase::AlreadyThere,
            Pushed::Mounted(_) => PushPhase::Mounted,
            Pushed::Uploaded => PushPhase::Done,
        };
        self.board.end(row, phase);
        Ok(())
    }

    async fn document(&self, document: &PlannedDocument, target: &str) -> Result<()> {
        let (kind, bytes) = (&document.media_type, document.bytes.clone());
        let put = self
            .client
            .push_document(&self.reference, target, kind, bytes);
        put.await
            .map_err(|error| registry_failed(format!("push manifest {}", document.digest), &error))
    }
}

/// Opens a blob of the store from any offset on.
fn open(store: &Store, blob: &PlannedBlob) -> OpenBlob {
    let (store, digest) = (store.clone(), blob.descriptor.digest.clone());
    Arc::new(move |offset| {
        let found = store
            .content()
            .blob(&digest)
            .map_err(std::io::Error::other)?;
        let mut file = found.file;
        file.seek(SeekFrom::Start(offset))?;
        Ok(Box::pin(tokio::fs::File::from_std(file)))
    })
}

/// A push in the list of activities.
fn tell(activity: &mut Activity, now: PushProgress) {
    activity.progress = Some(Progress {
        done_bytes: now.pushed_bytes,
        total_bytes: now.to_push_bytes,
    });
}

fn by_digest(reference: &Reference) -> Error {
    Error::new(
        ErrorCode::InvalidReference,
        format!(
            "push {}: cannot push a digest reference",
            reference.familiar()
        ),
    )
    .hint("push a name with a tag; the registry computes the digest")
}
