//! Measuring inside the page: from an act to the frame that shows what it did.

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};
use terrarium_tests::Window;

/// What is before and after the two parts of a measurement. They are spliced in: the page forbids to
/// make functions of strings.
const BEGIN: &str = r#"
const done = arguments[arguments.length - 1]
const frame = () => new Promise((resolve) => requestAnimationFrame(resolve))
const find = (id) => document.querySelector(`[data-testid="${id}"]`)
"#;
const END: &str = r#"
const work = async () => {
  await frame()
  const before = performance.now()
  act()
  while (!shown()) {
    if (performance.now() - before > 20000) throw new Error('it is not shown')
    await frame()
  }
  await frame()
  return performance.now() - before
}
work().then((ms) => done({ ms }), (error) => done({ failed: String(error) }))
"#;

/// Milliseconds from an act to the frame after the one that shows its effect. Both are written in
/// JavaScript: statements, and a condition.
///
/// # Errors
/// When the effect does not show up.
pub(crate) fn reaction(window: &Window, act: &str, shown: &str) -> Result<f64> {
    let script =
        format!("{BEGIN} const act = () => {{ {act} }}; const shown = () => {shown}; {END}");
    let answer = window.script_async(&script, json!([]))?;
    answer["ms"]
        .as_f64()
        .with_context(|| format!("measure `{act}`: {answer}"))
}

/// Calls of the engine, made by the page as the window makes them; gives back what the script returns.
///
/// # Errors
/// When one of them fails.
pub(crate) fn engine(window: &Window, script: &str) -> Result<Value> {
    let script = format!(
        "const done = arguments[arguments.length - 1];
        const call = (name, request) => window.__TAURI_INTERNALS__.invoke(name, {{ request }});
        const work = async () => {{ {script} }};
        work().then((value) => done({{ value }}), (error) => done({{ failed: JSON.stringify(error) }}))"
    );
    let answer = window.script_async(&script, json!([]))?;
    if let Some(error) = answer["failed"].as_str() {
        bail!("the engine refused: {error}");
    }
    Ok(answer["value"].clone())
}

/// Shows a page.
///
/// # Errors
/// When it does not show up.
pub(crate) fn go(window: &Window, place: &str, ready: &str) -> Result<()> {
    window.script("location.hash = arguments[0]", json!([place]))?;
    window.find_css(ready).map(drop)
}
