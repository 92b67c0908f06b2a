//! The garbage collector beside pulls: it never stops, and no pull ever misses anything.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use terrarium_oci::{Compression, Descriptor, Manifest, MediaType};
use terrarium_store::{Config, Ids, Lease, Name, Roots, Store, Wanted};

const PULLERS: usize = 4;
const ROUNDS: usize = 40;

fn open(root: &Path) -> Store {
    let config = Config {
        data_root: root.to_owned(),
        worker: "/nonexistent".into(),
        ids: Ids::Host,
    };
    Store::open(&config, SystemTime::now()).expect("the store opens")
}

fn name(text: String) -> Name {
    Name::new(text).expect("is a name")
}

fn layer(bytes: &[u8]) -> Descriptor {
    Descriptor::of(MediaType::OciLayer(Compression::None), bytes)
}

/// Brings a blob in small pieces, so that a collection falls in between.
fn bring(store: &Store, bytes: &[u8], lease: &Lease) {
    let wanted = store.content().want(&layer(bytes), lease);
    if let Wanted::Missing(mut ingest) = wanted.expect("is wanted") {
        for piece in bytes.chunks(7) {
            ingest.write(piece).expect("writes");
            thread::yield_now();
        }
        ingest.commit().expect("commits");
    }
}

/// One pull, from the lease to the removal of what it brought. All pulls share a layer.
fn pull_and_remove(store: &Store, puller: usize, round: usize) {
    let own = format!("layer {round} of {puller}, which nobody else has").into_bytes();
    let shared = b"the layer that all of them have".to_vec();
    let lease = store.leases().create(
        name(format!("pull-{puller}")),
        SystemTime::now(),
        Duration::from_secs(60),
    );
    let lease = lease.expect("a lease");
    bring(store, &shared, &lease);
    bring(store, &own, &lease);
    let config =
        br#"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}"#;
    let config_blob = Descriptor::of(MediaType::OciConfig, config);
    let layers = vec![layer(&shared), layer(&own)];
    let manifest = Manifest::new(config_blob.clone(), layers.clone()).to_bytes();
    let target = Descriptor::of(MediaType::OciManifest, &manifest);
    let content = store.content();
    content.put(&config_blob, config, &lease).expect("puts");
    content.put(&target, &manifest, &lease).expect("puts");

    let (work, done) = (format!("work-{puller}"), format!("done-{puller}-{round}"));
    let (work, done) = (name(work), name(done));
    let snapshots = store.snapshots();
    snapshots.prepare(&work, None, &lease).expect("prepares");
    let file = snapshots.info(&work).expect("is there").fs.join("file");
    fs::write(file, "content").expect("write");
    snapshots.commit(&work, &done, &lease).expect("commits");
    let kept = snapshots.info(&done).expect("the lease holds it").fs;
    assert!(kept.join("file").exists());

    let reference = format!("r.example/app:{puller}");
    store.references().put(&reference, &target).expect("puts");
    drop(lease);
    for blob in layers.iter().chain([&config_blob, &target]) {
        assert!(content.has(&blob.digest), "{blob:?} is gone");
    }
    store.references().remove(&reference).expect("removes");
}

#[test]
fn no_pull_misses_anything_while_the_collector_never_stops() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let store = open(dir.path());
    let (ended, collections) = (AtomicBool::new(false), AtomicU32::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            while !ended.load(Ordering::Relaxed) {
                let collected = store.collect(&Roots::default(), SystemTime::now());
                collected.expect("collects");
                collections.fetch_add(1, Ordering::Relaxed);
            }
        });
        let pullers: Vec<_> = (0..PULLERS)
            .map(|puller| {
                let store = &store;
                scope.spawn(move || {
                    (0..ROUNDS).for_each(|round| pull_and_remove(store, puller, round));
                })
            })
            .collect();
        let results: Vec<_> = pullers
            .into_iter()
            .map(thread::ScopedJoinHandle::join)
            .collect();
        ended.store(true, Ordering::Relaxed);
        assert!(results.iter().all(Result::is_ok), "a pull missed something");
    });
    assert!(collections.into_inner() > 1);
    store
        .collect(&Roots::default(), SystemTime::now())
        .expect("collects");
    assert_eq!(store.content().digests().expect("lists"), []);
    assert_eq!(store.snapshots().list(), []);
}
