//! Blobs, leases, references, snapshots and the garbage collector.

use std::fs;
use std::io::Write;
use std::ops::ControlFlow;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use terrarium_oci::{Compression, Descriptor, Digest, Manifest, MediaType};
use terrarium_store::{
    Config, Damage, Error, Ids, Ingest, Kind, Lease, Name, Roots, Store, Wanted,
};

const HOUR: Duration = Duration::from_secs(3600);

fn open_at(root: &Path, now: SystemTime) -> Result<Store, Error> {
    let (data_root, worker) = (root.to_owned(), "/nonexistent".into());
    Store::open(
        &Config {
            data_root,
            worker,
            ids: Ids::Host,
        },
        now,
    )
}

fn open(root: &Path) -> Store {
    open_at(root, SystemTime::now()).expect("the store opens")
}

fn name(text: &str) -> Name {
    Name::new(text).expect("is a name")
}

fn lease(store: &Store, id: &str) -> Lease {
    store
        .leases()
        .create(name(id), SystemTime::now(), HOUR)
        .expect("a lease")
}

fn describe(bytes: &[u8]) -> Descriptor {
    Descriptor::of(MediaType::OciLayer(Compression::None), bytes)
}

fn missing(store: &Store, blob: &Descriptor, lease: &Lease) -> Box<Ingest> {
    match store.content().want(blob, lease).expect("is wanted") {
        Wanted::Missing(ingest) => ingest,
        Wanted::Present => panic!("the blob is there already"),
    }
}

/// Puts an image of one layer and returns its manifest's descriptor.
fn put_image(store: &Store, layer: &[u8], lease: &Lease) -> Descriptor {
    let config =
        br#"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}"#;
    let config_blob = Descriptor::of(MediaType::OciConfig, config);
    let manifest = Manifest::new(config_blob.clone(), vec![describe(layer)]).to_bytes();
    let target = Descriptor::of(MediaType::OciManifest, &manifest);
    for (blob, bytes) in [
        (&config_blob, &config[..]),
        (&describe(layer), layer),
        (&target, &manifest),
    ] {
        store.content().put(blob, bytes, lease).expect("puts");
    }
    target
}

#[test]
fn a_blob_is_visible_only_when_it_is_complete_and_right() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let store = open(dir.path());
    let lease = lease(&store, "pull");
    let blob = describe(b"hello world");
    let mut ingest = missing(&store, &blob, &lease);
    ingest.write(b"hello ").expect("writes");
    assert!(!store.content().has(&blob.digest));
    assert!(matches!(
        ingest.commit(),
        Err(Error::SizeMismatch {
            actual_bytes: 6,
            ..
        })
    ));

    // What came before is kept, also over a restart, and hashed anew.
    drop((lease, store));
    let store = open(dir.path());
    let lease = self::lease(&store, "pull");
    let mut ingest = missing(&store, &blob, &lease);
    assert_eq!(
        ingest.offset(),
        0,
        "the lease was dropped, so the part was not held"
    );
    ingest.write(b"hello world").expect("writes");
    assert!(matches!(
        ingest.write(b"!"),
        Err(Error::SizeMismatch {
            actual_bytes: 12,
            ..
        })
    ));
    ingest.commit().expect("commits");
    let path = dir
        .path()
        .join("content/blobs/sha256")
        .join(blob.digest.hex());
    let mode = fs::metadata(&path).expect("is there").permissions().mode();
    assert_eq!(
        (fs::read(&path).expect("read").as_slice(), mode & 0o777),
        (&b"hello world"[..], 0o444)
    );
    assert!(matches!(
        store.content().want(&blob, &lease),
        Ok(Wanted::Present)
    ));
}

#[test]
fn wrong_bytes_are_thrown_away() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let store = open(dir.path());
    let lease = lease(&store, "pull");
    let blob = describe(b"right");
    let mut ingest = missing(&store, &blob, &lease);
    ingest.write(b"wrong").expect("writes");
    assert!(matches!(ingest.commit(), Err(Error::DigestMismatch { .. })));
    assert!(!store.content().has(&blob.digest));
    assert_eq!(missing(&store, &blob, &lease).offset(), 0);
}

