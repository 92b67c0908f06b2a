//! Pictures of every screen in both languages and themes, and what a checker for accessibility says.

use std::{thread::sleep, time::Duration};

use anyhow::{Context as _, Result};
use serde_json::json;
use terrarium_tests::{Registry, Window, WindowOptions, can_run_containers};

use crate::looks::{Look, in_all_looks, none};

/// Engine calls that bring the window into a state worth a picture.
const PREPARE: &str = r#"
const done = arguments[arguments.length - 1]
const call = (name, request) => window.__TAURI_INTERNALS__.invoke(name, { request })
const run = async (request) => {
  const { value } = await call('create_container', request)
  await call('start_container', { container: value.id })
  return value.id
}
const work = async () => {
  const { value: hello } = await call('make_starter_image', null)
  const image = hello.references[0]
  const busy = 'while true; do echo "$(date) served a request"; i=0; while [ $i -lt 2000 ]; do i=$((i+1)); done; sleep 0.3; done'
  const web = await run({ image, name: 'web', command: ['sh', '-c', busy], labels: {}, limits: { memoryBytes: 67108864, pids: 64 } })
  await run({ image, name: 'cache', command: ['sleep', '3600'] })
  const job = await call('create_container', { image, name: 'nightly-job', command: ['sh', '-c', 'exit 3'] })
  await call('start_container', { container: job.value.id })
  await call('pause_container', { container: 'cache' })
  await call('create_volume', { name: 'web-data', labels: {} })
  const project = await call('create_project', { name: 'shop-api', folder: arguments[0], dockerfile: '', template: null })
  await call('write_project_file', { project: project.id, text: arguments[1].replaceAll('BASE', image), version: null })
  const { id } = await call('start_build', { project: project.id })
  for (let state = 'running'; state === 'running'; ) {
    await new Promise((resolve) => setTimeout(resolve, 200))
    state = (await call('inspect_build', { build: id })).summary.state
  }
  return { web, image: hello.id, project: project.id }
}
work().then((value) => done({ value }), (error) => done({ error: JSON.stringify(error) }))
"#;

/// What the project of the pictures builds: two stages, a comment, and something to be reproached with.
const DOCKERFILE: &str = "FROM BASE AS build\nWORKDIR /src\n# The sources\nCOPY . .\nRUN cat page.html > index.html\n\n\
    FROM BASE\nMAINTAINER jiwoo@acme.dev\nENV PORT=3000\nCOPY --from=build /src/index.html /srv/\nRUN echo ready\n\
    EXPOSE 3000\nCMD [\"httpd\", \"-f\", \"-p\", \"3000\"]\n";

/// One screen: its name, where it is, and what has to be there before it is looked at.
type Screen = (&'static str, String, &'static str);

fn screens(container: &str, image: &str, project: &str) -> Vec<Screen> {
    let of_image = |tab: &str| format!("#/images/{image}/{tab}");
    let mut screens = vec![
        ("home", "#/home".into(), "[data-testid=home-row]"),
        (
            "containers",
            "#/containers".into(),
            "[data-testid=container-row]",
        ),
        ("images", "#/images".into(), "[data-testid=image-row]"),
        ("image-layers", of_image("layers"), "[data-testid=layer]"),
        ("image-files", of_image("files"), "[data-testid=file-line]"),
        (
            "image-manifest",
            of_image("manifest"),
            "[data-testid=tab-manifest][aria-selected=true]",
        ),
        ("builds", "#/builds".into(), "[data-testid=project-row]"),
        (
            "studio",
            format!("#/builds/{project}/studio"),
            "[data-testid=headline]",
        ),
        (
            "studio-history",
            format!("#/builds/{project}/history"),
            "[data-testid=build-detail]",
        ),
        ("volumes", "#/volumes".into(), "[data-testid=volume-row]"),
        ("activity", "#/activity".into(), "[data-testid=activity]"),
        ("settings", "#/settings".into(), "[data-testid=language]"),
        (
            "settings-registries",
            "#/settings/registries".into(),
            "[data-testid=registry-page]",
        ),
        (
            "settings-storage",
            "#/settings/storage".into(),
            "[data-testid=store-health]",
        ),
        (
            "settings-engine",
            "#/settings/engine".into(),
            "[data-testid=engine-facts]",
        ),
    ];
    screens.extend(container_screens(container));
    screens
}

