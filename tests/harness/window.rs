//! The real application in a real WebKitGTK window, driven through WebDriver.

use std::{
    fs,
    net::TcpListener,
    os::unix::net::UnixStream,
    path::PathBuf,
    process::{Child, Command},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    Element, Leaks, Ran, User, binaries,
    display::{Display, start_driver},
    leaks, run,
};

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
    pub(crate) fn command(&self, program: &str) -> Command {
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
    /// Where sessions are made, and the one that is open.
    sessions: String,
    session: String,
    options: WindowOptions,
    leaks: Leaks,
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
            sessions: format!("http://127.0.0.1:{port}/session"),
            session: String::new(),
            options: options.clone(),
            leaks,
        };
        window.start_session()?;
        Ok(window)
    }

    /// Closes the application and opens it again on the same roots.
    ///
    /// # Errors
    /// As [`Window::open`].
    pub fn reopen(&mut self) -> Result<()> {
        self.end_application();
        let _ = self.agent.delete(&self.session).call();
        self.start_session()
    }

    fn start_session(&mut self) -> Result<()> {
        self.session.clone_from(&self.sessions);
        let options = &self.options;
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
        self.session = format!("{}/{id}", self.sessions);
        self.find("rail-home").map(drop)
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

    pub(crate) fn post(&self, path: &str, body: &Value) -> Result<Value> {
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

    /// The `docker` client against the application, as soon as that serves: its page is there before its engine.
    pub fn command(&self) -> Command {
        let started = Instant::now();
        while UnixStream::connect(self.socket()).is_err() && started.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(50));
        }
        let mut command = Command::new("docker");
        command.env("DOCKER_HOST", format!("unix://{}", self.socket().display()));
        command
    }

    /// Runs `docker` with these arguments to its end.
    ///
    /// # Panics
    /// When there is no docker client, or it takes more than a minute.
    #[track_caller]
    pub fn docker(&self, arguments: &[&str]) -> Ran {
        match run(self.command().args(arguments), "") {
            Ok(ran) => ran,
            Err(error) => panic!("{error:#}"),
        }
    }

    fn remove_containers(&self) {
        let listed = run(self.command().args(["ps", "-aq"]), "");
        let ids = listed.map(|ran| ran.stdout).unwrap_or_default();
        let ids: Vec<&str> = ids.split_whitespace().collect();
        if !ids.is_empty() {
            let _ = run(self.command().args(["rm", "-fv"]).args(ids), "");
        }
    }
}

/// Whether a process has ended and its parent has not noticed yet.
fn is_zombie(pid: nix::unistd::Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_some_and(|(_, rest)| rest.starts_with('Z'))
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
