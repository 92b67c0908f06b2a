use std::fs;

use terrarium_api::DamageKind;

use crate::{
    image::{Image, Layer, noise},
    memory_registry::MemoryRegistry,
    scene::Scene,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn blobs_that_a_disk_spoiled_or_lost_are_fetched_anew() {
    let (scene, registry) = (Scene::new().await, MemoryRegistry::start().await);
    let layers = [
        Layer::of(&[("base", b"1")]),
        Layer::of(&[("top", &noise(300_000))]),
    ];
    let name = registry.add("team/app", "1", &Image::of(&layers));
    scene.pull(&name).await.unwrap();
    let engine = &scene.engine;
    let whole = engine.check_store().await.unwrap();
    assert!(whole.hashed_bytes > 300_000);
    assert_eq!(whole.damage, []);

    let detail = engine.inspect_image(&name).await.unwrap();
    let (lost, spoiled) = (&detail.layers[0].digest, &detail.layers[1].digest);
    fs::remove_file(scene.blob_file(lost)).unwrap();
    let mut bytes = fs::read(scene.blob_file(spoiled)).unwrap();
    bytes[1000] ^= 1;
    fs::remove_file(scene.blob_file(spoiled)).unwrap();
    fs::write(scene.blob_file(spoiled), bytes).unwrap();
    let damage = engine.check_store().await.unwrap().damage;
    let kinds: Vec<_> = damage
        .iter()
        .map(|damage| (damage.kind, &damage.object))
        .collect();
    assert!(
        kinds.contains(&(DamageKind::WrongBytes, spoiled)),
        "{kinds:?}"
    );
    assert!(kinds.contains(&(DamageKind::Missing, lost)), "{kinds:?}");

    let repaired = engine.repair_store().await.unwrap();
    assert_eq!(repaired.pulled, [name]);
    assert_eq!(repaired.left, []);
    assert_eq!(engine.check_store().await.unwrap(), whole);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn what_the_registry_cannot_give_any_more_is_told() {
    let (scene, registry) = (Scene::new().await, MemoryRegistry::start().await);
    let image = Image::of(&[Layer::of(&[("base", b"1")])]);
    let name = registry.add("team/app", "1", &image);
    scene.pull(&name).await.unwrap();
    let detail = scene.engine.inspect_image(&name).await.unwrap();
    let lost = &detail.layers[0].digest;
    fs::remove_file(scene.blob_file(lost)).unwrap();
    registry.replace("team/app", &lost.parse().unwrap(), b"other bytes");
    let repaired = scene.engine.repair_store().await.unwrap();
    assert_eq!(repaired.pulled, [""; 0]);
    assert_eq!(repaired.left, repaired.found);
    assert_eq!(repaired.left[0].image.as_deref(), Some(name.as_str()));
}
