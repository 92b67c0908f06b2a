//! The short life of a container, as a user at a prompt and as a program meets it.

use std::time::Instant;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::{
    Bench,
    api::call,
    engine::Engine,
    measure::{Row, Side, alternate},
};

const ROUNDS: usize = 20;

/// `docker run`, and what the client itself costs in it.
pub(crate) fn run(bench: &Bench) -> Result<Vec<Row>> {
    let client = ["version", "--format", "{{.Server.Version}}"];
    let bridge = ["run", "--rm", "busybox", "true"];
    let none = ["run", "--rm", "--network", "none", "busybox", "true"];
    Ok(vec![
        compare(bench, "docker version (the client itself)", &client)?,
        compare(bench, "docker run --rm busybox true", &bridge)?,
        compare(bench, "docker run --rm --network none …", &none)?,
    ])
}

/// `docker exec` in a running container.
pub(crate) fn exec(bench: &Bench) -> Result<Vec<Row>> {
    for engine in bench.engines() {
        engine.docker(&["run", "-d", "--name", "host", "busybox", "sleep", "1000"])?;
    }
    let row = compare(bench, "docker exec … true", &["exec", "host", "true"]);
    for engine in bench.engines() {
        engine.remove_containers()?;
    }
    Ok(vec![row?])
}

fn compare(bench: &Bench, work: &str, arguments: &[&str]) -> Result<Row> {
    let mut sides: Vec<Side<'_>> = bench
        .engines()
        .map(|engine| Side::new(engine.name(), || engine.timed(arguments)))
        .collect();
    Ok(Row::new(work, alternate(ROUNDS, &mut sides)?))
}

/// Create, start, wait, remove over the socket, without a client's start.
pub(crate) fn through_the_api(bench: &Bench) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for network in ["bridge", "none"] {
        let mut sides: Vec<Side<'_>> = bench
            .engines()
            .map(|engine| {
                Side::new(engine.name(), move || {
                    let started = Instant::now();
                    live_once(engine, network)?;
                    Ok(started.elapsed())
                })
            })
            .collect();
        let work = format!("API: create start wait remove ({network})");
        rows.push(Row::new(&work, alternate(ROUNDS, &mut sides)?));
    }
    Ok(rows)
}

fn live_once(engine: &Engine, network: &str) -> Result<()> {
    let socket = engine.socket();
    let request = json!({
        "Image": "busybox",
        "Cmd": ["true"],
        "HostConfig": {"NetworkMode": network},
    });
    let created: Value = serde_json::from_str(&call(
        &socket,
        "POST",
        "/containers/create",
        Some(&request),
    )?)?;
    let id = created["Id"].as_str().context("a container has an id")?;
    let path = format!("/containers/{id}");
    call(&socket, "POST", &format!("{path}/start"), None)?;
    call(&socket, "POST", &format!("{path}/wait"), None)?;
    call(&socket, "DELETE", &path, None)?;
    Ok(())
}
