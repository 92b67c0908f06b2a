//! The files of images, layer by layer.

use std::fs;

use terrarium_api::{
    CompareImages, ErrorCode, FileChange, FileSearch, FilesOf, FilesQuery, FolderQuery, ReadFile,
    SaveFile,
};

use crate::{
    image::{Image, Layer},
    memory_registry::MemoryRegistry,
    scene::Scene,
};

/// A base, and a layer that changes one file, removes another and adds a third.
fn image() -> Image {
    let base = Layer::of(&[
        ("etc/a", b"old"),
        ("etc/gone", b"12345"),
        ("bin/tool", b"\x7fELF\0"),
    ]);
    let top = Layer::of(&[
        ("etc/a", b"newer"),
        ("etc/.wh.gone", b""),
        ("etc/new", b"1"),
    ]);
    Image::of(&[base, top])
}

async fn pulled() -> (Scene, MemoryRegistry, String) {
    let (scene, registry) = (Scene::new().await, MemoryRegistry::start().await);
    let name = registry.add("team/app", "1", &image());
    scene.pull(&name).await.unwrap();
    (scene, registry, name)
}

fn of(image: &str) -> FilesOf {
    FilesOf::Image {
        image: image.into(),
    }
}

fn folder(image: &str, layer: u32, path: &str) -> FolderQuery {
    FolderQuery {
        of: of(image),
        layer,
        path: path.into(),
        changed_only: false,
        offset: 0,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_layer_shows_what_it_changed_and_what_it_hides() {
    let (scene, _registry, name) = pulled().await;
    // The second time the lists come from disk.
    for _ in 0..2 {
        let summary = scene
            .engine
            .files_summary(FilesQuery { of: of(&name) })
            .await
            .unwrap();
        assert_eq!((summary.size_bytes, summary.wasted_bytes), (19, 8));
        assert_eq!(summary.wasted[0].path, "/etc/gone");
        let top = summary.layers[1];
        assert_eq!((top.added, top.modified, top.deleted), (1, 1, 1));
    }
    let rows = scene
        .engine
        .list_folder(folder(&name, 1, "/etc"))
        .await
        .unwrap();
    let told: Vec<_> = rows
        .files
        .iter()
        .map(|row| (row.name.as_str(), row.change, row.size_bytes, row.layer))
        .collect();
    assert_eq!(
        told,
        [
            ("a", FileChange::Modified, 5, 1),
            ("gone", FileChange::Deleted, 5, 0),
            ("new", FileChange::Added, 1, 1),
        ]
    );
    let before = rows.files[0].before.unwrap();
    assert_eq!((before.layer, before.size_bytes), (0, 3));
    let base = scene
        .engine
        .list_folder(folder(&name, 0, "/etc"))
        .await
        .unwrap();
    assert_eq!(base.total, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_file_is_found_and_read_in_the_layer_that_has_it_also_when_it_is_hidden() {
    let (scene, _registry, name) = pulled().await;
    let engine = &scene.engine;
    let search = |text: &str| FileSearch {
        of: of(&name),
        text: text.into(),
    };
    let found = engine.search_files(search("GONE")).await.unwrap();
    assert_eq!(found.total, 1);
    assert_eq!(
        (found.files[0].layers.as_slice(), found.files[0].visible),
        (&[0, 1][..], false)
    );
    let read = |layer, path: &str| ReadFile {
        of: of(&name),
        layer,
        path: path.into(),
    };
    let old = engine.read_file(read(0, "/etc/a")).await.unwrap();
    let new = engine.read_file(read(1, "/etc/a")).await.unwrap();
    assert_eq!((old.text.as_str(), new.text.as_str()), ("old", "newer"));
    let program = engine.read_file(read(0, "/bin/tool")).await.unwrap();
    assert!(!program.is_text);
    for path in ["/etc/nothing", "/etc", "/../../etc/passwd"] {
        assert!(engine.read_file(read(0, path)).await.is_err(), "{path}");
    }
    let beyond = engine.read_file(read(7, "/etc/a")).await.unwrap_err();
    assert_eq!(beyond.code, ErrorCode::InvalidArgument);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_file_is_saved_beside_others_and_never_over_one() {
    let (scene, _registry, name) = pulled().await;
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("copy");
    let save = |to: &str| SaveFile {
        of: of(&name),
        layer: 1,
        path: "/etc/a".into(),
        to: to.into(),
    };
    let target = to.to_str().unwrap();
    assert_eq!(
        scene
            .engine
            .save_file(save(target))
            .await
            .unwrap()
            .size_bytes,
        5
    );
    assert_eq!(fs::read(&to).unwrap(), b"newer");
    let again = scene.engine.save_file(save(target)).await.unwrap_err();
    assert_eq!(again.code, ErrorCode::InvalidArgument);
    assert!(scene.engine.save_file(save("relative")).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_images_differ_by_what_the_second_adds_changes_and_lacks() {
    let (scene, registry, name) = pulled().await;
    let base = Layer::of(&[
        ("etc/a", b"old"),
        ("etc/gone", b"12345"),
        ("bin/tool", b"\x7fELF\0"),
    ]);
    let other = registry.add("team/app", "0", &Image::of(&[base]));
    scene.pull(&other).await.unwrap();
    let request = CompareImages {
        left: other,
        right: name,
    };
    let difference = scene.engine.compare_images(request).await.unwrap();
    assert_eq!(difference.shared_layers, 1);
    assert_eq!(
        (difference.added, difference.modified, difference.removed),
        (1, 1, 1)
    );
    let paths: Vec<&str> = difference
        .files
        .iter()
        .map(|file| file.path.as_str())
        .collect();
    assert_eq!(paths, ["/etc/a", "/etc/gone", "/etc/new"]);
}
