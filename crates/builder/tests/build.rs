//! Builds whose machine is a list of what was asked of it.

#![allow(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

mod machine;

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::{Arc, Mutex};

use machine::{ABC, Machine, request, run, tar_of};
use terrarium_builder::{
    Base, BoxError, Executor, Files, Found, Key, Layer, NamedContext, Process, Report, build,
};
use terrarium_oci::{ChainId, Descriptor, DiffId, Digest, MediaType, Platform};

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
async fn files_and_images_stand_for_stages_and_images() {
    let machine = Machine::default();
    let dockerfile = "FROM a AS made\nRUN left-out\nFROM files AS copied\n\
        FROM docker.io/library/lost\nCOPY --from=made word /one\n\
        COPY --from=copied made /two\nRUN last\n";
    let mut asked = request(dockerfile, tar_of("a", "x", 1));
    let files = || NamedContext::Files(Arc::new(Files::of_bytes("word", b"x".to_vec(), 0o644)));
    asked.contexts = BTreeMap::from([
        ("made".to_owned(), files()),
        ("files".to_owned(), files()),
        (
            "lost".to_owned(),
            NamedContext::Image("triggers".to_owned()),
        ),
    ]);
    run(&machine, &asked).await.unwrap();
    assert_eq!(machine.ran(), ["triggered", "last"]);
    let mut kept = machine.kept.lock().unwrap().concat();
    kept.sort();
    assert_eq!(kept, ["one", "out", "out", "two", "word"]);
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
async fn an_image_on_nothing_is_for_what_is_asked_and_else_for_any_machine_like_this() {
    let machine = Machine::default();
    let dockerfile = "FROM scratch\nARG TARGETPLATFORM\nENV P=$TARGETPLATFORM\n";
    let mut asked = request(dockerfile, tar_of("a", "x", 1));
    let plain = run(&machine, &asked).await.unwrap().config;
    assert_eq!(
        plain.platform.to_string(),
        Platform::made_here().to_string()
    );
    assert_eq!(plain.config.env[1], format!("P={}", plain.platform));
    asked.platform = Some("linux/arm/v6".to_owned());
    let other = run(&machine, &asked).await.unwrap().config;
    assert_eq!(other.platform.to_string(), "linux/arm/v6");
    assert_eq!(other.config.env[1], "P=linux/arm/v6");
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
async fn a_long_row_of_stages_needs_no_deep_stack() {
    let mut dockerfile = "FROM a AS s0\nONBUILD COPY --from=s0 made /m\nRUN 0\n".to_owned();
    for stage in 1..300 {
        let below = stage - 1;
        dockerfile += &format!(
            "FROM s{below} AS s{stage}\nONBUILD COPY --from=s{below} made /m\nARG FROM=s{below}\n\
             COPY --from=$FROM made /{stage}\n"
        );
    }
    let machine = Machine::default();
    run(&machine, &request(&dockerfile, tar_of("a", "x", 1)))
        .await
        .unwrap();
    assert_eq!(machine.ran(), ["0"]);
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

#[tokio::test]
async fn what_is_fetched_is_put_under_its_name_if_it_is_what_is_expected() {
    let machine = Machine::default();
    let good = format!(
        "FROM scratch\nADD --checksum=sha256:{ABC} http://h/d/file.bin /to/\n\
         ADD http://h/d/file.bin /other\nADD --checksum=c0ffee https://h/r.git /src/\n"
    );
    run(&machine, &request(&good, tar_of("a", "x", 1)))
        .await
        .unwrap();
    let kept = machine.kept.lock().unwrap().clone();
    assert_eq!(kept[0], ["to/", "to/file.bin"]);
    assert_eq!(kept[1], ["other"]);
    assert_eq!(kept[2], ["src/", "src/made"]);
    for (line, why) in [
        ("ADD --checksum=sha256:00 http://h/x /x", "gave sha256:ba78"),
        ("ADD --checksum=beef https://h/r.git /x", "gave c0ffee"),
        ("ADD http://h/ /to/", "says not what to call the file"),
        ("ADD --keep-git-dir git://h/r /x", "not supported"),
        ("COPY http://h/x /x", "COPY only copies files that are here"),
        (
            "RUN --device=vendor.com/class=x true",
            "RUN --device=vendor",
        ),
    ] {
        let failure = run(
            &machine,
            &request(&format!("FROM scratch\n{line}\n"), tar_of("a", "x", 1)),
        )
        .await;
        let failure = failure.unwrap_err();
        assert!(
            failure.fault.to_string().contains(why),
            "{line}: {}",
            failure.fault
        );
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
