//! Images in files: saved, removed, and loaded again in the real window.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use terrarium_tests::{Window, WindowOptions, can_run_containers};

use crate::{
    hands::{fill, go, starter_image},
    looks::{in_all_looks, none, settle},
};

#[test]
fn an_image_goes_into_a_file_and_comes_back_with_its_name() -> Result<()> {
    if !can_run_containers() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("starter.tar");
    let path = path.to_str().context("a path of letters")?;
    let window = Window::open(&WindowOptions::default())?;
    window.find("home-empty")?;
    let (_, name) = starter_image(&window)?;
    let name = name.as_str();

    let mut complaints = Vec::new();
    in_all_looks(&window, |look| {
        open_save(&window)?;
        complaints.extend(look.at("save-images")?);
        window.click("dialog-close")?;
        window.wait_gone("dialog")?;
        window.click("load-images")?;
        window.find("archive-path")?;
        complaints.extend(look.at("load-images")?);
        window.click("dialog-close")?;
        window.wait_gone("dialog")
    })?;
    none(&complaints)?;

    open_save(&window)?;
    fill(&window, "archive-path", path)?;
    window.click("archive-accept")?;
    window.wait_gone("dialog")?;
    ensure!(fs::metadata(path)?.len() > 100_000, "the file is there");

    // What is there already is never overwritten.
    open_save(&window)?;
    fill(&window, "archive-path", path)?;
    window.click("archive-accept")?;
    window.find_css("[data-testid=save-images] [data-testid=problem]")?;
    window.click("dialog-close")?;
    window.wait_gone("dialog")?;

    ensure!(window.docker(&["rmi", name]).code == Some(0), "rmi {name}");
    window.click("empty-load")?;
    fill(&window, "archive-path", path)?;
    window.click("archive-accept")?;
    window.wait_for_text("[data-testid=loaded-images]", name)?;
    settle();
    window.screenshot("loaded-images")?;
    window.click("archive-done")?;
    window.find_css(&format!("[data-testid=image-row][data-name='{name}']"))?;
    Ok(())
}

#[test]
fn a_folder_becomes_an_image_whose_signature_can_be_asked_for() -> Result<()> {
    if !can_run_containers() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    fs::create_dir(folder.path().join("etc"))?;
    fs::write(folder.path().join("etc/motd"), "hello")?;
    let path = folder.path().to_str().context("a path of letters")?;
    let window = Window::open(&WindowOptions::default())?;
    window.find("home-empty")?;
    starter_image(&window)?;

    let mut complaints = Vec::new();
    in_all_looks(&window, |look| {
        go(&window, "#/images")?;
        window.click("open-import")?;
        window.find("import-path")?;
        complaints.extend(look.at("import-image")?);
        window.click("dialog-close")?;
        window.wait_gone("dialog")?;
        open_verify(&window)?;
        complaints.extend(look.at("verify-image")?);
        window.click("dialog-close")?;
        window.wait_gone("dialog")
    })?;
    none(&complaints)?;

    go(&window, "#/images")?;
    window.click("open-import")?;
    fill(&window, "import-path", path)?;
    fill(&window, "import-name", "files:1")?;
    fill(&window, "import-changes", "CMD [\"/bin/sh\"]")?;
    window.click("archive-accept")?;
    window.find("image-page")?;
    let asked = ["image", "inspect", "-f", "{{.Config.Cmd}}", "files:1"];
    ensure!(
        window.docker(&asked).ok().trim() == "[/bin/sh]",
        "its settings"
    );

    // No registry has to answer to refuse what is no key.
    go(&window, "#/images")?;
    open_verify(&window)?;
    fill(&window, "verify-key", "no key at all")?;
    window.click("verify-accept")?;
    window.find_css("[data-testid=verify] [data-testid=problem]")?;
    Ok(())
}

fn open_verify(window: &Window) -> Result<()> {
    window.click_css("[data-testid=image-row] [data-testid=more]")?;
    window.click("menu-image.verify")?;
    window.find("verify-key").map(drop)
}

fn open_save(window: &Window) -> Result<()> {
    go(window, "#/images")?;
    window.click_css("[data-testid=image-row] [data-testid=more]")?;
    window.click("menu-image.save")?;
    window.find("archive-path").map(drop)
}
