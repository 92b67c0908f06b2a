use terrarium_tests::{Image, Registry};

use crate::{setup, with_alpine};

#[test]
fn pull_tells_its_progress_and_then_that_nothing_is_new() {
    let Some(setup) = setup() else { return };
    let said = setup.ok(&["pull", "alpine"]);
    for part in [
        "latest: Pulling from library/alpine",
        ": Pull complete",
        "Digest: sha256:",
        "docker.io/library/alpine:latest",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let again = setup.ok(&["pull", "alpine"]);
    assert!(
        again.contains("Status: Image is up to date for alpine:latest"),
        "{again}"
    );
}

#[test]
fn pull_of_a_name_that_is_not_there_says_so() {
    let Some(setup) = setup() else { return };
    let name = format!("{}/acme/lost:1", setup.registry.address());
    let said = setup.fails(1, &["pull", &name]);
    assert!(said.contains("not found"), "{said}");
    let said = setup.fails(1, &["pull", "Bad_Name"]);
    assert!(said.contains("invalid reference format"), "{said}");
}

#[test]
fn images_are_listed_tagged_looked_into_and_removed() {
    let Some(setup) = setup() else { return };
    setup.ok(&["pull", "-q", "alpine"]);
    setup.ok(&["tag", "alpine", "localhost:5000/mine:1"]);
    let format = ["images", "--format", "{{.Repository}}:{{.Tag}}"];
    let mut names: Vec<String> = setup.ok(&format).lines().map(str::to_owned).collect();
    names.sort();
    assert_eq!(names, ["alpine:latest", "localhost:5000/mine:1"]);
    let only = setup.ok(&["images", "-q", "--filter", "reference=localhost:5000/*"]);
    assert_eq!(only.lines().count(), 1);
    assert_eq!(
        setup.field("alpine", "{{.Os}} {{json .Config.Cmd}}"),
        "linux [\"sh\"]"
    );
    assert_eq!(setup.field("alpine", "{{len .RootFS.Layers}}"), "1");
    assert!(setup.ok(&["history", "-q", "alpine"]).starts_with(&only));

    let said = setup.ok(&["rmi", "localhost:5000/mine:1"]);
    assert_eq!(said, "Untagged: localhost:5000/mine:1");
    setup.ok(&["create", "--name", "user", "alpine"]);
    let said = setup.fails(1, &["rmi", "alpine"]);
    assert!(said.contains("conflict"), "{said}");
    setup.ok(&["rm", "user"]);
    let said = setup.ok(&["rmi", "alpine"]);
    assert!(
        said.contains("Untagged: alpine:latest") && said.contains("Deleted: sha256:"),
        "{said}"
    );
    let said = setup.fails(1, &["rmi", "alpine"]);
    assert!(said.contains("No such image"), "{said}");
}

#[test]
fn an_image_is_pulled_and_run_by_its_digest() {
    let Some(setup) = setup() else { return };
    setup.ok(&["pull", "-q", "alpine"]);
    let by_digest = setup.field("alpine", "{{index .RepoDigests 0}}");
    assert!(by_digest.starts_with("alpine@sha256:"), "{by_digest}");
    setup.ok(&["pull", "-q", &by_digest]);
    assert_eq!(setup.ok(&["run", "--rm", &by_digest, "echo", "hi"]), "hi");
}

#[test]
fn layers_that_are_here_are_not_downloaded_again() {
    let Some(setup) = setup() else { return };
    let image = Image {
        files: &[("/etc/motd", "hello"), ("/etc/other", "world")],
        settings: &[
            "--config.user=user",
            "--config.workingdir=/etc",
            "--config.label=a=b",
            "--config.exposedports=80/tcp",
        ],
        ..Image::busybox("acme/web:1")
    };
    setup.registry.push(&image).expect("it is pushed");
    setup.ok(&["pull", "-q", "alpine"]);
    let said = setup.ok(&["pull", "acme/web:1"]);
    assert!(said.contains("Already exists"), "{said}");
    assert_eq!(
        setup.ok(&["run", "--rm", "acme/web:1", "cat", "motd", "other"]),
        "helloworld"
    );
    assert_eq!(setup.ok(&["run", "--rm", "acme/web:1", "id", "-u"]), "1000");
    setup.ok(&["create", "--name", "c1", "-l", "own=1", "acme/web:1"]);
    let shown = setup.field(
        "c1",
        "{{.Config.User}} {{json .Config.Labels}} {{json .Config.ExposedPorts}}",
    );
    assert_eq!(shown, r#"user {"a":"b","own":"1"} {"80/tcp":{}}"#);
    assert_eq!(
        setup.ok(&["ps", "-aq", "--no-trunc", "-f", "ancestor=acme/web:1"]),
        setup.field("c1", "{{.Id}}")
    );
}

#[test]
fn prune_removes_images_that_nothing_uses() {
    let Some(setup) = setup() else { return };
    setup.ok(&["pull", "-q", "alpine"]);
    setup.ok(&["image", "prune", "-f"]);
    assert_eq!(
        setup.ok(&["images", "-q"]).lines().count(),
        1,
        "it has a name"
    );
    let said = setup.ok(&["image", "prune", "-af"]);
    assert!(said.contains("Deleted Images"), "{said}");
    assert_eq!(setup.ok(&["images", "-q"]), "");
}

#[test]
fn a_pushed_image_is_the_same_for_whoever_pulls_it() {
    let Some(setup) = with_alpine() else { return };
    let name = format!("{}/acme/web:1", setup.registry.address());
    setup.ok(&["tag", "alpine", &name]);
    let said = setup.ok(&["push", &name]);
    for part in ["The push refers to repository", "1: digest: sha256:"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let again = setup.ok(&["push", &name]);
    assert!(again.contains("Layer already exists"), "{again}");
    let id = setup.field(&name, "{{.Id}}");
    setup.ok(&["rmi", "-f", &name, "alpine"]);
    setup.ok(&["pull", "-q", &name]);
    assert_eq!(setup.field(&name, "{{.Id}}"), id);
    assert_eq!(setup.ok(&["run", "--rm", &name, "echo", "hi"]), "hi");
}

#[test]
fn a_blob_that_the_registry_has_elsewhere_is_not_sent_again() {
    let Some(setup) = with_alpine() else { return };
    let address = setup.registry.address();
    let (one, other) = (
        format!("{address}/acme/one:1"),
        format!("{address}/acme/other:1"),
    );
    setup.ok(&["tag", "alpine", &one]);
    setup.ok(&["push", "-q", &one]);
    setup.ok(&["tag", "alpine", &other]);
    let said = setup.ok(&["push", &other]);
    assert!(said.contains("Mounted from"), "{said}");
}

#[test]
fn a_push_needs_the_password_that_the_registry_wants() {
    let Some(setup) = with_alpine() else { return };
    let guarded = Registry::secured("ada", "secret").expect("a registry starts");
    let name = format!("{}/acme/web:1", guarded.address());
    setup.ok(&["tag", "alpine", &name]);
    let said = setup.fails(1, &["push", &name]);
    assert!(said.contains("sign in"), "{said}");
    let sign_in = ["login", "-u", "ada", "--password-stdin", &guarded.address()];
    assert_ne!(setup.host.docker_with(&sign_in, "wrong").code, Some(0));
    setup.host.docker_with(&sign_in, "secret").ok();
    setup.ok(&["push", "-q", &name]);
    setup.ok(&["pull", "-q", &name]);
}

#[test]
fn a_saved_image_is_loaded_with_its_names_and_digests() {
    let Some(setup) = with_alpine() else { return };
    let id = setup.field("alpine", "{{.Id}}");
    let file = setup.host.scratch().join("saved.tar");
    let path = file.display().to_string();
    setup.ok(&["save", "-o", &path, "alpine"]);
    let saved = std::fs::read(&file).expect("it is there");
    setup.ok(&["save", "-o", &path, "alpine:latest"]);
    assert!(
        saved == std::fs::read(&file).expect("it is there"),
        "the same bytes again"
    );

    setup.ok(&["rmi", "alpine"]);
    let gzip = std::process::Command::new("gzip")
        .arg("-k")
        .arg(&file)
        .status();
    assert!(gzip.expect("gzip is there").success());
    let said = setup.ok(&["load", "-i", &format!("{path}.gz")]);
    assert_eq!(said, "Loaded image: alpine:latest");
    assert_eq!(setup.field("alpine", "{{.Id}}"), id);
    assert_eq!(setup.ok(&["run", "--rm", "alpine", "echo", "hi"]), "hi");
}

/// Runs skopeo; what it printed.
#[track_caller]
fn skopeo(arguments: &[&str]) -> String {
    let ran = std::process::Command::new("skopeo")
        .args(arguments)
        .output();
    let ran = ran.expect("skopeo is installed");
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "skopeo {arguments:?}: {said}");
    String::from_utf8_lossy(&ran.stdout).trim().to_owned()
}

#[test]
fn archives_go_to_and_from_other_tools() {
    let Some(setup) = with_alpine() else { return };
    let id = setup.field("alpine", "{{.Id}}");
    let path = |name: &str| setup.host.scratch().join(name).display().to_string();
    let saved = path("saved.tar");
    setup.ok(&["save", "-o", &saved, "alpine"]);
    // Both of what the archive is: Docker's and an OCI layout.
    let docker = format!("docker-archive:{saved}");
    let config = skopeo(&["inspect", "--config", "--raw", &docker]);
    assert!(config.contains("rootfs"), "{config}");
    let oci = format!("oci-archive:{saved}:latest");
    let digest = skopeo(&["inspect", "--format", "{{.Digest}}", &oci]);
    let ours = setup.field("alpine", "{{index .RepoDigests 0}}");
    assert!(ours.ends_with(&digest), "{ours} {digest}");

    for (kind, name) in [
        ("docker-archive", "other/docker:1"),
        ("oci-archive", "other/oci:1"),
    ] {
        let file = path(&format!("{kind}.tar"));
        let to = format!("{kind}:{file}:docker.io/{name}");
        skopeo(&["copy", "-q", &docker, &to]);
        setup.ok(&["load", "-i", &file]);
        let loaded = setup.field(name, "{{.Id}}");
        // An OCI config says the same in other words, and so has another digest.
        assert!(kind == "oci-archive" || loaded == id, "{kind}: {loaded}");
        assert_eq!(setup.ok(&["run", "--rm", name, "echo", "hi"]), "hi");
    }
}

#[test]
fn what_is_no_archive_of_images_is_refused_and_leaves_nothing() {
    let Some(setup) = with_alpine() else { return };
    let before = setup.ok(&["images", "-q"]);
    let file = setup.host.scratch().join("bad.tar");
    let path = file.display().to_string();
    for bytes in [
        &b"no tar at all, but some text that is long enough"[..],
        b"",
        &[0; 10_240],
    ] {
        std::fs::write(&file, bytes).expect("it is written");
        setup.fails(1, &["load", "-i", &path]);
    }
    assert_eq!(setup.ok(&["images", "-q"]), before);
    let said = setup.fails(1, &["save", "-o", &path, "nosuch:1"]);
    assert!(said.to_lowercase().contains("no such image"), "{said}");
}
