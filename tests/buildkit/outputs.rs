//! Results that go to the client: into a folder, a tar, an archive, or to a registry.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use terrarium_tests::{Host, Options, Registry, run};

use super::{Setup, said_of, setup, with_buildx};

const TEXT: &str = "\
FROM alpine AS made
RUN mkdir -p /out/sub /out/empty && echo made > /out/sub/file && ln -s sub/file /out/link && chmod 750 /out/sub/file
FROM scratch
COPY --from=made /out /
LABEL kind=result
";

fn output(kind: &str, place: &Path) -> String {
    format!("type={kind},dest={}", place.display())
}

/// What is in a folder that a result went to.
#[track_caller]
fn assert_is_the_result(folder: &Path) {
    let file = folder.join("sub/file");
    assert_eq!(fs::read_to_string(&file).expect("it is there"), "made\n");
    let mode = fs::metadata(&file).expect("it is there").permissions();
    assert_eq!(mode.mode() & 0o777, 0o750);
    let link = fs::read_link(folder.join("link")).expect("it is there");
    assert_eq!(link, PathBuf::from("sub/file"));
    assert!(folder.join("empty").is_dir());
}

#[track_caller]
fn tool(program: &str, arguments: &[&str]) -> String {
    let ran = run(Command::new(program).args(arguments), "");
    ran.expect("it ends").ok().to_owned()
}

impl Setup {
    /// A place of the client that nothing is at yet.
    fn place(&self, name: &str) -> PathBuf {
        self.host.scratch().join(name)
    }
}

fn results_go_to_the_client(setup: &Setup) {
    let folder = setup.host.folder("result", &[("Dockerfile", TEXT)]);
    let images = setup.ok(&["images", "-aq"]);

    let files = setup.place("files");
    let said = setup.built(&["-o", &output("local", &files)], &folder);
    assert_is_the_result(&files);
    let exported = said_of(&said, "exporting to client directory");
    assert!(
        exported.iter().any(|line| line.starts_with("DONE")),
        "{said}"
    );
    // Again, over what is there.
    fs::write(files.join("mine"), "stays").expect("a file");
    setup.built(&["-o", &output("local", &files)], &folder);
    assert_is_the_result(&files);
    assert!(files.join("mine").exists());

    let tar = setup.place("result.tar");
    setup.built(&["-o", &output("tar", &tar)], &folder);
    let unpacked = setup.host.folder("unpacked", &[]);
    fs::create_dir_all(&unpacked).expect("a folder");
    let (tar, unpacked) = (tar.display().to_string(), unpacked.display().to_string());
    tool("tar", &["-C", &unpacked, "-xpf", &tar]);
    assert_is_the_result(Path::new(&unpacked));
    // Nothing of it is an image here.
    assert_eq!(setup.ok(&["images", "-aq"]), images);
}

/// An archive is one of OCI and of Docker, and no image here before it is loaded.
fn archives_go_to_the_client(setup: &Setup) {
    let folder = setup.host.folder("archived", &[("Dockerfile", TEXT)]);
    let images = setup.ok(&["images", "-aq"]);
    let archive = setup.place("result.oci");
    let wanted = output("oci", &archive);
    setup.built(&["-t", "acme/result:1", "-o", &wanted], &folder);
    let source = format!("oci-archive:{}", archive.display());
    let label = tool("skopeo", &["inspect", "--config", &source]);
    assert!(
        label.contains("\"kind\": \"result\"") || label.contains("\"kind\":\"result\""),
        "{label}"
    );

    assert_eq!(setup.ok(&["images", "-aq"]), images);
    setup.ok(&["load", "-q", "-i", &archive.display().to_string()]);
    assert_eq!(
        setup.field("acme/result:1", "{{.Config.Labels.kind}}"),
        "result"
    );
    setup.ok(&["rmi", "acme/result:1"]);
}

