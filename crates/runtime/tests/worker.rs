//! The worker as the store drives it: real processes, real sandboxes.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Read, Write};
use std::ops::ControlFlow;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use terrarium_oci::{ChainId, DiffId, Digest};
use terrarium_store::index::LayerIndex;
use terrarium_store::worker::FailureKind;
use terrarium_store::{Config, Error, Ids, LayerWork, Lease, Name, Store, Wanted, WantedLayer};

fn privileged() -> bool {
    if nix::unistd::geteuid().is_root() {
        return true;
    }
    assert!(
        std::env::var_os("REQUIRE_PRIVILEGED").is_none(),
        "this test needs root"
    );
    eprintln!("SKIPPED: this test needs root");
    false
}

fn config(data_root: &Path) -> Config {
    let worker = env!("CARGO_BIN_EXE_terrarium-runtime").into();
    Config {
        data_root: data_root.to_owned(),
        worker,
        ids: Ids::Host,
    }
}

fn open(data_root: &Path) -> Store {
    Store::open(&config(data_root), SystemTime::now()).expect("the store opens")
}

fn lease(store: &Store, id: &str) -> Lease {
    let id = Name::new(id).expect("is a name");
    store
        .leases()
        .create(id, SystemTime::now(), Duration::from_secs(3600))
        .expect("a lease")
}

fn tar(files: &[(&str, &str)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_mode(0o644);
        header.set_uid(3);
        header.set_gid(4);
        header.set_mtime(1_000_000_000);
        header.set_size(content.len() as u64);
        header.set_cksum();
        builder.append(&header, content.as_bytes()).expect("append");
    }
    builder.into_inner().expect("finish")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("compress");
    encoder.finish().expect("compress")
}

/// The chain of the layers of an image, bottom first.
fn chain(tars: &[&[u8]]) -> Vec<ChainId> {
    let diff_ids: Vec<DiffId> = tars
        .iter()
        .map(|tar| DiffId(Digest::sha256_of(tar)))
        .collect();
    ChainId::all(&diff_ids)
}

fn missing(store: &Store, chain: &ChainId, parent: Option<&ChainId>, lease: &Lease) -> LayerWork {
    match store
        .snapshots()
        .want_layer(chain, parent, lease)
        .expect("the layer is wanted")
    {
        WantedLayer::Missing(work) => work,
        WantedLayer::Present => panic!("the layer is there already"),
    }
}

fn go_on(_: terrarium_store::worker::Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

#[test]
fn a_compressed_layer_becomes_a_snapshot_named_by_its_chain() {
    if !privileged() {
        return;
    }
    let dir = tempfile::tempdir().expect("temporary folder");
    let store = open(dir.path());
    let lease = lease(&store, "pull");
    let layer = tar(&[("hello", "world")]);
    let chains = chain(&[&layer]);
    let work = missing(&store, &chains[0], None, &lease);
    let report = work
        .unpack(Cursor::new(gzip(&layer)), go_on)
        .expect("unpacks");
    assert_eq!(report.diff_id, Digest::sha256_of(&layer));
    assert_eq!(
        (report.entries, report.size.inodes, report.size.size_bytes),
        (1, 1, 5)
    );
    work.commit(&report).expect("commits");
    let list = store
        .snapshots()
        .info(&Name::from(&chains[0]))
        .expect("is there")
        .fs
        .with_file_name(terrarium_store::index::KEPT);
    let listed = LayerIndex::parse(&fs::read(list).expect("whoever unpacks also lists"));
    assert_eq!(listed.map(|listed| listed.len()), Ok(1));

    let overlay = store
        .snapshots()
        .mounts(&Name::from(&chains[0]))
        .expect("yields mounts");
    let hello = overlay.lowerdirs[0].join("hello");
    assert_eq!(fs::read_to_string(&hello).expect("is there"), "world");
    let meta = fs::metadata(&hello).expect("is there");
    assert_eq!(
        (meta.uid(), meta.gid(), meta.mtime()),
        (3, 4, 1_000_000_000)
    );
    let again = store
        .snapshots()
        .want_layer(&chains[0], None, &lease)
        .expect("is wanted");
    assert!(matches!(again, WantedLayer::Present));
    drop((store, again));
    let store = open(dir.path());
    assert!(store.snapshots().info(&Name::from(&chains[0])).is_some());
}

#[test]
fn layers_unpack_in_parallel_and_wait_only_for_what_they_refer_to() {
    if !privileged() {
        return;
    }
    let dir = tempfile::tempdir().expect("temporary folder");
    let store = open(dir.path());
    let lease = lease(&store, "pull");
    let (bottom, top) = (tar(&[("low", "content")]), {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Link);
        header.set_mode(0o644);
        header.set_size(0);
        header.as_old_mut().linkname[..3].copy_from_slice(b"low");
        header.as_old_mut().name[..5].copy_from_slice(b"alias");
        header.set_cksum();
        builder.append(&header, &[][..]).expect("append");
        builder.into_inner().expect("finish")
    });
    let chains = chain(&[&bottom, &top]);
    let below = missing(&store, &chains[0], None, &lease);
    let above = missing(&store, &chains[1], Some(&chains[0]), &lease);
    std::thread::scope(|scope| {
        // The upper layer is first to start, and its hard link leads into the lower one.
        let upper = scope.spawn(|| {
            let report = above.unpack(Cursor::new(gzip(&top)), go_on)?;
            above.commit(&report)
        });
        let report = below.unpack(Cursor::new(&bottom), go_on).expect("unpacks");
        below.commit(&report).expect("commits");
        upper
            .join()
            .expect("joins")
            .expect("the upper layer follows");
    });
    let overlay = store
        .snapshots()
        .mounts(&Name::from(&chains[1]))
        .expect("yields mounts");
    assert_eq!(overlay.lowerdirs.len(), 2);
    assert_eq!(
        fs::read_to_string(overlay.lowerdirs[0].join("alias")).expect("read"),
        "content"
    );
}

