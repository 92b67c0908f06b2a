//! The trash in the crash matrix: a process that puts an image away, brings it back, puts it away again and
//! empties the trash is killed before every single system call that changes something on disk. What it had
//! been told is kept is in one place or the other, whole, and the same life can be lived to its end.
//!
//! `strace` does the killing, as in the matrix of the store.

use std::{
    env, fs,
    io::{BufRead as _, BufReader},
    ops::ControlFlow,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, SystemTime},
};

use terrarium_oci::{Compression, Descriptor, Manifest, MediaType, Reference};
use terrarium_store::{Config, Ids, Lease, Name, Store};

use super::{
    Catalog, Image,
    remove::{Removal, roots},
    restore::{bring_back, put_away},
    trash::{Entries, held},
};
use crate::time::now_ms;

/// Where the victim lives.
const ROOT: &str = "TERRARIUM_TRASH_ROOT";
const NAMES: [&str; 2] = ["r.example/app:1", "r.example/app:latest"];
/// What changes the disk, as in the matrix of the store; a `?` is for machines without the older calls.
const CHANGING: [&str; 12] = [
    "write",
    "fsync",
    "fdatasync",
    "?mkdir",
    "mkdirat",
    "?rename",
    "renameat",
    "renameat2",
    "?unlink",
    "unlinkat",
    "fchmod",
    "ftruncate",
];
/// More calls of one kind than this no life has.
const MOST: u32 = 500;
/// What the victim says when the image is to be kept from then on, and when it is not any more.
const KEPT: &str = "victim: kept";
const LET_GO: &str = "victim: let go";

fn open(root: &Path) -> Store {
    let config = Config {
        data_root: root.to_owned(),
        worker: "/nonexistent".into(),
        ids: Ids::Host,
    };
    Store::open(&config, SystemTime::now()).expect("the store opens")
}

fn reference(name: &str) -> String {
    name.parse::<Reference>().expect("is a name").canonical()
}

/// An image without layers to unpack, since no worker is here.
fn put_image(store: &Store, lease: &Lease) -> Descriptor {
    let config =
        br#"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}"#;
    let layer = b"a layer";
    let put = |kind: MediaType, bytes: &[u8]| {
        let blob = Descriptor::of(kind, bytes);
        store.content().put(&blob, bytes, lease).expect("is put");
        blob
    };
    let layer = put(MediaType::OciLayer(Compression::None), layer);
    let config = put(MediaType::OciConfig, config);
    let manifest = Manifest::new(config, vec![layer]).to_bytes();
    put(MediaType::OciManifest, &manifest)
}

fn collect(store: &Store, root: &Path) {
    let collection = store.begin_collection();
    let trashed = held(root, now_ms()).expect("the trash is read");
    let roots = roots(store, root, trashed);
    collection
        .collect(&roots, SystemTime::now())
        .expect("collects");
}

/// The image, and where it was found.
fn named(store: &Store) -> Option<Image> {
    let catalog = Catalog::read(store);
    NAMES
        .iter()
        .find_map(|name| catalog.find(name).ok().cloned())
}

/// Whoever kills it reads how far it came.
fn life(root: &Path) {
    let (store, entries) = (open(root), Entries::below(root));
    entries.drop_unfinished().expect("drops");
    let id = Name::new("pull").expect("is a name");
    let lease = store
        .leases()
        .create(id, SystemTime::now(), Duration::from_secs(3600));
    let lease = lease.expect("is leased");
    let target = put_image(&store, &lease);
    for name in NAMES {
        store
            .references()
            .put(&reference(name), &target)
            .expect("is named");
    }
    drop(lease);
    println!("{KEPT}");
    let image = named(&store).expect("it has its names");
    let first = put_away(&store, &entries, &image, &Removal::Whole).expect("is put away");
    collect(&store, root);
    bring_back(&store, &entries, &first.id).expect("comes back");
    let image = named(&store).expect("it has its names again");
    put_away(&store, &entries, &image, &Removal::Whole).expect("is put away");
    collect(&store, root);
    println!("{LET_GO}");
    let all = entries.list(now_ms()).expect("is listed");
    entries.remove(&all).expect("is emptied");
    collect(&store, root);
}

