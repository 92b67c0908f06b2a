//! The layer explorer in the real window: an image's layers and files, and what a container writes.

use anyhow::{Context as _, Result};
use serde_json::json;
use terrarium_tests::{Window, WindowOptions, can_run_containers};

/// Makes the starter image and a container that changes, removes and adds a file, and stays.
const PREPARE: &str = r#"
const done = arguments[arguments.length - 1]
const call = (name, request) => window.__TAURI_INTERNALS__.invoke(name, { request })
const run = async (name, script) => {
  const { value: image } = await call('make_starter_image', null)
  const command = ['sh', '-c', `${script}; sleep 3600`]
  const { value } = await call('create_container', { image: image.references[0], name, command })
  await call('start_container', { container: value.id })
  return { container: value.id, image: image.id }
}
const work = async () => {
  await run('twin', 'true')
  return run('writer', 'echo 1 > /added; echo hi >> /etc/passwd; mkdir -p /tmp; rm -f /etc/group')
}
work().then((value) => done({ value }), (error) => done({ error: JSON.stringify(error) }))
"#;

#[test]
fn layers_files_and_the_writable_layer_can_be_explored() -> Result<()> {
    if !can_run_containers() {
        return Ok(());
    }
    let window = Window::open(&WindowOptions::default())?;
    window.find("home-empty")?;
    let prepared = window.script_async(PREPARE, json!([]))?;
    let of = |name: &str| {
        let id = prepared["value"][name].as_str();
        id.with_context(|| format!("prepare: {prepared}"))
    };
    let (image, container) = (of("image")?, of("container")?);
    explore_image(&window, image)?;
    explore_container(&window, container)
}

fn go(window: &Window, place: String) -> Result<()> {
    window.script("location.hash = arguments[0]", json!([place]))?;
    Ok(())
}

fn explore_image(window: &Window, image: &str) -> Result<()> {
    go(window, format!("#/images/{image}/layers"))?;
    window.find("layer")?;
    window.click_css("#layer-0")?;
    window.find_css("[data-testid=file-line][data-path='/bin/busybox']")?;
    window.screenshot("image-layers-open")?;
    window.type_into("file-search", "busybox")?;
    window.click("found-file")?;
    window.find("file-preview")?;
    window.wait_for_text("[data-testid=file-text]", "ELF")?;
    window.screenshot("image-file-preview")?;
    go(window, format!("#/images/{image}/files"))?;
    window.click("files-view-map")?;
    window.find_css("[data-testid=size-map] button")?;
    window.screenshot("image-size-map")
}

fn explore_container(window: &Window, container: &str) -> Result<()> {
    go(window, format!("#/containers/{container}/files"))?;
    window.find("writable-layer")?;
    window.find_css("[data-testid=file-line][data-path='/added']")?;
    window.click_css("[data-testid=twin] summary")?;
    window.find("twin-digest")?;
    window.screenshot("container-files")
}

#[test]
fn a_receipt_removes_what_was_chosen_and_nothing_else() -> Result<()> {
    if !can_run_containers() {
        return Ok(());
    }
    let window = Window::open(&WindowOptions::default())?;
    window.find("home-empty")?;
    window.script_async(PREPARE, json!([]))?;
    let stop = "const done = arguments[arguments.length - 1]; \
        window.__TAURI_INTERNALS__.invoke('kill_container', { request: { container: 'twin', signal: 'KILL' } }).then(done, done)";
    window.script_async(stop, json!([]))?;
    go(&window, "#/containers".into())?;
    window.find_css("[data-testid=container-row][data-status=stopped], [data-status=stopped]")?;
    go(&window, "#/settings/storage".into())?;
    window.click("open-prune")?;
    window.click_css("[data-testid=prune-item] label")?;
    window.wait_for_text("[data-testid=prune-accept]", "1")?;
    window.screenshot("prune")?;
    window.click("prune-accept")?;
    window.wait_gone("[data-testid=prune-total]")?;
    go(&window, "#/containers".into())?;
    window.find("container-row")?;
    assert_eq!(window.count("[data-testid=container-row]")?, 1);
    Ok(())
}