#[test]
fn two_threads_never_fetch_the_same_blob() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let store = open(dir.path());
    let (blob, fetched) = (describe(b"shared"), AtomicU32::new(0));
    std::thread::scope(|scope| {
        for n in 0..8 {
            let (store, blob, fetched) = (&store, &blob, &fetched);
            scope.spawn(move || {
                let lease = lease(store, &format!("pull-{n}"));
                if let Wanted::Missing(mut ingest) =
                    store.content().want(blob, &lease).expect("wanted")
                {
                    fetched.fetch_add(1, Ordering::SeqCst);
                    ingest.write(b"shared").expect("writes");
                    ingest.commit().expect("commits");
                }
            });
        }
    });
    assert_eq!(fetched.load(Ordering::SeqCst), 1);
}

#[test]
fn a_part_of_a_killed_process_is_resumed_until_its_lease_expires() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let blob = describe(b"0123456789");
    let leave_behind = || {
        let store = open(dir.path());
        let lease = lease(&store, "pull");
        let mut ingest = missing(&store, &blob, &lease);
        ingest
            .write(&b"0123"[..4 - usize::try_from(ingest.offset()).expect("small")])
            .expect("writes");
        // As if killed: the lease is never given back.
        std::mem::forget(lease);
    };
    leave_behind();
    let store = open(dir.path());
    let lease = self::lease(&store, "other");
    assert_eq!(missing(&store, &blob, &lease).offset(), 4);
    drop((lease, store));
    let store = open_at(dir.path(), SystemTime::now() + 2 * HOUR).expect("the store opens");
    let lease = self::lease(&store, "other");
    assert_eq!(missing(&store, &blob, &lease).offset(), 0);
}

#[test]
fn only_one_process_has_a_store_open() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let store = open(dir.path());
    let second = store.clone();
    drop(store);
    assert!(matches!(
        open_at(dir.path(), SystemTime::now()),
        Err(Error::Busy(_))
    ));
    drop(second);
    open(dir.path());
}

#[test]
fn references_survive_and_are_listed_as_an_image_layout() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let long = format!("registry.example:5000/{}:tag", "x".repeat(255));
    let store = open(dir.path());
    let target = put_image(&store, b"layer", &lease(&store, "pull"));
    for name in ["docker.io/library/a:1", &long] {
        assert_eq!(store.references().put(name, &target).expect("puts"), None);
    }
    drop(store);
    let store = open(dir.path());
    assert_eq!(store.references().get(&long), Some(target.clone()));
    assert_eq!(store.references().list().len(), 2);
    let index = fs::read_to_string(dir.path().join("content/index.json")).expect("read");
    assert!(index.contains("docker.io/library/a:1") && index.contains(target.digest.as_str()));
    store.references().remove(&long).expect("removes");
    assert!(matches!(
        store.references().remove(&long),
        Err(Error::ReferenceMissing(_))
    ));
}