#[test]
fn a_layer_whose_lower_layer_is_given_up_fails_and_leaves_nothing() {
    if !privileged() {
        return;
    }
    let dir = tempfile::tempdir().expect("temporary folder");
    let store = open(dir.path());
    let lease = lease(&store, "pull");
    let (bottom, top) = (tar(&[("low", "")]), tar(&[("d/implicit", "")]));
    let chains = chain(&[&bottom, &top]);
    let below = missing(&store, &chains[0], None, &lease);
    let above = missing(&store, &chains[1], Some(&chains[0]), &lease);
    std::thread::scope(|scope| {
        let upper = scope.spawn(move || above.unpack(Cursor::new(&top), go_on));
        drop(below);
        let error = upper.join().expect("joins").expect_err("fails");
        assert!(matches!(error, Error::LayerAbandoned(_)), "{error}");
    });
    assert!(store.snapshots().list().is_empty());
    let left = fs::read_dir(dir.path().join("snapshots"))
        .expect("list")
        .count();
    assert_eq!(left, 1, "only the empty layer stays");
}

#[test]
fn refusals_name_the_entry_and_wrong_layers_are_not_committed() {
    if !privileged() {
        return;
    }
    let dir = tempfile::tempdir().expect("temporary folder");
    let store = open(dir.path());
    let lease = lease(&store, "pull");
    let (good, bad) = (tar(&[("a", "")]), tar(&[("dir/.wh..", "")]));
    let chains = chain(&[&good]);
    let work = missing(&store, &chains[0], None, &lease);
    match work.unpack(Cursor::new(&bad), go_on) {
        Err(Error::Layer(failure)) => {
            assert_eq!(failure.kind, FailureKind::Invalid);
            assert!(failure.message.contains("`dir/.wh..`"), "{failure}");
        }
        other => panic!("{other:?}"),
    }
    drop(work);
    let work = missing(&store, &chains[0], None, &lease);
    let cut = gzip(&good);
    match work.unpack(Cursor::new(&cut[..cut.len() - 9]), go_on) {
        Err(Error::Layer(failure)) => assert_eq!(failure.kind, FailureKind::Stream),
        other => panic!("{other:?}"),
    }
    drop(work);
    let work = missing(&store, &chains[0], None, &lease);
    let other = tar(&[("b", "")]);
    let report = work.unpack(Cursor::new(&other), go_on).expect("unpacks");
    assert!(matches!(
        work.commit(&report),
        Err(Error::ChainMismatch { .. })
    ));
    assert!(store.snapshots().list().is_empty());
}

