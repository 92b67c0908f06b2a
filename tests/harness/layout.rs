//! Images as they lie on disk, made with tools that are not ours.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Result, ensure};

use crate::command::run_within;

/// A layer of a whole distribution is compressed in this time, also on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(240);

/// A folder in the form of an OCI image layout, with one image.
#[derive(Debug)]
pub struct Layout {
    path: PathBuf,
}

impl Layout {
    /// Makes a layout with an image that has no layer yet.
    ///
    /// # Errors
    /// What umoci said.
    pub fn create(path: &Path) -> Result<Self> {
        let layout = Self::open(path);
        tool("umoci", &["init", "--layout", &path.display().to_string()])?;
        tool("umoci", &["new", "--image", &layout.image()])?;
        Ok(layout)
    }

    /// A layout that [`Layout::create`] made earlier.
    pub fn open(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }

    /// Replaces it by an image of a registry on loopback.
    ///
    /// # Errors
    /// What skopeo said.
    pub fn take(&self, name: &str) -> Result<()> {
        if self.path.exists() {
            fs::remove_dir_all(&self.path)?;
        }
        let (from, to) = (format!("docker://{name}"), format!("oci:{}", self.image()));
        let plain = "--src-tls-verify=false";
        tool("skopeo", &["copy", "-q", plain, &from, &to])
    }

    /// Adds a layer with this file or folder at a path of the image.
    ///
    /// # Errors
    /// What umoci said.
    pub fn insert(&self, from: &Path, to: &str) -> Result<()> {
        let (image, from) = (self.image(), from.display().to_string());
        tool("umoci", &["insert", "--image", &image, &from, to])
    }

    /// Adds a layer with the bytes of this tar, whatever they say.
    ///
    /// # Errors
    /// What umoci said.
    pub fn add_tar(&self, tar: &Path) -> Result<()> {
        let (image, tar) = (self.image(), tar.display().to_string());
        tool("umoci", &["raw", "add-layer", "--image", &image, &tar])
    }

    /// Adds a layer with these bytes, whatever they say.
    ///
    /// # Errors
    /// What umoci said.
    pub fn add_bytes(&self, tar: &[u8]) -> Result<()> {
        let file = self.path.with_extension("tar");
        fs::write(&file, tar)?;
        let added = self.add_tar(&file);
        fs::remove_file(&file)?;
        added
    }

    /// Changes the config with options of `umoci config`.
    ///
    /// # Errors
    /// What umoci said.
    pub fn configure(&self, settings: &[&str]) -> Result<()> {
        let image = self.image();
        let mut arguments = vec!["config", "--image", &image];
        arguments.extend(settings);
        tool("umoci", &arguments)
    }

    /// Gives what one tag names to another one too.
    ///
    /// # Errors
    /// What umoci said.
    pub(crate) fn tag(&self, from: &str, to: &str) -> Result<()> {
        let from = format!("{}:{from}", self.path.display());
        tool("umoci", &["tag", "--image", &from, to])
    }

    /// What umoci and skopeo call the image.
    pub(crate) fn image(&self) -> String {
        format!("{}:image", self.path.display())
    }
}

/// Runs a tool that has to succeed.
pub(crate) fn tool(program: &str, arguments: &[&str]) -> Result<()> {
    let ran = run_within(Command::new(program).args(arguments), "", TIMEOUT)?;
    ensure!(ran.code == Some(0), "{}: {}", ran.line, ran.stderr);
    Ok(())
}
