//! Debian, nginx, PostgreSQL and Redis as anybody runs them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use terrarium_tests::{Host, Layout, Options, Registry, can_run_containers, run_within, skip};

const PACKAGES: &str = "--include=nginx-light,postgresql,redis-server";

/// Fetching and installing Debian, or unpacking it, on a busy machine.
const LONG: Duration = Duration::from_secs(400);

/// What a program may take to end when it is asked to.
const STOP: Duration = Duration::from_secs(8);

#[test]
fn debian_and_its_servers_run_answer_and_stop() -> Result<()> {
    if !can_run_containers() {
        return Ok(());
    }
    let Some(debian) = debian()? else {
        return Ok(());
    };
    let registry = Registry::start()?;
    registry.push_layout(&debian, "library/debian:latest")?;
    let host = Host::start(Options {
        mirrors: vec![registry.url()],
    })?;
    run_within(&mut host.command(&["pull", "-q", "debian"]), "", LONG)?.ok();
    let version = host.docker(&["run", "--rm", "debian", "cat", "/etc/debian_version"]);
    assert!(
        version
            .ok()
            .starts_with(|first: char| first.is_ascii_digit()),
        "{version:?}"
    );

    start_nginx(&host)?;
    start_postgresql(&host);
    start_redis(&host);
    for name in ["nginx", "postgresql", "redis"] {
        assert!(memory(&host, name)?.starts_with(|digit| ('1'..='9').contains(&digit)));
        stop(&host, name)?;
    }
    keeps_its_data(&host);
    Ok(())
}

/// Serves a page of its own and logs to the container's output, as the image of nginx does.
fn start_nginx(host: &Host) -> Result<()> {
    let script = "ln -sf /dev/stdout /var/log/nginx/access.log; \
        ln -sf /dev/stderr /var/log/nginx/error.log; \
        echo a page of ours >/var/www/html/index.html; \
        exec nginx -g 'daemon off;'";
    let options = ["run", "-d", "--name", "nginx", "-p", "127.0.0.1::80"];
    let command = ["debian", "sh", "-c", script];
    host.docker(&[&options[..], &command].concat()).ok();
    let port = host.docker(&["port", "nginx", "80/tcp"]);
    let url = format!("http://{}/", port.ok());
    let started = Instant::now();
    let mut page = ureq::get(&url).call();
    while page.is_err() && started.elapsed() < Duration::from_secs(20) {
        thread::sleep(Duration::from_millis(50));
        page = ureq::get(&url).call();
    }
    let page = page.context("nginx answers")?.body_mut().read_to_string()?;
    assert_eq!(page, "a page of ours\n");
    let log = host.docker(&["logs", "nginx"]);
    assert!(log.ok().contains("\"GET / HTTP/1.1\" 200"), "{log:?}");
    Ok(())
}

/// Where the server of PostgreSQL lies depends on its version.
const POSTGRESQL: &str = "PATH=$(echo /usr/lib/postgresql/*/bin):$PATH; \
    export PGHOST=/tmp PGDATA=/var/lib/postgresql/fresh; ";

fn start_postgresql(host: &Host) {
    let script = format!(
        "{POSTGRESQL} [ -e $PGDATA/PG_VERSION ] || initdb -A trust || exit; \
         exec postgres -c unix_socket_directories=/tmp"
    );
    host.docker(&[
        "run",
        "-d",
        "--name",
        "postgresql",
        "--user",
        "postgres",
        "--stop-signal",
        "SIGINT",
        "debian",
        "sh",
        "-c",
        &script,
    ])
    .ok();
    let sum = query(
        host,
        "create table numbers as select generate_series(1, 1000) as n; \
         select sum(n) from numbers",
    );
    assert!(sum.ends_with("500500"), "{sum}");
    let log = host.docker(&["logs", "postgresql"]);
    log.ok();
    assert!(
        log.stderr.contains("ready to accept connections"),
        "{log:?}"
    );
}

/// Asks once the server is ready.
fn query(host: &Host, statements: &str) -> String {
    let script = format!(
        "{POSTGRESQL} for i in $(seq 300); do pg_isready -q && break; sleep 0.1; done; \
         exec psql -At -c \"$0\""
    );
    host.docker(&["exec", "postgresql", "sh", "-c", &script, statements])
        .ok()
        .to_owned()
}

