//! Files on their way between a container and this machine, and an image of what a container wrote.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use terrarium_tests::{Window, WindowOptions, can_run_containers};

use crate::{
    hands::{fill, go, starter_image},
    looks::{in_all_looks, none},
};

/// Runs a container that writes a file and stays.
const RUN: &str = "const done = arguments[arguments.length - 1]; const [image] = arguments; \
    const call = (name, request) => window.__TAURI_INTERNALS__.invoke(name, { request }); \
    const command = ['sh', '-c', 'mkdir -p /work; echo made here > /work/note; rm -f /etc/group; sleep 3600']; \
    call('create_container', { image, name: 'writer', command }) \
        .then(({ value }) => call('start_container', { container: value.id })) \
        .then(({ value }) => done(value.id), (error) => done({ error }))";

#[test]
fn files_leave_and_enter_a_container_and_it_becomes_an_image() -> Result<()> {
    if !can_run_containers() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let window = Window::open(&WindowOptions::default())?;
    window.find("home-empty")?;
    let (_, image) = starter_image(&window)?;
    let made = window.script_async(RUN, json!([image]))?;
    let id = made.as_str().with_context(|| format!("{made}"))?;
    let files = format!("#/containers/{id}/files");
    let place = |name: &str| folder.path().join(name).display().to_string();

    go(&window, &files)?;
    window.click("copy-out")?;
    fill(&window, "transfer-from", "/work/note")?;
    fill(&window, "transfer-to", &place(""))?;
    window.click("transfer-accept")?;
    window.wait_gone("dialog")?;
    ensure!(fs::read_to_string(place("note"))? == "made here\n", "note");

    fs::write(place("given"), "from outside\n")?;
    choose(&window, "container.copy_in")?;
    fill(&window, "transfer-from", &place("given"))?;
    fill(&window, "transfer-to", "/work")?;
    window.click("transfer-accept")?;
    window.wait_gone("dialog")?;
    let read = window.docker(&["exec", "writer", "cat", "/work/given"]);
    ensure!(read.ok() == "from outside", "{read:?}");

    choose(&window, "container.export")?;
    fill(&window, "transfer-to", &place("all.tar"))?;
    window.click("transfer-accept")?;
    window.wait_gone("dialog")?;
    ensure!(fs::metadata(place("all.tar"))?.len() > 100_000, "a tar");

    pictures(&window, &files)?;
    go(&window, &files)?;
    choose(&window, "container.commit")?;
    window.wait_for_text("[data-testid=commit]", "/work/given")?;
    fill(&window, "commit-name", "writer:1")?;
    window.click("commit-accept")?;
    window.find("image-page")?;
    let run = window.docker(&[
        "run",
        "--rm",
        "writer:1",
        "cat",
        "/work/note",
        "/work/given",
    ]);
    ensure!(run.ok() == "made here\nfrom outside", "{run:?}");
    Ok(())
}

/// Chooses a verb from the menu of the open container.
fn choose(window: &Window, verb: &str) -> Result<()> {
    window.click_css("[data-testid=container-page] [data-testid=more]")?;
    window.click(&format!("menu-{verb}"))
}

fn pictures(window: &Window, files: &str) -> Result<()> {
    let mut complaints = Vec::new();
    in_all_looks(window, |look| {
        go(window, files)?;
        choose(window, "container.commit")?;
        window.find("change-sums")?;
        complaints.extend(look.at("commit")?);
        window.click("dialog-close")?;
        window.wait_gone("dialog")?;
        choose(window, "container.copy_out")?;
        window.find("transfer-accept")?;
        complaints.extend(look.at("copy-out")?);
        window.click("dialog-close")?;
        window.wait_gone("dialog")
    })?;
    none(&complaints)
}