#[test]
fn snapshots_stack_and_are_removed_from_the_top() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let store = open(dir.path());
    let (snapshots, lease) = (store.snapshots(), lease(&store, "build"));
    let (work, base, container) = (name("work"), name("base"), name("container"));
    snapshots.prepare(&work, None, &lease).expect("prepares");
    let fs_path = snapshots.info(&work).expect("is there").fs;
    fs::write(fs_path.join("file"), vec![1_u8; 10_000]).expect("write");
    fs::hard_link(fs_path.join("file"), fs_path.join("link")).expect("link");
    fs::set_permissions(&fs_path, fs::Permissions::from_mode(0o700)).expect("change mode");
    assert!(matches!(
        snapshots.prepare(&container, Some(&work), &lease),
        Err(Error::SnapshotKind { .. })
    ));
    snapshots.commit(&work, &base, &lease).expect("commits");
    assert!(snapshots.info(&work).is_none());
    let size = snapshots.usage(&base).expect("is known");
    assert_eq!(
        (size.size_bytes, size.inodes),
        (10_000, 1),
        "hard links count once"
    );

    snapshots
        .prepare(&container, Some(&base), &lease)
        .expect("prepares");
    let overlay = snapshots.mounts(&container).expect("yields mounts");
    let upper = overlay.upper.expect("is writable");
    assert_eq!(overlay.lowerdirs, std::slice::from_ref(&fs_path));
    assert_eq!(
        fs::metadata(&upper.upperdir).expect("is there").mode() & 0o777,
        0o700
    );
    assert!(upper.workdir.is_dir() && !overlay.userxattr);
    assert!(matches!(
        snapshots.remove(&base),
        Err(Error::SnapshotInUse { .. })
    ));
    let view = name("view");
    snapshots.view(&view, &base, &lease).expect("views");
    let overlay = snapshots.mounts(&view).expect("yields mounts");
    assert!(overlay.upper.is_none() && overlay.lowerdirs.len() == 2);

    drop((lease, store));
    let store = open(dir.path());
    assert_eq!(store.snapshots().list().len(), 3);
    assert_eq!(
        store.snapshots().info(&container).expect("is there").kind,
        Kind::Active
    );
    for key in [&view, &container, &base] {
        store.snapshots().remove(key).expect("removes");
    }
    assert_eq!(
        fs::read_dir(dir.path().join("snapshots"))
            .expect("list")
            .count(),
        1
    );
}

#[test]
fn a_layer_that_never_reached_the_disk_does_not_survive_a_power_cut() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let store = open(dir.path());
    let lease = lease(&store, "build");
    for key in ["synced", "unsynced"] {
        store
            .snapshots()
            .prepare(&name("work"), None, &lease)
            .expect("prepares");
        store
            .snapshots()
            .commit(&name("work"), &name(key), &lease)
            .expect("commits");
        if key == "synced" {
            store.snapshots().sync().expect("syncs");
        }
    }
    drop((lease, store));
    let store = open(dir.path());
    assert_eq!(store.snapshots().list().len(), 2, "a kill loses nothing");
    drop(store);
    for entry in fs::read_dir(dir.path().join("snapshots")).expect("list") {
        let meta = entry.expect("list").path().join("meta.json");
        if let Ok(text) = fs::read_to_string(&meta) {
            let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").expect("read");
            fs::write(&meta, text.replace(boot.trim(), "another-boot")).expect("write");
        }
    }
    let store = open(dir.path());
    let names: Vec<_> = store
        .snapshots()
        .list()
        .into_iter()
        .map(|info| info.name)
        .collect();
    assert_eq!(names, [name("synced")]);
}

#[test]
fn the_collector_removes_what_nothing_needs_and_nothing_else() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let store = open(dir.path());
    let pull = lease(&store, "pull");
    let named = put_image(&store, b"named layer", &pull);
    let used = put_image(&store, b"layer of a container", &pull);
    put_image(&store, b"garbage", &pull);
    store.references().put("named", &named).expect("puts");
    for key in ["base", "garbage"] {
        store
            .snapshots()
            .prepare(&name("work"), None, &pull)
            .expect("prepares");
        store
            .snapshots()
            .commit(&name("work"), &name(key), &pull)
            .expect("commits");
    }
    store
        .snapshots()
        .prepare(&name("container"), Some(&name("base")), &pull)
        .expect("prepares");
    store
        .snapshots()
        .prepare(&name("lost"), Some(&name("garbage")), &pull)
        .expect("prepares");
    let roots = Roots {
        snapshots: vec![name("container")],
        blobs: vec![used],
    };
    let collect = || store.collect(&roots, SystemTime::now()).expect("collects");

    assert_eq!(collect().freed_bytes, 0, "the lease holds everything");
    drop(pull);
    let running = lease(&store, "running");
    running
        .hold_blob(&Digest::sha256_of(b"garbage"))
        .expect("holds");
    let collected = collect();
    assert_eq!(collected.snapshots, [name("lost"), name("garbage")]);
    assert_eq!(
        collected.blobs.len(),
        1,
        "the manifest, but not its held layer, nor the shared config"
    );
    drop(running);
    assert_eq!(collect().blobs, [Digest::sha256_of(b"garbage")]);
    for kept in [&b"named layer"[..], b"layer of a container"] {
        assert!(store.content().has(&Digest::sha256_of(kept)));
    }
    assert!(store.snapshots().mounts(&name("container")).is_ok());
    assert!(
        store
            .verify(|_| ControlFlow::Continue(()))
            .expect("verifies")
            .is_empty()
    );
}

