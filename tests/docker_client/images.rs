use terrarium_tests::Image;

use crate::setup;

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
