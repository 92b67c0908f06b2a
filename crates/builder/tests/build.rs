//! Builds whose machine is a list of what was asked of it.

#![allow(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::sync::{Arc, Mutex};

use terrarium_builder::{
    Base, BoxError, Executor, Failure, Files, Found, Key, Layer, Outcome, Process, Report, Request,
    build,
};
use terrarium_dockerfile::Ignore;
use terrarium_oci::{ChainId, Descriptor, DiffId, Digest, ImageConfig, MediaType};

/// Runs nothing: a command changes one file that holds its words.
#[derive(Default)]
struct Machine {
    ran: Mutex<Vec<String>>,
    known: Mutex<BTreeMap<String, Layer>>,
    /// Paths in the tar of each layer.
    kept: Mutex<Vec<Vec<String>>>,
}

fn tar_of(name: &str, content: &str, modified: u64) -> File {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    header.set_mtime(modified);
    builder
        .append_data(&mut header, name, content.as_bytes())
        .unwrap();
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&builder.into_inner().unwrap()).unwrap();
    file
}

impl Executor for Machine {
    type Guard = ();

    async fn base(&self, name: &str, _: Option<&str>) -> Result<Base, BoxError> {
        if name == "lost" {
            return Err("no such image".into());
        }
        let mut config = ImageConfig::default();
        config.config.env = vec!["PATH=/bin".to_owned()];
        config.config.cmd = vec!["base".to_owned()];
        if name == "triggers" {
            config.config.on_build = vec!["RUN triggered".to_owned()];
        }
        Ok(Base {
            config,
            layers: Vec::new(),
        })
    }

    async fn find(&self, _: Option<&ChainId>, path: &str) -> Result<Found, BoxError> {
        let path = path.trim_matches('/');
        // `lib` is a link to `usr/lib`, as in most images.
        let path = match path.strip_prefix("lib") {
            Some(rest) => format!("usr/lib{rest}"),
            None => path.to_owned(),
        };
        let there = ["", "usr", "usr/lib", "etc"].contains(&path.as_str());
        Ok(Found {
            path,
            is_folder: there,
            exists: there,
        })
    }

    async fn owner(&self, _: Option<&ChainId>, user: &str) -> Result<(u32, u32), BoxError> {
        let number = user.parse().map_err(|_| BoxError::from("no such user"))?;
        Ok((number, number))
    }

    async fn files(&self, _: &[Layer]) -> Result<Arc<Files>, BoxError> {
        Ok(Arc::new(Files::of_bytes("made", b"made".to_vec(), 0o755)))
    }

    async fn run(&self, _: &[Layer], process: Process) -> Result<File, BoxError> {
        let line = process.arguments.last().cloned().unwrap_or_default();
        if line == "false" {
            return Err("the command ended with code 1".into());
        }
        self.ran.lock().unwrap().push(line.clone());
        Ok(tar_of("out", &line, 1))
    }

    async fn keep(&self, on: Option<&ChainId>, mut tar: File) -> Result<Layer, BoxError> {
        tar.rewind()?;
        let mut bytes = Vec::new();
        tar.read_to_end(&mut bytes)?;
        let mut archive = tar::Archive::new(&bytes[..]);
        let entries = archive.entries()?;
        let paths = entries.map(|entry| entry.unwrap().path().unwrap().display().to_string());
        self.kept.lock().unwrap().push(paths.collect());
        let diff_id = DiffId(Digest::sha256_of(&bytes));
        let kind = MediaType::OciLayer(terrarium_oci::Compression::Gzip);
        let blob = Descriptor::of(kind, &bytes);
        Ok(Layer {
            chain: ChainId::on(on, &diff_id),
            diff_id,
            blob,
            created: String::new(),
        })
    }

    async fn enter(&self, _: &Key) {}

    async fn recall(&self, key: &Key, on: Option<&ChainId>) -> Option<Layer> {
        let layer = self.known.lock().unwrap().get(key.as_str()).cloned()?;
        Some(Layer {
            chain: ChainId::on(on, &layer.diff_id),
            ..layer
        })
    }

    async fn remember(&self, key: &Key, layer: &Layer) {
        self.known
            .lock()
            .unwrap()
            .insert(key.as_str().to_owned(), layer.clone());
    }
}

