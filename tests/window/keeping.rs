//! What is kept: a volume and its files, images in groups, and a store that is looked over and mended.

use std::{fs, path::PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use terrarium_tests::{Registry, Window, WindowOptions, can_run_containers};

use crate::{
    hands::go,
    looks::{in_all_looks, none},
};

/// A container that writes into a volume, with a label on it, and ends.
const FILL: &str = r#"
const done = arguments[arguments.length - 1]
const call = (name, request) => window.__TAURI_INTERNALS__.invoke(name, { request })
const work = async () => {
  const { value: image } = await call('make_starter_image', null)
  await call('create_volume', { name: 'letters', labels: { project: 'shop' } })
  const mounts = [{ kind: 'volume', source: 'letters', target: '/data', readOnly: false }]
  const command = ['sh', '-c', 'mkdir -p /data/in/new; echo hello there > /data/in/new/first.txt; ln -s /etc/passwd /data/out; sleep 3600']
  const { value } = await call('create_container', { image: image.references[0], name: 'writer', command, mounts })
  await call('start_container', { container: value.id })
}
work().then(() => done('done'), (error) => done({ error }))
"#;

#[test]
fn a_volume_shows_its_files_and_who_mounts_it() -> Result<()> {
    if !can_run_containers() {
        return Ok(());
    }
    let window = Window::open(&WindowOptions::default())?;
    window.find("home-empty")?;
    let filled = window.script_async(FILL, json!([]))?;
    ensure!(filled == json!("done"), "{filled}");
    go(&window, "#/volumes")?;
    window.click_css("[data-testid=volume-row][data-name=letters] [data-testid=open]")?;
    window.wait_for_text("[data-testid=volume-users]", "writer")?;
    window.wait_for_text("[data-testid=volume-facts]", "project=shop")?;
    // The container may have been quicker than its first file.
    window.click("volume-refresh")?;
    window.click_css("[data-testid=file-line][data-path='/in']")?;
    window.click_css("[data-testid=file-line][data-path='/in/new']")?;
    window.click_css("[data-testid=file-line][data-path='/in/new/first.txt']")?;
    window.wait_for_text("[data-testid=file-text]", "hello there")?;
    // A link is told, and never followed out of the volume.
    window.wait_for_text("[data-testid=file-line][data-path='/out']", "/etc/passwd")?;
    window.type_into("file-search", "first")?;
    window.wait_for_text("[data-testid=found-file]", "/in/new/first.txt")?;
    let mut complaints = Vec::new();
    in_all_looks(&window, |look| {
        go(&window, "#/volumes/letters")?;
        window.click_css("[data-testid=file-line][data-path='/in']")?;
        window.find_css("[data-testid=file-line][data-path='/in/new']")?;
        complaints.extend(look.at("volume")?);
        Ok(())
    })?;
    none(&complaints)
}

#[test]
fn images_of_one_repository_stand_together() -> Result<()> {
    if !can_run_containers() {
        return Ok(());
    }
    let (_registry, window) = with_busybox()?;
    for version in ["1", "2", "3"] {
        let dockerfile = format!("FROM busybox\nLABEL version={version}\n");
        let folder = tempfile::tempdir()?;
        fs::write(folder.path().join("Dockerfile"), dockerfile)?;
        let path = folder.path().to_str().context("a path of letters")?;
        // The third takes the name of the second, which is without one from then on.
        let name = format!("shop/api:{}", if version == "3" { "2" } else { version });
        let mut build = window.command();
        build.env("DOCKER_BUILDKIT", "0");
        terrarium_tests::run(build.args(["build", "-q", "-t", &name, path]), "")?.ok();
    }
    go(&window, "#/images")?;
    window.wait_for_text("[data-testid=image-group][data-name='shop/api']", "2")?;
    window.find_css("[data-testid=image-group][data-name='']")?;
    let mut complaints = Vec::new();
    in_all_looks(&window, |look| {
        go(&window, "#/images")?;
        window.find("image-group")?;
        complaints.extend(look.at("images-grouped")?);
        Ok(())
    })?;
    none(&complaints)
}

#[test]
fn a_damaged_blob_is_found_and_pulled_anew() -> Result<()> {
    if !can_run_containers() {
        return Ok(());
    }
    let (_registry, window) = with_busybox()?;
    go(&window, "#/settings/storage")?;
    window.click("store-check")?;
    window.find_css("[data-testid=store-result][data-damage='0']")?;
    damage_the_largest_blob(&window)?;
    window.click("store-check")?;
    window.find_css("[data-testid=damage] [data-kind=wrongBytes]")?;
    let mut complaints = Vec::new();
    in_all_looks(&window, |look| {
        go(&window, "#/settings/storage")?;
        window.find("damage")?;
        complaints.extend(look.at("storage-damaged")?);
        Ok(())
    })?;
    none(&complaints)?;
    go(&window, "#/settings/storage")?;
    window.click("store-repair")?;
    window.find_css("[data-testid=store-repaired][data-left='0']")?;
    window.screenshot("storage-repaired")?;
    window.click("store-check")?;
    window.find_css("[data-testid=store-result][data-damage='0']")?;
    Ok(())
}

fn with_busybox() -> Result<(Registry, Window)> {
    let registry = Registry::with_busybox()?;
    let window = Window::open(&WindowOptions {
        mirrors: vec![registry.url()],
        ..WindowOptions::default()
    })?;
    window.find("home-empty")?;
    window.docker(&["pull", "-q", "busybox"]).ok();
    Ok((registry, window))
}

/// Changes one byte in the middle of a layer, and nothing else.
fn damage_the_largest_blob(window: &Window) -> Result<()> {
    let run = window.socket();
    let root = run
        .parent()
        .and_then(|run| run.parent())
        .context("a root")?;
    let blobs = root.join("data/content/blobs/sha256");
    let mut found: Vec<(u64, PathBuf)> = Vec::new();
    for entry in fs::read_dir(&blobs).with_context(|| blobs.display().to_string())? {
        let entry = entry?;
        found.push((entry.metadata()?.len(), entry.path()));
    }
    found.sort();
    let (_, largest) = found.pop().context("there are blobs")?;
    let mut bytes = fs::read(&largest)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::remove_file(&largest)?;
    fs::write(&largest, bytes)?;
    Ok(())
}
