//! What a window needs around it: a display, and a driver.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::{Child, Stdio},
};

use anyhow::{Context as _, Result};
use tempfile::TempDir;

use crate::WindowOptions;

/// A virtual display of its own, which whoever made it ends.
#[derive(Debug)]
pub(crate) struct Display {
    pub(crate) server: Child,
    pub(crate) name: String,
}

impl Display {
    /// Starts Xvfb and waits until it listens.
    ///
    /// # Errors
    /// When there is no Xvfb.
    pub(crate) fn start(options: &WindowOptions) -> Result<Self> {
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

/// Starts a WebDriver server for applications on this display.
///
/// # Errors
/// When there is none.
pub(crate) fn start_driver(
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