/// A client that cannot write says so, the build fails, and the next one goes on.
fn a_folder_that_cannot_be_written_is_told(setup: &Setup) {
    let folder = setup.host.folder("unwritable", &[("Dockerfile", TEXT)]);
    let place = setup
        .host
        .folder("there", &[("link/in", "a folder with something in it")]);
    let ran = setup.build(&["-o", &output("local", &place.join("link/in"))], &folder);
    ran.fails(1);
    setup.built(&["-o", &output("local", &setup.place("free"))], &folder);
    assert_is_the_result(&setup.place("free"));
}

#[test]
fn results_go_to_the_docker_client() {
    let Some(setup) = setup() else { return };
    results_go_to_the_client(&setup);
    a_folder_that_cannot_be_written_is_told(&setup);
}

#[test]
fn results_go_to_buildx_several_at_once_and_to_a_registry() {
    let Some(setup) = with_buildx() else { return };
    results_go_to_the_client(&setup);
    archives_go_to_the_client(&setup);
    a_folder_that_cannot_be_written_is_told(&setup);

    let folder = setup.host.folder("several", &[("Dockerfile", TEXT)]);
    let (files, tar) = (setup.place("a"), setup.place("b"));
    let (files_wanted, tar_wanted) = (output("local", &files), output("tar", &tar));
    let name = format!("{}/acme/pushed:1", setup.registry.address());
    let arguments = ["-t", &name, "-o", &files_wanted, "-o", &tar_wanted, "-o"];
    setup.built(
        &[&arguments[..], &["type=image,push=true"]].concat(),
        &folder,
    );
    assert_is_the_result(&files);
    assert!(tool("tar", &["-tf", &tar.display().to_string()]).contains("sub/file"));
    let here = setup.field(&name, "{{.Id}}");
    setup.ok(&["rmi", &name]);
    setup.ok(&["pull", "-q", &name]);
    assert_eq!(setup.field(&name, "{{.Id}}"), here);

    setup.built(&["-o", "type=cacheonly"], &folder);
    let ran = setup.build(&["-o", "type=oci,tar=false,dest=x"], &folder);
    let said = ran.fails(1);
    assert!(said.contains("not supported"), "{said}");
}

#[test]
fn steps_that_a_registry_keeps_are_not_carried_out_by_another_host() {
    let Some(setup) = with_buildx() else { return };
    let text = "\
FROM alpine AS made
RUN head -c 8 /dev/urandom | od > /word
FROM alpine
COPY --from=made /word /
RUN cat /word > /last
";
    let folder = setup.host.folder("cached", &[("Dockerfile", text)]);
    let cache = format!(
        "type=registry,ref={}/acme/cache:1",
        setup.registry.address()
    );
    let to = format!("{cache},mode=max");
    let said = setup.built(&["-t", "acme/one", "--cache-to", &to], &folder);
    assert!(said.contains("exporting cache to registry"), "{said}");
    let made = setup.ok(&["run", "--rm", "acme/one", "cat", "/last"]);

    // The same base images: keys begin with them.
    let mirrors = vec![setup.registry.url()];
    let other = Setup {
        host: Host::start(Options { mirrors }).expect("a host starts"),
        client: setup.client.clone(),
        registry: Registry::start().expect("a registry starts"),
    };
    let said = other.built(&["-t", "acme/two", "--cache-from", &cache], &folder);
    assert_eq!(said.matches(" CACHED").count(), 3, "{said}");
    assert_eq!(other.ok(&["run", "--rm", "acme/two", "cat", "/last"]), made);
    // From now on its own cache knows them.
    let said = other.built(&["-t", "acme/two"], &folder);
    assert_eq!(said.matches(" CACHED").count(), 3, "{said}");

    let missing = format!("{cache}0");
    other.built(&["-t", "acme/two", "--cache-from", &missing], &folder);
    let ran = other.build(&["--cache-to", "type=local,dest=x"], &folder);
    let said = ran.fails(1);
    assert!(said.contains("not supported"), "{said}");
}
