//! `docker build` as BuildKit's clients do it: files, secrets and agents come through a session.

mod contexts;
mod outputs;

use std::{
    fs,
    os::unix::{fs::symlink, net::UnixListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use terrarium_tests::{Host, Options, Ran, Registry, can_run_containers, run};

/// A host, its registry, and a client that speaks BuildKit's dialects.
struct Setup {
    host: Host,
    client: String,
    registry: Registry,
}

fn setup() -> Option<Setup> {
    if !can_run_containers() {
        return None;
    }
    let Some(client) = client() else {
        eprintln!("SKIPPED: no docker client of a version before 23 is installed");
        return None;
    };
    with(client.to_owned())
}

/// As [`setup`], with buildx, which builds through the control.
fn with_buildx() -> Option<Setup> {
    if !can_run_containers() {
        return None;
    }
    let named = std::env::var("TERRARIUM_BUILDX").ok();
    let debian = "/usr/libexec/docker/cli-plugins/docker-buildx".to_owned();
    let mut places = named.into_iter().chain([debian]);
    let Some(buildx) = places.find(|path| Path::new(path).exists()) else {
        // Debian has it from version 13 on.
        eprintln!("SKIPPED: docker-buildx is not installed; TERRARIUM_BUILDX can name it");
        return None;
    };
    with(buildx)
}

fn with(client: String) -> Option<Setup> {
    let registry = Registry::with_busybox().expect("a registry starts");
    let mirrors = vec![registry.url()];
    let host = Host::start(Options { mirrors }).expect("a host starts");
    host.docker(&["pull", "-q", "alpine"]).ok();
    Some(Setup {
        host,
        client,
        registry,
    })
}

/// A client of a version before 23.
fn client() -> Option<&'static str> {
    ["docker", "/usr/bin/docker"].into_iter().find(|client| {
        let version = Command::new(client).arg("--version").output();
        let version = version.map(|ran| String::from_utf8_lossy(&ran.stdout).into_owned());
        let major = version.ok().and_then(|version| {
            let number = version.strip_prefix("Docker version ")?;
            number.split('.').next()?.parse::<u32>().ok()
        });
        major.is_some_and(|major| (19..23).contains(&major))
    })
}

impl Setup {
    /// A `docker build` in a folder, to be run.
    fn command(&self, arguments: &[&str], folder: &Path) -> Command {
        let mut command = self.host.program(&self.client);
        command
            .env("DOCKER_BUILDKIT", "1")
            .args(["build", "--progress=plain"])
            .args(arguments)
            .arg(folder);
        command
    }

    fn build(&self, arguments: &[&str], folder: &Path) -> Ran {
        self.build_with(arguments, folder, "")
    }

    fn build_with(&self, arguments: &[&str], folder: &Path, input: &str) -> Ran {
        match run(&mut self.command(arguments, folder), input) {
            Ok(ran) => ran,
            Err(error) => panic!("{error:#}\nthe host says:\n{}", self.host.log()),
        }
    }

    /// What a build that goes well tells people.
    #[track_caller]
    fn built(&self, arguments: &[&str], folder: &Path) -> String {
        let ran = self.build(arguments, folder);
        ran.ok();
        ran.stderr
    }

    #[track_caller]
    fn ok(&self, arguments: &[&str]) -> String {
        self.host.docker(arguments).ok().to_owned()
    }

    #[track_caller]
    fn field(&self, object: &str, template: &str) -> String {
        self.ok(&["inspect", "--format", template, object])
    }
}

/// The number of its vertex, and what was said of it.
fn said_of<'a>(said: &'a str, title: &str) -> Vec<&'a str> {
    let of = |line: &&str| line.starts_with('#') && line.ends_with(title);
    let Some(line) = said.lines().find(of) else {
        panic!("{title:?} is not in\n{said}")
    };
    let number = line.split(' ').next().unwrap_or_default();
    let own = said
        .lines()
        .filter(|line| line.split(' ').next() == Some(number));
    own.map(|line| line[number.len()..].trim()).collect()
}

