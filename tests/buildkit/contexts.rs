//! Files of the client: those that change between builds, and those that stand for an image or a stage.

use std::fs;

use super::{Setup, said_of, setup, with_buildx};

fn sent(said: &str) -> &str {
    let context = said_of(said, "[internal] load build context");
    let line = context
        .into_iter()
        .find(|line| line.starts_with("transferring context:"));
    line.unwrap_or_else(|| panic!("{said}"))
}

fn only_changes_travel(setup: &Setup) {
    let text = "FROM alpine\nCOPY . /in\nRUN cat /in/small && wc -c < /in/large\n";
    let files = [("Dockerfile", text), ("small", "first\n"), ("gone", "x")];
    let folder = setup.host.folder("changing", &files);
    fs::write(folder.join("large"), vec![b'x'; 6 << 20]).expect("a file");
    let said = setup.built(&["-t", "acme/changing"], &folder);
    assert!(sent(&said).contains("MB"), "{said}");

    // The cache is not asked, so that all files are really read.
    let again = ["-t", "acme/changing", "--no-cache"];
    let said = setup.built(&again, &folder);
    assert!(!sent(&said).contains("MB"), "{said}");
    assert!(said.contains(" first"), "{said}");

    fs::write(folder.join("small"), "second\n").expect("a file");
    fs::remove_file(folder.join("gone")).expect("a file");
    let said = setup.built(&again, &folder);
    assert!(!sent(&said).contains("MB"), "{said}");
    assert!(
        said.contains(" second") && said.contains(" 6291456"),
        "{said}"
    );
    let listed = setup.ok(&["run", "--rm", "acme/changing", "ls", "/in"]);
    assert_eq!(listed, "Dockerfile\nlarge\nsmall");
}

#[test]
fn only_what_changed_travels_from_the_docker_client() {
    let Some(setup) = setup() else { return };
    only_changes_travel(&setup);
}

#[test]
fn only_what_changed_travels_from_buildx() {
    let Some(setup) = with_buildx() else { return };
    only_changes_travel(&setup);
}

#[test]
fn folders_and_images_stand_for_images_and_stages() {
    let Some(setup) = with_buildx() else { return };
    let text = "\
FROM alpine AS made
RUN exit 9
FROM more AS copied
FROM base
COPY --from=more word /more
COPY --from=copied word /copied
COPY --from=made word /made
RUN --mount=from=more,target=/mounted cat /mounted/word /more /copied /made && cat /of-the-base
";
    let folder = setup.host.folder("named", &[("Dockerfile", text)]);
    let base = "FROM alpine\nRUN echo other > /of-the-base\n";
    let based = setup.host.folder("other-base", &[("Dockerfile", base)]);
    setup.built(&["-t", "acme/other-base"], &based);
    let files = [
        ("word", "one\n"),
        ("left", "out"),
        (".dockerignore", "left\n"),
    ];
    let more = setup.host.folder("more", &files).display().to_string();
    let made = setup
        .host
        .folder("made", &[("word", "two\n")])
        .display()
        .to_string();
    let (more, made) = (format!("more={more}"), format!("made={made}"));
    let contexts = [
        "--build-context",
        &more,
        "--build-context",
        &made,
        "--build-context",
        "base=docker-image://acme/other-base",
    ];
    let said = setup.built(&[&["-t", "acme/named"], &contexts[..]].concat(), &folder);
    assert!(!said.contains("exit 9"), "{said}");
    let cat = "cat /more /copied /made /of-the-base";
    let shown = setup.ok(&["run", "--rm", "acme/named", "sh", "-c", cat]);
    assert_eq!(shown, "one\none\ntwo\nother");

    let text = "FROM more\n";
    fs::write(folder.join("Dockerfile"), text).expect("a file");
    let place = setup.host.scratch().join("only");
    let wanted = format!("type=local,dest={}", place.display());
    setup.built(&[&["-o", &wanted], &contexts[..2]].concat(), &folder);
    assert!(place.join("word").exists() && !place.join("left").exists());

    let ran = setup.build(
        &["--build-context", "more=https://h.invalid/x.git"],
        &folder,
    );
    let said = ran.fails(1);
    assert!(said.contains("not supported"), "{said}");
}
