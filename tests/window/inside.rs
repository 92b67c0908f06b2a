//! What the window shows of the inside of a running container, against the kernel.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use terrarium_tests::{Window, WindowOptions, can_run_containers};

/// Makes the starter image and runs a container in it.
const RUN: &str = r#"
const done = arguments[arguments.length - 1]
const call = (name, request) => window.__TAURI_INTERNALS__.invoke(name, { request })
const work = async (request) => {
  const { value: image } = await call('make_starter_image', null)
  const { value } = await call('create_container', { image: image.references[0], labels: {}, ...request })
  return (await call('start_container', { container: value.id })).value
}
work(arguments[0]).then((value) => done({ value }), (error) => done({ error: JSON.stringify(error) }))
"#;

const ENTER: &str = "\u{e007}";
const ARROW_LEFT: &str = "\u{e012}";

#[test]
fn the_matrix_shows_the_inodes_of_the_kernel() -> Result<()> {
    let Some((window, container)) = open(json!({ "name": "web", "command": ["sleep", "3600"] }))?
    else {
        return Ok(());
    };
    show(&window, &container, "isolation")?;
    window.find_css("[data-testid=namespaces] [data-inode]")?;
    let pid = &container["pid"];
    for (row, kind) in ["mnt", "pid", "net", "ipc", "uts", "cgroup", "user", "time"]
        .iter()
        .enumerate()
    {
        let link = fs::read_link(format!("/proc/{pid}/ns/{kind}"))?;
        let shown = window.script(
            "return document.querySelector(`[data-cell='${arguments[0]} 1']`).dataset.inode",
            json!([row]),
        )?;
        let shown = shown.as_str().context("an inode")?;
        assert_eq!(link, Path::new(&format!("{kind}:[{shown}]")));
    }
    window.click_css("[data-cell='0 1']")?;
    window.wait_for_text("[data-testid=namespace-explained]", "mnt")?;
    window.wait_for_text("[data-testid=mounts]", "/etc/resolv.conf")?;
    window.wait_for_text("[data-testid=capabilities]", "NET_BIND_SERVICE")?;
    Ok(())
}

#[test]
fn a_slider_sets_a_limit_and_takes_it_away() -> Result<()> {
    let Some((window, container)) = open(json!({
        "name": "web", "command": ["sleep", "3600"], "limits": { "pids": 100 },
    }))?
    else {
        return Ok(());
    };
    show(&window, &container, "isolation")?;
    window.wait_for_text("[data-testid=limit-pids] [data-testid=limit-raw]", "100")?;
    let slider = window.find("slider-pids")?;
    slider.type_text(&ARROW_LEFT.repeat(10))?;
    let raw = "[data-testid=limit-pids] [data-testid=limit-raw]";
    let changed =
        "return !['100', undefined].includes(document.querySelector(arguments[0])?.textContent)";
    until(&window, changed, raw)?;
    let shown = window.script(
        "return document.querySelector(arguments[0]).textContent",
        json!([raw]),
    )?;
    assert_eq!(
        Some(cgroup_file(&container, "pids.max")?.as_str()),
        shown.as_str()
    );
    // The end of the scale.
    slider.type_text("\u{e010}")?;
    window.wait_for_text(raw, "max")?;
    assert_eq!(cgroup_file(&container, "pids.max")?, "max");
    Ok(())
}

#[test]
fn a_stop_that_is_not_heard_is_told_until_the_kill() -> Result<()> {
    let Some((window, container)) = open(json!({
        "name": "deaf", "command": ["sh", "-c", "trap '' TERM; while true; do sleep 1; done"], "stopTimeoutS": 2,
    }))?
    else {
        return Ok(());
    };
    show(&window, &container, "processes")?;
    window.find_css("[data-signal=TERM][data-will=ignored]")?;
    window.find_css("[data-signal=KILL][data-will=always]")?;
    window.click("send-TERM")?;
    window.find_css("[data-testid=signal-log] [data-kind=alive]")?;
    window.click("watch-stop")?;
    window.find_css("[data-testid=signal-log] [data-kind=stopping]")?;
    window.find_css("[data-testid=signal-log] [data-kind=waiting]")?;
    window.find_css("[data-testid=signal-log] [data-kind=killed]")?;
    window.wait_for_text("[data-testid=signal-log] [data-kind=ended]", "137")?;
    Ok(())
}