#[test]
fn unpacking_stops_when_told_to_and_when_the_download_is_given_up() {
    if !privileged() {
        return;
    }
    let dir = tempfile::tempdir().expect("temporary folder");
    let store = open(dir.path());
    let lease = lease(&store, "pull");
    let layer = tar(&[("a", &"x".repeat(100_000))]);
    let chains = chain(&[&layer]);
    let descriptor = terrarium_oci::Descriptor::of(
        terrarium_oci::MediaType::OciLayer(terrarium_oci::Compression::None),
        &layer,
    );
    let work = missing(&store, &chains[0], None, &lease);
    let Wanted::Missing(mut ingest) = store.content().want(&descriptor, &lease).expect("wanted")
    else {
        panic!("the blob is there already")
    };
    let follow = ingest.follow().expect("follows");
    ingest.write(&layer[..50_000]).expect("writes");
    std::thread::scope(|scope| {
        let unpacking = scope.spawn(|| work.unpack(follow, go_on));
        drop(ingest);
        assert!(unpacking.join().expect("joins").is_err());
    });
    drop(work);
    // The part is kept: the next try goes on with it, and the worker reads along from the start.
    let work = missing(&store, &chains[0], None, &lease);
    let Wanted::Missing(mut ingest) = store.content().want(&descriptor, &lease).expect("wanted")
    else {
        panic!("the blob is there already")
    };
    assert_eq!(ingest.offset(), 50_000);
    let follow = ingest.follow().expect("follows");
    std::thread::scope(|scope| {
        let unpacking = scope.spawn(|| work.unpack(follow, go_on));
        ingest.write(&layer[50_000..]).expect("writes");
        ingest.commit().expect("commits");
        let report = unpacking.join().expect("joins").expect("unpacks");
        assert_eq!(report.diff_id, Digest::sha256_of(&layer));
    });
}

#[test]
fn a_full_disk_is_said_to_be_full_and_leaves_nothing_half_done() {
    if !privileged() {
        return;
    }
    use nix::mount::{MntFlags, MsFlags, mount, umount2};
    let dir = tempfile::tempdir().expect("temporary folder");
    // In a mount namespace of this thread, which its worker and nobody else shares.
    nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNS).expect("unshare");
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(None::<&str>, "/", None::<&str>, private, None::<&str>).expect("make private");
    let (tmpfs, none) = (Some("tmpfs"), MsFlags::empty());
    mount(tmpfs, dir.path(), tmpfs, none, Some("size=8m")).expect("mount");
    let store = open(dir.path());
    let lease = lease(&store, "pull");
    let layer = tar(&[("big", &"x".repeat(12 << 20))]);
    let chains = chain(&[&layer]);
    let work = missing(&store, &chains[0], None, &lease);
    let error = work
        .unpack(Cursor::new(gzip(&layer)), go_on)
        .expect_err("is full");
    assert!(error.is_full(), "{error}");
    drop(work);
    let descriptor = terrarium_oci::Descriptor::of(
        terrarium_oci::MediaType::OciLayer(terrarium_oci::Compression::None),
        &layer,
    );
    let Wanted::Missing(mut ingest) = store.content().want(&descriptor, &lease).expect("wanted")
    else {
        panic!("the blob is there already")
    };
    let error = layer
        .chunks(1 << 20)
        .find_map(|part| ingest.write(part).err())
        .expect("is full");
    assert!(matches!(error, Error::Full { .. }), "{error}");
    let kept = ingest.offset();
    assert!(kept > 4 << 20 && kept < 8 << 20);
    // References, leases and snapshots cannot be written now, and say so.
    let name = Name::new("container").expect("is a name");
    let full = (0..10_000).find_map(|n| {
        let key = Name::new(format!("{name}-{n}")).expect("is a name");
        store.snapshots().prepare(&key, None, &lease).err()
    });
    assert!(full.expect("is full at last").is_full());
    ingest.abort().expect("gives up");
    drop((lease, store));
    let store = open(dir.path());
    assert!(!store.content().has(&descriptor.digest));
    assert!(store.snapshots().info(&Name::from(&chains[0])).is_none());
    drop(store);
    umount2(dir.path(), MntFlags::MNT_DETACH).expect("unmount");
}

