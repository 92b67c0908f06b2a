//! Debian's `docker-registry` as a child process.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

pub(crate) struct DockerRegistry {
    child: Child,
    pub(crate) port: u16,
    folder: TempDir,
}

/// How the registry is reached.
#[derive(PartialEq, Eq)]
pub(crate) enum Door {
    Plain,
    /// TLS with a certificate of its own CA, and the user `ada` with the password `secret`.
    TlsAndPassword,
}

impl DockerRegistry {
    /// Starts a registry and waits until it listens.
    pub(crate) fn start(door: Door) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let config = folder.path().join("config.yml");
        std::fs::write(&config, yaml(folder.path(), port, &door)).unwrap();
        if door == Door::TlsAndPassword {
            make_certificates(folder.path());
            // The bcrypt hash of `secret`.
            let line = "ada:$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n";
            std::fs::write(folder.path().join("htpasswd"), line).unwrap();
        }
        let mut child = Command::new("docker-registry")
            .arg("serve")
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("docker-registry is installed");
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let listening = lines
            .by_ref()
            .map_while(Result::ok)
            .any(|line| line.contains("listening on"));
        assert!(listening, "the registry ended before it listened");
        // Its log has to go somewhere, or it blocks.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Self {
            child,
            port,
            folder,
        }
    }

    pub(crate) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Where the registry keeps the bytes of a blob.
    pub(crate) fn blob_file(&self, hex: &str) -> PathBuf {
        let blobs = "data/docker/registry/v2/blobs/sha256";
        self.folder
            .path()
            .join(blobs)
            .join(&hex[..2])
            .join(hex)
            .join("data")
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for DockerRegistry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn yaml(folder: &Path, port: u16, door: &Door) -> String {
    let folder = folder.display();
    let mut text = format!(
        "version: 0.1\nlog: {{level: info}}\nstorage: {{filesystem: {{rootdirectory: {folder}/data}}}}\nhttp:\n  addr: 127.0.0.1:{port}\n"
    );
    if *door == Door::TlsAndPassword {
        text += &format!(
            "  tls: {{certificate: {folder}/server.crt, key: {folder}/server.key}}\nauth: {{htpasswd: {{realm: test, path: {folder}/htpasswd}}}}\n"
        );
    }
    text
}

/// Makes `ca.crt` and a certificate of it for this machine's loopback, and `other.crt`, a CA that vouches for nobody.
fn make_certificates(folder: &Path) {
    let openssl = |arguments: &str| {
        let output = Command::new("openssl")
            .args(arguments.split(' '))
            .current_dir(folder)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    let new_key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2";
    for ca in ["ca", "other"] {
        openssl(&format!(
            "req -x509 {new_key} -keyout {ca}.key -out {ca}.crt -subj /CN={ca}"
        ));
    }
    openssl(&format!(
        "req -x509 {new_key} -keyout server.key -out server.crt -subj /CN=registry -CA ca.crt -CAkey ca.key \
         -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=CA:FALSE"
    ).replace("  ", " "));
}
