//! A Dockerfile that is on disk already, edited with the coach.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use tempfile::TempDir;
use terrarium_tests::{Window, WindowOptions, can_run_containers};

use super::{
    hands::go,
    looks::{in_all_looks, none},
    studio::{build, prepare},
};

/// A project around a Dockerfile that is on disk already.
fn open(dockerfile: impl Fn(&str) -> String, files: &[(&str, &str)]) -> Result<(Window, TempDir)> {
    let window = Window::open(&WindowOptions::default())?;
    window.find("home-empty")?;
    let base = prepare(&window)?;
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("Dockerfile"), dockerfile(&base))?;
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().context("it is in the folder")?)?;
        fs::write(path, text)?;
    }
    import(&window, folder.path())?;
    Ok((window, folder))
}

fn import(window: &Window, folder: &Path) -> Result<()> {
    window.script("location.hash = '#/builds'", json!([]))?;
    window.click("create-project")?;
    window.type_into("project-folder", &folder.to_string_lossy())?;
    window.find("opens")?;
    window.press("\u{e004}")?;
    window.click("project-create")?;
    window.find("studio")?;
    window.find_css("[data-testid=block][data-keyword=FROM]")?;
    Ok(())
}

/// A base with a stand-in for a package tool, as no registry is here.
const TOOL: &str =
    "RUN printf '#!/bin/sh\\necho added 1 package\\n' > /bin/npm && chmod +x /bin/npm\n";

#[test]
fn the_coach_measures_what_it_proposes() -> Result<()> {
    if !can_run_containers() {
        return Ok(());
    }
    let litter = "x".repeat(2 << 20);
    let files = [
        ("package.json", "{}"),
        ("src/a.js", "1"),
        ("node_modules/b.js", litter.as_str()),
    ];
    let text = |base: &str| {
        format!("FROM {base}\n{TOOL}WORKDIR /app\n# everything\nCOPY . .\n# packages\nRUN npm ci\n")
    };
    let (window, folder) = open(text, &files)?;
    build(&window, "succeeded")?;
    window.click("run-close")?;
    leave_out(&window, folder.path())?;
    let studio = window.script("return location.hash", json!([]))?;
    let studio = studio.as_str().context("it has an address")?;
    let mut complaints = Vec::new();
    in_all_looks(&window, |look| {
        go(&window, studio)?;
        window.find_css("[data-testid=proposal][data-kind=installFirst]")?;
        complaints.extend(look.at("studio-coach")?);
        Ok(())
    })?;
    none(&complaints)?;
    go(&window, studio)?;
    install_first(&window)
}

fn leave_out(window: &Window, folder: &Path) -> Result<()> {
    let card = "[data-testid=proposal][data-kind=leaveOut]";
    window.wait_for_text(card, "node_modules")?;
    window.wait_for_text(card, "in 1 file")?;
    window.click_css(&format!("{card} [data-testid=proposal-apply]"))?;
    window.wait_gone(card)?;
    let rules = fs::read_to_string(folder.join(".dockerignore"))?;
    ensure!(rules == "node_modules\n", "{rules:?}");
    Ok(())
}

/// Both texts are built, and what is applied has nothing left to do.
fn install_first(window: &Window) -> Result<()> {
    let card = "[data-testid=proposal][data-kind=installFirst]";
    window.wait_for_text(card, "COPY package.json ./")?;
    window.click_css(&format!("{card} [data-testid=proposal-measure]"))?;
    window.find_css(&format!(
        "{card}[data-trial=done] [data-testid=measured-again]"
    ))?;
    window.find_css(&format!("{card} [data-testid=measured-image]"))?;
    window.screenshot("studio-coach-measured")?;
    window.click_css(&format!("{card} [data-testid=proposal-apply]"))?;
    window.wait_gone(card)?;
    let text = "COPY package.json ./\n# packages\nRUN npm ci\n# everything\nCOPY . .";
    window.wait_for_text(".cm-content", text)?;
    window.find_css("[data-testid=forecast-step][data-fate=cached][data-node='5']")?;
    window.wait_gone("[data-testid=forecast-step][data-fate=runs]")?;
    window.click("tab-history")?;
    window.find("build-detail")?;
    ensure!(
        window.count("[data-testid=history-row]")? == 1,
        "what is measured is in no history"
    );
    Ok(())
}
