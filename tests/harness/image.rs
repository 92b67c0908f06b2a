//! Small images of busybox.

use std::{fs, os::unix::fs::symlink, path::Path};

use anyhow::{Context as _, Result};

use crate::Layout;

/// Debian's static busybox.
const BUSYBOX: &str = "/bin/busybox";

/// The programs that images get.
const APPLETS: [&str; 41] = [
    "sh", "ash", "cat", "chmod", "chown", "cp", "echo", "env", "false", "grep", "head", "hostname",
    "id", "ip", "kill", "ln", "ls", "mkdir", "mkfifo", "mount", "nc", "nslookup", "ping", "printf",
    "ps", "pwd", "rm", "seq", "sleep", "stat", "stty", "tail", "test", "touch", "tr", "true",
    "tty", "uname", "wc", "wget", "yes",
];

/// An image to make: busybox, and what is added to it.
#[derive(Debug, Clone)]
pub struct Image<'a> {
    /// `library/busybox:latest`.
    pub name: &'a str,
    /// Options of `umoci config`, e.g. `--config.user=1000`.
    pub settings: &'a [&'a str],
    /// Files, each in a layer of its own: absolute path and content.
    pub files: &'a [(&'a str, &'a str)],
}

impl<'a> Image<'a> {
    /// Busybox with a shell as its command.
    pub fn busybox(name: &'a str) -> Self {
        Self {
            name,
            settings: &[],
            files: &[],
        }
    }

    /// Makes it with tools that are not ours, in a folder where earlier ones may lie.
    ///
    /// # Errors
    /// What umoci said.
    pub(crate) fn write(&self, folder: &Path) -> Result<Layout> {
        let layout = base(folder)?;
        layout.tag("base", "image")?;
        for (path, content) in self.files {
            let file = folder.join("file");
            fs::write(&file, content)?;
            layout.insert(&file, path)?;
        }
        if !self.settings.is_empty() {
            layout.configure(self.settings)?;
        }
        Ok(layout)
    }
}

/// A layout with busybox under the tag `base`.
fn base(folder: &Path) -> Result<Layout> {
    let path = folder.join("layout");
    if path.exists() {
        return Ok(Layout::open(&path));
    }
    let layout = Layout::create(&path)?;
    let root = folder.join("root");
    make_root(&root)?;
    layout.insert(&root, "/")?;
    layout.configure(&["--config.cmd=sh", "--config.env=PATH=/bin"])?;
    layout.tag("image", "base")?;
    Ok(layout)
}

fn make_root(root: &Path) -> Result<()> {
    for folder in [
        "bin", "dev", "etc", "home", "proc", "root", "sys", "tmp", "var",
    ] {
        fs::create_dir_all(root.join(folder))?;
    }
    fs::copy(BUSYBOX, root.join("bin/busybox")).context("copy the static busybox")?;
    for applet in APPLETS {
        symlink("busybox", root.join("bin").join(applet))?;
    }
    fs::write(
        root.join("etc/passwd"),
        "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home:/bin/sh\n",
    )?;
    fs::write(
        root.join("etc/group"),
        "root:x:0:\nuser:x:1000:\nextra:x:2000:user\n",
    )?;
    Ok(())
}