fn start_redis(host: &Host) {
    host.docker(&["run", "-d", "--name", "redis", "debian", "redis-server"])
        .ok();
    let script = "for i in $(seq 300); do redis-cli ping && exit; sleep 0.1; done; exit 1";
    let pong = host.docker(&["exec", "redis", "sh", "-c", script]);
    assert!(pong.ok().ends_with("PONG"), "{pong:?}");
    let redis = |command: &[&str]| {
        let arguments = [&["exec", "redis", "redis-cli"][..], command].concat();
        host.docker(&arguments).ok().to_owned()
    };
    assert_eq!(redis(&["set", "key", "value"]), "OK");
    assert_eq!(redis(&["get", "key"]), "value");
    let log = host.docker(&["logs", "redis"]);
    assert!(log.ok().contains("Ready to accept connections"), "{log:?}");
}

/// What `docker stats` says about the memory of a container.
fn memory(host: &Host, name: &str) -> Result<String> {
    let stats = host.docker(&["stats", "--no-stream", "--format", "{{.MemUsage}}", name]);
    let (used, _limit) = stats.ok().split_once(" / ").context("usage and limit")?;
    Ok(used.to_owned())
}

fn stop(host: &Host, name: &str) -> Result<()> {
    let asked = Instant::now();
    host.docker(&["stop", "-t", "20", name]).ok();
    ensure!(
        asked.elapsed() < STOP,
        "{name} took {:?} to stop",
        asked.elapsed()
    );
    let code = host.docker(&["inspect", "-f", "{{.State.ExitCode}}", name]);
    assert_eq!(code.ok(), "0", "{name}");
    Ok(())
}

/// PostgreSQL ended in order, so its table is there when it starts again.
fn keeps_its_data(host: &Host) {
    host.docker(&["start", "postgresql"]).ok();
    assert_eq!(query(host, "select count(*) from numbers"), "1000");
}

/// An image of Debian with the servers, made once and kept for later runs.
fn debian() -> Result<Option<Layout>> {
    let Some((mirror, suite)) = mirror() else {
        skip("needs a Debian whose apt has a mirror");
        return Ok(None);
    };
    let cache = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/test-cache");
    let kept = cache.join(format!("debian-{suite}"));
    if kept.exists() {
        return Ok(Some(Layout::open(&kept)));
    }
    fs::create_dir_all(&cache)?;
    let work = tempfile::tempdir_in(&cache)?;
    let root = work.path().join("root");
    let mut debootstrap = Command::new("debootstrap");
    debootstrap.args(["--variant=minbase", PACKAGES, &suite]);
    let made = run_within(debootstrap.arg(&root).arg(mirror), "", LONG);
    match made {
        Ok(made) if made.code == Some(0) => {}
        failed => {
            skip(&format!("debootstrap could not make Debian: {failed:?}"));
            return Ok(None);
        }
    }
    image(&root, &work.path().join("image"))?;
    fs::rename(work.path().join("image"), &kept)?;
    Ok(Some(Layout::open(&kept)))
}

/// Makes a layer of a root file system, without what only the machine or apt needs.
fn image(root: &Path, path: &Path) -> Result<()> {
    let file = root.with_extension("tar");
    let mut tar = Command::new("tar");
    tar.args(["--numeric-owner", "--exclude=./dev/*", "--exclude=./proc/*"]);
    tar.args(["--exclude=./sys/*", "--exclude=./var/cache/apt/*"]);
    tar.arg("-C").arg(root).arg("-cf").arg(&file).arg(".");
    run_within(&mut tar, "", LONG)?.ok();
    let layout = Layout::create(path)?;
    layout.add_tar(&file)?;
    layout.configure(&[
        "--config.cmd=bash",
        "--config.env=PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    ])
}

/// The mirror and the suite of this machine's own apt.
fn mirror() -> Option<(String, String)> {
    let release = fs::read_to_string("/etc/os-release").ok()?;
    let value = |name: &str| {
        let line = release.lines().find_map(|line| line.strip_prefix(name))?;
        Some(line.trim_matches('"').to_owned())
    };
    if value("ID=")? != "debian" {
        return None;
    }
    let suite = value("VERSION_CODENAME=")?;
    let mut lists: Vec<PathBuf> = vec!["/etc/apt/sources.list".into()];
    let folder = fs::read_dir("/etc/apt/sources.list.d")
        .into_iter()
        .flatten();
    lists.extend(folder.flatten().map(|entry| entry.path()));
    let texts = lists
        .into_iter()
        .filter_map(|list| fs::read_to_string(list).ok());
    let mut words = texts.flat_map(|text| {
        let words = text.split_whitespace().map(str::to_owned);
        words.collect::<Vec<_>>()
    });
    let mirror = words.find(|word| word.starts_with("http") && word.ends_with("/debian"))?;
    Some((mirror, suite))
}
