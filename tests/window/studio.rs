//! The studio in the real window: an image made of blocks alone, its lines and their files, errors at their lines.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use terrarium_tests::{Window, WindowOptions, can_run_containers};

const ALT_UP: &str = "\u{e00a}\u{e013}";
const CTRL_END: &str = "\u{e009}\u{e010}";
const CTRL_ENTER: &str = "\u{e009}\u{e007}";
const TAB: &str = "\u{e004}";
const CTRL_S: &str = "\u{e009}s";

/// Makes the starter image and gives its name.
const PREPARE: &str = r#"
const done = arguments[arguments.length - 1]
window.__TAURI_INTERNALS__.invoke('make_starter_image', { request: null })
  .then(({ value }) => done(value.references[0]), (error) => done({ error: JSON.stringify(error) }))
"#;

/// How many containers there are.
const CONTAINERS: &str = r#"
const done = arguments[arguments.length - 1]
window.__TAURI_INTERNALS__.invoke('overview').then(({ containers }) => done(containers.length), (error) => done(JSON.stringify(error)))
"#;

/// Waits until there are none; the time limit of scripts ends it.
const NO_CONTAINERS: &str = r#"
const done = arguments[arguments.length - 1]
const look = () => window.__TAURI_INTERNALS__.invoke('overview').then(({ containers }) => containers.length === 0 ? done(true) : setTimeout(look, 100), (error) => done(JSON.stringify(error)))
look()
"#;

#[test]
fn an_image_is_made_of_blocks_alone() -> Result<()> {
    if !can_run_containers() {
        return Ok(());
    }
    let window = Window::open(&WindowOptions::default())?;
    window.find("home-empty")?;
    let base = prepare(&window)?;
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("page.html"), "<h1>hello</h1>\n")?;
    create(&window, folder.path())?;
    compose(&window, &base)?;
    build(&window, "succeeded")?;
    follow_lines(&window)?;
    foresee(&window, folder.path())?;
    break_and_mend(&window)?;
    move_by_keys(&window)?;
    remember(&window)
}

/// The name of the image that builds start from here.
pub(crate) fn prepare(window: &Window) -> Result<String> {
    let base = window.script_async(PREPARE, json!([]))?;
    let name = base.as_str().with_context(|| format!("prepare: {base}"))?;
    Ok(name.to_owned())
}

/// A new project with the smallest template.
fn create(window: &Window, folder: &Path) -> Result<()> {
    window.script("location.hash = '#/builds'", json!([]))?;
    window.find("empty")?;
    window.screenshot("builds-empty")?;
    window.click("create-project")?;
    window.type_into("project-folder", &folder.to_string_lossy())?;
    // The list of folders closes with the focus.
    window.press(TAB)?;
    window.click("template-empty")?;
    window.screenshot("new-project")?;
    window.click("project-create")?;
    window.find("studio")?;
    window.find_css("[data-testid=block][data-keyword=FROM]")?;
    Ok(())
}

fn compose(window: &Window, base: &str) -> Result<()> {
    open_block(window, "FROM")?;
    rewrite(window, "from-image", base)?;
    window.wait_for_text(".cm-content", base)?;
    add(window, "WORKDIR")?;
    rewrite(window, "said", "/srv")?;
    add(window, "RUN")?;
    rewrite(window, "said", "echo one > made; echo out of the build")?;
    window.screenshot("studio-form")?;
    add(window, "COPY")?;
    rewrite(window, "source-0", "page.html")?;
    rewrite(window, "destination", "/srv/")?;
    let text = "COPY page.html /srv/";
    window.wait_for_text(".cm-content", text)?;
    window.wait_for_text(".cm-content", "RUN echo one > made; echo out of the build")?;
    window.find("unsaved")?;
    Ok(())
}

fn open_block(window: &Window, keyword: &str) -> Result<()> {
    window.click_css(&format!(
        "[data-testid=block][data-keyword={keyword}] [data-testid=block-open]"
    ))
}

fn add(window: &Window, keyword: &str) -> Result<()> {
    window.click(&format!("add-{keyword}"))?;
    window.find_css(&format!(
        "[data-testid=block].chosen[data-keyword={keyword}]"
    ))?;
    window.find("block-form")?;
    Ok(())
}

/// Writes over what a field holds, key by key.
fn rewrite(window: &Window, field: &str, text: &str) -> Result<()> {
    window.find(field)?;
    let select = "const field = document.querySelector(`[data-testid=${arguments[0]}]`); field.focus(); field.select()";
    window.script(select, json!([field]))?;
    window.find(field)?.type_text(text)
}

pub(crate) fn build(window: &Window, end: &str) -> Result<()> {
    window.click("build")?;
    let ended = window.find_css(&format!("[data-testid=run][data-state={end}]"));
    ended.map(drop).with_context(|| window.page_text())
}

