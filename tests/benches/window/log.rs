//! A log of a million lines.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use terrarium_tests::{Window, WindowOptions, run_within};

use crate::{
    budget::{Budget, median},
    page::{engine, go, reaction},
};

const LINES: u32 = 1_000_000;
const ROUNDS: usize = 5;

/// Scrolls up for two seconds; gives back the times between frames.
const SCROLL: &str = r#"
const done = arguments[arguments.length - 1]
const inside = [...document.querySelectorAll('[data-testid=log], [data-testid=log] *')]
const list = inside.find((element) => element.scrollHeight > element.clientHeight + 100)
const gaps = []
let last = performance.now()
const until = last + 2000
const step = () => {
  const now = performance.now()
  gaps.push(now - last)
  last = now
  list.scrollTop -= 60
  if (now < until) requestAnimationFrame(step)
  else done(gaps.slice(1))
}
requestAnimationFrame(step)
"#;

/// Opening it, and scrolling in it.
pub(crate) fn measure() -> Result<Vec<Budget>> {
    let window = Window::open(&WindowOptions::default())?;
    let line = "%d GET /index.html HTTP/1.1 200 from 10.0.0.7\\n";
    let write = format!("awk 'BEGIN {{ for (i = 1; i <= {LINES}; i++) printf \"{line}\", i }}'");
    let talker = engine(
        &window,
        &format!(
            "const {{ value: image }} = await call('make_starter_image', null);
            const {{ value: talker }} = await call('create_container', {{
                image: image.references[0], name: 'talker', command: ['sh', '-c', {}] }});
            await call('start_container', {{ container: 'talker' }});
            return talker.id",
            json!(write)
        ),
    )?;
    await_end(&window)?;
    let id = talker.as_str().context("a container has an id")?;
    let page = format!("#/containers/{id}/summary");
    let mut opened = Vec::new();
    for _ in 0..ROUNDS {
        go(&window, &page, "[data-testid=container-page]")?;
        let last = format!("find('log')?.innerText.includes('{LINES}')");
        opened.push(reaction(&window, "find('tab-logs').click()", &last)?);
    }
    let gaps = window.script_async(SCROLL, json!([]))?;
    let gaps = gaps.as_array().context("a list of times")?;
    let gaps: Vec<f64> = gaps.iter().filter_map(|gap| gap.as_f64()).collect();
    ensure!(!gaps.is_empty(), "nothing was scrolled");
    let late = gaps.iter().filter(|gap| **gap > 34.0).count();
    let share = late as f64 / gaps.len() as f64 * 100.0;
    let (jump, find) = elsewhere(&window)?;
    Ok(vec![
        Budget::at_most(
            500.0,
            "ms",
            "a log of 1,000,000 lines opens",
            median(opened),
        ),
        Budget::at_most(100.0, "ms", "  a jump to its begin", jump),
        Budget::figure("ms", "  a search through all of it", find),
        Budget::at_most(17.0, "ms", "  scrolling, from frame to frame", median(gaps)),
        Budget::figure("%", "  frames that came later than 34 ms", share),
    ])
}

/// How soon the other end of the log is there, and what is looked for in all of it.
fn elsewhere(window: &Window) -> Result<(f64, f64)> {
    let first = "find('log').innerText.includes('\\n1 GET')";
    let (mut jumps, mut finds) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        reaction(window, &scroll_to("scrollHeight"), &format!("!{first}"))?;
        jumps.push(reaction(window, &scroll_to("0"), first)?);
        let number = LINES / 2 + u32::try_from(round)?;
        // One line has it, whatever the language: "1 of 1", "1개 중 1".
        let found = "/^1\\D+1$/.test(find('log-found')?.innerText)";
        finds.push(reaction(
            window,
            &search_for(&format!("{number} GET")),
            found,
        )?);
        reaction(window, &search_for(""), "!find('log-found')")?;
    }
    Ok((median(jumps), median(finds)))
}

fn search_for(text: &str) -> String {
    format!(
        "const field = find('log-search'); field.value = '{text}';
        field.dispatchEvent(new Event('input', {{ bubbles: true }}))"
    )
}

fn scroll_to(offset: &str) -> String {
    format!("const list = document.querySelector('[data-testid=log] .lines'); list.scrollTop = list.{offset}")
        .replace("list.0", "0")
}

fn await_end(window: &Window) -> Result<()> {
    let limit = Duration::from_secs(120);
    let ran = run_within(window.command().args(["wait", "talker"]), "", limit)?;
    ensure!(ran.stdout.trim() == "0", "the container failed: {ran:?}");
    Ok(())
}