fn container_screens(container: &str) -> Vec<Screen> {
    let of_container = |tab: &str| format!("#/containers/{container}/{tab}");
    vec![
        (
            "container-summary",
            of_container("summary"),
            "[data-testid=container-page]",
        ),
        ("container-logs", of_container("logs"), "[data-testid=log]"),
        (
            "container-terminal",
            of_container("terminal"),
            "[data-testid=terminal] .xterm",
        ),
        (
            "container-resources",
            of_container("resources"),
            "[data-testid=metric-memory] canvas",
        ),
        (
            "container-isolation",
            of_container("isolation"),
            "[data-testid=limit-memory]",
        ),
        (
            "container-processes",
            of_container("processes"),
            "[data-testid=process-table]",
        ),
        (
            "container-timeline",
            of_container("timeline"),
            "[data-testid=timeline-step]",
        ),
        (
            "container-files",
            of_container("files"),
            "[data-testid=writable-layer]",
        ),
    ]
}

#[test]
fn every_screen_is_accessible_in_both_languages_and_themes() -> Result<()> {
    if !can_run_containers() {
        return Ok(());
    }
    let window = Window::open(&WindowOptions::default())?;
    window.find("home-empty")?;
    let mut complaints = Vec::new();
    in_all_looks(&window, |look| {
        complaints.extend(look.at("home-empty")?);
        Ok(())
    })?;
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("page.html"), "<h1>hello</h1>\n")?;
    let arguments = json!([folder.path().to_string_lossy(), DOCKERFILE]);
    let prepared = window.script_async(PREPARE, arguments)?;
    let of = |name: &str| {
        prepared["value"][name]
            .as_str()
            .with_context(|| format!("prepare: {prepared}"))
    };
    let screens = screens(of("web")?, of("image")?, of("project")?);
    // Graphs need some seconds of life.
    sleep(Duration::from_secs(8));
    in_all_looks(&window, |look| {
        for (name, place, ready) in &screens {
            window.script("location.hash = arguments[0]", json!([place]))?;
            window.find_css(ready)?;
            complaints.extend(look.at(name)?);
        }
        complaints.extend(dialogs(look)?);
        Ok(())
    })?;
    none(&complaints)
}

#[test]
fn a_pull_shows_its_blobs_in_both_themes() -> Result<()> {
    if !can_run_containers() {
        return Ok(());
    }
    let registry = Registry::with_busybox()?;
    let window = Window::open(&WindowOptions {
        mirrors: vec![registry.url()],
        ..WindowOptions::default()
    })?;
    in_all_looks(&window, |look| {
        window.script("location.hash = '#/images'", json!([]))?;
        window
            .click("pull-image")
            .or_else(|_| window.click("empty-pull"))?;
        window.script(
            "document.querySelector('[data-testid=pull-name]').value = ''",
            json!([]),
        )?;
        window.type_into("pull-name", "busybox")?;
        window.find("dissector")?;
        window.click("pull-start")?;
        window.find("pull-done")?;
        look.picture("pull")?;
        window.click("dialog-close")?;
        window.wait_gone("dialog")
    })
}

fn dialogs(look: &Look<'_>) -> Result<Vec<String>> {
    let window = look.window;
    window.script("location.hash = '#/containers'", json!([]))?;
    window.click("new-container")?;
    window.find("create-image")?;
    let mut complaints = look.at("create-container")?;
    window.click("dialog-close")?;
    window.wait_gone("dialog")?;
    window.click("open-palette")?;
    window.find("palette-input")?;
    complaints.extend(look.at("palette")?);
    window.press("\u{e00c}")?;
    window.wait_gone("[data-testid=palette-input]")?;
    Ok(complaints)
}