#[test]
#[ignore = "the victim of the test below, which starts it"]
fn victim() {
    if let Some(root) = env::var_os(ROOT) {
        life(Path::new(&root));
    }
}

/// How a life went.
struct Lived {
    was_killed: bool,
    /// The last that it said.
    said: Option<String>,
}

/// Lives one life that is killed before its `when`-th `call`.
fn live(root: &Path, call: &str, when: u32) -> Lived {
    let mut child = Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null", "-e"])
        .arg(format!("trace={call}"))
        .arg("-e")
        .arg(format!("inject={call}:signal=SIGKILL:when={when}"))
        .arg(env::current_exe().expect("this test"))
        .args(["--ignored", "--exact", "--nocapture", VICTIM])
        .arg("--test-threads=1")
        .env(ROOT, root)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("strace is installed");
    let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let said = lines.map_while(Result::ok);
    let said = said.filter(|line| line.starts_with("victim: ")).last();
    let was_killed = !child.wait().expect("it ends").success();
    Lived { was_killed, said }
}

const VICTIM: &str = "images::trash_killed::victim";

/// What must hold whenever the store is opened: nothing is damaged, and an image that is to be kept has its
/// names or comes out of the trash with all of them.
fn assert_kept(root: &Path, said: Option<&str>, when: &str) {
    let (store, entries) = (open(root), Entries::below(root));
    collect(&store, root);
    let damage = store
        .verify(|_| ControlFlow::Continue(()))
        .expect("verifies");
    assert!(damage.is_empty(), "after {when}: {damage:?}");
    if said != Some(KEPT) {
        return;
    }
    for entry in entries.list(now_ms()).expect("is listed") {
        let back = bring_back(&store, &entries, &entry.id);
        back.unwrap_or_else(|error| panic!("bring back after {when}: {error}"));
    }
    let image = named(&store).unwrap_or_else(|| panic!("lost after {when}"));
    assert_eq!(image.tags.len(), NAMES.len(), "names lost after {when}");
    for blob in &image.layers {
        assert!(store.content().has(&blob.digest), "after {when}: {blob:?}");
    }
}

fn assert_empty(root: &Path, when: &str) {
    for folder in [
        "content/blobs/sha256",
        "content/ingest",
        "leases",
        "refs",
        "trash",
    ] {
        let left = fs::read_dir(root.join(folder)).expect("list").count();
        assert_eq!(left, 0, "{folder} after {when}");
    }
}

/// Kills lives before each `call` that they make; returns how many there were.
fn kill_before_each(folder: &Path, call: &str) -> u32 {
    for when in 1..MOST {
        let root = folder.join(format!("{call}-{when}"));
        let lived = live(&root, call, when);
        let point = format!("{call} {when}");
        if root.exists() {
            assert_kept(&root, lived.said.as_deref(), &point);
            life(&root);
            assert_empty(&root, &point);
            fs::remove_dir_all(&root).expect("remove");
        }
        if !lived.was_killed {
            return when - 1;
        }
    }
    panic!("{call} is killed for ever");
}

#[test]
fn an_image_that_goes_into_the_trash_and_out_of_it_survives_a_kill_before_any_change() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let killed: Vec<(&str, u32)> = thread::scope(|scope| {
        let root = folder.path();
        let each = |call| (call, scope.spawn(move || kill_before_each(root, call)));
        let running = CHANGING.map(each);
        let ended = |(call, thread): (_, thread::ScopedJoinHandle<'_, u32>)| {
            (call, thread.join().expect("kept every time"))
        };
        running.into_iter().map(ended).collect()
    });
    let total: u32 = killed.iter().map(|(_, times)| times).sum();
    println!("killed {total} times, kept every time: {killed:?}");
    // Otherwise nothing was tried: strace may not be allowed to trace here.
    assert!(total > 50, "killed only {total} times");
}
