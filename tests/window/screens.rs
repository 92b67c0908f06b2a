//! Pictures of every screen in both languages and themes, and what a checker for accessibility says.

use std::{fs, path::Path, thread::sleep, time::Duration};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use terrarium_tests::{Registry, Window, WindowOptions, can_run_containers};

/// The checker, as the front end's own tests use it.
const AXE: &str = "../ui/node_modules/axe-core/axe.min.js";

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
  return { web, image: hello.id }
}
work().then((value) => done({ value }), (error) => done({ error: JSON.stringify(error) }))
"#;

/// One screen: its name, where it is, and what has to be there before it is looked at.
type Screen = (&'static str, String, &'static str);

fn screens(container: &str, image: &str) -> Vec<Screen> {
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
        ("volumes", "#/volumes".into(), "[data-testid=volume-row]"),
        ("activity", "#/activity".into(), "[data-testid=activity]"),
        (
            "settings",
            "#/settings".into(),
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
    let axe = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(AXE))
        .context("npm ci was not run in ui/")?;
    window.find("home-empty")?;
    let mut complaints = Vec::new();
    for (language, theme) in combinations() {
        dress(&window, language, theme)?;
        let look = Look {
            window: &window,
            language,
            theme,
            axe: &axe,
        };
        complaints.extend(look.at("home-empty")?);
    }
    let prepared = window.script_async(PREPARE, json!([]))?;
    let of = |name: &str| {
        prepared["value"][name]
            .as_str()
            .with_context(|| format!("prepare: {prepared}"))
    };
    let screens = screens(of("web")?, of("image")?);
    // Graphs need some seconds of life.
    sleep(Duration::from_secs(8));
    for (language, theme) in combinations() {
        dress(&window, language, theme)?;
        let look = Look {
            window: &window,
            language,
            theme,
            axe: &axe,
        };
        for (name, place, ready) in &screens {
            window.script("location.hash = arguments[0]", json!([place]))?;
            window.find_css(ready)?;
            complaints.extend(look.at(name)?);
        }
        complaints.extend(dialogs(&look)?);
    }
    ensure!(
        complaints.is_empty(),
        "{} complaints:\n{}",
        complaints.len(),
        complaints.join("\n")
    );
    Ok(())
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
    for (language, theme) in combinations() {
        dress(&window, language, theme)?;
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
        settle();
        window.screenshot(&format!("pull-{language}-{theme}"))?;
        window.click("dialog-close")?;
        window.wait_gone("dialog")?;
    }
    Ok(())
}

/// How a picture is taken.
struct Look<'a> {
    window: &'a Window,
    language: &'static str,
    theme: &'static str,
    axe: &'a str,
}

fn combinations() -> [(&'static str, &'static str); 4] {
    [
        ("en", "dark"),
        ("en", "light"),
        ("ko", "dark"),
        ("ko", "light"),
    ]
}

/// Chooses language and theme as a person does, in the settings.
fn dress(window: &Window, language: &str, theme: &str) -> Result<()> {
    window.script("location.hash = '#/settings'", json!([]))?;
    window.click(&format!("language-{language}"))?;
    window.click(&format!("theme-{theme}"))?;
    window.find_css(&format!("html[lang={language}]"))?;
    window.script("location.hash = '#/home'", json!([]))?;
    Ok(())
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

impl Look<'_> {
    /// Takes a picture, and gives back what the checker complains about.
    fn at(&self, name: &str) -> Result<Vec<String>> {
        let Self {
            window,
            language,
            theme,
            axe,
        } = self;
        settle();
        window.screenshot(&format!("{name}-{language}-{theme}"))?;
        let there = window.script("return typeof window.axe === 'object'", json!([]))?;
        if there != Value::Bool(true) {
            window.script(axe, json!([]))?;
        }
        let check = "const done = arguments[arguments.length - 1]; \
            window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'] }) \
            .then((result) => done(result.violations.flatMap((rule) => rule.nodes.map((node) => `${rule.id}: ${node.html.slice(0, 160)}`))), \
            (error) => done([String(error)]))";
        let found = window.script_async(check, json!([]))?;
        let found = found.as_array().context("the checker gives a list")?;
        Ok(found
            .iter()
            .map(|complaint| format!("{name} {language} {theme}: {complaint}"))
            .collect())
    }
}

/// Lets transitions end, which are at most 280 ms long.
fn settle() {
    sleep(Duration::from_millis(350));
}
