//! The crash matrix: a process that goes through the whole life of an image is killed before every
//! single system call that changes something on disk. Whatever came before, the store opens, is
//! whole, and the same life can be lived to its end.
//!
//! `strace` does the killing, so no fail point has to be written into the store.

use std::env;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, SystemTime};

use terrarium_oci::{Compression, Descriptor, Document, Manifest, MediaType};
use terrarium_store::{Config, Ids, Kind, Lease, Name, Result, Roots, Store, Wanted};

/// Where the victim lives.
const ROOT: &str = "TERRARIUM_CRASH_ROOT";
/// What changes the disk; a `?` is for machines that do not have the older calls. `write` counts for
/// the content of files, `openat` is left out: most of its calls only read, and an empty file that
/// it makes is seen before the next write.
const CHANGING: [&str; 17] = [
    "write",
    "fsync",
    "fdatasync",
    "syncfs",
    "?mkdir",
    "mkdirat",
    "?rename",
    "renameat",
    "renameat2",
    "?unlink",
    "unlinkat",
    "?rmdir",
    "linkat",
    "?chmod",
    "fchmod",
    "fchmodat",
    "ftruncate",
];
/// More calls of one kind than this no life has.
const MOST: u32 = 500;

fn open(root: &Path) -> Result<Store> {
    let config = Config {
        data_root: root.to_owned(),
        worker: "/nonexistent".into(),
        ids: Ids::Host,
    };
    Store::open(&config, SystemTime::now())
}

fn name(text: &str) -> Name {
    Name::new(text).expect("is a name")
}

fn lease(store: &Store, id: &str) -> Result<Lease> {
    let hour = Duration::from_secs(3600);
    store.leases().create(name(id), SystemTime::now(), hour)
}

/// Brings a blob in two pieces, from where an earlier life left it.
fn bring(store: &Store, blob: &Descriptor, bytes: &[u8], lease: &Lease) -> Result<()> {
    let Wanted::Missing(mut ingest) = store.content().want(blob, lease)? else {
        return Ok(());
    };
    let rest = &bytes[usize::try_from(ingest.offset()).expect("it is small")..];
    let (head, tail) = rest.split_at(rest.len() / 2);
    ingest.write(head)?;
    ingest.write(tail)?;
    ingest.commit()
}

fn put_image(store: &Store, layer: &[u8], lease: &Lease) -> Result<Descriptor> {
    let config =
        br#"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}"#;
    let config_blob = Descriptor::of(MediaType::OciConfig, config);
    let layer_blob = Descriptor::of(MediaType::OciLayer(Compression::None), layer);
    let manifest = Manifest::new(config_blob.clone(), vec![layer_blob.clone()]).to_bytes();
    let target = Descriptor::of(MediaType::OciManifest, &manifest);
    bring(store, &layer_blob, layer, lease)?;
    store.content().put(&config_blob, config, lease)?;
    store.content().put(&target, &manifest, lease)?;
    Ok(target)
}

/// Unpacks a layer and a container on it.
fn stack(store: &Store, lease: &Lease) -> Result<()> {
    let snapshots = store.snapshots();
    let (work, base, container) = (name("work"), name("base"), name("container"));
    for left in [&container, &work] {
        if snapshots.info(left).is_some() {
            snapshots.remove(left)?;
        }
    }
    if snapshots.info(&base).is_none() {
        snapshots.prepare(&work, None, lease)?;
        let fs_path = snapshots.info(&work).expect("it was just made").fs;
        fs::write(fs_path.join("file"), "content").expect("write");
        snapshots.commit(&work, &base, lease)?;
        snapshots.sync()?;
    }
    snapshots.prepare(&container, Some(&base), lease)
}

/// Pull, run, pull a newer one under the same name, remove, collect.
fn life(root: &Path) -> Result<()> {
    let store = open(root)?;
    let pull = lease(&store, "pull")?;
    let first = put_image(&store, b"the first layer", &pull)?;
    stack(&store, &pull)?;
    store.references().put("r.example/app:1", &first)?;
    drop(pull);

    let pull = lease(&store, "pull-again")?;
    let second = put_image(&store, b"the second layer, which is longer", &pull)?;
    store.references().put("r.example/app:1", &second)?;
    drop(pull);
    let roots = Roots {
        snapshots: vec![name("container")],
        blobs: Vec::new(),
    };
    store.collect(&roots, SystemTime::now())?;

    store.snapshots().remove(&name("container"))?;
    store.references().remove("r.example/app:1")?;
    store.collect(&Roots::default(), SystemTime::now())?;
    Ok(())
}

