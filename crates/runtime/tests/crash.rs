//! `kill -9` at random points of pulling and collecting: whatever is found afterwards is either the
//! old or the new state, and another try succeeds.

use std::fs;
use std::io::{Cursor, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use terrarium_oci::{ChainId, Compression, Descriptor, DiffId, Digest, Manifest, MediaType};
use terrarium_store::{Config, Error, Ids, Name, Roots, Store, Wanted, WantedLayer};

const CHILD: &str = "TERRARIUM_CRASH_CHILD";

fn open(root: &Path) -> Store {
    let worker = env!("CARGO_BIN_EXE_terrarium-runtime").into();
    let config = Config {
        data_root: root.to_owned(),
        worker,
        ids: Ids::Host,
    };
    let since = Instant::now();
    loop {
        match Store::open(&config, SystemTime::now()) {
            // Between fork and exec a child of the killed process still has its lock.
            Err(Error::Busy(_)) if since.elapsed() < Duration::from_secs(5) => {
                std::thread::sleep(Duration::from_millis(1));
            }
            store => return store.expect("the store opens after a crash"),
        }
    }
}

fn layer(number: usize) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for file in 0..40 {
        let mut header = tar::Header::new_gnu();
        let content = format!("{number}-{file}-").repeat(400);
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(1);
        let name = format!("dir-{}/file-{file}", file % 5);
        builder
            .append_data(&mut header, name, content.as_bytes())
            .expect("append");
    }
    builder.into_inner().expect("finish")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("compress");
    encoder.finish().expect("compress")
}

/// Pulls an image of two layers, names it, and has a container on it.
fn pull(store: &Store, number: usize) -> Result<(), Error> {
    let id = Name::new(format!("pull-{number}"))?;
    let lease = store
        .leases()
        .create(id, SystemTime::now(), Duration::from_secs(60))?;
    let tars = [layer(number), layer(number + 1)];
    let diff_ids: Vec<DiffId> = tars
        .iter()
        .map(|tar| DiffId(Digest::sha256_of(tar)))
        .collect();
    let chains = ChainId::all(&diff_ids);
    let mut descriptors = Vec::new();
    for (index, tar) in tars.iter().enumerate() {
        let blob = gzip(tar);
        let descriptor = Descriptor::of(MediaType::OciLayer(Compression::Gzip), &blob);
        let parent = index.checked_sub(1).map(|below| &chains[below]);
        let work = store
            .snapshots()
            .want_layer(&chains[index], parent, &lease)?;
        if let Wanted::Missing(mut ingest) = store.content().want(&descriptor, &lease)? {
            let offset = usize::try_from(ingest.offset()).expect("is small");
            for part in blob[offset..].chunks(1000) {
                ingest.write(part)?;
            }
            ingest.commit()?;
        }
        if let WantedLayer::Missing(work) = work {
            let report = work.unpack(Cursor::new(&blob), |_| ControlFlow::Continue(()))?;
            work.commit(&report)?;
        }
        descriptors.push(descriptor);
    }
    let config = format!(
        r#"{{"architecture":"amd64","os":"linux","rootfs":{{"type":"layers","diff_ids":["{}","{}"]}}}}"#,
        diff_ids[0], diff_ids[1]
    );
    let config_blob = Descriptor::of(MediaType::OciConfig, config.as_bytes());
    store
        .content()
        .put(&config_blob, config.as_bytes(), &lease)?;
    let manifest = Manifest::new(config_blob, descriptors).to_bytes();
    let target = Descriptor::of(MediaType::OciManifest, &manifest);
    store.content().put(&target, &manifest, &lease)?;
    store
        .references()
        .put(&format!("image:{number}"), &target)?;
    let (key, top) = (
        Name::new(format!("container-{number}"))?,
        Name::from(&chains[1]),
    );
    // Writable layers survive a kill; whose they are is known by the records of containers.
    if store.snapshots().info(&key).is_some() {
        store.snapshots().remove(&key)?;
    }
    store.snapshots().prepare(&key, Some(&top), &lease)?;
    store.snapshots().remove(&key)
}

