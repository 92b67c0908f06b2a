use terrarium_api::{ErrorCode, PullImage, RemoveImage, TagImage};
use terrarium_engine::Prune;
use tokio::sync::watch;

use crate::{
    image::{Image, Layer},
    memory_registry::MemoryRegistry,
    scene::Scene,
};

fn remove(image: &str) -> RemoveImage {
    RemoveImage {
        image: image.into(),
        force: false,
    }
}

fn app(content: &[u8]) -> Image {
    Image::of(&[Layer::of(&[("base", b"1")]), Layer::of(&[("app", content)])])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn an_image_goes_with_its_last_name_and_shared_layers_stay() {
    let (scene, registry) = (Scene::new().await, MemoryRegistry::start().await);
    let one = registry.add("team/one", "1", &app(b"one"));
    let two = registry.add("team/two", "1", &app(b"two"));
    let id = scene.pull(&one).await.unwrap().0.value.id;
    scene.pull(&two).await.unwrap();
    let tag = TagImage {
        image: id[7..19].to_owned(),
        reference: "mine:2".into(),
    };
    let tagged = scene.engine.tag_image(tag).await.unwrap().value;
    assert_eq!(tagged.references.len(), 2);

    let error = scene.engine.remove_image(remove(&id)).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::WrongState, "{error}");
    let removed = scene.engine.remove_image(remove(&one)).await.unwrap().value;
    assert_eq!((removed.untagged, removed.deleted.len()), (vec![one], 0));
    let removed = scene
        .engine
        .remove_image(remove("mine:2"))
        .await
        .unwrap()
        .value;
    assert_eq!(removed.untagged, ["mine:2"]);
    assert_eq!(
        removed.deleted.len(),
        2,
        "the id and the layer that no other image has"
    );
    assert!(removed.freed_bytes > 0);
    assert_eq!(scene.unpacked(), ["app", "base"]);

    scene.engine.remove_image(remove(&two)).await.unwrap();
    assert!(scene.unpacked().is_empty());
    assert_eq!(scene.files_below("content/blobs/sha256"), 0);
    let error = scene.engine.remove_image(remove(&two)).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::NoSuchImage);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn an_image_whose_name_moves_away_stays_without_a_name_until_it_is_pruned() {
    let (scene, registry) = (Scene::new().await, MemoryRegistry::start().await);
    let name = registry.add("team/app", "1", &app(b"old"));
    let old = scene.pull(&name).await.unwrap().0.value.id;
    registry.add("team/app", "1", &app(b"new"));
    let (new, progress) = scene.pull(&name).await.unwrap();
    assert!(!progress.up_to_date);
    let images = scene.engine.images().await.unwrap();
    assert_eq!(images.len(), 2);
    let dangling = images
        .iter()
        .find(|image| image.references.is_empty())
        .unwrap();
    assert_eq!(dangling.id, old);

    let pruned = scene
        .engine
        .prune_images(Prune::Dangling)
        .await
        .unwrap()
        .value;
    assert!(pruned.deleted.contains(&old) && pruned.freed_bytes > 0);
    assert_eq!(scene.engine.images().await.unwrap()[0].id, new.value.id);
    scene.engine.prune_images(Prune::Unused).await.unwrap();
    assert!(scene.engine.images().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn an_image_is_found_by_name_digest_and_the_beginning_of_its_id() {
    let (scene, registry) = (Scene::new().await, MemoryRegistry::start().await);
    let name = registry.add("team/app", "1", &app(b"one"));
    let image = scene.pull(&name).await.unwrap().0.value;
    let repository = name.strip_suffix(":1").unwrap();
    let by_manifest = format!("{repository}@{}", image.manifest_digest);
    let found = [
        &name,
        &image.id,
        &image.repo_digests[0],
        &by_manifest,
        &image.id[7..12].to_owned(),
    ];
    for text in found {
        let detail = scene.engine.inspect_image(text).await.unwrap();
        assert_eq!(detail.summary.id, image.id, "{text}");
    }
    for text in [
        "team/app:1",
        "beef",
        "",
        "no such image",
        &format!("{repository}:2"),
    ] {
        let error = scene.engine.inspect_image(text).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::NoSuchImage, "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn an_image_can_be_pulled_and_removed_by_its_digest() {
    let (scene, registry) = (Scene::new().await, MemoryRegistry::start().await);
    let name = registry.add("team/app", "1", &app(b"one"));
    let image = scene.pull(&name).await.unwrap().0.value;
    scene.engine.remove_image(remove(&name)).await.unwrap();
    let by_digest = image.repo_digests[0].clone();
    let pulled = scene.pull(&by_digest).await.unwrap().0.value;
    assert_eq!(pulled.id, image.id);
    assert!(pulled.references.is_empty());
    let before = registry.asked("").len();
    assert!(scene.pull(&by_digest).await.unwrap().1.up_to_date);
    assert_eq!(
        registry.asked("").len(),
        before,
        "a digest means the same for ever"
    );
    scene.engine.remove_image(remove(&by_digest)).await.unwrap();
    assert!(scene.engine.images().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn a_pull_for_another_platform_takes_the_name_and_leaves_the_image_of_the_first() {
    let (scene, registry) = (Scene::new().await, MemoryRegistry::start().await);
    let foreign = Image::for_platform(&[Layer::of(&[("foreign", b"1")])], "linux/s390x");
    let image = app(b"own").beside(&foreign);
    registry.add("team/app", "other", &foreign);
    let name = registry.add("team/app", "1", &image);
    let own = scene.pull(&name).await.unwrap().0.value;
    assert_eq!(own.id, image.id());

    let platform = Some("linux/s390x".to_owned());
    let request = PullImage {
        reference: name.clone(),
        platform,
        credentials: None,
    };
    let pulled = scene
        .engine
        .pull_image(request, watch::channel(None).0)
        .await
        .unwrap()
        .value;
    assert_eq!(
        (pulled.id, pulled.platform.as_str()),
        (foreign.id(), "linux/s390x")
    );
    assert_eq!(pulled.references, [name.as_str()]);
    let images = scene.engine.images().await.unwrap();
    assert!(
        images
            .iter()
            .any(|image| image.id == own.id && image.references.is_empty())
    );

    let (again, progress) = scene.pull(&name).await.unwrap();
    assert_eq!(again.value.id, own.id);
    assert_eq!(progress.downloaded_bytes, 0);
    scene.engine.remove_image(remove(&name)).await.unwrap();
    let left = scene.engine.images().await.unwrap();
    assert_eq!(
        left.iter()
            .map(|image| image.id.clone())
            .collect::<Vec<_>>(),
        [foreign.id()]
    );
}
