//! What a person does in the window on the first day.

use anyhow::Result;
use terrarium_tests::{Registry, User, Window, WindowOptions, can_run_containers};

#[test]
fn the_first_run_makes_the_starter_image_and_shows_its_container() -> Result<()> {
    if !can_run_containers() {
        return Ok(());
    }
    let window = Window::open(&WindowOptions::default())?;
    window.click("first-run")?;
    window.find("container-page")?;
    window.click("tab-logs")?;
    window.find("log")?;
    Ok(())
}

#[test]
fn pull_run_watch_type_stop_and_remove() -> Result<()> {
    if !can_run_containers() {
        return Ok(());
    }
    let registry = Registry::with_busybox()?;
    let window = Window::open(&WindowOptions {
        mirrors: vec![registry.url()],
        ..WindowOptions::default()
    })?;
    window.click("rail-images")?;
    window.click("empty-pull")?;
    first_day(&window)?;
    window.find("empty-create")?;
    Ok(())
}

#[test]
fn an_ordinary_user_has_the_same_first_day() -> Result<()> {
    if !can_run_containers() {
        return Ok(());
    }
    User::with(|user| {
        let registry = Registry::with_busybox()?;
        let window = Window::open(&WindowOptions {
            mirrors: vec![registry.url()],
            user: Some(user.clone()),
            ..WindowOptions::default()
        })?;
        // Not an empty home: the starter image is there, and what it showed.
        window.click("first-run")?;
        window.find("container-page")?;
        window.click("rail-images")?;
        window.find("image-row")?;
        window.click("pull-image")?;
        first_day(&window)?;
        window.find("container-row")?;
        assert_eq!(window.count("[data-testid=container-row]")?, 1);
        Ok(())
    })
}

/// From the open dialog for a pull to the end of the container.
fn first_day(window: &Window) -> Result<()> {
    window.type_into("pull-name", "busybox")?;
    window.wait_for_text("[data-testid=dissector]", "library")?;
    window.click("pull-start")?;
    window.find("waterfall")?;
    window.find("pull-done")?;
    window.click("pull-run")?;

    window.find("create-name")?;
    window.type_into("create-name", "ticker")?;
    window.type_into(
        "create-command",
        "sh -c 'while true; do echo tick; sleep 0.2; done'",
    )?;
    window.click("create-run")?;
    window.find("container-page")?;

    window.click("tab-logs")?;
    window.wait_for_text("[data-testid=log]", "tick")?;

    window.click("tab-terminal")?;
    window.find_css("[data-testid=terminal] .xterm")?;
    let keyboard = window.find_css("[data-testid=terminal] textarea")?;
    keyboard.type_text("echo $((6*7))\u{e007}")?;
    window.wait_for_text("[data-testid=terminal] .xterm-rows", "42")?;

    window.click("tab-resources")?;
    window.find_css("[data-testid=metric-memory] canvas")?;
    window.click("tab-timeline")?;
    window.find_css("[data-testid=timeline] [data-step=pivot_root]")?;

    window.click("container.stop")?;
    window.find_css("[data-testid=container-page] [data-testid=state][data-status=stopped], [data-testid=container-page][data-status=stopped]")?;
    window.find("trace-kernel")?;

    window.click("more")?;
    window.click("menu-container.remove")?;
    window.click("confirm-accept")?;
    window.wait_gone("[data-testid=container-page]")?;
    window.script("location.hash = '#/containers'", serde_json::json!([]))?;
    Ok(())
}
