use std::{fs, os::unix::fs::symlink};

use terrarium_api::{ErrorCode, ImportImage};

use crate::scene::Scene;

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn a_folder_becomes_an_image_and_the_same_folder_the_same_layer() {
    let scene = Scene::new().await;
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("etc")).unwrap();
    fs::write(folder.path().join("etc/motd"), "hello").unwrap();
    symlink("etc/motd", folder.path().join("link")).unwrap();
    let request = |name: &str| ImportImage {
        path: folder.path().display().to_string(),
        reference: Some(name.to_owned()),
        changes: vec!["CMD [\"/bin/sh\"]".to_owned()],
        ..ImportImage::default()
    };
    let engine = &scene.engine;
    let one = engine.import_image(request("mine:1")).await.unwrap().value;
    assert_eq!(one.references, ["mine:1"]);
    assert_eq!(scene.unpacked(), ["etc", "link"]);
    let two = engine.import_image(request("mine:2")).await.unwrap().value;
    assert_eq!(one.layers, two.layers);
    let detail = engine.inspect_image("mine:1").await.unwrap();
    assert_eq!(detail.config.command, ["/bin/sh"]);

    let bad = |path: &str, changes: &[&str]| ImportImage {
        path: path.to_owned(),
        changes: changes.iter().map(ToString::to_string).collect(),
        ..ImportImage::default()
    };
    for request in [bad("/no/such/tar", &[]), bad("/etc", &["RUN true"])] {
        let error = engine.import_image(request).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidArgument, "{error}");
    }
    let text = folder.path().join("text");
    fs::write(&text, "no tar at all ".repeat(100)).unwrap();
    let error = engine
        .import_image(bad(&text.display().to_string(), &[]))
        .await;
    assert_eq!(error.unwrap_err().code, ErrorCode::UnsafeLayer);
    assert_eq!(engine.images().await.unwrap().len(), 2);
}
