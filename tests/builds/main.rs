//! Images of a corpus of Dockerfiles: as they were agreed on, and as other builders make them.
//!
//! `cases/*.txt` are the Dockerfiles, `cases/*.golden` what comes out of ours: settings, history, and what each layer
//! changes. `UPDATE_GOLDEN=1` writes the golden files anew. The comparison with the peers takes minutes and runs with
//! `--ignored`; what differs on purpose stands, with its reason, in `deviations.rs`.

#![forbid(unsafe_code)]

mod builders;
mod case;
mod commands;
mod context;
mod deviations;
mod facts;
mod interrupted;
mod server;
mod sources;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;
use terrarium_tests::{Host, Options, Ran, Registry, can_run_containers, run, skip};

use crate::{
    builders::{Buildah, Builder, Docker, Dockerd, archive_of},
    case::Case,
    facts::{Base, Facts},
};

/// The base of nearly all cases.
const BASE: &str = "localhost/base:1";
const WORKERS: usize = 2;

/// Ours, with the base, and a folder for everything.
struct Scene {
    host: Host,
    folder: TempDir,
    /// The base as an archive that every builder loads.
    archive: PathBuf,
    base: Base,
    /// Folders of layers when nothing was built.
    snapshots: usize,
    _registry: Registry,
}

impl Scene {
    fn start() -> Result<Option<Self>> {
        if !can_run_containers() {
            return Ok(None);
        }
        let registry = Registry::with_busybox()?;
        let mirrors = vec![registry.url()];
        let host = Host::start(Options { mirrors })?;
        host.docker(&["pull", "-q", "busybox"]).ok();
        host.docker(&["tag", "busybox", BASE]).ok();
        let folder = tempfile::Builder::new().prefix("tc").tempdir_in("/tmp")?;
        fs::create_dir(folder.path().join("files"))?;
        context::make(&folder.path().join("files"))?;
        let archive = folder.path().join("base.tar");
        let path = archive.display().to_string();
        host.docker(&["save", "-o", &path, BASE]).ok();
        let base = Base::of_archive(&archive)?;
        let snapshots = count_snapshots(&host)?;
        Ok(Some(Self {
            snapshots,
            host,
            folder,
            archive,
            base,
            _registry: registry,
        }))
    }

    /// The files of the corpus with this Dockerfile.
    fn folder_of(&self, name: &str, dockerfile: &str) -> Result<PathBuf> {
        let folder = self.folder.path().join(name);
        if !folder.exists() {
            let mut copy = Command::new("cp");
            copy.arg("-a")
                .arg(self.folder.path().join("files"))
                .arg(&folder);
            ensure!(run(&mut copy, "")?.code == Some(0), "copy the files");
        }
        fs::write(folder.join("Dockerfile"), dockerfile)?;
        Ok(folder)
    }

    /// Builds an image of the corpus's files.
    fn build(&self, image: &str, dockerfile: &str) -> Result<Ran> {
        self.build_with(image, dockerfile, &[])
    }

    fn build_with(&self, image: &str, dockerfile: &str, options: &[&str]) -> Result<Ran> {
        let folder = self.folder_of(image, dockerfile)?;
        let mut command = self.host.command(&["build", "-t", image]);
        run(command.args(options).arg(folder), "")
    }

    /// What a command in a container of an image says.
    #[track_caller]
    fn inside(&self, image: &str, command: &[&str]) -> String {
        let run = [
            "run",
            "--rm",
            "--network",
            "none",
            "--entrypoint",
            "",
            image,
        ];
        self.host
            .docker(&[&run[..], command].concat())
            .ok()
            .to_owned()
    }

    /// What a builder makes of a case; nothing when it refuses.
    fn facts(&self, builder: &dyn Builder, case: &Case, number: usize) -> Result<Option<Facts>> {
        let work = self
            .folder
            .path()
            .join(format!("{}-{number}", builder.name()));
        fs::create_dir_all(&work)?;
        let files = self.folder_of(&format!("{}-{number}/files", builder.name()), "")?;
        fs::write(files.join("Dockerfile"), &case.dockerfile)?;
        if !case.ignore.is_empty() {
            fs::write(files.join(".dockerignore"), case.ignore.join("\n") + "\n")?;
        }
        let image = format!("localhost/corpus:{number}");
        let built = archive_of(builder, &files, &image, &case.options, &work)?;
        let facts = match built {
            Ok(archive) => {
                // An image on nothing shares nothing with the base.
                let text = String::from_utf8_lossy(&case.dockerfile).into_owned();
                let last = text
                    .lines()
                    .rfind(|line| line.trim_start().starts_with("FROM"));
                let on_nothing = last.is_some_and(|line| line.contains("scratch"));
                let base = if on_nothing {
                    Base::default()
                } else {
                    self.base
                };
                Some(Facts::of_archive(&archive, &base)?)
            }
            Err(ran) => {
                ensure!(
                    case.fails || builder.name() != "ours",
                    "{}: {}",
                    case.name,
                    ran.stderr
                );
                None
            }
        };
        fs::remove_dir_all(&work)?;
        Ok(facts)
    }

