//! A network from the first click to the broken chain and its repair.

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use terrarium_tests::{Window, WindowOptions, can_run_containers};

use crate::looks::{in_all_looks, none};

/// A server that hears only itself, one that is heard, and one who calls.
const PREPARE: &str = r#"
const done = arguments[arguments.length - 1]
const call = (name, request) => window.__TAURI_INTERNALS__.invoke(name, { request })
const work = async () => {
  const { value: image } = await call('make_starter_image', null)
  const run = async (name, command, ports) => {
    const { value } = await call('create_container', { image: image.references[0], name, command, ports, exposedPorts: ports.length > 0 ? ['80/tcp'] : [], labels: {} })
    await call('start_container', { container: value.id })
    return value.id
  }
  const port = { containerPort: 80, hostPort: 0, hostAddress: '127.0.0.1', protocol: 'tcp' }
  return {
    shy: await run('shy', ['httpd', '-f', '-p', '127.0.0.1:80'], [port]),
    web: await run('web', ['httpd', '-f', '-p', '0.0.0.0:80'], [port]),
    caller: await run('caller', ['sleep', '3600'], []),
  }
}
work().then((value) => done({ value }), (error) => done({ error: JSON.stringify(error) }))
"#;

#[test]
fn a_network_is_made_joined_and_shows_where_the_chain_breaks() -> Result<()> {
    if !can_run_containers() {
        return Ok(());
    }
    let window = Window::open(&WindowOptions::default())?;
    window.find("home-empty")?;
    let made = window.script_async(PREPARE, json!([]))?;
    let shy = made["value"]["shy"]
        .as_str()
        .with_context(|| made.to_string())?;
    make_network(&window)?;
    for name in ["caller", "shy", "web"] {
        connect(&window, name)?;
    }

    let broken = probe(&window, "caller", "shy")?;
    ensure!(broken == "passed passed failed loopbackOnly", "{broken}");
    let whole = probe(&window, "caller", "web")?;
    ensure!(whole == "passed passed passed", "{whole}");
    // Nobody tells him to come along to the other network.
    window.click_css("[data-name=web] [data-testid=disconnect]")?;
    window.wait_gone("[data-name=web]")?;
    probe(&window, "caller", "shy")?;
    pictures(&window, shy)
}

fn make_network(window: &Window) -> Result<()> {
    window.click("rail-networks")?;
    window.click("new-network")?;
    window.type_into("network-name", "front")?;
    window.type_into("network-subnet", "10.219.7.0/24")?;
    window.find("address-plan")?;
    window.click("network-accept")?;
    window.find("network-page")?;
    window.wait_for_text("[data-testid=network-page]", "10.219.7.1")
}

fn connect(window: &Window, name: &str) -> Result<()> {
    window.click("network.connect")?;
    window.find("connect-accept")?;
    choose(window, "connect-container", name)?;
    window.click("connect-accept")?;
    window.wait_gone("dialog")?;
    window.wait_for_text(&format!("[data-name={name}]"), "10.219.7.")
}

/// Chooses by what is read there.
fn choose(window: &Window, testid: &str, label: &str) -> Result<()> {
    let script = "const select = document.querySelector(`select[data-testid=${arguments[0]}]`); \
        const option = [...select.options].find((option) => option.text === arguments[1]); \
        select.value = option.value; select.dispatchEvent(new Event('change', { bubbles: true })); \
        return option.text";
    let chosen = window.script(script, json!([testid, label]))?;
    ensure!(chosen == json!(label), "{chosen}");
    Ok(())
}

/// How each step went, and why the last one failed.
fn probe(window: &Window, from: &str, to: &str) -> Result<String> {
    choose(window, "probe-from", from)?;
    choose(window, "probe-to", to)?;
    window.click("probe-start")?;
    window.find_css("[data-testid=probe-step][data-stage=connect]")?;
    let script = "return [...document.querySelectorAll('[data-testid=probe-step]')].map((step) => \
        [step.dataset.outcome, step.dataset.reason].filter(Boolean).join(' ')).join(' ')";
    let said = window.script(script, json!([]))?;
    said.as_str().map(str::to_owned).context("words")
}

fn pictures(window: &Window, shy: &str) -> Result<()> {
    let mut complaints = Vec::new();
    in_all_looks(window, |look| {
        look.window
            .script("location.hash = '#/networks'", json!([]))?;
        look.window.find("network-row")?;
        complaints.extend(look.at("networks")?);
        look.window
            .script("location.hash = '#/networks/front'", json!([]))?;
        look.window.find("topology")?;
        probe(look.window, "caller", "shy")?;
        complaints.extend(look.at("network")?);
        let summary = format!("#/containers/{shy}/summary");
        look.window
            .script("location.hash = arguments[0]", json!([summary]))?;
        look.window
            .find_css("[data-testid=port-truth][data-verdict=loopbackOnly]")?;
        complaints.extend(look.at("port-truth")?);
        Ok(())
    })?;
    none(&complaints)
}
