use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::stream;
use hyper::body::Bytes;
use terrarium_oci::{Descriptor, Digest, Index, MediaType, Platform, Reference};
use terrarium_registry::{BlobStream, Client, Error, Options, Resolved, Result, Retry};

use crate::image::{Image, LAYER_BYTES};
use crate::server::{Answer, Asked, Server};

const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// A client that does not make tests wait.
fn client() -> Client {
    let retry = Retry {
        first_delay: Duration::from_millis(1),
        ..Retry::default()
    };
    Client::new(Options {
        retry,
        ..Options::default()
    })
}

fn reference(server: &Server) -> Reference {
    format!("{}/a/b:1", server.host()).parse().unwrap()
}

async fn resolve(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Result<Resolved> {
    let server = Server::start(answer).await;
    client()
        .resolve(&reference(&server), &Platform::new("linux", "amd64"))
        .await
}

async fn drain(mut stream: BlobStream) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.chunk().await? {
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

async fn fetch(server: &Server, blob: &Descriptor) -> Result<Vec<u8>> {
    drain(client().fetch_blob(&reference(server), blob, 0).await?).await
}

#[tokio::test]
async fn a_broken_connection_continues_where_it_broke() {
    let image = Image::new();
    let (layer, blob) = (image.layer.clone(), image.layer_descriptor());
    let server = Server::start(move |asked| {
        let start = asked.range_start();
        let end = (start + 500_000).min(LAYER_BYTES);
        let status = if start == 0 { 200 } else { 206 };
        Answer::broken(status, LAYER_BYTES - start, &layer[start..end]).with(
            "content-range",
            &format!("bytes {start}-{}/{LAYER_BYTES}", LAYER_BYTES - 1),
        )
    })
    .await;
    assert!(fetch(&server, &blob).await.unwrap() == image.layer);
    let starts: Vec<usize> = server
        .asked("blobs")
        .iter()
        .map(Asked::range_start)
        .collect();
    assert_eq!(
        starts,
        [
            0, 500_000, 1_000_000, 1_500_000, 2_000_000, 2_500_000, 3_000_000
        ]
    );
}

#[tokio::test]
async fn a_server_without_ranges_sends_everything_again_and_nothing_arrives_twice() {
    for refuse_with_416 in [false, true] {
        let image = Image::new();
        let (layer, blob) = (image.layer.clone(), image.layer_descriptor());
        let times = AtomicUsize::new(0);
        let server = Server::start(move |asked| {
            if refuse_with_416 && asked.range_start() > 0 {
                return Answer::new(416, "");
            }
            match times.fetch_add(1, Ordering::Relaxed) {
                0 => Answer::broken(200, LAYER_BYTES, &layer[..1_234_567]),
                _ => Answer::new(200, layer.clone()),
            }
        })
        .await;
        assert!(fetch(&server, &blob).await.unwrap() == image.layer);
    }
}

#[tokio::test]
async fn another_part_than_was_asked_for_is_refused() {
    let image = Image::new();
    let (layer, blob) = (image.layer.clone(), image.layer_descriptor());
    let server = Server::start(move |_| {
        Answer::new(206, layer[2_000_000..].to_vec())
            .with("content-range", "bytes 2000000-3145727/3145728")
    })
    .await;
    let error = client()
        .fetch_blob(&reference(&server), &blob, 1_000_000)
        .await
        .expect_err("another part");
    assert!(matches!(error, Error::Protocol { .. }), "{error}");
}

#[tokio::test]
async fn a_blob_that_always_ends_early_is_truncated() {
    let image = Image::new();
    let (layer, blob) = (image.layer.clone(), image.layer_descriptor());
    let server = Server::start(move |asked| {
        // No length is announced, so the end looks like one.
        let start = asked.range_start().min(1000);
        let rest = Bytes::copy_from_slice(&layer[start..1000]);
        let status = if start == 0 { 200 } else { 206 };
        Answer::streamed(status, Box::new(std::iter::once(Ok(rest))))
            .with("content-range", &format!("bytes {start}-/*"))
    })
    .await;
    let error = fetch(&server, &blob).await.expect_err("too short");
    assert!(
        matches!(
            error,
            Error::Truncated {
                found_bytes: 1000,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(server.asked("blobs").len(), 5);
}

#[tokio::test]
async fn an_endless_blob_ends_at_its_size() {
    let image = Image::new();
    let blob = image.layer_descriptor();
    let endless = || std::iter::repeat_with(|| Ok(Bytes::from_static(&[7; 8192])));
    let server = Server::start(move |_| Answer::streamed(200, Box::new(endless()))).await;
    let error = fetch(&server, &blob).await.expect_err("too long");
    assert!(
        matches!(error, Error::TooLarge { limit_bytes, .. } if limit_bytes == LAYER_BYTES as u64),
        "{error}"
    );
    let announced = Server::start(move |_| Answer::new(200, vec![0; LAYER_BYTES + 1])).await;
    let error = fetch(&announced, &blob).await.expect_err("too long");
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
}

#[tokio::test]
async fn an_endless_manifest_ends_at_the_limit() {
    let endless = || std::iter::repeat_with(|| Ok(Bytes::from_static(&[b' '; 8192])));
    let error = resolve(move |_| {
        Answer::streamed(200, Box::new(endless())).with("content-type", OCI_INDEX)
    })
    .await;
    assert!(matches!(error, Err(Error::TooLarge { .. })), "{error:?}");
}

#[tokio::test]
async fn a_manifest_that_is_not_what_its_digest_names_is_refused() {
    let image = Image::new();
    let manifest = image.manifest.clone();
    let other = Digest::sha256_of(b"other").to_string();
    let by_tag = resolve(move |_| {
        Answer::new(200, manifest.clone())
            .with("content-type", OCI_MANIFEST)
            .with("docker-content-digest", &other)
    });
    assert!(matches!(by_tag.await, Err(Error::BadDigest { .. })));

    let (index, manifest) = (image.index.clone(), image.manifest.clone());
    let behind_index = resolve(move |asked| {
        if asked.path.contains("sha256:") {
            let swapped = String::from_utf8_lossy(&manifest).replace("sha256:", "sha256: ");
            return Answer::new(200, swapped).with("content-type", OCI_MANIFEST);
        }
        Answer::new(200, index.clone()).with("content-type", OCI_INDEX)
    });
    assert!(matches!(behind_index.await, Err(Error::BadDigest { .. })));
}

#[tokio::test]
async fn documents_that_are_no_image_are_refused_for_what_they_are() {
    let schema1 = || Answer::new(200, r#"{"schemaVersion":1,"name":"a","fsLayers":[]}"#);
    let kind = "application/vnd.docker.distribution.manifest.v1+prettyjws";
    for kind in [kind, "application/json"] {
        let error = resolve(move |_| schema1().with("content-type", kind))
            .await
            .expect_err("schema 1");
        assert!(error.is_schema1() && error.hint().is_some(), "{error}");
    }
    let portal = resolve(|_| {
        Answer::new(200, "<html>Welcome").with("content-type", "text/html; charset=utf-8")
    })
    .await;
    assert!(
        matches!(portal, Err(Error::UnsupportedMediaType { .. })),
        "{portal:?}"
    );
    let confused = Image::new();
    let confused = resolve(move |_| {
        Answer::new(200, confused.manifest.clone()).with("content-type", OCI_INDEX)
    })
    .await;
    assert!(
        matches!(confused, Err(Error::Document { .. })),
        "{confused:?}"
    );
}

#[tokio::test]
async fn indexes_within_indexes_come_to_an_end() {
    let mut documents = vec![Image::new().manifest];
    for level in 0..5 {
        let kind = if level == 0 {
            MediaType::OciManifest
        } else {
            MediaType::OciIndex
        };
        let entry = Descriptor::of(kind, documents.last().unwrap());
        documents.push(Index::new(vec![entry]).to_bytes());
    }
    let error = resolve(move |asked| {
        let named = documents
            .iter()
            .find(|bytes| asked.path.ends_with(Digest::sha256_of(bytes).as_str()));
        Answer::new(200, named.or(documents.last()).unwrap().clone())
    });
    assert!(matches!(error.await, Err(Error::Protocol { .. })));
}

#[tokio::test]
async fn a_busy_registry_is_asked_again_when_it_says() {
    let image = Image::new();
    let manifest = image.manifest.clone();
    let times = AtomicUsize::new(0);
    let start = std::time::Instant::now();
    let resolved = resolve(move |_| match times.fetch_add(1, Ordering::Relaxed) {
        0 => Answer::new(429, "").with("retry-after", "1"),
        1 => Answer::new(503, ""),
        _ => Answer::new(200, manifest.clone())
            .with("content-type", OCI_MANIFEST)
            .with("ratelimit-limit", "100;w=21600")
            .with("ratelimit-remaining", "42;w=21600"),
    });
    let limit = resolved
        .await
        .unwrap()
        .rate_limit
        .expect("the headers say it");
    assert_eq!((limit.limit, limit.remaining), (Some(100), Some(42)));
    assert!(start.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_limit_that_lasts_for_hours_is_told_at_once() {
    let body = r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached your pull rate limit"}]}"#;
    let error = resolve(move |_| {
        Answer::new(429, body)
            .with("retry-after", "21600")
            .with("ratelimit-limit", "100;w=21600")
    });
    let Err(Error::RateLimited {
        retry_after, limit, ..
    }) = error.await
    else {
        panic!("no limit")
    };
    assert_eq!(retry_after, Some(Duration::from_secs(21600)));
    assert_eq!(limit.and_then(|limit| limit.limit), Some(100));
}

#[tokio::test]
async fn errors_of_a_registry_are_quoted_on_one_line_and_cut() {
    let body = format!(
        r#"{{"errors":[{{"code":"DENIED","message":"no\n\u001b[31m{}"}}]}}"#,
        "x".repeat(5000)
    );
    let error = resolve(move |_| Answer::new(403, body.clone()))
        .await
        .expect_err("denied")
        .to_string();
    assert!(
        error.contains("denies access to tag `1` of repository `a/b`"),
        "{error}"
    );
    assert!(
        error.len() < 400 && !error.contains(['\n', '\u{1b}']),
        "{error}"
    );
}

#[tokio::test]
async fn a_trickle_is_given_up_and_what_came_is_not_asked_for_again() {
    let image = Image::new();
    let (layer, blob) = (image.layer.clone(), image.layer_descriptor());
    let server = Server::start(move |asked| {
        let start = asked.range_start();
        let rest = Bytes::copy_from_slice(&layer[start..]);
        let status = if start == 0 { 200 } else { 206 };
        // The first time a byte now and then, for ever; then all of it.
        let answer = match start {
            0 => Answer::slow(
                status,
                stream::unfold(0, move |at| {
                    let piece = rest.slice(at..=at);
                    async move {
                        tokio::time::sleep(Duration::from_millis(5)).await;
                        Some((Ok(piece), at + 1))
                    }
                }),
            ),
            _ => Answer::new(status, rest),
        };
        answer.with(
            "content-range",
            &format!("bytes {start}-{}/{LAYER_BYTES}", LAYER_BYTES - 1),
        )
    })
    .await;
    let impatient = Client::new(Options {
        patience: Duration::from_millis(200),
        retry: Retry {
            first_delay: Duration::from_millis(1),
            ..Retry::default()
        },
        ..Options::default()
    });
    let stream = impatient.fetch_blob(&reference(&server), &blob, 0).await;
    assert!(drain(stream.unwrap()).await.unwrap() == image.layer);
    let asked = server.asked("blobs");
    assert_eq!(asked.len(), 2);
    assert!(asked[1].range_start() > 0);
}

#[tokio::test]
async fn redirects_come_to_an_end() {
    let blob = Image::new().layer_descriptor();
    let server = Server::start(|asked: &Asked| {
        let host = asked.header("host").unwrap();
        let number = asked.path.rsplit('/').next().unwrap().parse().unwrap_or(0);
        Answer::new(307, "").with("location", &format!("http://{host}/round/{}", number + 1))
    })
    .await;
    let error = fetch(&server, &blob).await.expect_err("it never ends");
    assert!(matches!(error, Error::Protocol { .. }), "{error}");
    assert!(server.asked("round").len() <= 20);
}

#[tokio::test]
async fn a_sign_in_that_ends_within_a_blob_is_an_error_and_not_a_loop() {
    let image = Image::new();
    let (layer, blob) = (image.layer.clone(), image.layer_descriptor());
    let server = Server::start(move |asked| match asked.range_start() {
        0 => Answer::broken(200, LAYER_BYTES, &layer[..500_000]),
        _ => Answer::new(401, "").with("www-authenticate", "Basic realm=x"),
    })
    .await;
    let error = fetch(&server, &blob).await.expect_err("it is refused");
    assert!(matches!(error, Error::Unauthorized { .. }), "{error}");
    assert_eq!(server.asked("blobs").len(), 2);
}

#[tokio::test]
async fn a_server_that_knows_no_part_of_a_blob_is_asked_for_all_of_it() {
    let image = Image::new();
    let (layer, blob) = (image.layer.clone(), image.layer_descriptor());
    let breaks = AtomicUsize::new(1);
    let server = Server::start(move |asked| {
        if asked.header("range").is_some() {
            return Answer::new(416, "");
        }
        let first = breaks.swap(0, Ordering::SeqCst) == 1;
        match first {
            true => Answer::broken(200, LAYER_BYTES, &layer[..500_000]),
            false => Answer::new(200, layer.clone()),
        }
    })
    .await;
    assert!(fetch(&server, &blob).await.unwrap() == image.layer);
    assert_eq!(server.asked("blobs").len(), 3);
}

#[tokio::test]
async fn an_index_that_names_itself_comes_to_an_end() {
    // A digest cannot name itself, so this registry serves one index under all digests.
    let entry = Descriptor {
        platform: Some(Platform::new("linux", "amd64")),
        ..Descriptor::new(MediaType::OciIndex, Digest::sha256_of(b"other"), 5)
    };
    let index = Index::new(vec![entry]).to_bytes();
    let error = resolve(move |_| Answer::new(200, index.clone()).with("content-type", OCI_INDEX));
    let error = error.await.expect_err("it is no image");
    assert!(matches!(error, Error::BadDigest { .. }), "{error}");
}

#[tokio::test]
async fn a_pull_can_be_spawned() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let (client, reference) = (client(), "a/b".parse().unwrap());
    let blob = Image::new().layer_descriptor();
    drop(is_send(client.resolve(&reference, &Platform::host())));
    drop(is_send(client.fetch_blob(&reference, &blob, 0)));
    drop(is_send(client.fetch_small(&reference, &blob, 10)));
    drop(is_send(client.head(&reference)));
}
