//! A real registry server on loopback, and images for it.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;

use crate::{Image, Layout, layout::tool, run};

/// A running registry. Dropping it ends it and removes its folder.
#[derive(Debug)]
pub struct Registry {
    folder: TempDir,
    process: Child,
    port: u16,
    account: Option<(&'static str, &'static str)>,
}

impl Registry {
    /// Starts an empty registry without TLS on a free port of loopback.
    ///
    /// # Errors
    /// When Debian's `docker-registry` is missing or does not answer.
    pub fn start() -> Result<Self> {
        Self::start_with(None)
    }

    /// Starts an empty registry with a certificate of its own that asks for this account.
    ///
    /// # Errors
    /// As [`Registry::start`]; also when `openssl` or `htpasswd` is missing.
    pub fn secured(user: &'static str, password: &'static str) -> Result<Self> {
        Self::start_with(Some((user, password)))
    }

    fn start_with(account: Option<(&'static str, &'static str)>) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("tr").tempdir_in("/tmp")?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut config = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\n\
             http:\n  addr: 127.0.0.1:{port}\n",
            folder.path().join("storage").display()
        );
        if let Some(account) = account {
            config += &secure(folder.path(), account)?;
        }
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
            account,
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
        let layout = image.write(self.folder.path())?;
        self.push_layout(&layout, image.name)
    }

    /// Pushes the image of a layout under this name.
    ///
    /// # Errors
    /// What skopeo said.
    pub fn push_layout(&self, layout: &Layout, name: &str) -> Result<()> {
        let from = format!("oci:{}", layout.image());
        let to = format!("docker://{}/{name}", self.address());
        let mut arguments = vec!["copy", "-q", "--dest-tls-verify=false"];
        if let Some((user, password)) = self.account {
            let account = format!("{user}:{password}");
            arguments.extend(["--dest-creds", &account, &from, &to]);
            return tool("skopeo", &arguments);
        }
        arguments.extend([from.as_str(), &to]);
        tool("skopeo", &arguments)
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

    /// The manifest of an image, as it is served.
    ///
    /// # Errors
    /// What skopeo said.
    pub fn manifest(&self, name: &str) -> Result<String> {
        let image = format!("docker://{}/{name}", self.address());
        let arguments = ["inspect", "--raw", "--tls-verify=false", &image];
        Ok(run(Command::new("skopeo").args(arguments), "")?
            .ok()
            .to_owned())
    }

    /// The file that holds what is served under this digest, right or wrong.
    pub fn blob(&self, digest: &str) -> PathBuf {
        let hex = digest.trim_start_matches("sha256:");
        let blobs = "storage/docker/registry/v2/blobs/sha256";
        let path = self.folder.path().join(blobs).join(&hex[..2]);
        path.join(hex).join("data")
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Makes a certificate and a list of accounts; returns what the configuration says about them.
fn secure(folder: &Path, (user, password): (&str, &str)) -> Result<String> {
    let path = |name: &str| folder.join(name).display().to_string();
    let (key, certificate, accounts) = (path("key.pem"), path("cert.pem"), path("accounts"));
    tool(
        "openssl",
        &[
            "req",
            "-x509",
            "-nodes",
            "-days",
            "2",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-subj",
            "/CN=registry",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-keyout",
            &key,
            "-out",
            &certificate,
        ],
    )?;
    tool("htpasswd", &["-Bbc", &accounts, user, password])?;
    Ok(format!(
        "  tls:\n    certificate: {certificate}\n    key: {key}\n\
         auth:\n  htpasswd:\n    realm: registry\n    path: {accounts}\n"
    ))
}
