//! Images of unusual shapes, and images that other tools make and read.

use std::{
    fmt::Write as _,
    fs::{self, File},
    io::{BufWriter, Read as _},
    path::Path,
    process::Command,
    time::Instant,
};

use crate::with_alpine;

/// Runs a tool that must end well; what it printed.
#[track_caller]
fn tool(program: &str, arguments: &[&str]) -> String {
    let ran = Command::new(program).args(arguments).output();
    let ran = ran.expect("it is installed");
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{program} {arguments:?}: {said}");
    String::from_utf8_lossy(&ran.stdout).trim().to_owned()
}

/// What podman and skopeo keep, in a folder of its own.
struct Podman(String);

impl Podman {
    #[track_caller]
    fn run(&self, arguments: &[&str]) -> String {
        let (root, run) = (format!("{}/root", self.0), format!("{}/run", self.0));
        let own = [
            "--root",
            &root,
            "--runroot",
            &run,
            "--storage-driver",
            "vfs",
        ];
        tool("podman", &[&own[..], arguments].concat())
    }
}

#[test]
fn podman_reads_what_we_save_and_we_read_what_it_saves() {
    let Some(setup) = with_alpine() else { return };
    let path = |name: &str| setup.host.scratch().join(name).display().to_string();
    let podman = Podman(path("podman"));
    let saved = path("ours.tar");
    setup.ok(&["save", "-o", &saved, "alpine"]);
    podman.run(&["load", "-q", "-i", &saved]);
    let id = |text: &str| text.trim_start_matches("sha256:").to_owned();
    let ours = id(&setup.field("alpine", "{{.Id}}"));
    let theirs = podman.run(&["image", "inspect", "--format", "{{.Id}}", "alpine"]);
    assert_eq!(id(&theirs), ours);
    let digest = podman.run(&["image", "inspect", "--format", "{{.Digest}}", "alpine"]);
    assert!(digest.starts_with("sha256:"), "{digest}");

    podman.run(&["tag", "alpine", "localhost/theirs:1"]);
    for format in ["docker-archive", "oci-archive"] {
        let file = path(&format!("{format}.tar"));
        podman.run(&[
            "save",
            "-q",
            "--format",
            format,
            "-o",
            &file,
            "localhost/theirs:1",
        ]);
        setup.ok(&["rmi", "-f", "alpine"]);
        setup.ok(&["load", "-i", &file]);
        let layer = "{{index .RootFS.Layers 0}}";
        let loaded = setup.field("localhost/theirs:1", layer);
        assert!(loaded.starts_with("sha256:"), "{format}: {loaded}");
        let said = setup.ok(&["run", "--rm", "localhost/theirs:1", "echo", format]);
        assert_eq!(said, format);
    }
    podman.run(&["rmi", "-af"]);
}

#[test]
fn umoci_unpacks_what_we_save_and_we_load_what_it_packs() {
    let Some(setup) = with_alpine() else { return };
    let path = |name: &str| setup.host.scratch().join(name).display().to_string();
    let (saved, layout, bundle) = (path("ours.tar"), path("layout"), path("bundle"));
    setup.ok(&["save", "-o", &saved, "alpine"]);
    let target = format!("oci:{layout}:it");
    tool(
        "skopeo",
        &["copy", "-q", &format!("oci-archive:{saved}"), &target],
    );
    let image = format!("{layout}:it");
    tool("umoci", &["unpack", "--image", &image, &bundle]);
    fs::write(Path::new(&bundle).join("rootfs/etc/added"), "by umoci").expect("a file");
    fs::remove_file(Path::new(&bundle).join("rootfs/etc/group")).expect("it was there");
    tool("umoci", &["repack", "--image", &image, &bundle]);
    let packed = path("packed.tar");
    let archive = format!("oci-archive:{packed}:docker.io/library/packed:1");
    tool("skopeo", &["copy", "-q", &target, &archive]);
    setup.ok(&["load", "-i", &packed]);
    assert_eq!(setup.field("packed:1", "{{len .RootFS.Layers}}"), "2");
    assert_eq!(
        setup.ok(&["run", "--rm", "packed:1", "cat", "/etc/added"]),
        "by umoci"
    );
    setup.fails(1, &["run", "--rm", "packed:1", "cat", "/etc/group"]);
}

#[test]
fn an_image_of_127_layers_is_made_pushed_pulled_and_run() {
    let Some(setup) = with_alpine() else { return };
    const LAYERS: usize = 127;
    let folder = setup.host.scratch().join("many");
    fs::create_dir(&folder).expect("a folder");
    let mut dockerfile = String::from("FROM alpine\n");
    for number in 1..LAYERS {
        fs::write(folder.join(number.to_string()), number.to_string()).expect("a file");
        let _ = writeln!(dockerfile, "COPY {number} /many/{number}");
    }
    fs::write(folder.join("Dockerfile"), dockerfile).expect("a file");
    let away = format!("{}/many:1", setup.registry.address());
    setup.ok(&["build", "-q", "-t", &away, &folder.display().to_string()]);
    assert_eq!(
        setup.field(&away, "{{len .RootFS.Layers}}"),
        LAYERS.to_string()
    );
    setup.ok(&["push", "-q", &away]);
    let id = setup.field(&away, "{{.Id}}");
    setup.ok(&["rmi", &away]);
    setup.ok(&["pull", "-q", &away]);
    assert_eq!(setup.field(&away, "{{.Id}}"), id);
    let count = [
        "run",
        "--rm",
        &away,
        "sh",
        "-c",
        "ls /many | wc -l; cat /many/126",
    ];
    assert_eq!(setup.ok(&count), "126\n126");
}