#[test]
fn the_worker_sees_nothing_but_its_folder_and_holds_few_capabilities() {
    if !privileged() {
        return;
    }
    use std::process::{Command, Stdio};
    let dir = tempfile::tempdir().expect("temporary folder");
    let snapshot = dir.path().join("0");
    fs::create_dir_all(snapshot.join("fs")).expect("make folder");
    let mut child = Command::new(env!("CARGO_BIN_EXE_terrarium-runtime"))
        .args(["worker", "apply", "--snapshot"])
        .arg(&snapshot)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut stdin = child.stdin.take().expect("is piped");
    // An entry without data yet: the worker has locked itself up and waits for the rest.
    let layer = tar(&[("f", &"x".repeat(600_000))]);
    stdin.write_all(&layer[..300_000]).expect("writes");
    let proc = Path::new("/proc").join(child.id().to_string());
    for _ in 0..1000 {
        if snapshot.join("fs/f").exists() {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let status = fs::read_to_string(proc.join("status")).expect("is running");
    let fields: BTreeMap<&str, &str> = status
        .lines()
        .filter_map(|line| line.split_once(":\t"))
        .collect();
    assert_eq!(fields["CapEff"], "000000008800001b");
    assert_eq!(fields["CapBnd"], "000000008820001b");
    assert_eq!(fields["NoNewPrivs"], "1");
    let mounts = fs::read_to_string(proc.join("mountinfo")).expect("is running");
    assert_eq!(mounts.lines().count(), 1, "{mounts}");
    drop(stdin);
    let output = child.wait_with_output().expect("ends");
    assert!(String::from_utf8_lossy(&output.stdout).contains(r#""kind":"stream""#));
}

/// A user with subordinate ids, made for a test and removed with it.
struct User {
    name: String,
    uid: u32,
}

impl User {
    fn make() -> Option<Self> {
        let name = format!("terrarium-t{}", std::process::id());
        let made = std::process::Command::new("useradd")
            .args(["-m", &name])
            .status();
        let id = std::process::Command::new("id")
            .args(["-u", &name])
            .output()
            .ok()?;
        let uid = String::from_utf8_lossy(&id.stdout).trim().parse().ok()?;
        made.is_ok_and(|status| status.success())
            .then_some(Self { name, uid })
    }

    fn maps(&self) -> terrarium_store::IdMaps {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let (subuid, subgid) = (read("/etc/subuid"), read("/etc/subgid"));
        terrarium_store::IdMaps::subordinate(&self.name, self.uid, self.uid, &subuid, &subgid)
    }
}

impl Drop for User {
    fn drop(&mut self) {
        let _ = std::process::Command::new("userdel")
            .args(["-r", &self.name])
            .output();
    }
}

#[test]
#[expect(
    clippy::too_many_lines,
    reason = "one story: what a user unpacks, measures and removes again"
)]
fn a_user_unpacks_measures_and_removes_layers_of_subordinate_owners() {
    use std::os::unix::fs::{PermissionsExt, chown};
    if !privileged() {
        return;
    }
    let Some(user) = User::make().filter(|user| !user.maps().is_single()) else {
        assert!(
            std::env::var_os("REQUIRE_PRIVILEGED").is_none(),
            "no user with subordinate ids"
        );
        eprintln!("SKIPPED: no user with subordinate ids can be made");
        return;
    };
    let dir = tempfile::tempdir().expect("temporary folder");
    chown(dir.path(), Some(user.uid), Some(user.uid)).expect("change owner");
    // The user cannot reach the build folder, so the program goes where it can.
    let program = dir.path().join("terrarium-runtime");
    fs::copy(env!("CARGO_BIN_EXE_terrarium-runtime"), &program).expect("copy");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("change mode");
    let snapshot = dir.path().join("snapshots/0");
    fs::create_dir_all(snapshot.join("fs")).expect("make folder");
    for path in [
        dir.path().join("snapshots"),
        snapshot.clone(),
        snapshot.join("fs"),
    ] {
        chown(path, Some(user.uid), Some(user.uid)).expect("change owner");
    }
    let maps = serde_json::to_string(&user.maps()).expect("maps are numbers");
    let run = |arguments: &[&str], input: &[u8]| {
        use std::io::Read;
        let (mut ours, theirs) = std::os::unix::net::UnixStream::pair().expect("connects");
        if arguments[0] == "apply" {
            // The answer lies ready for when the layers below are asked for.
            ours.write_all(b"{\"folders\":[\"1\"]}\n").expect("writes");
        }
        let mut command = std::process::Command::new("setpriv");
        command
            .args([
                "--reuid",
                &user.uid.to_string(),
                "--regid",
                &user.uid.to_string(),
            ])
            .args(["--clear-groups", "--inh-caps=-all"])
            .arg(&program)
            .arg("worker")
            .args(arguments)
            .args(["--id-maps", &maps])
            .stdin(std::process::Stdio::piped())
            .stdout(std::os::fd::OwnedFd::from(theirs));
        let mut child = command.spawn().expect("starts");
        drop(command);
        child
            .stdin
            .take()
            .expect("is piped")
            .write_all(input)
            .expect("writes");
        let mut said = String::new();
        ours.read_to_string(&mut said).expect("reads");
        child.wait().expect("ends");
        said
    };
    let below = dir.path().join("snapshots/1/fs");
    fs::create_dir_all(&below).expect("make folder");
    fs::write(below.join("gone"), "").expect("write");
    let at = snapshot.to_str().expect("is UTF-8");
    let layer = tar(&[
        ("dir/file", "owned by 3:4"),
        (".wh.gone", ""),
        ("dir/.wh..wh..opq", ""),
    ]);
    let said = run(&["apply", "--snapshot", at], &layer);
    assert!(
        said.contains("need_parents") && said.contains(r#""event":"done""#),
        "{said}"
    );
    let outside = user.maps().uids[1].outside + 2;
    assert_eq!(
        fs::metadata(snapshot.join("fs/dir/file"))
            .expect("is there")
            .uid(),
        outside
    );
    let gone = fs::symlink_metadata(snapshot.join("fs/gone")).expect("is there");
    assert!(
        gone.mode() & 0o170_000 == 0o020_000 && gone.rdev() == 0,
        "a removal for overlay"
    );
    let folder = fs::File::open(snapshot.join("fs/dir")).expect("opens");
    let mark = terrarium_sys::xattr::get(&folder, c"user.overlay.opaque").expect("reads");
    assert_eq!(mark.as_deref(), Some(&b"y"[..]));
    let said = run(&["usage", at], b"");
    assert!(
        said.contains(r#""event":"measured""#) && !said.contains(r#""size_bytes":0"#),
        "{said}"
    );
    let said = run(&["remove", at], b"");
    assert!(said.contains(r#""event":"measured""#), "{said}");
    assert!(!snapshot.exists());
}

#[test]
fn the_changes_of_a_container_become_a_layer() {
    if !privileged() {
        return;
    }
    let dir = tempfile::tempdir().expect("temporary folder");
    let store = open(dir.path());
    let lease = lease(&store, "commit");
    let layer = tar(&[("old", ""), ("kept", "")]);
    let chains = chain(&[&layer]);
    let work = missing(&store, &chains[0], None, &lease);
    let report = work.unpack(Cursor::new(&layer), go_on).expect("unpacks");
    work.commit(&report).expect("commits");
    let key = Name::new("container").expect("is a name");
    store
        .snapshots()
        .prepare(&key, Some(&Name::from(&chains[0])), &lease)
        .expect("prepares");
    let upper = store.snapshots().info(&key).expect("is there").fs;
    fs::write(upper.join("new"), "made in the container").expect("write");
    let whiteout = nix::sys::stat::SFlag::S_IFCHR;
    for name in ["old", "never-there"] {
        nix::sys::stat::mknod(
            &upper.join(name),
            whiteout,
            nix::sys::stat::Mode::empty(),
            0,
        )
        .expect("make whiteout");
    }
    let mut tar = Vec::new();
    let changes = store.snapshots().diff(&key, &mut tar).expect("writes");
    assert_eq!((changes.entries, changes.whiteouts), (2, 1));
    assert_eq!(changes.tar_bytes, tar.len() as u64);
    assert_eq!(changes.diff_id.0, Digest::sha256_of(&tar));
    let mut archive = tar::Archive::new(tar.as_slice());
    let names: Vec<_> = archive
        .entries()
        .expect("is a tar")
        .map(|entry| {
            entry
                .expect("is an entry")
                .path()
                .expect("has a name")
                .into_owned()
        })
        .collect();
    assert_eq!(names, [Path::new(".wh.old"), Path::new("new")]);

    let taken = store.take_layer(Cursor::new(tar.clone()), &lease);
    let (layer, diff_id) = taken.expect("is kept");
    assert_eq!(diff_id, changes.diff_id);
    let blob = store.content().blob(&layer.digest).expect("is there");
    assert_eq!(blob.size_bytes, layer.size_bytes);
    let mut unpacked = Vec::new();
    let mut decoder = flate2::read::MultiGzDecoder::new(blob.file);
    decoder.read_to_end(&mut unpacked).expect("is gzip");
    assert!(unpacked == tar);
}
