use std::fs;

use terrarium_api::{
    ChangeKind, EmptyTrash, ErrorCode, PruneChoice, PruneKind, RemoveImage, TagImage, TrashId,
    TrashedImage,
};
use terrarium_engine::{Prune, Received};

use crate::{
    image::{Image, Layer},
    memory_registry::MemoryRegistry,
    scene::Scene,
};

async fn trash(scene: &Scene, image: &str) -> TrashedImage {
    let request = RemoveImage {
        image: image.into(),
        force: false,
    };
    scene.engine.trash_image(request).await.unwrap().value
}

fn named(trashed: &TrashedImage) -> TrashId {
    TrashId {
        id: trashed.id.clone(),
    }
}

fn app(content: &[u8]) -> Image {
    Image::of(&[Layer::of(&[("base", b"1")]), Layer::of(&[("app", content)])])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn an_image_comes_back_from_the_trash_as_it_was_without_a_registry() {
    let (scene, registry) = (Scene::new().await, MemoryRegistry::start().await);
    let name = registry.add("team/app", "1", &app(b"one"));
    let image = scene.pull(&name).await.unwrap().0.value;
    let engine = &scene.engine;

    let trashed = trash(&scene, &name).await;
    assert_eq!(trashed.references, [name.as_str()]);
    assert_eq!(trashed.image_id, image.id);
    assert!(trashed.restorable && !trashed.names_only);
    assert!(engine.images().await.unwrap().is_empty());
    let gone = engine.inspect_image(&name).await.unwrap_err();
    assert_eq!(gone.code, ErrorCode::NoSuchImage);

    // The collector honors it, whoever calls it.
    engine.prune_images(Prune::Unused).await.unwrap();
    assert_eq!(scene.unpacked(), ["app", "base"]);
    let listed = engine.trash().await.unwrap();
    assert_eq!(listed.images.len(), 1);
    assert!(listed.freed_bytes > 0);
    assert_eq!(listed.images[0].freed_bytes, listed.freed_bytes);

    let asked = registry.asked("").len();
    let restored = engine.restore_image(named(&trashed)).await.unwrap().value;
    assert_eq!(restored.image, image);
    assert!(restored.taken.is_empty());
    assert_eq!(registry.asked("").len(), asked);
    assert!(engine.trash().await.unwrap().images.is_empty());
    let twice = engine.restore_image(named(&trashed)).await.unwrap_err();
    assert_eq!(twice.code, ErrorCode::NoSuchImage);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn emptying_the_trash_frees_what_it_said_it_would() {
    let (scene, registry) = (Scene::new().await, MemoryRegistry::start().await);
    let one = registry.add("team/one", "1", &app(b"one"));
    let two = registry.add("team/two", "1", &app(b"two"));
    scene.pull(&one).await.unwrap();
    scene.pull(&two).await.unwrap();
    let (one, two) = (trash(&scene, &one).await, trash(&scene, &two).await);
    let engine = &scene.engine;

    let listed = engine.trash().await.unwrap();
    let alone = listed.images.iter().find(|image| image.id == one.id);
    let promised = alone.unwrap().freed_bytes;
    let chosen = EmptyTrash {
        ids: Some(vec![one.id.clone()]),
    };
    let removed = engine.empty_trash(chosen).await.unwrap().value;
    assert_eq!(removed.freed_bytes, promised);
    assert_eq!(
        scene.unpacked(),
        ["app", "base"],
        "the other still has them"
    );

    let promised = engine.trash().await.unwrap().freed_bytes;
    let all = EmptyTrash { ids: None };
    let removed = engine.empty_trash(all).await.unwrap().value;
    assert_eq!(removed.freed_bytes, promised);
    assert!(scene.unpacked().is_empty());
    assert_eq!(scene.files_below("content/blobs/sha256"), 0);
    assert!(engine.restore_image(named(&two)).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn a_name_that_another_image_took_meanwhile_stays_with_that_one() {
    let (scene, registry) = (Scene::new().await, MemoryRegistry::start().await);
    let name = registry.add("team/app", "1", &app(b"old"));
    let old = scene.pull(&name).await.unwrap().0.value;
    let trashed = trash(&scene, &name).await;
    registry.add("team/app", "1", &app(b"new"));
    let new = scene.pull(&name).await.unwrap().0.value;

    let engine = &scene.engine;
    let restored = engine.restore_image(named(&trashed)).await.unwrap().value;
    assert_eq!(restored.taken, [name.as_str()]);
    assert_eq!(restored.image.id, old.id);
    assert!(restored.image.references.is_empty());
    let detail = engine.inspect_image(&name).await.unwrap();
    assert_eq!(detail.summary.id, new.id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn one_of_several_names_goes_to_the_trash_alone() {
    let (scene, registry) = (Scene::new().await, MemoryRegistry::start().await);
    let name = registry.add("team/app", "1", &app(b"one"));
    let id = scene.pull(&name).await.unwrap().0.value.id;
    let tag = TagImage {
        image: id.clone(),
        reference: "mine:2".into(),
    };
    let engine = &scene.engine;
    engine.tag_image(tag).await.unwrap();

    let trashed = trash(&scene, "mine:2").await;
    assert!(trashed.names_only);
    assert_eq!(engine.trash().await.unwrap().freed_bytes, 0);
    let left = engine.images().await.unwrap();
    assert_eq!(left[0].references, [name.as_str()]);
    let restored = engine.restore_image(named(&trashed)).await.unwrap().value;
    assert_eq!(restored.image.references.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn an_image_that_lost_a_part_in_the_trash_is_not_restored() {
    let (scene, registry) = (Scene::new().await, MemoryRegistry::start().await);
    let name = registry.add("team/app", "1", &app(b"one"));
    scene.pull(&name).await.unwrap();
    let detail = scene.engine.inspect_image(&name).await.unwrap();
    let trashed = trash(&scene, &name).await;
    fs::remove_file(scene.blob_file(&detail.layers[1].digest)).unwrap();
    let error = scene.engine.restore_image(named(&trashed)).await;
    assert_eq!(error.unwrap_err().code, ErrorCode::ContentMismatch);
    assert!(!scene.engine.trash().await.unwrap().images[0].restorable);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn every_window_hears_of_the_trash_and_the_receipt_has_it() {
    let (scene, registry) = (Scene::new().await, MemoryRegistry::start().await);
    let name = registry.add("team/app", "1", &app(b"one"));
    scene.pull(&name).await.unwrap();
    let engine = &scene.engine;
    let mut changes = engine.hub().changes();
    let trashed = trash(&scene, &name).await;
    let told = loop {
        match changes.next().await.unwrap() {
            Received::Next(change) => {
                if let ChangeKind::Trash { value } = change.change {
                    break value;
                }
            }
            Received::Lagged => panic!("few changes"),
        }
    };
    assert_eq!(told.images, 1);
    assert_eq!(engine.overview().await.unwrap().trash, told);

    let receipt = engine
        .prune_receipt(PruneChoice { picked: None })
        .await
        .unwrap();
    let item = &receipt.items[0];
    assert_eq!(
        (item.key.kind, item.key.id.as_str()),
        (PruneKind::Trash, trashed.id.as_str())
    );
    assert!(!item.picked, "it can still be taken back");
    let picked = PruneChoice {
        picked: Some(vec![item.key.clone()]),
    };
    let promised = engine.prune_receipt(picked.clone()).await.unwrap();
    assert!(promised.freed_bytes > receipt.freed_bytes);
    let pruned = engine.prune(picked).await.unwrap().value;
    assert_eq!(
        (pruned.removed, pruned.freed_bytes),
        (1, promised.freed_bytes)
    );
    assert_eq!(engine.overview().await.unwrap().trash.images, 0);
}
