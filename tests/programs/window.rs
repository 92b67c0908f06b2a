//! The same servers in the window: what nginx logs, and what PostgreSQL takes under load.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use terrarium_tests::{Window, WindowOptions, run_within};

use crate::{
    debian::{LONG, with_debian},
    servers::{Docker, POSTGRESQL, ask_nginx, query, start_nginx, start_postgresql},
};

#[test]
fn the_window_shows_the_log_of_nginx_and_the_load_of_postgresql() -> Result<()> {
    with_debian(servers_show)
}

fn servers_show(mirrors: Vec<String>) -> Result<()> {
    let window = Window::open(&WindowOptions {
        mirrors,
        ..WindowOptions::default()
    })?;
    run_within(window.command().args(["pull", "-q", "debian"]), "", LONG)?.ok();
    let docker = |arguments: &[&str]| window.docker(arguments);
    start_nginx(&docker);
    start_postgresql(&docker);

    show(&window, &docker, "nginx", "logs")?;
    ask_nginx(&docker)?;
    window.wait_for_text("[data-testid=log]", "\"GET / HTTP/1.1\" 200")?;
    in_both_languages(&window, "nginx-log")?;

    load(&docker);
    show(&window, &docker, "postgresql", "resources")?;
    window.find_css("[data-testid=metric-memory] canvas")?;
    reaches(&window, "cpu", 5.0)?;
    // A cluster of idle servers holds tens of MiB, so some are a lower bound.
    reaches(&window, "memory", 5.0)?;
    // A graph needs some seconds of life.
    thread::sleep(Duration::from_secs(6));
    in_both_languages(&window, "postgresql-resources")
}

/// Half a minute of sums on one core.
fn load(docker: Docker<'_>) {
    assert_eq!(query(docker, "select 1"), "1");
    let line = format!(
        "{POSTGRESQL} timeout 30 psql -c 'select sum(n * n) from generate_series(1, 1000000000::numeric) as n'"
    );
    docker(&["exec", "-d", "postgresql", "sh", "-c", &line]).ok();
}

/// Opens a tab of a container.
fn show(window: &Window, docker: Docker<'_>, name: &str, tab: &str) -> Result<()> {
    let id = docker(&["inspect", "-f", "{{.Id}}", name]);
    let place = format!("#/containers/{}/{tab}", id.ok());
    window.script("location.hash = arguments[0]", json!([place]))?;
    window.wait_for_text("[data-testid=container-page]", name)
}

/// Waits until the figure beside a graph is as large as this.
fn reaches(window: &Window, metric: &str, least: f64) -> Result<()> {
    let script = "const value = document.querySelector(`[data-testid=metric-${arguments[0]}] .value`); \
        return parseFloat(value?.innerText ?? '')";
    let started = Instant::now();
    loop {
        let shown = window.script(script, json!([metric]))?;
        if shown.as_f64().is_some_and(|value| value >= least) {
            return Ok(());
        }
        ensure!(
            started.elapsed() < Duration::from_secs(20),
            "{metric} stays at {shown}; the page says:\n{}",
            window.page_text()
        );
        thread::sleep(Duration::from_millis(200));
    }
}

/// Takes a picture in each language, at the same place.
fn in_both_languages(window: &Window, name: &str) -> Result<()> {
    let place = window.script("return location.hash", json!([]))?;
    let place = place.as_str().context("a place is text")?.to_owned();
    for language in ["en", "ko"] {
        window.script("location.hash = '#/settings'", json!([]))?;
        window.click(&format!("language-{language}"))?;
        window.find_css(&format!("html[lang={language}]"))?;
        window.script("location.hash = arguments[0]", json!([place]))?;
        window.find("container-page")?;
        thread::sleep(Duration::from_millis(700));
        window.screenshot(&format!("{name}-{language}"))?;
    }
    Ok(())
}