#[test]
fn every_step_of_a_start_says_why_it_is_there() -> Result<()> {
    let Some((window, container)) = open(json!({ "name": "web", "command": ["sleep", "3600"] }))?
    else {
        return Ok(());
    };
    show(&window, &container, "timeline")?;
    window.find("timeline-step")?;
    let steps = window.count("[data-testid=timeline] [role=option]")?;
    ensure!(steps > 10, "{steps} steps");
    for step in 0..steps {
        let click = "document.querySelectorAll('[data-testid=timeline] [role=option]')[arguments[0]].click()";
        window.script(click, json!([step]))?;
        let text = "return ['step-why', 'step-without'].map((id) => document.querySelector(`[data-testid=${id}]`)?.textContent ?? '')";
        let texts = window.script(text, json!([]))?;
        let texts = texts.as_array().context("two texts")?;
        ensure!(
            texts
                .iter()
                .all(|text| text.as_str().is_some_and(|text| text.len() > 10)),
            "step {step}: {texts:?}"
        );
    }
    Ok(())
}

/// The window with one container that runs.
#[test]
fn a_long_log_is_read_where_somebody_looks() -> Result<()> {
    const LINES: u32 = 5_000;
    let write = format!(
        "awk 'BEGIN {{ for (i = 1; i <= {LINES}; i++) print \"line \" i }}'; echo oh no >&2; exec sleep 3600"
    );
    let Some((window, container)) =
        open(json!({ "name": "talker", "command": ["sh", "-c", write] }))?
    else {
        return Ok(());
    };
    show(&window, &container, "logs")?;
    let log = "[data-testid=log]";
    window.wait_for_text(log, "oh no")?;
    window.click("log-follow")?;
    let scrolled = "document.querySelector('[data-testid=log] .lines').scrollTop = arguments[0]";
    for (to, line) in [(0, "line 1\n"), (2_500 * 20, "line 2510\n")] {
        window.script(scrolled, json!([to]))?;
        window.wait_for_text(log, line)?;
    }
    window.type_into("log-search", "LINE 77")?;
    // 77, 770 to 779.
    window.wait_for_text("[data-testid=log-found]", "11")?;
    window.find("log-search")?.type_text(ENTER)?;
    window.wait_for_text(log, "line 770\n")?;
    window.click_css("[data-testid=log-stream-stderr]")?;
    window.wait_for_text(log, "oh no")?;
    ensure!(window.count("[data-testid=log] [data-stream]")? == 1);
    Ok(())
}

fn open(request: Value) -> Result<Option<(Window, Value)>> {
    if !can_run_containers() {
        return Ok(None);
    }
    let window = Window::open(&WindowOptions::default())?;
    window.find("home-empty")?;
    let made = window.script_async(RUN, json!([request]))?;
    let container = made["value"].clone();
    ensure!(container["pid"].is_u64(), "{made}");
    Ok(Some((window, container)))
}

fn show(window: &Window, container: &Value, tab: &str) -> Result<()> {
    let id = container["id"].as_str().context("an id")?;
    window.script(
        "location.hash = arguments[0]",
        json!([format!("#/containers/{id}/{tab}")]),
    )?;
    window.find("container-page")?;
    Ok(())
}

/// Asks until the page says yes.
fn until(window: &Window, question: &str, selector: &str) -> Result<()> {
    let wait = format!(
        "const done = arguments[arguments.length - 1]; const ask = (selector) => {{ {question} }}; \
         const look = () => ask(arguments[0]) ? done(true) : setTimeout(look, 50); look()"
    )
    .replace(
        "document.querySelector(arguments[0])",
        "document.querySelector(selector)",
    );
    let said = window.script_async(&wait, json!([selector]))?;
    ensure!(said == json!(true), "{said}");
    Ok(())
}

/// A file of the container's cgroup, wherever this machine has it.
fn cgroup_file(container: &Value, name: &str) -> Result<String> {
    let pid = &container["pid"];
    let controller = name.split('.').next().unwrap_or_default();
    let text = fs::read_to_string(format!("/proc/{pid}/cgroup"))?;
    for line in text.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else {
            continue;
        };
        let roots = [
            "/sys/fs/cgroup".to_owned(),
            format!("/sys/fs/cgroup/{controllers}"),
        ];
        if controllers.is_empty() || controllers.split(',').any(|one| one == controller) {
            let found = roots.iter().map(|root| format!("{root}{path}/{name}"));
            for file in found {
                if let Ok(value) = fs::read_to_string(&file) {
                    return Ok(value.trim().to_owned());
                }
            }
        }
    }
    anyhow::bail!("no {name} in {text}")
}
