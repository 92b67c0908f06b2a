use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::body::Bytes;
use terrarium_oci::{Compression, Descriptor, Digest, MediaType, Reference};
use terrarium_registry::{Client, Error, Options, ParallelBlob, Result, Retry};

use crate::server::{Answer, Asked, Server};

const SIZE: usize = 40 << 20;

fn content() -> Bytes {
    // A period that no part is a multiple of: a part in the wrong place is seen.
    let mut bytes = (0..251).collect::<Vec<u8>>().repeat(SIZE / 251 + 1);
    bytes.truncate(SIZE);
    bytes.into()
}

fn descriptor() -> Descriptor {
    // Whoever keeps the bytes checks the digest; here it is only a name.
    let digest = Digest::sha256_of(b"large");
    Descriptor::new(MediaType::OciLayer(Compression::Gzip), digest, SIZE as u64)
}

async fn open(server: &Server, offset: u64) -> Result<ParallelBlob> {
    let retry = Retry {
        first_delay: Duration::from_millis(1),
        ..Retry::default()
    };
    let client = Client::new(Options {
        retry,
        ..Options::default()
    });
    let reference: Reference = format!("{}/a/b:1", server.host()).parse().unwrap();
    client
        .fetch_parallel(&reference, &descriptor(), offset)
        .await
}

async fn read(mut blob: ParallelBlob) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(piece) = blob.chunk().await? {
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

/// From where to where was asked for.
fn range(asked: &Asked) -> Option<(usize, usize)> {
    let (start, last) = asked
        .header("range")?
        .strip_prefix("bytes=")?
        .split_once('-')?;
    let last = last.parse().unwrap_or(SIZE - 1);
    Some((start.parse().ok()?, last))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_blob_comes_in_parts_each_of_which_survives_a_break() {
    let content = content();
    let served = content.clone();
    let broken = Arc::new(Mutex::new(BTreeSet::new()));
    let server = Server::start(move |asked| {
        let (start, last) = range(asked).expect("a part is asked for");
        let part = served.slice(start..=last);
        let says = format!("bytes {start}-{last}/{SIZE}");
        // Every part breaks once, in its middle.
        let answer = match broken.lock().unwrap().insert(last) {
            true => Answer::broken(206, part.len(), &part[..part.len() / 2]),
            false => Answer::new(206, part),
        };
        answer.with("content-range", &says)
    })
    .await;
    assert!(read(open(&server, 0).await.unwrap()).await.unwrap() == content);
    let starts: BTreeSet<usize> = server
        .asked("blobs")
        .iter()
        .filter_map(range)
        .map(|r| r.0)
        .collect();
    assert!(
        starts.len() >= 10,
        "five parts, each in two pieces: {starts:?}"
    );
    let rest = read(open(&server, 1_000_003).await.unwrap()).await.unwrap();
    assert!(rest == content[1_000_003..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_parts_is_asked_once() {
    let content = content();
    let served = content.clone();
    let server = Server::start(move |_| Answer::new(200, served.clone())).await;
    assert!(read(open(&server, 0).await.unwrap()).await.unwrap() == content);
    assert_eq!(server.asked("blobs").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_is_another_one_is_refused() {
    let content = content();
    let server = Server::start(move |asked| {
        let (start, last) = range(asked).expect("a part is asked for");
        let part = content.slice(start..=last);
        let lie = if start == 0 { 0 } else { start + 1 };
        Answer::new(206, part).with("content-range", &format!("bytes {lie}-{last}/{SIZE}"))
    })
    .await;
    let error = read(open(&server, 0).await.unwrap()).await.unwrap_err();
    assert!(matches!(error, Error::Protocol { .. }), "{error}");
}