#[test]
fn damage_is_found_and_repaired_as_far_as_possible() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let store = open(dir.path());
    let lease = lease(&store, "pull");
    let target = put_image(&store, b"layer", &lease);
    store.references().put("image", &target).expect("puts");
    let layer = Digest::sha256_of(b"layer");
    let path = dir.path().join("content/blobs/sha256").join(layer.hex());
    fs::remove_file(&path).expect("remove");
    fs::write(&path, "rotten").expect("write");
    let damage = store
        .verify(|_| ControlFlow::Continue(()))
        .expect("verifies");
    assert_eq!(damage, [Damage::Blob(layer.clone())]);
    let left = store.repair(damage).expect("repairs");
    assert_eq!(
        left,
        [Damage::Missing {
            reference: "image".into(),
            blob: layer.clone()
        }]
    );
    missing(&store, &describe(b"layer"), &lease);
    // The snapshot of a container must not vanish with the layer that it lies on.
    store
        .snapshots()
        .prepare(&name("work"), None, &lease)
        .expect("prepares");
    store
        .snapshots()
        .commit(&name("work"), &name("base"), &lease)
        .expect("commits");
    let fs_path = store.snapshots().info(&name("base")).expect("is there").fs;
    store
        .snapshots()
        .prepare(&name("container"), Some(&name("base")), &lease)
        .expect("prepares");
    drop((lease, store));
    fs::remove_dir_all(fs_path.parent().expect("has one")).expect("remove");
    let store = open(dir.path());
    let damage = store
        .verify(|_| ControlFlow::Continue(()))
        .expect("verifies");
    let lost = Damage::Parent {
        snapshot: name("container"),
        parent: name("base"),
    };
    assert!(damage.contains(&lost), "{damage:?}");
    assert!(matches!(
        store.snapshots().mounts(&name("container")),
        Err(Error::SnapshotMissing(_))
    ));
}

#[test]
fn a_blob_of_unknown_digest_is_named_at_its_end() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let store = open(dir.path());
    let lease = lease(&store, "build");
    let mut writer = store.content().writer().expect("starts");
    writer.write_all(b"made here").expect("writes");
    let (digest, size) = writer.commit(&lease).expect("commits");
    assert_eq!((digest, size), (Digest::sha256_of(b"made here"), 9));
    let mut dropped = store.content().writer().expect("starts");
    dropped.write_all(b"given up").expect("writes");
    drop(dropped);
    assert_eq!(
        fs::read_dir(dir.path().join("content/ingest"))
            .expect("list")
            .count(),
        0
    );
}

#[test]
fn what_is_held_here_costs_no_file_and_is_kept() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let store = open(dir.path());
    let pull = lease(&store, "pull");
    put_image(&store, b"layer", &pull);
    let layer = Digest::sha256_of(b"layer");
    let passing = lease(&store, "passing");
    drop(pull);
    let file = dir.path().join("leases/passing.json");
    let before = fs::read(&file).expect("a lease has a file");
    passing.hold_blobs_here([&layer]).expect("holds");
    assert_eq!(fs::read(&file).expect("it is still there"), before);
    let collect = || store.collect(&Roots::default(), SystemTime::now());
    collect().expect("collects");
    assert!(store.content().has(&layer));
    drop(passing);
    collect().expect("collects");
    assert!(!store.content().has(&layer));
}