const WORDS: &str = "\
FROM alpine AS made
ARG WHO=nobody
RUN echo \"made for $WHO\" | tee /made
FROM alpine AS left-out
RUN exit 7
FROM alpine
WORKDIR /srv
COPY --from=made /made ./
COPY data/ data/
RUN cat made data/a && ls data
CMD [\"cat\", \"made\"]
";

/// The project of these words, with a file that its rules leave out.
fn words(setup: &Setup) -> PathBuf {
    let files = [
        ("Dockerfile", WORDS),
        ("data/a", "from the client\n"),
        ("data/b.log", "left out"),
        (".dockerignore", "# logs\n**/*.log\n"),
    ];
    setup.host.folder("words", &files)
}

fn what_is_left_out_does_not_even_travel(said: &str) {
    let context = said_of(said, "[internal] load build context");
    let sent = context
        .iter()
        .find(|line| line.starts_with("transferring context:"));
    let sent = sent.unwrap_or_else(|| panic!("{said}"));
    assert!(!sent.contains("MB") && !sent.contains("kB"), "{sent}");
}

#[test]
fn an_image_is_built_shown_step_by_step_and_recognized_again() {
    let Some(setup) = setup() else { return };
    let folder = words(&setup);
    fs::write(folder.join("data/big.log"), vec![b'x'; 8 << 20]).expect("a file");
    let id = setup.host.scratch().join("id");
    let id_file = id.display().to_string();
    let first = [
        "-t",
        "acme/kit:1",
        "--build-arg",
        "WHO=me",
        "--label",
        "kind=test",
    ];
    let said = setup.built(&[&first[..], &["--iidfile", &id_file]].concat(), &folder);

    let made = said_of(&said, "[made 2/2] RUN echo \"made for $WHO\" | tee /made");
    assert!(
        made.iter().any(|line| line.ends_with("made for me")),
        "{said}"
    );
    let last = said_of(&said, "[stage-2 5/5] RUN cat made data/a && ls data");
    assert!(
        last.iter().any(|line| line.ends_with("from the client")),
        "{said}"
    );
    assert!(!last.iter().any(|line| line.contains(".log")), "{said}");
    assert!(last.iter().any(|line| line.starts_with("DONE")), "{said}");
    assert!(!said.contains("exit 7"), "{said}");
    let exported = said_of(&said, "exporting to image");
    let named = "naming to docker.io/acme/kit:1";
    assert!(
        exported.iter().any(|line| line.starts_with(named)),
        "{said}"
    );

    what_is_left_out_does_not_even_travel(&said);

    let image = setup.field("acme/kit:1", "{{.Id}} {{.Config.Labels.kind}}");
    let written = fs::read_to_string(id).expect("the client writes it");
    assert_eq!(image, format!("{} test", written.trim()));
    assert_eq!(setup.ok(&["run", "--rm", "acme/kit:1"]), "made for me");

    let again = [
        "-t",
        "acme/kit:2",
        "--build-arg",
        "WHO=me",
        "--label",
        "kind=test",
    ];
    let said = setup.built(&again, &folder);
    assert_eq!(said.matches(" CACHED").count(), 5, "{said}");
    let same = setup.field("acme/kit:2", "{{.Id}}");
    assert_eq!(same, written.trim(), "nothing new, no new image");

    fs::write(folder.join("data/a"), "another\n").expect("a file");
    let said = setup.built(&again, &folder);
    assert_eq!(said.matches(" CACHED").count(), 3, "{said}");
    let said = setup.built(&[&again[..], &["--no-cache"]].concat(), &folder);
    assert_eq!(said.matches(" CACHED").count(), 0, "{said}");
    let quiet = setup.build(&[&again[..], &["-q"]].concat(), &folder);
    assert_eq!(quiet.ok(), setup.field("acme/kit:2", "{{.Id}}"));
}

#[test]
fn a_step_that_fails_is_shown_with_its_output_and_leaves_no_image() {
    let Some(setup) = setup() else { return };
    let folder = setup
        .host
        .folder("fails", &[("Dockerfile", WORDS), ("data/a", "x")]);
    let target = ["-t", "acme/wrong", "--target", "left-out"];
    let ran = setup.build(&target, &folder);
    let said = ran.fails(1);
    let step = said_of(said, "[left-out 2/2] RUN exit 7");
    let blamed = step.iter().find(|line| line.starts_with("ERROR"));
    assert!(blamed.is_some_and(|line| line.contains("code 7")), "{said}");
    assert!(said.contains("> [left-out 2/2] RUN exit 7"), "{said}");
    assert!(!said.contains("[made"), "{said}");

    let cases = [
        ("FROM alpine\nRNU x\n", "did you mean RUN?"),
        (
            "FROM alpine\nCOPY missing /\n",
            "\"missing\" is not in the folder",
        ),
        ("FROM alpine\nCOPY secret /\n", ".dockerignore"),
        (
            "FROM alpine\nRUN --mount=type=secret,id=k,required true\n",
            "secret \"k\"",
        ),
        (
            "FROM alpine\nRUN --mount=type=ssh,required true\n",
            "agent \"default\"",
        ),
    ];
    for (number, (dockerfile, reason)) in cases.into_iter().enumerate() {
        let files = [
            ("Dockerfile", dockerfile),
            ("secret", "x"),
            (".dockerignore", "secret"),
        ];
        let folder = setup.host.folder(&format!("wrong{number}"), &files);
        let ran = setup.build(&["-t", "acme/wrong"], &folder);
        let said = ran.fails(1);
        assert!(said.contains(reason), "{said}");
    }
    assert_eq!(setup.ok(&["images", "-q", "acme/wrong"]), "");
    assert_eq!(setup.ok(&["ps", "-aq"]), "");
}

#[test]
fn a_dockerfile_comes_from_elsewhere_and_files_in_an_archive() {
    let Some(setup) = setup() else { return };
    let text = "FROM alpine\nCOPY . /in\nRUN cat /in/a\n";
    let folder = setup
        .host
        .folder("context", &[("a", "found\n"), ("b", "too\n")]);
    setup.host.folder(
        "beside",
        &[("Other.df", text), ("Other.df.dockerignore", "b\n")],
    );
    let other = setup.host.scratch().join("beside/Other.df");
    let other = other.display().to_string();
    let said = setup.built(&["-t", "acme/beside", "-f", &other], &folder);
    assert!(
        said.contains("load build definition from Other.df"),
        "{said}"
    );
    let listed = |image: &str| setup.ok(&["run", "--rm", image, "ls", "/in"]);
    assert_eq!(listed("acme/beside"), "a");

    let ran = setup.build_with(&["-t", "acme/typed", "-f", "-"], &folder, text);
    ran.ok();
    assert_eq!(listed("acme/typed"), "a\nb");

    fs::write(folder.join("Dockerfile"), text).expect("a file");
    let line = format!(
        "tar -C {} -cz . | DOCKER_BUILDKIT=1 {} build --progress=plain -t acme/sent -",
        folder.display(),
        setup.client
    );
    let mut sent = setup.host.program("sh");
    run(sent.args(["-c", &line]), "").expect("it ends").ok();
    assert_eq!(listed("acme/sent"), "Dockerfile\na\nb");
}

#[test]
fn what_links_and_odd_files_of_a_folder_lead_to_stays_where_it_is() {
    let Some(setup) = setup() else { return };
    let text = "FROM alpine\nCOPY . /in\nRUN ls /in && readlink /in/out && test ! -e /in/out\n";
    let folder = setup
        .host
        .folder("odd", &[("Dockerfile", text), ("이름/파일", "x")]);
    let outside = setup
        .host
        .folder("outside", &[("key", "not yours")])
        .join("key");
    symlink(&outside, folder.join("out")).expect("a link");
    let _socket = UnixListener::bind(folder.join("socket")).expect("a socket");
    setup.built(&["-t", "acme/odd"], &folder);
    let shown = setup.ok(&["run", "--rm", "acme/odd", "cat", "/in/이름/파일"]);
    assert_eq!(shown, "x");

    let text = "FROM alpine\nCOPY out /in\n";
    fs::write(folder.join("Dockerfile"), text).expect("a file");
    let ran = setup.build(&[], &folder);
    ran.fails(1);
}

#[test]
fn a_secret_is_seen_by_its_command_alone() {
    let Some(setup) = setup() else { return };
    let text = "\
FROM alpine
RUN --mount=type=secret,id=key,target=/key wc -c < /key && ! grep -q other /key
RUN test ! -s /key && ! env | grep -q hush
";
    let folder = setup.host.folder("secret", &[("Dockerfile", text)]);
    let key = setup
        .host
        .folder("keys", &[("key", "hush, hush")])
        .join("key");
    let secret = format!("id=key,src={}", key.display());
    let said = setup.built(&["-t", "acme/secret", "--secret", &secret], &folder);
    let step =
        "[2/3] RUN --mount=type=secret,id=key,target=/key wc -c < /key && ! grep -q other /key";
    let shown = said_of(&said, step);
    assert!(shown.iter().any(|line| line.ends_with(" 10")), "{said}");
    assert!(!said.contains("hush, hush"), "{said}");
    let history = setup.ok(&["history", "--no-trunc", "acme/secret"]);
    assert!(!history.contains("hush, hush"), "{history}");
}

/// An agent with a key, ended with the test.
struct Agent(Child);

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_command_asks_the_agent_of_the_client() {
    let Some(setup) = setup() else { return };
    let folder = setup.host.folder("agent", &[("Dockerfile", "")]);
    let socket = setup.host.scratch().join("agent.sock");
    let agent = Command::new("ssh-agent")
        .args(["-D", "-a"])
        .arg(&socket)
        .stdout(Stdio::null())
        .spawn();
    let _agent = Agent(agent.expect("openssh-client is installed"));
    let key = setup.host.scratch().join("key");
    let line = format!(
        "set -e; ssh-keygen -q -t ed25519 -N '' -C of-the-client -f {key}
         until test -S {socket}; do sleep 0.05; done
         SSH_AUTH_SOCK={socket} ssh-add -q {key}
         cd {folder}; cp --parents $(ldd /usr/bin/ssh-add | grep -o '/[^ ]*') /usr/bin/ssh-add .",
        key = key.display(),
        socket = socket.display(),
        folder = folder.display(),
    );
    let prepared = run(Command::new("sh").args(["-c", &line]), "");
    prepared.expect("it ends").ok();
    let text = "FROM scratch\nCOPY . /\nRUN --mount=type=ssh [\"/usr/bin/ssh-add\", \"-l\"]\n";
    fs::write(folder.join("Dockerfile"), text).expect("a file");
    let ssh = format!("default={}", socket.display());
    let said = setup.built(&["--ssh", &ssh], &folder);
    assert!(said.contains("of-the-client"), "{said}");
}

#[test]
fn a_client_that_leaves_ends_its_build() {
    let Some(setup) = setup() else { return };
    let text = "FROM alpine\nRUN touch /begun && sleep 1000\n";
    let folder = setup.host.folder("long", &[("Dockerfile", text)]);
    let mut building = setup
        .command(&["-t", "acme/long"], &folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the client starts");
    let until = |what: &str, done: &dyn Fn(&str) -> bool| {
        let begun = Instant::now();
        while !done(&setup.ok(&["ps", "-aq", "--filter", "status=running"])) {
            assert!(begun.elapsed() < Duration::from_secs(50), "{what}");
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    until("the command runs", &|running| !running.is_empty());
    building.kill().expect("it runs");
    building.wait().expect("it ends");
    until("the command is gone", &|running| running.is_empty());
    assert_eq!(setup.ok(&["images", "-q", "acme/long"]), "");
}

#[test]
fn buildx_builds_recognizes_and_fails_as_the_client_does() {
    let Some(setup) = with_buildx() else { return };
    let folder = words(&setup);
    let id = setup.host.scratch().join("id");
    let id_file = id.display().to_string();
    let arguments = ["-t", "acme/x:1", "-t", "acme/x:2", "--build-arg", "WHO=me"];
    let said = setup.built(
        &[&arguments[..], &["--iidfile", &id_file]].concat(),
        &folder,
    );
    let made = said_of(&said, "[made 2/2] RUN echo \"made for $WHO\" | tee /made");
    assert!(
        made.iter().any(|line| line.ends_with("made for me")),
        "{said}"
    );
    assert!(!said.contains(".log"), "{said}");
    let image = setup.field("acme/x:2", "{{.Id}}");
    let written = fs::read_to_string(id).expect("the client writes it");
    assert_eq!(image, written.trim());
    let said = setup.built(&arguments, &folder);
    assert_eq!(said.matches(" CACHED").count(), 5, "{said}");

    let ran = setup.build(&["-t", "acme/wrong", "--target", "left-out"], &folder);
    let said = ran.fails(1);
    assert!(said.contains("> [left-out 2/2] RUN exit 7"), "{said}");
    let ran = setup.build(&["--platform", "linux/amd64,linux/arm64"], &folder);
    let said = ran.fails(1);
    assert!(said.contains("not supported"), "{said}");
    assert_eq!(setup.ok(&["images", "-q", "acme/wrong"]), "");
}

#[test]
fn buildx_brings_secrets() {
    let Some(setup) = with_buildx() else { return };
    let text = "FROM alpine\nRUN --mount=type=secret,id=key wc -c < /run/secrets/key\n";
    let folder = setup.host.folder("secret", &[("Dockerfile", text)]);
    let key = setup
        .host
        .folder("keys", &[("key", "hush, hush")])
        .join("key");
    let secret = format!("id=key,src={}", key.display());
    let said = setup.built(&["-t", "acme/secret", "--secret", &secret], &folder);
    assert!(said.lines().any(|line| line.ends_with(" 10")), "{said}");
}