fn request(dockerfile: &str, context: File) -> Request {
    Request {
        dockerfile: dockerfile.to_owned(),
        context: Arc::new(Files::of_tars([context]).unwrap()),
        ignore: Ignore::default(),
        arguments: BTreeMap::new(),
        labels: BTreeMap::new(),
        target: None,
        platform: None,
        network: "default".to_owned(),
        secrets: BTreeMap::new(),
        no_cache: false,
        epoch: Some(7),
        now: 7,
        created: "1970-01-01T00:00:07Z".to_owned(),
        inflate: Arc::new(|_, _| None),
    }
}

async fn run(machine: &Machine, request: &Request) -> Result<Outcome, Failure> {
    build(machine, request, &|_| {}).await
}

impl Machine {
    /// The commands since the last call.
    fn ran(&self) -> Vec<String> {
        std::mem::take(&mut self.ran.lock().unwrap())
    }
}

async fn ran(machine: &Machine, dockerfile: &str) -> Vec<String> {
    run(machine, &request(dockerfile, tar_of("a", "x", 1)))
        .await
        .unwrap();
    machine.ran()
}

#[tokio::test]
async fn stages_that_the_target_does_not_need_are_left_out() {
    let dockerfile = "FROM a AS one\nRUN one\nFROM a AS two\nRUN two\nFROM a AS three\nRUN three\n\
        FROM two\nCOPY --from=one made /\n";
    let mut seen = ran(&Machine::default(), dockerfile).await;
    seen.sort();
    assert_eq!(seen, ["one", "two"]);
}

#[tokio::test]
async fn a_step_is_recognized_by_content_and_not_by_time() {
    let machine = Machine::default();
    let dockerfile = "FROM a\nCOPY a /x/\nRUN use\n";
    for (content, modified, runs) in [("x", 1, 1), ("x", 2, 0), ("y", 2, 1)] {
        let mut asked = request(dockerfile, tar_of("a", content, modified));
        asked.epoch = None;
        run(&machine, &asked).await.unwrap();
        assert_eq!(machine.ran().len(), runs, "{content} of {modified}");
    }
}

#[tokio::test]
async fn an_argument_counts_from_where_it_is_declared() {
    let machine = Machine::default();
    let dockerfile = "FROM a\nRUN before\nARG V\nRUN after\n";
    let mut asked = request(dockerfile, tar_of("a", "x", 1));
    for (value, expect) in [("1", 2), ("1", 0), ("2", 1)] {
        asked.arguments = BTreeMap::from([("V".to_owned(), value.to_owned())]);
        run(&machine, &asked).await.unwrap();
        assert_eq!(machine.ran().len(), expect, "{value}");
    }
    asked
        .arguments
        .insert("HTTP_PROXY".to_owned(), "http://other".to_owned());
    run(&machine, &asked).await.unwrap();
    assert!(machine.ran().is_empty(), "a proxy is no part of a step");
}

#[tokio::test]
async fn the_config_says_what_the_instructions_say() {
    let dockerfile = "ARG TAG=1\nFROM a:$TAG\nARG V=two\nENV A=$V B=$A C=\"x y\"\nWORKDIR /etc\n\
        WORKDIR sub\nEXPOSE 80 90-91/udp\nENTRYPOINT run me\nLABEL k=\"$C\"\nONBUILD RUN later\n";
    let machine = Machine::default();
    let outcome = run(&machine, &request(dockerfile, tar_of("a", "x", 1)))
        .await
        .unwrap();
    let config = outcome.config.config;
    assert_eq!(config.env, ["PATH=/bin", "A=two", "B=", "C=x y"]);
    assert_eq!(config.working_dir, "/etc/sub");
    assert_eq!(config.exposed_ports.len(), 3);
    assert_eq!(config.entrypoint, ["/bin/sh", "-c", "run me"]);
    assert!(
        config.cmd.is_empty(),
        "an entrypoint takes back the command of the base"
    );
    assert_eq!(config.labels["k"], "x y");
    assert_eq!(config.on_build, ["RUN later"]);
    assert_eq!(
        outcome.layers.len(),
        1,
        "only a folder that was not there makes a layer"
    );
    let layered = outcome
        .config
        .history
        .iter()
        .filter(|entry| !entry.empty_layer);
    assert_eq!(layered.count(), 1);
}

#[tokio::test]
async fn triggers_of_the_base_run_first_and_once() {
    let machine = Machine::default();
    assert_eq!(
        ran(&machine, "FROM triggers\nRUN own\n").await,
        ["triggered", "own"]
    );
}