/// A line leads to its step, its output, its layer and its files.
fn follow_lines(window: &Window) -> Result<()> {
    open_block(window, "RUN")?;
    window.wait_for_text("[data-testid=step-log]", "out of the build")?;
    window.find_css("[data-testid=line-files][data-place=layer]")?;
    window.find_css("[data-testid=file-line][data-path='/srv/made']")?;
    window.screenshot("studio-built")?;
    open_block(window, "COPY")?;
    window.find_css("[data-testid=file-line][data-path='/srv/page.html']")?;
    window.click_css("[data-testid=build-step][data-node='4']")?;
    window.find_css("[data-testid=line-files][data-place=noLayer]")?;
    window.click("run-close")?;
    window.find("headline")?;
    Ok(())
}

/// A file that is edited outside runs its step again, and the preview says which line of which file.
fn foresee(window: &Window, folder: &Path) -> Result<()> {
    let cached = "[data-testid=forecast-step][data-fate=cached]";
    window.find_css(&format!("{cached}[data-node='3']"))?;
    fs::write(folder.join("page.html"), "<h1>welcome</h1>\n")?;
    window.script("window.dispatchEvent(new Event('focus'))", json!([]))?;
    window.find_css("[data-testid=forecast-step][data-fate=runs][data-node='3']")?;
    ensure!(
        window.count(cached)? == 3,
        "FROM, WORKDIR and RUN stay cached"
    );
    window.click_css("[data-testid=forecast-step][data-node='3']")?;
    window.find_css("[data-testid=why][data-reason=files]")?;
    window.wait_for_text("[data-testid=changed-file]", "srv/page.html")?;
    window.wait_for_text("[data-testid=changed-file]", "<h1>welcome</h1>")?;
    window.screenshot("studio-forecast")
}

fn break_and_mend(window: &Window) -> Result<()> {
    window.click_css(".cm-content")?;
    window.press(CTRL_END)?;
    window
        .find_css(".cm-content")?
        .type_text("RNU ls /nowhere\n")?;
    let problem = "[data-testid=block-problem][data-code=unknownInstruction]";
    window.find_css(problem)?;
    window.find("preview-broken")?;
    window.screenshot("studio-error")?;
    window.click("quick-fix")?;
    window.wait_gone(problem)?;
    window.wait_for_text(".cm-content", "RUN ls /nowhere")?;
    window.press(CTRL_ENTER)?;
    window.find_css("[data-testid=run][data-state=failed]")?;
    window.wait_for_text("[data-testid=failure-at-line]", "No such file")?;
    window.wait_for_text("[data-testid=exit-code]", "1")?;
    window.screenshot("studio-failed")?;
    look_around(window)?;
    window.click_css("[data-testid=block].broken [data-testid=block-remove]")?;
    window.wait_gone("[data-testid=failure-at-line]")?;
    window.press(CTRL_S)?;
    window.wait_gone("[data-testid=unsaved]")
}

/// A shell where the command failed: on the layers below it, and gone when it is closed.
fn look_around(window: &Window) -> Result<()> {
    window.click("step-shell")?;
    window.find("step-shell-dialog")?;
    window.find_css("[data-testid=step-shell-dialog] .xterm")?;
    let keyboard = window.find_css("[data-testid=terminal] textarea")?;
    keyboard.type_text("echo $PWD $(cat made) $((6*7))\u{e007}")?;
    let rows = "[data-testid=terminal] .xterm-rows";
    window.wait_for_text(rows, "/srv one 42")?;
    window.click("shell-type")?;
    window.wait_for_text(rows, "# ls /nowhere")?;
    window.screenshot("studio-shell")?;
    ensure!(
        window.script_async(CONTAINERS, json!([]))? == 1,
        "the shell runs in a container"
    );
    window.click("shell-close")?;
    window.wait_gone("[data-testid=step-shell-dialog]")?;
    ensure!(
        window.script_async(NO_CONTAINERS, json!([]))? == true,
        "its container stays"
    );
    Ok(())
}

fn move_by_keys(window: &Window) -> Result<()> {
    window.click("run-close")?;
    let order = "return [...document.querySelectorAll('[data-testid=block]')].map((block) => block.dataset.keyword).join()";
    ensure!(window.script(order, json!([]))? == "FROM,WORKDIR,RUN,COPY,CMD");
    let focus = "document.querySelector('[data-testid=block][data-keyword=COPY] [data-testid=block-open]').focus()";
    window.script(focus, json!([]))?;
    window.press(ALT_UP)?;
    window.find_css("[data-testid=block][data-node='2'][data-keyword=COPY]")?;
    ensure!(window.script(order, json!([]))? == "FROM,WORKDIR,COPY,RUN,CMD");
    let focused = "return document.activeElement.id";
    ensure!(
        window.script(focused, json!([]))? == "block-2",
        "the block keeps the focus"
    );
    window.find_css("[data-testid=forecast-step][data-fate=runs][data-node='3']")?;
    Ok(())
}

fn remember(window: &Window) -> Result<()> {
    window.click("tab-history")?;
    window.find("build-detail")?;
    ensure!(window.count("[data-testid=history-row]")? == 2);
    window.find_css("[data-testid=history-row][data-state=failed]")?;
    window.screenshot("studio-history")?;
    window.click("back")?;
    window.find("project-row")?;
    window.screenshot("builds-list")
}
