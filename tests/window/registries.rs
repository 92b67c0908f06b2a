//! Registries in the real window: who signs in, what they have, and images on their way there and back.

use anyhow::Result;
use terrarium_tests::{Registry, Window, WindowOptions, can_run_containers};

use crate::{
    hands::{fill, go, starter_image},
    looks::{in_all_looks, none},
};

const WRONG: &str = "[data-testid=sign-in] [data-code=unauthorized]";

#[test]
fn a_registry_with_a_password_is_signed_in_to_filled_and_looked_through() -> Result<()> {
    if !can_run_containers() {
        return Ok(());
    }
    let registry = Registry::secured("ada", "secret")?;
    let host = registry.address();
    let window = Window::open(&WindowOptions::default())?;
    window.find("home-empty")?;
    let (image, _) = starter_image(&window)?;

    refused_without_a_sign_in(&window, &host)?;
    sign_in(&window, "browse-sign-in")?;
    window.wait_for_text("[data-testid=registry-page]", "sign-ins.json")?;
    push(&window, &image, &format!("{host}/team/app:1"))?;
    window.wait_gone("[data-testid=push-saved]")?;
    window.click("push-done")?;
    push(&window, &image, &format!("{host}/team/web:2"))?;
    // The registry takes the blobs from the repository beside it.
    window.find_css("[data-testid=push-table] [data-phase=mounted]")?;
    window.click("push-done")?;
    browse_and_pull(&window, &host)?;
    pictures(&window, &image, &host)?;
    go(&window, &format!("#/settings/registries/{host}"))?;
    window.click("sign-out")?;
    window.find("browse-sign-in")?;
    pull_with_a_sign_in_on_the_way(&window, &host)
}

fn refused_without_a_sign_in(window: &Window, host: &str) -> Result<()> {
    go(window, &format!("#/settings/registries/{host}"))?;
    window.find_css("[data-testid=repositories] [data-code=unauthorized]")?;
    window.click("registry-check")?;
    for step in ["address", "answer"] {
        window.find_css(&format!("[data-step={step}][data-glyph=done]"))?;
    }
    window.find_css("[data-step=signIn][data-glyph=failed]")?;
    Ok(())
}

/// Opens the dialog, gives a wrong password first, and then the right one.
fn sign_in(window: &Window, opener: &str) -> Result<()> {
    window.click(opener)?;
    window.type_into("sign-in-user", "ada")?;
    window.type_into("sign-in-password", "wrong")?;
    window.click("sign-in-accept")?;
    window.find_css(WRONG)?;
    fill(window, "sign-in-password", "secret")?;
    window.click("sign-in-accept")?;
    window.wait_gone("[data-testid=sign-in]")
}

fn push(window: &Window, image: &str, target: &str) -> Result<()> {
    go(window, &format!("#/images/{image}/layers"))?;
    window.click_css("[data-testid=image-page] [data-testid=more]")?;
    window.click("menu-image.push")?;
    fill(window, "push-name", target)?;
    window.wait_for_text("[data-testid=push] [data-testid=dissector]", "team")?;
    window.click("push-start")?;
    window.wait_for_text("[data-testid=pushed]", target)
}

fn browse_and_pull(window: &Window, host: &str) -> Result<()> {
    go(window, &format!("#/settings/registries/{host}"))?;
    window.find_css("[data-testid=repository][data-name='team/web']")?;
    window.click_css("[data-testid=repository][data-name='team/app']")?;
    window.click_css("[data-testid=tag][data-name='1'] [data-testid=pull-tag]")?;
    window.click("pull-start")?;
    window.find("pull-done")?;
    window.click("pull-done")?;
    window.wait_gone("dialog")
}

fn pull_with_a_sign_in_on_the_way(window: &Window, host: &str) -> Result<()> {
    go(window, "#/images")?;
    window.click("pull-image")?;
    fill(window, "pull-name", &format!("{host}/team/web:2"))?;
    window.wait_for_text("[data-testid=pull] [data-testid=dissector]", "web")?;
    window.click("pull-start")?;
    sign_in(window, "pull-sign-in")?;
    window.find("pull-done")?;
    Ok(())
}

fn pictures(window: &Window, image: &str, host: &str) -> Result<()> {
    let mut complaints = Vec::new();
    in_all_looks(window, |look| {
        go(window, &format!("#/settings/registries/{host}"))?;
        window.click_css("[data-testid=repository][data-name='team/app']")?;
        window.find("tag")?;
        window.click("registry-check")?;
        window.find_css("[data-step=signIn][data-glyph=done]")?;
        complaints.extend(look.at("registry")?);
        window.click("open-sign-in")?;
        window.find("sign-in-accept")?;
        complaints.extend(look.at("sign-in")?);
        window.click_css("[data-testid=sign-in] [data-testid=dialog-close]")?;
        window.wait_gone("dialog")?;
        push(window, image, &format!("{host}/team/app:1"))?;
        complaints.extend(look.at("push")?);
        window.click("push-done")?;
        window.wait_gone("dialog")
    })?;
    none(&complaints)
}
