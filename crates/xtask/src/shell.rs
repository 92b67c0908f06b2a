//! Runs programs in the checkout, and says which.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use anyhow::{Context as _, Result, bail};

/// The top of the checkout.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors()
        .nth(2)
        .expect("the crate lies two folders below the top")
        .to_owned()
}

/// A program with its arguments, to be run at the top of the checkout.
#[derive(Debug)]
pub(crate) struct Step {
    command: Command,
    shown: String,
}

/// Splits `line` at spaces into a program and its arguments.
pub(crate) fn step(line: &str) -> Step {
    let mut words = line.split_whitespace();
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words).current_dir(root());
    Step {
        command,
        shown: line.to_owned(),
    }
}

impl Step {
    /// Runs it in a folder of the checkout.
    pub(crate) fn within(mut self, folder: &str) -> Self {
        self.command.current_dir(root().join(folder));
        self.shown = format!("({folder}) {}", self.shown);
        self
    }

    /// Adds arguments that may hold spaces.
    pub(crate) fn args<S: AsRef<str>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        for arg in args {
            self.shown = format!("{} {}", self.shown, arg.as_ref());
            self.command.arg(arg.as_ref());
        }
        self
    }

    /// Sets a variable of its environment.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs it, and fails if it fails.
    pub(crate) fn run(mut self) -> Result<()> {
        println!("\n› {}", self.shown);
        let started = Instant::now();
        let status = self
            .command
            .status()
            .with_context(|| format!("start `{}`", self.shown))?;
        if !status.success() {
            bail!("`{}` failed: {status}", self.shown);
        }
        println!("  {:.1} s", started.elapsed().as_secs_f32());
        Ok(())
    }

    /// Runs it silently and gives back what it prints.
    pub(crate) fn output(mut self) -> Result<String> {
        let output = self
            .command
            .output()
            .with_context(|| format!("start `{}`", self.shown))?;
        if !output.status.success() {
            let reason = String::from_utf8_lossy(&output.stderr);
            bail!("`{}` failed: {}", self.shown, reason.trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// Whether a program is on the path.
pub(crate) fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Programs for the system's own use, which a user's path may leave out.
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    folders
        .map(|folder| folder.join(program))
        .any(|file| file.is_file())
}
