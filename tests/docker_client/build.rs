//! `docker build` with the classic builder of the client.

use std::{fs, path::Path, process::Command};

use terrarium_tests::Ran;

use crate::{Setup, with_alpine};

impl Setup {
    fn build(&self, arguments: &[&str], folder: &Path) -> Ran {
        let folder = folder.display().to_string();
        let mut all = vec!["build"];
        all.extend(arguments);
        all.push(&folder);
        self.host.docker(&all)
    }
}

const WORDS: &str = "\
FROM alpine AS made
ARG WHO=nobody
RUN echo \"made for $WHO\" > /made && mkdir /only && touch /only/here
FROM alpine AS left-out
RUN exit 7
FROM alpine
LABEL kind=test
ENV GREETING=hello NAME=\"two words\"
WORKDIR /srv/app
COPY --from=made /made /only/ ./
COPY --chown=user:extra --chmod=640 data/ data/
COPY <<END note
say $GREETING
END
RUN cat made note && id -u > who
USER user
EXPOSE 80 53/udp
VOLUME /var/kept
HEALTHCHECK --interval=5s CMD true
ENTRYPOINT [\"cat\"]
CMD [\"note\"]
";

#[test]
fn an_image_is_built_run_and_built_again_from_the_cache() {
    let Some(setup) = with_alpine() else { return };
    let files = [
        ("Dockerfile", WORDS),
        ("data/a", "a"),
        ("data/b.log", "b"),
        (".dockerignore", "*.log\n**/*.log\n"),
    ];
    let folder = setup.host.folder("words", &files);
    let built = setup.build(&["-t", "acme/words:1", "--build-arg", "WHO=me"], &folder);
    let said = built.ok();
    assert!(said.contains("Successfully tagged acme/words:1"), "{said}");
    assert!(
        said.contains("made for me") && said.contains("say hello"),
        "{said}"
    );
    assert_eq!(setup.ok(&["run", "--rm", "acme/words:1"]), "say hello");
    let listing = ["run", "--rm", "--entrypoint", "sh", "acme/words:1", "-c"];
    let run = |script: &str| setup.ok(&[&listing[..], &[script]].concat());
    assert_eq!(
        run("ls /srv/app /srv/app/data | tr '\\n' ' '"),
        "/srv/app: data here made note who  /srv/app/data: a"
    );
    assert_eq!(run("stat -c '%u:%g %a' data/a"), "1000:2000 640");
    assert_eq!(run("cat who; echo $NAME"), "0\ntwo words");
    let facts = "{{.Config.User}} {{.Config.WorkingDir}} {{.Config.Labels.kind}} {{json .Config.ExposedPorts}}";
    assert_eq!(
        setup.field("acme/words:1", facts),
        "user /srv/app test {\"53/udp\":{},\"80/tcp\":{}}"
    );

    let before = setup.field("acme/words:1", "{{json .RootFS.Layers}}");
    let touched = Command::new("touch").arg(folder.join("data/a")).status();
    assert!(touched.is_ok_and(|status| status.success()));
    let again = setup.build(&["-t", "acme/words:2", "--build-arg", "WHO=me"], &folder);
    let said = again.ok();
    assert_eq!(said.matches("Using cache").count(), 6, "{said}");
    assert_eq!(
        setup.field("acme/words:2", "{{json .RootFS.Layers}}"),
        before
    );
    let id = |name: &str| setup.field(name, "{{.Id}}");
    assert_eq!(
        id("acme/words:2"),
        id("acme/words:1"),
        "nothing new, no new image"
    );

    fs::write(folder.join("data/a"), "other").expect("a file");
    let said = setup
        .build(&["-t", "acme/words:3", "--build-arg", "WHO=me"], &folder)
        .ok()
        .to_owned();
    assert_eq!(said.matches("Using cache").count(), 3, "{said}");
}

#[test]
fn an_archive_is_unpacked_and_the_old_form_of_a_dockerfile_works() {
    let Some(setup) = with_alpine() else { return };
    let dockerfile = "\
FROM acme/base:1
MAINTAINER Somebody <some@example.com>
ADD app.tar.gz /opt/
ADD start.sh /opt/start.sh
ADD settings /etc/app/
RUN busybox ln -s /opt/app-1.0 /opt/app
EXPOSE 8080
EXPOSE 8443
CMD [\"sh\", \"/opt/start.sh\"]
";
    setup.ok(&["tag", "alpine", "acme/base:1"]);
    let files = [
        ("Dockerfile", dockerfile),
        ("start.sh", "cat /opt/app/version /etc/app/settings\n"),
        ("settings", "set\n"),
        ("in/app-1.0/version", "1.0\n"),
    ];
    let folder = setup.host.folder("old", &files);
    let made = Command::new("tar")
        .arg("-C")
        .arg(folder.join("in"))
        .arg("-czf")
        .arg(folder.join("app.tar.gz"))
        .arg("app-1.0")
        .status();
    assert!(made.is_ok_and(|status| status.success()));
    setup.build(&["-t", "acme/old"], &folder).ok();
    assert_eq!(setup.ok(&["run", "--rm", "acme/old"]), "1.0\nset");
    assert_eq!(
        setup.field("acme/old", "{{.Author}}"),
        "Somebody <some@example.com>"
    );
    assert_eq!(setup.ok(&["ps", "-aq"]), "");
}

#[test]
fn mounts_of_a_command_leave_nothing_behind() {
    let Some(setup) = with_alpine() else { return };
    let dockerfile = "\
FROM alpine
RUN --mount=type=cache,target=/cache --mount=type=bind,source=in,target=/in --mount=type=tmpfs,target=/t \\
    cat /in/a && echo x >> /cache/runs && wc -l < /cache/runs && touch /t/x
RUN test ! -e /cache/runs && test ! -e /in/a && test ! -e /etc/resolv.conf.new
";
    let folder = setup.host.folder(
        "mounts",
        &[("Dockerfile", dockerfile), ("in/a", "from the folder\n")],
    );
    let said = setup.build(&["-t", "acme/mounts"], &folder).ok().to_owned();
    assert!(said.contains("from the folder\n1\n"), "{said}");
    let said = setup
        .build(&["--no-cache", "-t", "acme/mounts"], &folder)
        .ok()
        .to_owned();
    assert!(said.contains("from the folder\n2\n"), "{said}");
    assert_eq!(
        setup.ok(&["run", "--rm", "acme/mounts", "ls", "-d", "/etc"]),
        "/etc"
    );
}

#[test]
fn what_is_wrong_is_told_with_its_line_and_leaves_no_image() {
    let Some(setup) = with_alpine() else { return };
    let cases = [
        ("FROM alpine\nRUN exit 3\n", "line 2", "code 3"),
        (
            "FROM alpine\nCOPY data.txt /\n",
            "line 2",
            "did you mean data.text?",
        ),
        ("FROM alpine\nCOPY secret /\n", "line 2", ".dockerignore"),
        ("FROM alpine\nRNU x\n", "2:1", "did you mean RUN?"),
        (
            "FROM alpine\nCOPY ../x /\n",
            "line 2",
            "is not in the folder",
        ),
    ];
    for (number, (dockerfile, line, reason)) in cases.into_iter().enumerate() {
        let files = [
            ("Dockerfile", dockerfile),
            ("data.text", "x"),
            (".dockerignore", "secret\n"),
        ];
        let folder = setup.host.folder(&format!("wrong{number}"), &files);
        let said = setup
            .build(&["-t", "acme/wrong"], &folder)
            .fails(1)
            .to_owned();
        assert!(said.contains(line) && said.contains(reason), "{said}");
    }
    assert_eq!(setup.ok(&["images", "-q", "acme/wrong"]), "");
    assert_eq!(setup.ok(&["ps", "-aq"]), "");
}
