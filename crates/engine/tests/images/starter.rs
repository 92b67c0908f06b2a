use std::collections::BTreeSet;

use crate::scene::Scene;

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn the_starter_image_is_made_without_a_network_and_is_the_same_each_time() {
    let scene = Scene::new().await;
    let made = scene.engine.make_starter_image().await.unwrap().value;
    assert_eq!(made.references, ["terrarium/hello:1"]);
    assert_eq!(made.layers.len(), 4);
    let files: BTreeSet<String> = scene.unpacked().into_iter().collect();
    for name in ["bin", "etc", "tmp", "usr", "www"] {
        assert!(files.contains(name), "{name} is missing");
    }
    let again = scene.engine.make_starter_image().await.unwrap().value;
    assert_eq!(again, made);
    let elsewhere = Scene::new()
        .await
        .engine
        .make_starter_image()
        .await
        .unwrap()
        .value;
    assert_eq!(elsewhere.manifest_digest, made.manifest_digest);
    let detail = scene
        .engine
        .inspect_image("terrarium/hello:1")
        .await
        .unwrap();
    assert_eq!(detail.config.command, ["/usr/bin/hello"]);
    assert_eq!(
        detail
            .history
            .iter()
            .filter(|step| step.layer.is_some())
            .count(),
        4
    );
}
