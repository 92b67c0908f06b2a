//! The real application in a real WebKitGTK window, driven through WebDriver.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{Leaks, User, binaries, leaks, run};

/// The key under which WebDriver hands out elements.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// How long a test waits for something to show up. A debug build on a busy machine is slow.
const PATIENCE: Duration = Duration::from_secs(30);

/// How the application is opened.
#[derive(Debug, Clone)]
pub struct WindowOptions {
    /// Mirrors of docker.io, as URLs.
    pub mirrors: Vec<String>,
    /// Pixels of the display.
    pub size: (u32, u32),
    /// Who opens it; nobody in particular is whoever runs the test.
    pub user: Option<User>,
}

impl Default for WindowOptions {
    fn default() -> Self {
        Self {
            mirrors: Vec::new(),
            size: (1440, 900),
            user: None,
        }
    }
}

impl WindowOptions {
    /// A program run by whoever opens the window.
    fn command(&self, program: &str) -> Command {
        match &self.user {
            Some(user) => user.command(program),
            None => Command::new(program),
        }
    }
}

/// The open application. Dropping it removes its containers, closes it, and looks for leaks.
#[derive(Debug)]
pub struct Window {
    folder: TempDir,
    display: Display,
    driver: Child,
    agent: ureq::Agent,
    session: String,
    leaks: Leaks,
}

/// A virtual display of its own.
#[derive(Debug)]
struct Display {
    server: Child,
    name: String,
}

impl Window {
    /// Opens the application on empty roots and waits for its first page.
    ///
    /// # Errors
    /// When display, driver or application do not start.
    pub fn open(options: &WindowOptions) -> Result<Self> {
        let leaks = Leaks::look();
        let folder = tempfile::Builder::new().prefix("tw").tempdir_in("/tmp")?;
        if let Some(user) = &options.user {
            user.give(folder.path())?;
        }
        let display = Display::start(options)?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let driver = start_driver(port, &display.name, &folder, options)?;
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .http_status_as_error(false)
            .build();
        let mut window = Self {
            folder,
            display,
            driver,
            agent: agent.into(),
            session: format!("http://127.0.0.1:{port}/session"),
            leaks,
        };
        window.start_session(options)?;
        window.find("rail-home")?;
        Ok(window)
    }

    fn start_session(&mut self, options: &WindowOptions) -> Result<()> {
        let root = |name: &str| self.folder.path().join(name).display().to_string();
        let mut arguments = vec![
            "--data-root".to_owned(),
            root("data"),
            "--run-root".to_owned(),
            root("run"),
        ];
        for mirror in &options.mirrors {
            arguments.extend(["--registry-mirror".to_owned(), mirror.clone()]);
        }
        let binaries = match &options.user {
            Some(user) => user.binaries.clone(),
            None => binaries(),
        };
        let binary = binaries
            .join("terrarium")
            .canonicalize()
            .context("terrarium is not built")?;
        let browser = json!({"binary": binary, "args": arguments});
        let request =
            json!({"capabilities": {"alwaysMatch": {"webkitgtk:browserOptions": browser}}});
        let started = Instant::now();
        // The driver listens a moment after its start.
        let answer = loop {
            match self.post("", &request) {
                Err(_) if started.elapsed() < PATIENCE => {
                    std::thread::sleep(Duration::from_millis(50))
                }
                answer => break answer?,
            }
        };
        let id = answer["sessionId"]
            .as_str()
            .context("a session has an id")?
            .to_owned();
        self.session = format!("{}/{id}", self.session);
        Ok(())
    }

