//! Builds beside BuildKit in dockerd and buildah, each with its real client.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Result, ensure};
use tempfile::TempDir;
use terrarium_tests::run;

use crate::{
    Bench,
    engine::Engine,
    measure::{Row, Side, alternate, timed},
    pull, skip,
};

const ROUNDS: usize = 5;
/// Debian's client speaks to BuildKit without a plugin; the same one speaks to ours.
const CLIENT: &str = "/usr/bin/docker";
const FILES: usize = 10_000;
const BASE: &str = "localhost/base:1";
const LARGE: &str = "localhost/large:1";

/// What is built, and how.
struct Work<'a> {
    name: &'a str,
    folder: &'a Path,
    options: &'a [&'a str],
}

/// All that has to do with building.
pub(crate) fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let folder = tempfile::tempdir_in("/tmp")?;
    let buildah = bases(bench, folder.path())?;
    let many = many_files(&folder.path().join("many"))?;
    let steps = project(folder.path(), "steps", &sixty_steps())?;
    let six = project(folder.path(), "six", &six_steps())?;
    let stages = project(folder.path(), "stages", &eight_stages())?;
    let one = project(folder.path(), "one", &one_stage())?;
    let small = project(
        folder.path(),
        "small",
        &format!("FROM {LARGE}\nCOPY a.txt /\n"),
    )?;
    let cold = ["--no-cache"];
    let mut rows = Vec::new();
    for (name, folder, options) in [
        ("60 steps, all cached", &steps, &[][..]),
        ("6 steps, cold", &six, &cold[..]),
        ("COPY of 10,000 files, cold", &many, &cold[..]),
        ("COPY of 10,000 files, unchanged", &many, &[][..]),
        ("8 stages side by side, cold", &stages, &cold[..]),
        ("1 of these stages, cold", &one, &cold[..]),
        ("a small layer on a large base, cold", &small, &cold[..]),
    ] {
        let work = Work {
            name,
            folder,
            options,
        };
        rows.push(row(bench, buildah.as_ref(), &work)?);
    }
    rows.push(through_the_api(
        bench,
        "60 steps, all cached, no client",
        &steps,
    )?);
    rows.push(through_the_api(
        bench,
        "10,000 files unchanged, no client",
        &many,
    )?);
    Ok(rows)
}

fn row(bench: &Bench, buildah: Option<&Buildah>, work: &Work<'_>) -> Result<Row> {
    let mut sides = Vec::new();
    for (engine, buildkit) in bench.engines().zip(["0", "1"]) {
        let name = if buildkit == "1" {
            "BuildKit"
        } else {
            engine.name()
        };
        sides.push(Side::new(name, move || {
            timed(&mut client(engine, buildkit, work))
        }));
    }
    if let Some(buildah) = buildah {
        sides.push(Side::new("buildah", || timed(&mut buildah.build(work))));
    }
    Ok(Row::new(work.name, alternate(ROUNDS, &mut sides)?))
}

fn client(engine: &Engine, buildkit: &str, work: &Work<'_>) -> Command {
    let program = if Path::new(CLIENT).exists() {
        CLIENT
    } else {
        "docker"
    };
    let mut command = engine.command(program, &["build", "-q", "-t", "bench"]);
    command.args(work.options).arg(work.folder);
    command.env("DOCKER_BUILDKIT", buildkit);
    command
}

/// What the engine alone needs: the archive is there, and `curl` sends it.
fn through_the_api(bench: &Bench, name: &str, folder: &Path) -> Result<Row> {
    let archive = folder.with_extension("tar");
    let mut tar = Command::new("tar");
    tool(tar.arg("-cf").arg(&archive).arg("-C").arg(folder).arg("."))?;
    let body = format!("@{}", archive.display());
    let socket = bench.ours.socket();
    let mut sides = [Side::new("ours", || {
        let mut curl = Command::new("curl");
        curl.args(["-sS", "--fail", "--unix-socket"]).arg(&socket);
        curl.args([
            "-H",
            "Content-Type: application/x-tar",
            "--data-binary",
            &body,
        ]);
        timed(curl.arg("http://d/build?t=bench&q=1"))
    })];
    Ok(Row::new(name, alternate(ROUNDS, &mut sides)?))
}

fn project(folder: &Path, name: &str, dockerfile: &str) -> Result<PathBuf> {
    let folder = folder.join(name);
    fs::create_dir(&folder)?;
    fs::write(folder.join("Dockerfile"), dockerfile)?;
    fs::write(folder.join("a.txt"), "a\n")?;
    Ok(folder)
}

