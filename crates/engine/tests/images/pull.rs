use std::time::Duration;

use terrarium_api::{ActivityState, BlobPhase, DocumentKind, ErrorCode, PullStage};
use tokio::sync::watch;

use crate::{
    docker_registry::{DockerRegistry, Door},
    image::{Image, Layer, noise},
    memory_registry::MemoryRegistry,
    scene::{Scene, request},
};

fn two_layers() -> [Layer; 2] {
    [
        Layer::of(&[("base", b"1")]),
        Layer::of(&[("top", &noise(300_000))]),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn a_pulled_image_is_whole_and_listed() {
    let (scene, registry) = (Scene::new().await, MemoryRegistry::start().await);
    let image = Image::of(&two_layers());
    let name = registry.add("team/app", "1", &image);
    let (pulled, progress) = scene.pull(&name).await.unwrap();

    assert_eq!(pulled.value.id, image.id());
    assert_eq!(pulled.value.references, [name.as_str()]);
    assert_eq!(pulled.value.layers.len(), 2);
    assert_eq!(pulled.value.size_bytes, 300_001);
    assert_eq!(scene.unpacked(), ["base", "top"]);
    assert_eq!(scene.engine.images().await.unwrap(), [pulled.value]);
    let steps: Vec<&str> = pulled
        .trace
        .kernel
        .iter()
        .map(|step| step.name.as_str())
        .collect();
    assert_eq!(
        steps,
        ["resolve", "fetch and unpack", "syncfs", "write reference"]
    );

    assert_eq!(progress.stage, PullStage::Done);
    assert!(!progress.up_to_date);
    let kinds: Vec<DocumentKind> = progress
        .documents
        .iter()
        .map(|document| document.kind)
        .collect();
    assert_eq!(
        kinds,
        [
            DocumentKind::Index,
            DocumentKind::Manifest,
            DocumentKind::Config
        ]
    );
    assert_eq!(progress.downloaded_bytes, progress.to_download_bytes);
    assert_eq!(progress.saved_bytes, 0);
    for blob in &progress.blobs {
        assert_eq!(blob.phase, BlobPhase::Done, "{blob:?}");
        assert_eq!(blob.downloaded_bytes, blob.size_bytes);
        let lapses = [blob.download, blob.verify, blob.layer.and(blob.unpack)];
        assert!(
            lapses
                .iter()
                .flatten()
                .all(|lapse| lapse.end_usec.is_some()),
            "{blob:?}"
        );
    }
    let activity = &scene.engine.activities().list()[0];
    assert_eq!(activity.state, ActivityState::Succeeded);
    assert!(activity.pull.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn a_second_pull_asks_for_nothing_but_the_digest() {
    let (scene, registry) = (Scene::new().await, MemoryRegistry::start().await);
    let name = registry.add("team/app", "1", &Image::of(&two_layers()));
    scene.pull(&name).await.unwrap();
    let before = registry.asked("").len();
    let (_, progress) = scene.pull(&name).await.unwrap();
    assert_eq!(registry.asked("").len(), before);
    assert!(progress.up_to_date);
    assert_eq!(
        (progress.downloaded_bytes, progress.to_download_bytes),
        (0, 0)
    );
    let total: u64 = progress.blobs.iter().map(|blob| blob.size_bytes).sum();
    assert_eq!(progress.saved_bytes, total);
    assert!(
        progress
            .blobs
            .iter()
            .all(|blob| blob.phase == BlobPhase::AlreadyHere)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn a_layer_that_another_image_has_is_not_downloaded_again() {
    let (scene, registry) = (Scene::new().await, MemoryRegistry::start().await);
    let [base, top] = two_layers();
    let one = registry.add("team/one", "1", &Image::of(&[base.clone(), top]));
    let two = registry.add(
        "team/two",
        "1",
        &Image::of(&[base.clone(), Layer::of(&[("other", b"2")])]),
    );
    scene.pull(&one).await.unwrap();
    let (pulled, progress) = scene.pull(&two).await.unwrap();
    assert_eq!(progress.blobs[1].phase, BlobPhase::AlreadyHere);
    assert_eq!(progress.blobs[1].shared_with, [one.as_str()]);
    assert_eq!(progress.saved_bytes, base.blob.len() as u64);
    assert_eq!((pulled.value.size_bytes, pulled.value.unique_bytes), (2, 1));
    let detail = scene.engine.inspect_image(&two).await.unwrap();
    assert_eq!(detail.layers[0].shared_with, [one]);
    assert_eq!(detail.layers[0].created_by.as_deref(), Some("COPY 1 /"));
    assert!(detail.layers[1].shared_with.is_empty());
    assert_eq!(detail.documents.len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 16)]
async fn two_pulls_at_once_download_each_blob_once() {
    let (scene, registry) = (Scene::new().await, MemoryRegistry::start().await);
    let [base, top] = two_layers();
    let one = registry.add("team/app", "one", &Image::of(&[base.clone(), top.clone()]));
    let two = registry.add(
        "team/app",
        "two",
        &Image::of(&[base, top.clone(), Layer::of(&[("more", b"3")])]),
    );
    registry.let_through(Some(3));
    let both = async { tokio::try_join!(scene.pull(&one), scene.pull(&two)).map(drop) };
    let open = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        registry.let_through(None);
    };
    tokio::join!(both, open).0.unwrap();
    let blob = top.descriptor().digest.to_string();
    assert_eq!(registry.asked(&blob).len(), 1);
    assert_eq!(scene.engine.images().await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 16)]
async fn a_canceled_pull_leaves_no_image_and_the_next_one_goes_on() {
    let (scene, registry) = (Scene::new().await, MemoryRegistry::start().await);
    let [base, top] = two_layers();
    let name = registry.add("team/app", "1", &Image::of(&[base, top.clone()]));
    // The config, the base, and a part of the top.
    registry.let_through(Some(8));
    let (sender, mut progress) = watch::channel(None);
    let pull = scene.engine.pull_image(request(&name), sender);
    let cancel = async {
        let arrived = progress.wait_for(|now| {
            let blobs = now.as_ref().map_or(&[][..], |now| &now.blobs);
            blobs
                .get(2)
                .is_some_and(|blob| blob.downloaded_bytes >= 3 * 16 * 1024)
        });
        let id = arrived.await.unwrap().as_ref().unwrap().activity.clone();
        scene.engine.activities().cancel(&id).unwrap();
    };
    let (pulled, ()) = tokio::join!(pull, cancel);
    assert_eq!(pulled.unwrap_err().code, ErrorCode::Canceled);
    assert_eq!(
        scene.engine.activities().list()[0].state,
        ActivityState::Canceled
    );
    assert!(scene.engine.images().await.unwrap().is_empty());

    registry.let_through(None);
    let (_, progress) = scene.pull(&name).await.unwrap();
    let starts: Vec<usize> = registry
        .asked(top.descriptor().digest.as_str())
        .iter()
        .map(|asked| asked.range_start())
        .collect();
    assert!(
        starts.len() == 2 && starts[1] >= 3 * 16 * 1024,
        "{starts:?}"
    );
    assert!(progress.saved_bytes >= 3 * 16 * 1024);
    assert_eq!(scene.unpacked(), ["base", "top"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 16)]
async fn a_pull_that_is_dropped_ends_as_canceled() {
    let (scene, registry) = (Scene::new().await, MemoryRegistry::start().await);
    let name = registry.add("team/app", "1", &Image::of(&two_layers()));
    registry.let_through(Some(3));
    let pull = tokio::time::timeout(Duration::from_millis(500), scene.pull(&name));
    assert!(pull.await.is_err());
    assert_eq!(
        scene.engine.activities().list()[0].state,
        ActivityState::Canceled
    );
    registry.let_through(None);
    scene.pull(&name).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn a_real_registry_serves_docker_hub_as_a_mirror() {
    let registry = DockerRegistry::start(Door::Plain);
    let mirror = format!("http://{}", registry.host());
    let scene = Scene::with(|config| config.registry_mirrors = vec![mirror]).await;
    scene.engine.make_starter_image().await.unwrap();
    let layout = scene.engine.config().data_root.join("content");
    let copied = std::process::Command::new("skopeo")
        .args([
            "--insecure-policy",
            "copy",
            "--quiet",
            "--dest-tls-verify=false",
        ])
        .arg(format!(
            "oci:{}:docker.io/terrarium/hello:1",
            layout.display()
        ))
        .arg(format!("docker://{}/library/hello:latest", registry.host()))
        .status();
    assert!(copied.unwrap().success());

    let elsewhere = Scene::with(|config| {
        config.registry_mirrors = vec![format!("http://{}", registry.host())];
    });
    let elsewhere = elsewhere.await;
    let (pulled, progress) = elsewhere.pull("hello").await.unwrap();
    assert_eq!(pulled.value.references, ["hello:latest"]);
    assert_eq!(progress.reference, "docker.io/library/hello:latest");
    assert_eq!(elsewhere.unpacked(), scene.unpacked());
    let id = &scene.engine.images().await.unwrap()[0].id;
    assert_eq!(pulled.value.id, *id);
}
