//! A registry in memory that can be slow.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use futures_util::{StreamExt as _, stream};
use hyper::body::Bytes;
use terrarium_oci::Digest;
use tokio::sync::Semaphore;

use crate::{
    image::Image,
    server::{Answer, Asked, Server},
};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// A blob is sent in pieces of this size, and the gate opens for each.
const PIECE: usize = 16 << 10;

pub(crate) struct MemoryRegistry {
    server: Server,
    documents: Documents,
    gate: Arc<Semaphore>,
}

type Documents = Arc<Mutex<HashMap<String, (&'static str, Bytes)>>>;

impl MemoryRegistry {
    pub(crate) async fn start() -> Self {
        let (documents, gate) = (
            Documents::default(),
            Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
        );
        let (served, passed) = (Arc::clone(&documents), Arc::clone(&gate));
        let server = Server::start(move |asked| answer(asked, &served, &passed)).await;
        Self {
            server,
            documents,
            gate,
        }
    }

    /// Serves `image` as `repository:tag`; returns its reference.
    pub(crate) fn add(&self, repository: &str, tag: &str, image: &Image) -> String {
        let mut documents = self.documents.lock().unwrap();
        let mut add = |kind: &str, name: &str, media_type, bytes: &[u8]| {
            let path = format!("/v2/{repository}/{kind}/{name}");
            documents.insert(path, (media_type, Bytes::copy_from_slice(bytes)));
        };
        add("manifests", tag, INDEX, &image.index);
        for (media_type, bytes) in [(INDEX, &image.index), (MANIFEST, &image.manifest)] {
            add(
                "manifests",
                Digest::sha256_of(bytes).as_str(),
                media_type,
                bytes,
            );
        }
        let blobs = image
            .layers
            .iter()
            .map(|layer| &layer.blob)
            .chain([&image.config]);
        for bytes in blobs {
            add(
                "blobs",
                Digest::sha256_of(bytes).as_str(),
                "application/octet-stream",
                bytes,
            );
        }
        format!("{}/{repository}:{tag}", self.server.host())
    }

    /// Serves other bytes under a digest than the digest names.
    pub(crate) fn replace(&self, repository: &str, digest: &Digest, bytes: &[u8]) {
        let path = format!("/v2/{repository}/blobs/{digest}");
        let blob = ("application/octet-stream", Bytes::copy_from_slice(bytes));
        self.documents.lock().unwrap().insert(path, blob);
    }

    pub(crate) fn host(&self) -> String {
        self.server.host()
    }

    /// From now on `pieces` pieces of blobs pass, or all.
    pub(crate) fn let_through(&self, pieces: Option<usize>) {
        self.gate.forget_permits(Semaphore::MAX_PERMITS);
        self.gate
            .add_permits(pieces.unwrap_or(Semaphore::MAX_PERMITS));
    }

    /// How often something with `part` in its path was asked for, `HEAD` left out.
    pub(crate) fn asked(&self, part: &str) -> Vec<Asked> {
        let asked = self.server.asked(part).into_iter();
        asked.filter(|asked| asked.method == "GET").collect()
    }
}

impl Drop for MemoryRegistry {
    fn drop(&mut self) {
        self.let_through(None);
    }
}

fn answer(asked: &Asked, documents: &Documents, gate: &Arc<Semaphore>) -> Answer {
    if asked.path == "/v2/" {
        return Answer::new(200, "{}");
    }
    let found = documents.lock().unwrap().get(&asked.path).cloned();
    let Some((media_type, bytes)) = found else {
        return Answer::new(
            404,
            r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"unknown"}]}"#,
        );
    };
    if asked.path.contains("/manifests/") {
        let digest = Digest::sha256_of(&bytes);
        return Answer::new(200, bytes)
            .with("content-type", media_type)
            .with("docker-content-digest", digest.as_str());
    }
    let (start, total) = (asked.range_start(), bytes.len());
    let rest = bytes.slice(start..);
    let (length, gate) = (rest.len().to_string(), Arc::clone(gate));
    let pieces = stream::iter(0..rest.len().div_ceil(PIECE)).then(move |number| {
        let piece = rest.slice(number * PIECE..((number + 1) * PIECE).min(rest.len()));
        let gate = Arc::clone(&gate);
        async move {
            gate.acquire().await.unwrap().forget();
            Ok(piece)
        }
    });
    let status = if start == 0 { 200 } else { 206 };
    Answer::slow(status, pieces)
        .with("content-length", &length)
        .with(
            "content-range",
            &format!("bytes {start}-{}/{total}", total.saturating_sub(1)),
        )
}
