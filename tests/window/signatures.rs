//! Signatures in the real window: a good one, one of another key, and one of another image.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};
use terrarium_tests::{Image, Registry, Window, WindowOptions, can_run_containers, run};

use crate::{
    hands::{fill, go},
    looks::{in_all_looks, none},
};

/// A key pair as cosign makes them: ECDSA on P-256.
struct KeyPair {
    private: PathBuf,
    public: String,
}

impl KeyPair {
    fn make(folder: &Path, name: &str) -> Result<Self> {
        let private = folder.join(name);
        let path = private.to_str().context("a path of letters")?;
        let curve = ["ecparam", "-name", "prime256v1", "-genkey", "-noout"];
        openssl(&[&curve[..], &["-out", path]].concat())?;
        let public = openssl(&["ec", "-in", path, "-pubout"])?;
        Ok(Self { private, public })
    }

    /// The signature of a file, in base64.
    fn sign(&self, file: &Path) -> Result<String> {
        let (key, file) = (self.private.display(), file.display());
        let sign = format!("openssl dgst -sha256 -sign '{key}' '{file}' | openssl base64 -A");
        let signed = run(Command::new("sh").args(["-c", &sign]), "")?;
        Ok(signed.ok().to_owned())
    }
}

fn openssl(arguments: &[&str]) -> Result<String> {
    let ran = run(Command::new("openssl").args(arguments), "")?;
    Ok(ran.ok().to_owned())
}

/// A repository of a registry, spoken to by hand.
struct Repository<'a> {
    registry: &'a Registry,
    name: &'a str,
    folder: &'a Path,
}

impl Repository<'_> {
    /// Puts the signature of `key` for what `payload` says beside the image `digest`, as cosign does.
    fn put_signature(&self, digest: &str, payload: &str, key: &KeyPair) -> Result<()> {
        let file = self.folder.join("payload");
        fs::write(&file, payload)?;
        let signature = key.sign(&file)?;
        let (layer, config) = (self.put_blob(payload)?, self.put_blob("{}")?);
        let manifest = format!(
            r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",
            "config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{config}","size":2}},
            "layers":[{{"mediaType":"application/vnd.dev.cosign.simplesigning.v1+json","digest":"{layer}",
            "size":{},"annotations":{{"dev.cosignproject.cosign/signature":"{signature}"}}}}]}}"#,
            payload.len()
        );
        let tag = format!("{}.sig", digest.replace(':', "-"));
        let kind = "application/vnd.oci.image.manifest.v1+json";
        self.send("PUT", &format!("manifests/{tag}"), (kind, &manifest))
            .map(drop)
    }

    fn put_blob(&self, content: &str) -> Result<String> {
        let digest = sha256(content)?;
        let kind = "application/octet-stream";
        let answer = self.send("POST", "blobs/uploads/", (kind, ""))?;
        let place = answer.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("location").then(|| value.trim())
        });
        let place = place.context("an upload has a place")?;
        let url = format!("{place}&digest={digest}");
        self.send("PUT", &url, (kind, content))?;
        Ok(digest)
    }

    /// The head of the answer.
    fn send(&self, method: &str, path: &str, (kind, body): (&str, &str)) -> Result<String> {
        let url = match path.starts_with("http") {
            true => path.to_owned(),
            false => format!("{}/v2/{}/{path}", self.registry.url(), self.name),
        };
        let mut curl = Command::new("curl");
        curl.args(["-sSf", "-o", "/dev/null", "-D", "-", "-X", method, "-H"]);
        curl.arg(format!("Content-Type: {kind}"));
        curl.args(["--data-binary", "@-", &url]);
        Ok(run(&mut curl, body)?.ok().to_owned())
    }
}

fn sha256(content: &str) -> Result<String> {
    let ran = run(&mut Command::new("sha256sum"), content)?;
    let hex = ran.ok().split(' ').next().context("a digest")?;
    Ok(format!("sha256:{hex}"))
}

/// What is signed: that an image of this name has this digest.
fn payload(name: &str, digest: &str) -> String {
    format!(
        r#"{{"critical":{{"identity":{{"docker-reference":"{name}"}},"image":{{"docker-manifest-digest":"{digest}"}},"type":"cosign container image signature"}},"optional":null}}"#
    )
}

#[test]
fn a_good_signature_is_told_from_one_of_another_key_and_one_of_another_image() -> Result<()> {
    if !can_run_containers() {
        return Ok(());
    }
    let (folder, registry) = (tempfile::tempdir()?, Registry::start()?);
    let (ours, theirs) = (
        KeyPair::make(folder.path(), "ours")?,
        KeyPair::make(folder.path(), "theirs")?,
    );
    registry.push(&Image::busybox("team/app:1"))?;
    let name = format!("{}/team/app:1", registry.address());
    let window = Window::open(&WindowOptions::default())?;
    window.find("home-empty")?;
    window.docker(&["pull", "-q", &name]).ok();
    let asked = ["inspect", "-f", "{{index .RepoDigests 0}}", &name];
    let known = window.docker(&asked);
    let (_, digest) = known.ok().split_once('@').context("it has a digest")?;
    verify(&window, &name, &ours.public, false)?;
    ensure!(
        window.count("[data-testid=signature]")? == 0,
        "nobody signed"
    );

    let repository = Repository {
        registry: &registry,
        name: "team/app",
        folder: folder.path(),
    };
    let of_other = payload(&name, &sha256("another image")?);
    repository.put_signature(digest, &of_other, &ours)?;
    verify(&window, &name, &ours.public, false)?;
    window.find_css("[data-testid=signature][data-verdict=otherContent]")?;

    close(&window)?;
    repository.put_signature(digest, &payload(&name, digest), &ours)?;
    let mut complaints = Vec::new();
    in_all_looks(&window, |look| {
        verify(&window, &name, &theirs.public, false)?;
        window.find_css("[data-testid=signature][data-verdict=wrongKey]")?;
        complaints.extend(look.at("signature-bad")?);
        verify(&window, &name, &ours.public, true)?;
        window.find_css("[data-testid=signature][data-verdict=valid]")?;
        complaints.extend(look.at("signature-good")?);
        close(&window)
    })?;
    none(&complaints)
}

fn close(window: &Window) -> Result<()> {
    window.click("dialog-close")?;
    window.wait_gone("dialog")
}

/// Asks the dialog about an image, and waits for its verdict.
fn verify(window: &Window, name: &str, key: &str, expect: bool) -> Result<()> {
    if window.count("[data-testid=dialog-close]")? > 0 {
        close(window)?;
    }
    go(window, "#/images")?;
    let row = format!("[data-testid=image-row][data-name='{name}']");
    window.click_css(&format!("{row} [data-testid=more]"))?;
    window.click("menu-image.verify")?;
    fill(window, "verify-key", key.trim())?;
    window.click("verify-accept")?;
    window
        .find_css(&format!("[data-testid=verdict][data-verified={expect}]"))
        .map(drop)
}
