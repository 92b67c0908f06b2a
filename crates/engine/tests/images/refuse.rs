use terrarium_api::{Error, ErrorCode, PullImage};
use terrarium_oci::{DiffId, Digest};
use tokio::sync::watch;

use crate::{
    image::{Image, Layer},
    memory_registry::MemoryRegistry,
    scene::Scene,
};

/// Pulls what cannot be pulled, and checks that nothing of it stays.
async fn refused(image: &Image) -> Error {
    let (scene, registry) = (Scene::new().await, MemoryRegistry::start().await);
    let name = registry.add("team/app", "1", image);
    let error = scene.pull(&name).await.expect_err("it must be refused");
    assert!(scene.engine.images().await.unwrap().is_empty());
    assert!(error.message.starts_with("pull 127.0.0.1:"), "{error}");
    scene.no_lease_stays().await;
    error
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn a_layer_that_is_no_tar_is_refused_by_its_number() {
    let layers = [Layer::of(&[("fine", b"1")]), Layer::of_tar(&[0xff; 2048])];
    let error = refused(&Image::of(&layers)).await;
    assert_eq!(error.code, ErrorCode::UnsafeLayer, "{error}");
    assert!(error.to_string().contains("layer 2 of 2"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn a_path_that_reaches_out_of_its_root_stays_inside() {
    let (scene, registry) = (Scene::new().await, MemoryRegistry::start().await);
    let layer = Layer::with_raw_path("../../outside");
    let name = registry.add("team/app", "1", &Image::of(&[layer]));
    match scene.pull(&name).await {
        Ok(_) => assert_eq!(scene.unpacked(), ["outside"]),
        Err(error) => assert_eq!(error.code, ErrorCode::UnsafeLayer, "{error}"),
    }
    assert_eq!(scene.files_below("../outside"), 0);
    assert_eq!(scene.files_below("snapshots/outside"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn a_layer_that_is_not_the_one_of_the_config_is_refused() {
    let layer = Layer::of(&[("one", b"1")]);
    let lie = vec![DiffId(Digest::sha256_of(b"another tar"))];
    let error = refused(&Image::with_diff_ids(&[layer], lie)).await;
    assert_eq!(error.code, ErrorCode::ContentMismatch, "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn a_blob_with_other_bytes_than_its_digest_names_is_refused() {
    let mut image = Image::of(&[Layer::of(&[("one", b"1")])]);
    let honest = image.layers[0].descriptor();
    let (scene, registry) = (Scene::new().await, MemoryRegistry::start().await);
    let name = registry.add("team/app", "1", &image);
    let last = image.layers[0].blob.len() - 1;
    image.layers[0].blob[last] ^= 1;
    registry.replace("team/app", &honest.digest, &image.layers[0].blob);
    let error = scene.pull(&name).await.expect_err("wrong bytes");
    assert_eq!(error.code, ErrorCode::ContentMismatch, "{error}");
    assert!(scene.engine.images().await.unwrap().is_empty());
    assert_eq!(scene.files_below("content/ingest"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn a_config_with_another_number_of_layers_is_refused() {
    let layers = [Layer::of(&[("one", b"1")]), Layer::of(&[("two", b"2")])];
    let error = refused(&Image::with_diff_ids(
        &layers,
        vec![layers[0].diff_id.clone()],
    ))
    .await;
    assert_eq!(error.code, ErrorCode::UnsupportedImage, "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn what_a_registry_does_not_have_is_told_with_a_hint() {
    let (scene, registry) = (Scene::new().await, MemoryRegistry::start().await);
    let error = scene
        .pull(&format!("{}/team/nothing:1", registry.host()))
        .await
        .unwrap_err();
    assert_eq!(error.code, ErrorCode::ReferenceNotFound, "{error}");
    assert!(error.hint.is_some());
    let error = scene.pull("127.0.0.1:1/team/nothing:1").await.unwrap_err();
    assert_eq!(error.code, ErrorCode::RegistryUnreachable, "{error}");
    let error = scene.pull("Team/App").await.unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidReference, "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn a_platform_that_the_image_is_not_for_is_told_with_those_it_is_for() {
    let (scene, registry) = (Scene::new().await, MemoryRegistry::start().await);
    let reference = registry.add("team/app", "1", &Image::of(&[Layer::of(&[("one", b"1")])]));
    let platform = Some("linux/s390x".to_owned());
    let request = PullImage {
        reference,
        platform,
        credentials: None,
    };
    let error = scene
        .engine
        .pull_image(request, watch::channel(None).0)
        .await
        .unwrap_err();
    assert_eq!(error.code, ErrorCode::NoMatchingPlatform, "{error}");
    assert!(error.to_string().contains("only for linux/"), "{error}");
}