    /// What a builder makes of all cases, by their number.
    fn all(&self, builder: &dyn Builder, cases: &[Case]) -> Result<BTreeMap<usize, Option<Facts>>> {
        let next = AtomicUsize::new(0);
        let made = Mutex::new(BTreeMap::new());
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..WORKERS)
                .map(|_| {
                    scope.spawn(|| -> Result<()> {
                        loop {
                            let number = next.fetch_add(1, Ordering::Relaxed);
                            let Some(case) = cases.get(number) else {
                                return Ok(());
                            };
                            let facts = self
                                .facts(builder, case, number)
                                .with_context(|| format!("{}: {}", case.group, case.name))
                                // A host that died fails its own checks before this is told.
                                .inspect_err(|error| eprintln!("{error:#}"))?;
                            made.lock()
                                .expect("nobody panics with it")
                                .insert(number, facts);
                        }
                    })
                })
                .collect();
            for worker in workers {
                worker.join().expect("a worker ends")?;
            }
            Ok::<(), anyhow::Error>(())
        })?;
        Ok(made.into_inner().expect("nobody panics with it"))
    }
}

/// Layers on disk, finished or not.
fn count_snapshots(host: &Host) -> Result<usize> {
    let entries = fs::read_dir(host.data_root().join("snapshots"))?;
    Ok(entries.count())
}

fn snapshots(scene: &Scene) -> Result<usize> {
    count_snapshots(&scene.host)
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("builds/cases")
}

#[test]
fn images_are_as_they_were_agreed_on() -> Result<()> {
    let Some(scene) = Scene::start()? else {
        return Ok(());
    };
    let cases = case::all(&corpus())?;
    ensure!(cases.len() >= 120, "the corpus is whole");
    let made = scene.all(&scene.host, &cases)?;
    let mut golden: BTreeMap<&str, String> = BTreeMap::new();
    let mut odd = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        let lines = match &made[&number] {
            Some(facts) => facts.lines(),
            None => vec!["refused".to_owned()],
        };
        if made[&number].is_none() != case.fails {
            odd.push(format!("{}: {}", case.group, case.name));
        }
        let text = golden.entry(&case.group).or_default();
        *text += &format!("=== {}\n{}\n", case.name, lines.join("\n"));
    }
    assert!(odd.is_empty(), "refused, or not refused: {odd:#?}");
    for (group, text) in golden {
        let path = corpus().join(format!("{group}.golden"));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&path, &text)?;
        }
        let agreed = fs::read_to_string(&path).unwrap_or_default();
        let differs = text
            .lines()
            .zip(agreed.lines())
            .find(|(ours, agreed)| ours != agreed);
        assert!(text == agreed, "{group}: {differs:?} (ours, agreed)");
    }
    assert_eq!(scene.host.docker(&["ps", "-aq"]).ok(), "", "no step stays");
    Ok(())
}

#[test]
fn the_same_date_gives_the_same_image() -> Result<()> {
    let Some(scene) = Scene::start()? else {
        return Ok(());
    };
    let text = format!("FROM {BASE}\nWORKDIR /w\nCOPY dir d\nRUN echo x > x; mkdir y; ln -s x z\n");
    let date = ["--no-cache", "--build-arg", "SOURCE_DATE_EPOCH=1000000000"];
    let id = |image: &str| -> Result<String> {
        scene.build_with(image, &text, &date)?.ok();
        Ok(scene
            .host
            .docker(&["inspect", "-f", "{{.Id}} {{.Created}}", image])
            .ok()
            .to_owned())
    };
    let first = id("first")?;
    assert!(first.contains("2001-09-09"), "{first}");
    // Files of the context get other times, too.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert_eq!(id("second")?, first);
    Ok(())
}

#[test]
#[ignore = "takes minutes and needs dockerd and buildah: run it when the corpus or the builder changes"]
fn images_are_as_other_builders_make_them() -> Result<()> {
    let Some(scene) = Scene::start()? else {
        return Ok(());
    };
    let cases = case::all(&corpus())?;
    let ours = scene.all(&scene.host, &cases)?;
    let daemon = Dockerd::start()?;
    let buildah = Buildah::start(&scene.archive, BASE)?;
    let mut peers: Vec<Box<dyn Builder + '_>> = Vec::new();
    match &daemon {
        Some(daemon) => {
            daemon.load(&scene.archive)?;
            for buildkit in [false, true] {
                peers.push(Box::new(Docker { daemon, buildkit }));
            }
        }
        None => skip("dockerd is not installed: apt-get install docker.io"),
    }
    match buildah {
        Some(buildah) => peers.push(Box::new(buildah)),
        None => skip("buildah is not installed: apt-get install buildah"),
    }
    let mut unexplained = Vec::new();
    for peer in &peers {
        let known: Vec<Case> = cases
            .iter()
            .filter(|case| case.peers.iter().any(|name| name == peer.name()))
            .cloned()
            .collect();
        let theirs = scene.all(peer.as_ref(), &known)?;
        let tally = deviations::compare(peer.name(), &cases, &ours, &known, &theirs);
        println!("{}: {tally}{}", peer.name(), tally.unexplained.join("\n"));
        unexplained.extend(tally.unexplained);
    }
    ensure!(
        unexplained.is_empty(),
        "unexplained:\n{}",
        unexplained.join("\n")
    );
    Ok(())
}
