//! Names, registries and what they serve.

use std::fs;

use anyhow::{Context as _, Result};
use serde_json::Value;
use terrarium_tests::{Host, Image, Registry, can_run_containers};

use crate::scene::{Scene, assert_says, names, options};

#[test]
fn a_name_that_leads_nowhere_is_told_with_its_registry() -> Result<()> {
    if !can_run_containers() {
        return Ok(());
    }
    let scene = Scene::new()?;
    let missing = scene.name("team/nothing:1");
    scene.refuses(&missing, &[&missing, "manifest unknown"]);
    scene.refuses("127.0.0.1:1/team/app:1", &["127.0.0.1:1", "refused"]);
    // The client itself looks at names of images to pull, but not at those to inspect.
    let malformed = scene.host.docker(&["pull", "Team/App"]);
    assert_says(malformed.fails(1), &["must be lowercase"]);
    let unknown = scene.host.docker(&["image", "inspect", "team/nothing"]);
    assert_says(unknown.fails(1), &["No such image: team/nothing"]);
    Ok(())
}

#[test]
fn a_password_is_asked_for_and_a_wrong_one_is_told_from_none() -> Result<()> {
    if !can_run_containers() {
        return Ok(());
    }
    let registry = Registry::secured("someone", "open sesame")?;
    registry.push(&Image::busybox("team/app:1"))?;
    let host = Host::start(options(&registry))?;
    let (server, image) = (registry.address(), registry.address() + "/team/app:1");
    let login = |password: &str| {
        let arguments = ["login", "-u", "someone", "--password-stdin", &server];
        host.docker_with(&arguments, password)
    };
    let nobody = host.docker(&["pull", "-q", &image]);
    assert_says(
        nobody.fails(1),
        &["pull access denied", &server, "docker login"],
    );
    let wrong = login("wrong");
    assert_says(wrong.fails(1), &[&server]);
    assert!(!wrong.stderr.contains("wrong\n"), "{wrong:?}");
    host.docker(&["pull", "-q", &image]).fails(1);
    assert_eq!(host.docker(&["images", "-q"]).ok(), "");
    assert!(names(&host.data_root().join("content/blobs/sha256"))?.is_empty());
    login("open sesame").ok();
    host.docker(&["pull", "-q", &image]).ok();
    host.docker(&["run", "--rm", &image, "true"]).ok();
    assert!(!host.log().contains("sesame"), "a password is in the log");
    Ok(())
}

#[test]
fn a_blob_that_is_not_what_its_digest_names_is_thrown_away() -> Result<()> {
    if !can_run_containers() {
        return Ok(());
    }
    let scene = Scene::new()?;
    let app = Image {
        name: "team/app:1",
        settings: &[],
        files: &[("/app", "an application")],
    };
    scene.registry.push(&app)?;
    let manifest: Value = serde_json::from_str(&scene.registry.manifest(app.name)?)?;
    let layers = manifest["layers"].as_array().context("it has layers")?;
    let digest = layers[1]["digest"].as_str().context("it has a digest")?;
    let blob = scene.registry.blob(digest);
    let honest = fs::read(&blob)?;
    let name = scene.name(app.name);

    let mut other = honest.clone();
    let last = other.len() - 1;
    other[last] ^= 1;
    fs::write(&blob, &other)?;
    scene.refuses(&name, &[&name, digest, "layer 2 of 2"]);
    fs::write(&blob, &honest[..last])?;
    scene.refuses(&name, &[&name, digest, "layer 2 of 2"]);
    assert!(names(&scene.host.data_root().join("content/ingest"))?.len() <= 1);

    fs::write(&blob, &honest)?;
    let said = scene.host.docker(&["run", "--rm", &name, "cat", "/app"]);
    assert_eq!(said.ok(), "an application");
    assert!(names(&scene.host.data_root().join("content/ingest"))?.is_empty());
    Ok(())
}

#[test]
fn an_image_for_another_platform_is_refused_with_those_it_is_for() -> Result<()> {
    if !can_run_containers() {
        return Ok(());
    }
    let scene = Scene::new()?;
    scene.registry.push(&Image {
        name: "team/mainframe:1",
        settings: &["--architecture=s390x"],
        files: &[],
    })?;
    let name = scene.name("team/mainframe:1");
    scene.refuses(&name, &[&name, "linux/s390x", "linux/amd64"]);
    let run = scene.host.docker(&["run", "--rm", &name, "true"]);
    assert_says(run.fails(125), &[&name, "linux/s390x"]);
    Ok(())
}
