//! What a person does in every journey: goes somewhere, fills in a field, has an image.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use terrarium_tests::Window;

const STARTER: &str = "const done = arguments[arguments.length - 1]; \
    window.__TAURI_INTERNALS__.invoke('make_starter_image', { request: null }).then(({ value }) => done(value), (error) => done({ error }))";

/// Opens a place of the window: `#/images`.
pub(crate) fn go(window: &Window, place: &str) -> Result<()> {
    window.script("location.hash = arguments[0]", json!([place]))?;
    Ok(())
}

/// Puts a text in the place of what a field holds.
pub(crate) fn fill(window: &Window, testid: &str, text: &str) -> Result<()> {
    window.find(testid)?;
    let set = "const field = document.querySelector(`[data-testid=${arguments[0]}]`); \
        field.value = ''; field.dispatchEvent(new Event('input', { bubbles: true })); return field.value";
    let left = window.script(set, json!([testid]))?;
    ensure!(left == json!(""), "{testid} keeps {left}");
    window.type_into(testid, text)
}

/// The starter image: its id and its name.
pub(crate) fn starter_image(window: &Window) -> Result<(String, String)> {
    let made = window.script_async(STARTER, json!([]))?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let both = text(&made["id"]).zip(text(&made["references"][0]));
    both.with_context(|| format!("{made}"))
}
