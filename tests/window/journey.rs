//! What a person does in the window on the first day.

use anyhow::Result;
use terrarium_tests::{Registry, Window, WindowOptions, can_run_containers};

fn window() -> Result<(Registry, Window)> {
    let registry = Registry::with_busybox()?;
    let window = Window::open(&WindowOptions {
        mirrors: vec![registry.url()],
        ..WindowOptions::default()
    })?;
    Ok((registry, window))
}

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
    let (_registry, window) = window()?;

    window.click("rail-images")?;
    window.click("empty-pull")?;
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
    window.wait_for_text("[data-testid=timeline]", "pivot_root")?;

    window.click("container.stop")?;
    window.find_css("[data-testid=container-page] [data-testid=state][data-status=stopped], [data-testid=container-page][data-status=stopped]")?;
    window.find("trace-kernel")?;

    window.click("more")?;
    window.click("menu-container.remove")?;
    window.click("confirm-accept")?;
    window.wait_gone("[data-testid=container-page]")?;
    window.script("location.hash = '#/containers'", serde_json::json!([]))?;
    window.find("empty-create")?;
    Ok(())
}