/// A gigabyte, or TERRARIUM_MIB, through every tool; `cargo test … -- --ignored gigabyte --nocapture` prints how long
/// each way took.
#[test]
#[ignore = "it takes minutes and ten times its size of disk"]
fn an_image_of_a_gigabyte_keeps_its_digests_through_every_tool() {
    let Some(setup) = with_alpine() else { return };
    let size = std::env::var("TERRARIUM_MIB").ok();
    let size: u64 = size.and_then(|size| size.parse().ok()).unwrap_or(1024);
    let path = |name: &str| setup.host.scratch().join(name).display().to_string();
    let (root, saved) = (path("root.tar"), path("saved.tar"));
    write_large(Path::new(&root), size).expect("a tar");
    let layers = "{{json .RootFS.Layers}}";
    step("import", &|| drop(setup.ok(&["import", &root, "large:1"])));
    fs::remove_file(&root).expect("it was there");
    let (id, made) = (
        setup.field("large:1", "{{.Id}}"),
        setup.field("large:1", layers),
    );

    let away = format!("{}/large:1", setup.registry.address());
    setup.ok(&["tag", "large:1", &away]);
    step("push", &|| drop(setup.ok(&["push", "-q", &away])));
    step("save", &|| {
        drop(setup.ok(&["save", "-o", &saved, "large:1"]))
    });
    setup.ok(&["rmi", "-f", &id]);
    step("pull", &|| drop(setup.ok(&["pull", "-q", &away])));
    assert_eq!(
        (setup.field(&away, "{{.Id}}"), setup.field(&away, layers)),
        (id.clone(), made.clone())
    );
    setup.ok(&["rmi", "-f", &id]);

    other_tools_read(setup.host.scratch(), &saved, (&id, size));
    step("load", &|| drop(setup.ok(&["load", "-i", &saved])));
    assert_eq!(
        (
            setup.field("large:1", "{{.Id}}"),
            setup.field("large:1", layers)
        ),
        (id, made)
    );
}

/// What the others make of a saved image of this id.
fn other_tools_read(scratch: &Path, saved: &str, (id, mebibytes): (&str, u64)) {
    let path = |name: &str| scratch.join(name).display().to_string();
    let layout = path("layout");
    let target = format!("oci:{layout}:it");
    step("skopeo reads ours", &|| {
        tool(
            "skopeo",
            &["copy", "-q", &format!("oci-archive:{saved}"), &target],
        );
    });
    let bundle = path("bundle");
    step("umoci unpacks ours", &|| {
        tool(
            "umoci",
            &["unpack", "--image", &format!("{layout}:it"), &bundle],
        );
    });
    let large = fs::metadata(Path::new(&bundle).join("rootfs/large")).expect("it is there");
    assert_eq!(large.len(), mebibytes << 20);
    fs::remove_dir_all(&bundle).expect("it was there");
    let podman = Podman(path("podman"));
    step("podman loads ours", &|| {
        drop(podman.run(&["load", "-q", "-i", saved]))
    });
    let theirs = podman.run(&["image", "inspect", "--format", "{{.Id}}", "large:1"]);
    assert_eq!(theirs, id.trim_start_matches("sha256:"));
    podman.run(&["rmi", "-af"]);
}

/// Does it, and prints how long it took.
fn step(what: &str, work: &dyn Fn()) {
    let started = Instant::now();
    work();
    eprintln!("{what}: {:.1} s", started.elapsed().as_secs_f64());
}

/// Busybox, and one file of so many MiB that do not compress.
fn write_large(path: &Path, mebibytes: u64) -> std::io::Result<()> {
    let mut tar = tar::Builder::new(BufWriter::new(File::create(path)?));
    tar.append_path_with_name("/bin/busybox", "busybox")?;
    let mut header = tar::Header::new_gnu();
    header.set_size(mebibytes << 20);
    header.set_mode(0o644);
    let noise = File::open("/dev/urandom")?.take(mebibytes << 20);
    tar.append_data(&mut header, "large", noise)?;
    tar.into_inner()?.into_inner()?.sync_all()
}

#[test]
fn an_image_of_many_files_is_taken_in_changed_and_given_back() {
    let Some(setup) = with_alpine() else { return };
    // A hundred thousand, where a machine has the time: TERRARIUM_FILES.
    let files = std::env::var("TERRARIUM_FILES").ok();
    let files: usize = files.and_then(|files| files.parse().ok()).unwrap_or(20_000);
    let path = setup.host.scratch().join("files.tar");
    write_files(&path, files).expect("a tar");
    let file = path.display().to_string();
    setup.ok(&["import", &file, "files:1"]);
    let count = "/busybox find /files -type f | /busybox wc -l";
    let run = ["run", "--name", "box", "files:1", "/busybox", "sh", "-c"];
    let script = format!("/busybox rm /files/7/7; {count}");
    assert_eq!(
        setup.ok(&[&run[..], &[&script]].concat()),
        (files - 1).to_string()
    );
    assert_eq!(setup.ok(&["diff", "box"]), "C /files/7\nD /files/7/7");
    setup.ok(&["commit", "box", "files:2"]);
    let again = ["run", "--rm", "files:2", "/busybox", "ls", "/files/7"];
    assert!(!setup.ok(&again).lines().any(|name| name == "7"));
}

/// Busybox, and files in folders of a thousand.
fn write_files(path: &Path, files: usize) -> std::io::Result<()> {
    let mut tar = tar::Builder::new(BufWriter::new(File::create(path)?));
    tar.append_path_with_name("/bin/busybox", "busybox")?;
    for number in 0..files {
        let name = format!("files/{}/{}", number / 1000, number % 1000);
        let mut header = tar::Header::new_ustar();
        header.set_size(1);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, &b"x"[..])?;
    }
    tar.into_inner()?.into_inner()?.sync_all()
}