    /// The Docker API socket of the application.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("run/docker.sock")
    }

    /// Waits for the element with this `data-testid`.
    ///
    /// # Errors
    /// When it does not show up.
    #[track_caller]
    pub fn find(&self, testid: &str) -> Result<Element<'_>> {
        self.find_css(&format!("[data-testid=\"{testid}\"]"))
    }

    /// Waits for the first element that matches a CSS selector.
    ///
    /// # Errors
    /// When it does not show up.
    #[track_caller]
    pub fn find_css(&self, selector: &str) -> Result<Element<'_>> {
        let request = json!({"using": "css selector", "value": selector});
        let started = Instant::now();
        loop {
            match self.post("/element", &request) {
                Ok(found) => {
                    let id = found[ELEMENT]
                        .as_str()
                        .context("an element has an id")?
                        .to_owned();
                    return Ok(Element { window: self, id });
                }
                Err(error) if started.elapsed() > PATIENCE => {
                    return Err(error.context(format!(
                        "{selector} did not show up; the page says:\n{}",
                        self.page_text()
                    )));
                }
                Err(_) => std::thread::sleep(Duration::from_millis(50)),
            }
        }
    }

    /// How many elements match a CSS selector now.
    ///
    /// # Errors
    /// When the page does not answer.
    pub fn count(&self, selector: &str) -> Result<u64> {
        let count = self.script(
            "return document.querySelectorAll(arguments[0]).length",
            json!([selector]),
        )?;
        count.as_u64().context("a length is a number")
    }

    /// Clicks the element with this `data-testid`, once it is there and can be clicked.
    ///
    /// # Errors
    /// When it does not show up or something covers it all the time.
    #[track_caller]
    pub fn click(&self, testid: &str) -> Result<()> {
        self.click_css(&format!("[data-testid=\"{testid}\"]"))
    }

    /// Clicks the first element that matches a CSS selector.
    ///
    /// # Errors
    /// As [`Window::click`].
    #[track_caller]
    pub fn click_css(&self, selector: &str) -> Result<()> {
        let started = Instant::now();
        loop {
            match self.find_css(selector)?.click() {
                Err(_) if started.elapsed() < PATIENCE => {
                    std::thread::sleep(Duration::from_millis(100))
                }
                clicked => return clicked.with_context(|| format!("click {selector}")),
            }
        }
    }

    /// Types into the element with this `data-testid`.
    ///
    /// # Errors
    /// When it does not show up or takes no text.
    pub fn type_into(&self, testid: &str, text: &str) -> Result<()> {
        self.find(testid)?.type_text(text)
    }

    /// Waits until the text of an element contains `text`.
    ///
    /// # Errors
    /// When it never does; with what it said instead.
    #[track_caller]
    pub fn wait_for_text(&self, selector: &str, text: &str) -> Result<()> {
        let started = Instant::now();
        let script = "const found = document.querySelector(arguments[0]); return found ? found.innerText : ''";
        loop {
            let shown = self.script(script, json!([selector]))?;
            let shown = shown.as_str().unwrap_or_default();
            if shown.contains(text) {
                return Ok(());
            }
            if started.elapsed() > PATIENCE {
                bail!(
                    "{selector} does not say {text:?} but {shown:?}; the page says:\n{}",
                    self.page_text()
                );
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until no element matches a CSS selector.
    ///
    /// # Errors
    /// When one stays.
    pub fn wait_gone(&self, selector: &str) -> Result<()> {
        let started = Instant::now();
        while self.count(selector)? > 0 {
            ensure!(
                started.elapsed() < PATIENCE,
                "{selector} stays; the page says:\n{}",
                self.page_text()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Runs a script in the page and gives back what it returns.
    ///
    /// # Errors
    /// When it throws.
    pub fn script(&self, script: &str, arguments: Value) -> Result<Value> {
        self.post(
            "/execute/sync",
            &json!({"script": script, "args": arguments}),
        )
    }

    /// Runs a script whose last argument is the function that it calls with its result.
    ///
    /// # Errors
    /// When it throws.
    pub fn script_async(&self, script: &str, arguments: Value) -> Result<Value> {
        self.post(
            "/execute/async",
            &json!({"script": script, "args": arguments}),
        )
    }

    /// Presses keys, in the spelling of WebDriver, wherever the focus is.
    ///
    /// # Errors
    /// When the page does not take them.
    pub fn press(&self, keys: &str) -> Result<()> {
        let mut actions = Vec::new();
        actions.extend(
            keys.chars()
                .map(|key| json!({"type": "keyDown", "value": key.to_string()})),
        );
        actions.extend(
            keys.chars()
                .rev()
                .map(|key| json!({"type": "keyUp", "value": key.to_string()})),
        );
        let source = json!({"type": "key", "id": "keyboard", "actions": actions});
        self.post("/actions", &json!({"actions": [source]}))
            .map(drop)
    }

    /// Takes a picture of the display into the folder that `cargo xtask test` names.
    ///
    /// # Errors
    /// When ImageMagick cannot take it.
    pub fn screenshot(&self, name: &str) -> Result<()> {
        let folder = std::env::var_os("TERRARIUM_SCREENSHOTS")
            .map_or_else(|| binaries().join("screenshots"), PathBuf::from);
        fs::create_dir_all(&folder)?;
        let path = folder.join(format!("{name}.png"));
        let mut import = Command::new("import");
        import
            .args(["-display", &self.display.name, "-window", "root"])
            .arg(&path);
        let ran = run(&mut import, "")?;
        ensure!(ran.code == Some(0), "take a picture: {}", ran.stderr);
        Ok(())
    }

    /// All text of the page, for messages.
    pub fn page_text(&self) -> String {
        let text = self.script("return document.body.innerText", json!([]));
        text.ok()
            .and_then(|text| text.as_str().map(str::to_owned))
            .unwrap_or_default()
    }

    fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let url = format!("{}{path}", self.session);
        let mut response = self
            .agent
            .post(&url)
            .content_type("application/json")
            .send(body.to_string())?;
        let answer: Value = serde_json::from_str(&response.body_mut().read_to_string()?)?;
        let value = answer["value"].clone();
        if let Some(error) = value["error"].as_str() {
            bail!("{error}: {}", value["message"].as_str().unwrap_or_default());
        }
        Ok(value)
    }

    /// Ends the application in peace; the driver would kill it.
    fn end_application(&self) {
        for (pid, line) in leaks::processes_of(&self.folder.path().join("data")) {
            if line.contains("/terrarium ") {
                let pid = nix::unistd::Pid::from_raw(pid);
                let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
                let asked = Instant::now();
                let there = || nix::sys::signal::kill(pid, None).is_ok();
                while there() && !is_zombie(pid) && asked.elapsed() < Duration::from_secs(10) {
                    std::thread::sleep(Duration::from_millis(20));
                }
            }
        }
    }

    fn remove_containers(&self) {
        let docker = |arguments: &[&str]| {
            let mut command = Command::new("docker");
            command
                .env("DOCKER_HOST", format!("unix://{}", self.socket().display()))
                .args(arguments);
            run(&mut command, "")
        };
        let ids = docker(&["ps", "-aq"])
            .map(|ran| ran.stdout)
            .unwrap_or_default();
        let mut remove = vec!["rm", "-fv"];
        remove.extend(ids.split_whitespace());
        if remove.len() > 2 {
            let _ = docker(&remove);
        }
    }
}

/// Whether a process has ended and its parent has not noticed yet.
fn is_zombie(pid: nix::unistd::Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_some_and(|(_, rest)| rest.starts_with('Z'))
}

/// An element of the page.
#[derive(Debug)]
pub struct Element<'w> {
    window: &'w Window,
    id: String,
}

impl Element<'_> {
    /// Clicks it.
    ///
    /// # Errors
    /// When it cannot be clicked now.
    pub fn click(&self) -> Result<()> {
        self.window
            .post(&format!("/element/{}/click", self.id), &json!({}))
            .map(drop)
    }

    /// Types into it.
    ///
    /// # Errors
    /// When it takes no text.
    pub fn type_text(&self, text: &str) -> Result<()> {
        self.window
            .post(
                &format!("/element/{}/value", self.id),
                &json!({"text": text}),
            )
            .map(drop)
    }
}

impl Display {
    fn start(options: &WindowOptions) -> Result<Self> {
        let (width, height) = options.size;
        let mut server = options
            .command("Xvfb")
            .args([
                "-displayfd",
                "1",
                "-nolisten",
                "tcp",
                "-screen",
                "0",
                &format!("{width}x{height}x24"),
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("start Xvfb")?;
        let stdout = server.stdout.take().context("it has a pipe")?;
        let mut number = String::new();
        BufReader::new(stdout).read_line(&mut number)?;
        Ok(Self {
            server,
            name: format!(":{}", number.trim()),
        })
    }
}

fn start_driver(
    port: u16,
    display: &str,
    folder: &TempDir,
    options: &WindowOptions,
) -> Result<Child> {
    let log = fs::File::create(folder.path().join("log"))?;
    options
        .command("WebKitWebDriver")
        .arg(format!("--port={port}"))
        .env("DISPLAY", display)
        // Without it the application does not listen to the driver.
        .env("TAURI_WEBVIEW_AUTOMATION", "true")
        .env("NO_AT_BRIDGE", "1")
        .env("WEBKIT_DISABLE_DMABUF_RENDERER", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .context("start WebKitWebDriver")
}

impl Drop for Window {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            eprintln!("the application's log:\n{log}");
            let _ = self.screenshot("failed");
        }
        self.remove_containers();
        self.end_application();
        let _ = self.agent.delete(&self.session).call();
        // The application has to be gone before its display.
        for process in [&mut self.driver, &mut self.display.server] {
            let _ = process.kill();
            let _ = process.wait();
        }
        self.leaks.assert_none(self.folder.path());
    }
}
