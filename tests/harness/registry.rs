//! A real registry server on loopback, and images for it.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    os::unix::fs::symlink,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;

use crate::run;

/// Debian's static busybox.
const BUSYBOX: &str = "/bin/busybox";

/// The programs that images get.
const APPLETS: [&str; 36] = [
    "sh", "ash", "cat", "echo", "env", "false", "grep", "head", "hostname", "id", "ip", "kill",
    "ls", "mkdir", "mount", "nc", "nslookup", "ping", "printf", "ps", "pwd", "rm", "seq", "sleep",
    "stat", "stty", "tail", "test", "touch", "tr", "true", "tty", "uname", "wc", "wget", "yes",
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
}

/// A running registry. Dropping it ends it and removes its folder.
#[derive(Debug)]
pub struct Registry {
    folder: TempDir,
    process: Child,
    port: u16,
}

impl Registry {
    /// Starts an empty registry without TLS on a free port of loopback.
    ///
    /// # Errors
    /// When Debian's `docker-registry` is missing or does not answer.
    pub fn start() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("tr").tempdir_in("/tmp")?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let config = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\n\
             http: {{addr: 127.0.0.1:{port}}}\n",
            folder.path().join("storage").display()
        );
        let path = folder.path().join("config.yml");
        fs::write(&path, config)?;
        let process = Command::new("docker-registry")
            .arg("serve")
            .arg(&path)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("start docker-registry")?;
        let mut registry = Self {
            folder,
            process,
            port,
        };
        registry.await_answer()?;
        Ok(registry)
    }

    fn await_answer(&mut self) -> Result<()> {
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            ensure!(self.process.try_wait()?.is_none(), "docker-registry ended");
            ensure!(
                started.elapsed() < Duration::from_secs(30),
                "docker-registry does not listen"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Starts a registry that has `library/busybox:latest` and `library/alpine:latest`.
    ///
    /// # Errors
    /// As [`Registry::start`] and [`Registry::push`].
    pub fn with_busybox() -> Result<Self> {
        let registry = Self::start()?;
        registry.push(&Image::busybox("library/busybox:latest"))?;
        registry.copy("library/busybox:latest", "library/alpine:latest")?;
        Ok(registry)
    }

    /// Host and port.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// What `--registry-mirror` takes.
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Makes an image and pushes it. All images of a registry share their bottom layer.
    ///
    /// # Errors
    /// What umoci or skopeo said.
    pub fn push(&self, image: &Image<'_>) -> Result<()> {
        let layout = self.base()?;
        let target = format!("{layout}:image");
        tool(
            "umoci",
            &["tag", "--image", &format!("{layout}:base"), "image"],
        )?;
        for (path, content) in image.files {
            let file = self.folder.path().join("file");
            fs::write(&file, content)?;
            let file = file.display().to_string();
            tool("umoci", &["insert", "--image", &target, &file, path])?;
        }
        if !image.settings.is_empty() {
            let mut settings = vec!["config", "--image", &target];
            settings.extend(image.settings);
            tool("umoci", &settings)?;
        }
        let to = format!("docker://{}/{}", self.address(), image.name);
        let from = format!("oci:{target}");
        let plain = "--dest-tls-verify=false";
        tool("skopeo", &["copy", "-q", plain, &from, &to])
    }

    /// An image layout with busybox under the tag `base`.
    fn base(&self) -> Result<String> {
        let path = self.folder.path().join("layout");
        let layout = path.display().to_string();
        if path.exists() {
            return Ok(layout);
        }
        let target = format!("{layout}:base");
        tool("umoci", &["init", "--layout", &layout])?;
        tool("umoci", &["new", "--image", &target])?;
        let root = self.folder.path().join("root");
        make_root(&root)?;
        let root = root.display().to_string();
        tool("umoci", &["insert", "--image", &target, &root, "/"])?;
        let settings = ["--config.cmd=sh", "--config.env=PATH=/bin"];
        tool(
            "umoci",
            &["config", "--image", &target, settings[0], settings[1]],
        )?;
        Ok(layout)
    }

    /// Gives an image one more name.
    ///
    /// # Errors
    /// What skopeo said.
    pub fn copy(&self, from: &str, to: &str) -> Result<()> {
        let name = |name: &str| format!("docker://{}/{name}", self.address());
        let plain = ["--src-tls-verify=false", "--dest-tls-verify=false"];
        tool(
            "skopeo",
            &["copy", "-q", plain[0], plain[1], &name(from), &name(to)],
        )
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
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

fn tool(program: &str, arguments: &[&str]) -> Result<()> {
    let ran = run(Command::new(program).args(arguments), "")?;
    ensure!(ran.code == Some(0), "{}: {}", ran.line, ran.stderr);
    Ok(())
}
