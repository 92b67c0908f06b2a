//! Removing an image in the real window, and taking that back.

use anyhow::{Result, ensure};
use terrarium_tests::{Window, WindowOptions, can_run_containers};

use crate::{
    hands::{go, starter_image},
    looks::{in_all_looks, none},
};

const UNDO: &str = "[data-testid=toasts] .toast button";

#[test]
fn a_removed_image_comes_back_by_undo_and_from_the_trash() -> Result<()> {
    if !can_run_containers() {
        return Ok(());
    }
    let window = Window::open(&WindowOptions::default())?;
    window.find("home-empty")?;
    let (_, name) = starter_image(&window)?;
    let row = format!("[data-testid=image-row][data-name='{name}']");
    go(&window, "#/images")?;

    remove(&window, &row)?;
    window.click_css(UNDO)?;
    window.find_css(&row)?;

    remove(&window, &row)?;
    let mut complaints = Vec::new();
    in_all_looks(&window, |look| {
        go(&window, "#/images")?;
        window.click("empty-trash")?;
        window.find("trashed")?;
        complaints.extend(look.at("trash")?);
        window.click("trash-close")?;
        window.wait_gone("dialog")
    })?;
    none(&complaints)?;
    go(&window, "#/images")?;
    window.click("empty-trash")?;
    window.click("restore")?;
    window.find("trash-empty")?;
    window.click("trash-close")?;
    window.find_css(&row)?;

    remove(&window, &row)?;
    window.click("empty-trash")?;
    window.click("trash-all")?;
    window.click("confirm-accept")?;
    window.find("trash-empty")?;
    let kept = window.docker(&["images", "-aq"]);
    ensure!(kept.ok().is_empty(), "{kept:?}");
    Ok(())
}

/// Removes it by its menu; the list shows so at once.
fn remove(window: &Window, row: &str) -> Result<()> {
    window.click_css(&format!("{row} [data-testid=more]"))?;
    window.click("menu-image.remove")?;
    window.wait_gone(row)
}