fn sixty_steps() -> String {
    let step = |number: usize| match number % 3 {
        0 => format!("RUN echo {number} > /run{number}\n"),
        1 => format!("COPY a.txt /copy{number}\n"),
        _ => format!("ENV E{number}={number}\n"),
    };
    let steps: String = (0..60).map(step).collect();
    format!("FROM {BASE}\n{steps}")
}

fn six_steps() -> String {
    format!(
        "FROM {BASE}\nWORKDIR /app\nCOPY a.txt ./\nRUN echo one > one\nRUN echo two > two\n\
         COPY a.txt b.txt\nRUN cat one two > three\n"
    )
}

/// Work for a processor, about a third of a second.
const BUSY: &str = "i=0; while [ $i -lt 400000 ]; do i=$((i+1)); done; echo $i > /out";

fn eight_stages() -> String {
    let stage = |number: usize| format!("FROM {BASE} AS s{number}\nRUN : {number}; {BUSY}\n");
    let stages: String = (0..8).map(stage).collect();
    let copies: String = (0..8)
        .map(|n| format!("COPY --from=s{n} /out /out{n}\n"))
        .collect();
    format!("{stages}FROM {BASE}\n{copies}")
}

fn one_stage() -> String {
    format!("FROM {BASE}\nRUN {BUSY}\n")
}

fn many_files(folder: &Path) -> Result<PathBuf> {
    for number in 0..FILES {
        let inner = folder.join(format!("files/{}", number / 100));
        if number % 100 == 0 {
            fs::create_dir_all(&inner)?;
        }
        let content = format!("the content of file {number}\n").repeat(20);
        fs::write(inner.join(number.to_string()), content)?;
    }
    fs::write(
        folder.join("Dockerfile"),
        format!("FROM {BASE}\nCOPY files /files\n"),
    )?;
    Ok(folder.to_owned())
}

/// Gives all builders the same two bases.
fn bases(bench: &Bench, folder: &Path) -> Result<Option<Buildah>> {
    let small = format!("{}/library/busybox:latest", bench.registry.address());
    let large = format!("{}/bench/base:latest", bench.registry.address());
    let source = format!("oci:{}:image", pull::make_image()?.display());
    let target = format!("docker://{large}");
    tool(Command::new("skopeo").args(["copy", "-q", "--dest-tls-verify=false", &source, &target]))?;
    for engine in bench.engines() {
        for (image, name) in [(&small, BASE), (&large, LARGE)] {
            engine.docker(&["pull", "-q", image])?;
            engine.docker(&["tag", image, name])?;
        }
    }
    if Command::new("buildah").arg("--version").output().is_err() {
        skip("buildah is not installed: apt-get install buildah");
        return Ok(None);
    }
    let buildah = Buildah::new()?;
    for name in [BASE, LARGE] {
        let archive = folder.join("base.tar").display().to_string();
        bench.ours.docker(&["save", "-o", &archive, name])?;
        tool(
            buildah
                .command("pull")
                .args(["-q", &format!("docker-archive:{archive}")]),
        )?;
    }
    Ok(Some(buildah))
}

/// buildah with a store of its own, in the arena's memory.
struct Buildah(TempDir);

impl Buildah {
    fn new() -> Result<Self> {
        let folder = tempfile::tempdir_in("/tmp")?;
        let policy = r#"{"default":[{"type":"insecureAcceptAnything"}]}"#;
        fs::write(folder.path().join("policy"), policy)?;
        Ok(Self(folder))
    }

    fn command(&self, verb: &str) -> Command {
        let path = |name: &str| self.0.path().join(name);
        let mut command = Command::new("buildah");
        command
            .arg("--root")
            .arg(path("root"))
            .arg("--runroot")
            .arg(path("run"));
        command.args(["--storage-driver", "overlay", verb, "--signature-policy"]);
        command.arg(path("policy"));
        // crun refuses machines with both versions of control groups.
        command.env("BUILDAH_RUNTIME", "runc");
        command
    }

    fn build(&self, work: &Work<'_>) -> Command {
        let mut command = self.command("bud");
        command.args(["-q", "--layers", "--pull-never", "-t", "bench"]);
        command.args(work.options).arg(work.folder);
        command
    }
}

fn tool(command: &mut Command) -> Result<()> {
    let ran = run(command, "")?;
    ensure!(ran.code == Some(0), "{}: {}", ran.line, ran.stderr);
    Ok(())
}
