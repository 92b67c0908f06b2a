//! Debian, nginx, PostgreSQL and Redis as anybody runs them.

mod builds;
mod debian;
mod network;
mod servers;
mod window;

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use terrarium_tests::{Host, Options, run_within};

use crate::{
    debian::{LONG, with_debian},
    servers::{ask_nginx, query, start_nginx, start_postgresql},
};

/// What a program may take to end when it is asked to.
const STOP: Duration = Duration::from_secs(8);

#[test]
fn debian_and_its_servers_run_answer_and_stop() -> Result<()> {
    with_debian(servers_live)
}

fn servers_live(mirrors: Vec<String>) -> Result<()> {
    let host = Host::start(Options { mirrors })?;
    run_within(&mut host.command(&["pull", "-q", "debian"]), "", LONG)?.ok();
    let version = host.docker(&["run", "--rm", "debian", "cat", "/etc/debian_version"]);
    assert!(
        version
            .ok()
            .starts_with(|first: char| first.is_ascii_digit()),
        "{version:?}"
    );

    let docker = |arguments: &[&str]| host.docker(arguments);
    start_nginx(&docker);
    ask_nginx(&docker)?;
    let log = host.docker(&["logs", "nginx"]);
    assert!(log.ok().contains("\"GET / HTTP/1.1\" 200"), "{log:?}");
    start_postgresql(&docker);
    let log = host.docker(&["logs", "postgresql"]);
    log.ok();
    assert!(
        log.stderr.contains("ready to accept connections"),
        "{log:?}"
    );
    start_redis(&host);
    for name in ["nginx", "postgresql", "redis"] {
        assert!(memory(&host, name)?.starts_with(|digit| ('1'..='9').contains(&digit)));
        stop(&host, name)?;
    }
    keeps_its_data(&host);
    Ok(())
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
    let docker = |arguments: &[&str]| host.docker(arguments);
    assert_eq!(query(&docker, "select count(*) from numbers"), "1000");
}
