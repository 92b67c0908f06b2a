//! `kill -9` of the host at any moment: the next host is consistent, and nothing is left behind.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use terrarium_tests::{Host, Image, Options, Registry, can_run_containers, run};

/// How often the host is killed.
const KILLS: u64 = 50;

/// What a client is doing when the host dies; `N` is the number of the round.
const DEEDS: &[&str] = &[
    "docker pull -q registry/app:N",
    "docker run -d --name cN busybox sleep 600",
    "docker run --rm busybox sh -c 'echo N > /file'",
    "docker run -d --name cN busybox sleep 600; docker stop -t 0 cN",
    "docker run -d --name cN busybox sleep 600; docker rm -f cN",
    "docker create --name cN busybox true; docker start cN; docker rm cN",
    "docker rmi -f registry/app:N; docker pull -q registry/app:N",
    "docker volume create vN; docker run --rm -v vN:/data busybox touch /data/file; docker volume rm vN",
];

#[test]
fn fifty_kills_during_pull_run_stop_and_remove_leave_a_consistent_host() -> Result<()> {
    if !can_run_containers() {
        return Ok(());
    }
    let registry = Registry::with_busybox()?;
    for number in 0..8 {
        let content = format!("{number}").repeat(200_000);
        registry.push(&Image {
            files: &[("/content", &content)],
            ..Image::busybox(&format!("library/app:{number}"))
        })?;
    }
    let mut host = Host::start(Options {
        mirrors: vec![registry.url()],
    })?;
    host.docker(&["pull", "-q", "busybox"]).ok();
    for round in 0..KILLS {
        let mut deed = begin(&host, &registry, round)?;
        // Spread over the whole length of a deed; the same in every run.
        std::thread::sleep(Duration::from_millis((round * 37) % 290));
        host.kill()?;
        deed.kill()?;
        deed.wait()?;
        end_clients(&deed)?;
        host.restart()?;
        check(&host).with_context(|| format!("after kill {round}: {}", DEEDS[deed_of(round)]))?;
    }
    Ok(())
}

fn deed_of(round: u64) -> usize {
    usize::try_from(round).expect("few rounds") % DEEDS.len()
}

/// Starts a client in a process group of its own.
fn begin(host: &Host, registry: &Registry, round: u64) -> Result<Child> {
    let line = DEEDS[deed_of(round)]
        .replace(
            "registry/app:N",
            &format!("{}/library/app:{}", registry.address(), round % 8),
        )
        .replace('N', &round.to_string());
    let template = host.command(&[]);
    let mut command = Command::new("sh");
    command.args(["-c", &line]).process_group(0);
    command.envs(
        template
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.spawn().context("start a client")
}

/// Ends what the shell of a deed left.
fn end_clients(deed: &Child) -> Result<()> {
    let group = nix::unistd::Pid::from_raw(i32::try_from(deed.id())?);
    // None is left when the client ended by itself.
    let _ = nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGKILL);
    Ok(())
}

fn check(host: &Host) -> Result<()> {
    names_and_ids_resolve(host)?;
    processes_are_those_of_the_records(host)?;
    blobs_are_what_their_names_say(&host.data_root())?;
    let ran = host.docker(&[
        "run",
        "--rm",
        "--network",
        "none",
        "busybox",
        "echo",
        "works",
    ]);
    ensure!(ran.stdout.trim() == "works", "{ran:#?}");
    Ok(())
}

fn names_and_ids_resolve(host: &Host) -> Result<()> {
    for (kind, list) in [
        ("image", vec!["images", "-q"]),
        ("container", vec!["ps", "-aq"]),
        ("volume", vec!["volume", "ls", "-q"]),
    ] {
        for name in host.docker(&list).ok().split_whitespace() {
            let ran = host.docker(&[kind, "inspect", name]);
            ensure!(ran.code == Some(0), "{ran:#?}");
        }
    }
    Ok(())
}

/// Running containers have a shim each, and nobody else has one.
fn processes_are_those_of_the_records(host: &Host) -> Result<()> {
    let running = host.docker(&["ps", "-q", "--no-trunc"]);
    let running: BTreeSet<&str> = running.ok().split_whitespace().collect();
    let folder = host.run_root().join("containers");
    let bundles = fs::read_dir(&folder)
        .map(|entries| entries.flatten().collect::<Vec<_>>())
        .unwrap_or_default();
    for bundle in bundles {
        let name = bundle.file_name().to_string_lossy().into_owned();
        ensure!(
            running.contains(name.as_str()),
            "a bundle without a running container: {name}"
        );
    }
    for id in &running {
        let pid = host.docker(&["inspect", "-f", "{{.State.Pid}}", id]);
        ensure!(
            Path::new("/proc").join(pid.ok()).exists(),
            "{id} is said to run"
        );
    }
    Ok(())
}

fn blobs_are_what_their_names_say(data_root: &Path) -> Result<()> {
    let folder = data_root.join("content/blobs/sha256");
    for blob in fs::read_dir(&folder)?.flatten() {
        let ran = run(Command::new("sha256sum").arg(blob.path()), "")?;
        let name = blob.file_name().to_string_lossy().into_owned();
        ensure!(
            ran.ok().starts_with(&name),
            "a blob with other content: {name}"
        );
    }
    Ok(())
}