/// What must hold whenever a store is opened.
fn assert_whole(root: &Path, when: &str) {
    let store = open(root).unwrap_or_else(|error| panic!("open after {when}: {error}"));
    let damage = store
        .verify(|_| ControlFlow::Continue(()))
        .expect("verifies");
    assert!(damage.is_empty(), "after {when}: {damage:?}");
    for (_, target) in store.references().list() {
        let bytes = store.content().read(&target.digest, 1 << 20);
        let bytes = bytes.unwrap_or_else(|error| panic!("after {when}: {error}"));
        let Ok(Document::Manifest(manifest)) = Document::parse(Some(&target.media_type), &bytes)
        else {
            panic!("after {when}: no manifest");
        };
        for blob in manifest.layers.iter().chain([&manifest.config]) {
            assert!(store.content().has(&blob.digest), "after {when}: {blob:?}");
        }
    }
    for info in store.snapshots().list() {
        if info.kind == Kind::Committed {
            let content = fs::read_to_string(info.fs.join("file"));
            assert_eq!(content.ok().as_deref(), Some("content"), "after {when}");
        }
    }
}

/// Nothing is left behind when everything was removed.
fn assert_empty(root: &Path, when: &str) {
    let files = |folder: &str| {
        let entries = fs::read_dir(root.join(folder)).expect("list");
        let names = entries.map(|entry| entry.expect("list").file_name());
        names
            .map(|name| name.into_string().expect("text"))
            .collect::<Vec<_>>()
    };
    for folder in ["content/blobs/sha256", "content/ingest", "leases", "refs"] {
        assert_eq!(files(folder), [""; 0], "{folder} after {when}");
    }
    assert_eq!(files("snapshots"), ["empty"], "after {when}");
}

#[test]
#[ignore = "the victim of the test below, which starts it"]
fn victim() {
    if let Some(root) = env::var_os(ROOT) {
        life(Path::new(&root)).expect("lives");
    }
}

/// Lives one life that is killed before its `when`-th `call`; says whether it was.
fn is_killed(root: &Path, call: &str, when: u32) -> bool {
    let status = Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null", "-e"])
        .arg(format!("trace={call}"))
        .arg("-e")
        .arg(format!("inject={call}:signal=SIGKILL:when={when}"))
        .arg(env::current_exe().expect("this test"))
        .args(["--ignored", "--exact", "victim", "--test-threads=1"])
        .env(ROOT, root)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("strace is installed");
    !status.success()
}

/// Kills lives before each `call` that they make; returns how many there were.
fn kill_before_each(folder: &Path, call: &str) -> u32 {
    for when in 1..MOST {
        let root = folder.join(format!("{call}-{when}"));
        let killed = is_killed(&root, call, when);
        let point = format!("{call} {when}");
        if root.exists() {
            assert_whole(&root, &point);
            life(&root).unwrap_or_else(|error| panic!("live on after {point}: {error}"));
            assert_empty(&root, &point);
            fs::remove_dir_all(&root).expect("remove");
        }
        if !killed {
            return when - 1;
        }
    }
    panic!("{call} is killed for ever");
}

#[test]
fn a_store_whose_process_is_killed_before_any_change_is_whole_and_lives_on() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let killed: Vec<(&str, u32)> = thread::scope(|scope| {
        let root = folder.path();
        let each = |call| (call, scope.spawn(move || kill_before_each(root, call)));
        let running = CHANGING.map(each);
        running
            .into_iter()
            .map(|(call, ended)| (call, ended.join().expect("whole every time")))
            .collect()
    });
    let total: u32 = killed.iter().map(|(_, times)| times).sum();
    println!("killed {total} times, whole every time: {killed:?}");
    // Otherwise nothing was tried: strace may not be allowed to trace here.
    assert!(total > 50, "killed only {total} times");
}