/// What the process does that is killed: works until then.
#[expect(clippy::print_stdout, reason = "the test waits for the line")]
fn work_until_killed(root: &Path) -> ! {
    let store = open(root);
    println!("ready");
    let mut number = 0;
    loop {
        pull(&store, number % 7).expect("pulls");
        if number % 3 == 2 {
            for (name, _) in store.references().list().iter().take(2) {
                store.references().remove(name).expect("removes");
            }
            store
                .collect(&Roots::default(), SystemTime::now())
                .expect("collects");
        }
        number += 1;
    }
}

fn start(root: &Path) -> Child {
    let mut child = Command::new(std::env::current_exe().expect("has a path"))
        .args(["--exact", "--nocapture", TEST])
        .env(CHILD, root)
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut lines = std::io::BufReader::new(child.stdout.take().expect("is piped"));
    let mut line = String::new();
    while !line.contains("ready") {
        line.clear();
        let read = std::io::BufRead::read_line(&mut lines, &mut line).expect("reads");
        assert!(read > 0, "the process ended by itself");
        // It writes no more than this line, so its output can be left alone from here on.
    }
    child
}

const TEST: &str = "a_store_is_consistent_wherever_its_process_was_killed";

#[test]
fn a_store_is_consistent_wherever_its_process_was_killed() {
    if let Some(root) = std::env::var_os(CHILD) {
        work_until_killed(Path::new(&root));
    }
    if !nix::unistd::geteuid().is_root() {
        assert!(
            std::env::var_os("REQUIRE_PRIVILEGED").is_none(),
            "this test needs root"
        );
        eprintln!("SKIPPED: this test needs root");
        return;
    }
    let dir = tempfile::tempdir().expect("temporary folder");
    for round in 0..100_u64 {
        let mut child = start(dir.path());
        // Spread over the length of some pulls, in steps that share no factor with it.
        std::thread::sleep(Duration::from_micros(round * 7919 % 90_000));
        child.kill().expect("kills");
        child.wait().expect("ends");
        check(&open(dir.path()), dir.path(), round);
    }
    let store = open(dir.path());
    for number in 0..7 {
        pull(&store, number).expect("another try succeeds");
    }
    let collected = store.collect(
        &Roots::default(),
        SystemTime::now() + Duration::from_secs(120),
    );
    collected.expect("collects");
    assert_eq!(store.references().list().len(), 7);
    assert_eq!(
        store.snapshots().list().len(),
        14,
        "two layers for each image"
    );
}

#[test]
fn pulls_that_share_layers_run_beside_the_collector() {
    if !nix::unistd::geteuid().is_root() {
        assert!(
            std::env::var_os("REQUIRE_PRIVILEGED").is_none(),
            "this test needs root"
        );
        eprintln!("SKIPPED: this test needs root");
        return;
    }
    let dir = tempfile::tempdir().expect("temporary folder");
    let store = open(dir.path());
    std::thread::scope(|scope| {
        let pulls: Vec<_> = (0..4)
            .map(|number| {
                let store = &store;
                // Neighbors share a layer of the same content, at another place in the chain.
                scope.spawn(move || (0..5).try_for_each(|_| pull(store, number)))
            })
            .collect();
        let roots = Roots::default();
        while !pulls.iter().all(std::thread::ScopedJoinHandle::is_finished) {
            store.collect(&roots, SystemTime::now()).expect("collects");
        }
        for pull in pulls {
            pull.join().expect("joins").expect("pulls");
        }
    });
    check(&store, dir.path(), 0);
    assert_eq!(store.references().list().len(), 4);
    assert_eq!(store.snapshots().list().len(), 8);
}

fn check(store: &Store, root: &Path, round: u64) {
    let damage = store
        .verify(|_| ControlFlow::Continue(()))
        .expect("verifies");
    assert!(damage.is_empty(), "round {round}: {damage:?}");
    for info in store.snapshots().list() {
        let files = (0..40).filter(|file| {
            info.fs
                .join(format!("dir-{}/file-{file}", file % 5))
                .is_file()
        });
        if info.name.as_str().starts_with("sha256:") {
            assert_eq!(
                files.count(),
                40,
                "round {round}: {} is not whole",
                info.name
            );
        }
    }
    let known = store.snapshots().list().len();
    let folders = fs::read_dir(root.join("snapshots")).expect("list").count();
    assert_eq!(folders, known + 1, "round {round}: debris is left");
}
