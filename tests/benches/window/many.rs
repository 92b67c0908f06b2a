//! A machine with a thousand containers, and what a click costs on it.

use anyhow::{Context as _, Result};
use serde_json::json;
use terrarium_tests::{Window, WindowOptions};

use crate::{
    budget::{Budget, median},
    page::{engine, go, reaction},
};

const CONTAINERS: usize = 1000;
const ROUNDS: usize = 3;
const ROW: &str = "[data-testid=container-row]";

/// The window over a thousand records.
pub(crate) fn measure() -> Result<Vec<Budget>> {
    let mut window = Window::open(&WindowOptions::default())?;
    let web = make(&window)?;
    let mut usable = Vec::new();
    for _ in 0..ROUNDS {
        window.reopen()?;
        window.find("home-row")?;
        usable.push(usable_after_paint(&window)?);
    }
    let mut budgets = vec![Budget::at_most(
        300.0,
        "ms",
        format!("{CONTAINERS} containers, usable after the first paint"),
        median(usable),
    )];
    budgets.push(rows(
        "  rows of the home page in the DOM",
        &window,
        "[data-testid=home-row]",
    )?);
    go(&window, "#/containers", ROW)?;
    budgets.push(rows("  rows of the list in the DOM", &window, ROW)?);
    budgets.extend(clicks(&window, &web)?);
    Ok(budgets)
}

/// Creates one that runs, and the others at rest; gives back the id of the first.
fn make(window: &Window) -> Result<String> {
    let web = engine(
        window,
        "const { value: image } = await call('make_starter_image', null);
        const { value: web } = await call('create_container', { image: image.references[0], name: 'web',
            command: ['sh', '-c', 'trap \\'exit 0\\' TERM; sleep 3600 & wait'] });
        await call('start_container', { container: 'web' });
        return web.id",
    )?;
    // In portions, for a script may take half a minute.
    for portion in 0..10 {
        let count = CONTAINERS / 10;
        engine(
            window,
            &format!(
                "for (let i = 0; i < {count}; i++) await call('create_container',
                {{ image: 'terrarium/hello:1', name: `worker-{portion}-${{i}}`, command: ['true'] }})"
            ),
        )?;
    }
    Ok(web.as_str().context("a container has an id")?.to_owned())
}

/// From the first paint to the frame with the engine's answer.
fn usable_after_paint(window: &Window) -> Result<f64> {
    let script = "const at = (name) => performance.getEntriesByName(name)[0]?.startTime;
        return at('usable') - at('first-contentful-paint')";
    let time = window.script(script, json!([]))?;
    time.as_f64().context("the page marks when it is usable")
}

fn rows(what: &str, window: &Window, selector: &str) -> Result<Budget> {
    let count = u32::try_from(window.count(selector)?)?;
    Ok(Budget::at_most(60.0, "rows", what, count.into()))
}

fn clicks(window: &Window, web: &str) -> Result<Vec<Budget>> {
    let mut samples = [const { Vec::new() }; 4];
    for _ in 0..ROUNDS {
        go(window, "#/images", "[data-testid=image-row]")?;
        let list = "find('rail-containers').click()";
        samples[0].push(reaction(window, list, "find('container-row')")?);
        go(window, "#/containers", ROW)?;
        let open = "find('open').click()";
        samples[1].push(reaction(window, open, "find('container-page')")?);
        let page = format!("#/containers/{web}/summary");
        go(window, &page, "[data-testid=container-page]")?;
        window.find("container.restart")?;
        let restart =
            "window.before = find('container-page').innerText; find('container.restart').click()";
        let changed = "find('container-page').innerText !== window.before";
        samples[2].push(reaction(window, restart, changed)?);
        let palette = "document.body.dispatchEvent(new KeyboardEvent('keydown', { code: 'KeyK', key: 'k', ctrlKey: true, bubbles: true }))";
        samples[3].push(reaction(window, palette, "find('palette-input')")?);
        window.press("\u{e00c}")?;
        window.wait_gone("[data-testid=palette-input]")?;
    }
    let [list, open, restart, palette] = samples.map(median);
    Ok(vec![
        Budget::at_most(100.0, "ms", "click on Containers to its rows", list),
        Budget::at_most(100.0, "ms", "click on a row to its page", open),
        Budget::at_most(100.0, "ms", "click on Restart to a reaction", restart),
        Budget::at_most(50.0, "ms", "Ctrl+K to the palette", palette),
    ])
}