#[tokio::test]
async fn files_go_through_links_of_the_base_and_never_outside() {
    let machine = Machine::default();
    let dockerfile =
        "FROM a\nRUN base\nCOPY a /lib/\nCOPY a /../../new/b\nCOPY <<E /lib/deep/e\nx\nE\n";
    run(&machine, &request(dockerfile, tar_of("a", "x", 1)))
        .await
        .unwrap();
    let kept = machine.kept.lock().unwrap().clone();
    let expect = [
        vec!["usr/lib/a"],
        vec!["new/", "new/b"],
        vec!["usr/lib/deep/", "usr/lib/deep/e"],
    ];
    assert_eq!(kept[1..], expect);
}

#[tokio::test]
async fn a_failure_names_its_line() {
    for (dockerfile, line, text) in [
        ("FROM a\n\nRUN false\n", 3, "code 1"),
        ("FROM lost\n", 1, "no such image"),
        ("FROM a\nCOPY b /\n", 2, "is not in"),
        ("FROM a\nCOPY --chown=who a /\n", 2, "no such user"),
        ("FROM a\nENV A=${B:?needed}\n", 2, "cannot expand"),
    ] {
        let asked = request(dockerfile, tar_of("a", "x", 1));
        let failed = run(&Machine::default(), &asked).await.unwrap_err();
        let found = failed.place.as_ref().map(|place| place.position.line);
        assert_eq!(found, Some(line), "{dockerfile}");
        assert!(failed.fault.to_string().contains(text), "{}", failed.fault);
    }
}

/// Only thinks of what would be done.
struct Thought(Machine);

impl Executor for Thought {
    type Guard = ();

    async fn base(&self, name: &str, platform: Option<&str>) -> Result<Base, BoxError> {
        self.0.base(name, platform).await
    }

    async fn find(&self, on: Option<&ChainId>, path: &str) -> Result<Found, BoxError> {
        self.0.find(on, path).await
    }

    async fn owner(&self, on: Option<&ChainId>, user: &str) -> Result<(u32, u32), BoxError> {
        self.0.owner(on, user).await
    }

    async fn files(&self, layers: &[Layer]) -> Result<Arc<Files>, BoxError> {
        self.0.files(layers).await
    }

    async fn run(&self, _: &[Layer], _: Process) -> Result<File, BoxError> {
        panic!("nothing runs in a thought")
    }

    async fn keep(&self, _: Option<&ChainId>, _: File) -> Result<Layer, BoxError> {
        panic!("nothing is kept in a thought")
    }

    async fn enter(&self, _: &Key) {}

    async fn recall(&self, key: &Key, on: Option<&ChainId>) -> Option<Layer> {
        self.0.recall(key, on).await
    }

    async fn remember(&self, _: &Key, _: &Layer) {
        panic!("nothing is remembered in a thought")
    }

    fn suppose(&self, key: &Key, on: Option<&ChainId>) -> Option<Layer> {
        let diff_id = DiffId(Digest::sha256_of(key.as_str().as_bytes()));
        let kind = MediaType::OciLayer(terrarium_oci::Compression::Gzip);
        Some(Layer {
            chain: ChainId::on(on, &diff_id),
            diff_id,
            blob: Descriptor::of(kind, b""),
            created: "supposed".to_owned(),
        })
    }

    fn knows(&self, layers: &[Layer]) -> bool {
        layers.iter().all(|layer| layer.created != "supposed")
    }
}

#[tokio::test]
async fn a_thought_says_what_would_run_and_runs_nothing() {
    let before = "FROM base AS one\nRUN a\nRUN b\nFROM base\nCOPY --from=one /made /\nRUN c\n";
    let after = before.replace("RUN b", "RUN other");
    let machine = Machine::default();
    run(&machine, &request(before, tar_of("x", "1", 1)))
        .await
        .unwrap();
    let thought = Thought(machine);
    let seen = Mutex::new(Vec::new());
    let note = |report| {
        if let Report::Recognized { node, cached, key } = report {
            seen.lock().unwrap().push((node, cached, key));
        }
    };
    build(&thought, &request(&after, tar_of("x", "1", 1)), &note)
        .await
        .unwrap();
    let mut seen = seen.into_inner().unwrap();
    seen.sort_by_key(|(node, ..)| *node);
    let fates: Vec<_> = seen
        .iter()
        .map(|(node, cached, _)| (*node, *cached))
        .collect();
    assert_eq!(fates, [(1, true), (2, false), (4, false), (5, false)]);
    let (_, _, key) = &seen[1];
    assert_eq!(key.recipe().parts["command"], "/bin/sh -c other");
    assert_eq!(seen[2].2.recipe().parts["from"], "one");
}
