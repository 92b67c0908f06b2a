//! `ADD` of addresses.

use std::{fs, path::Path, process::Command};

use anyhow::{Result, ensure};
use terrarium_tests::run;

use crate::{BASE, Scene, server::Server};

fn shell(folder: &Path, script: &str) -> Result<String> {
    let mut command = Command::new("sh");
    command.args(["-ec", script]).current_dir(folder);
    for name in [
        "GIT_AUTHOR_NAME",
        "GIT_COMMITTER_NAME",
        "GIT_AUTHOR_EMAIL",
        "GIT_COMMITTER_EMAIL",
    ] {
        command.env(name, "test");
    }
    let ran = run(command.env("GIT_CONFIG_GLOBAL", "/dev/null"), "")?;
    ensure!(ran.code == Some(0), "{script}: {}", ran.stderr);
    Ok(ran.stdout.trim().to_owned())
}

#[test]
fn a_file_of_the_web_is_fetched_once_and_again_when_it_changes() -> Result<()> {
    let Some(scene) = Scene::start()? else {
        return Ok(());
    };
    let web = tempfile::tempdir()?;
    fs::write(web.path().join("tool"), "one")?;
    shell(web.path(), "mkdir d && echo in > d/in && tar czf d.tgz d")?;
    let server = Server::start(web.path())?;
    let url = server.url("tool");
    let text = format!("FROM {BASE}\nADD {url} /opt/\nADD --chmod=755 {url} /as\n");
    let listing = ["stat", "-c", "%n %a %u %s %Y", "/opt/tool", "/as"];
    scene.build("web", &text)?.ok();
    assert_eq!(
        scene.inside("web", &listing),
        "/opt/tool 600 0 3 1000000000\n/as 755 0 3 1000000000"
    );
    assert_eq!(server.seen(), ["/tool 200", "/tool 304"]);
    let said = scene.build("web", &text)?.ok().to_owned();
    assert_eq!(said.matches("Using cache").count(), 2, "{said}");
    assert_eq!(
        server.seen(),
        ["/tool 304", "/tool 304"],
        "nothing is sent twice"
    );

    fs::write(web.path().join("tool"), "three")?;
    let said = scene.build("web", &text)?.ok().to_owned();
    assert_eq!(said.matches("Using cache").count(), 0, "{said}");
    assert!(scene.inside("web", &listing).contains("/as 755 0 5"));

    let unpacked = format!(
        "FROM {BASE}\nADD {0} /kept/\nADD --unpack=true {0} /open/\n",
        server.url("d.tgz")
    );
    scene.build("archive", &unpacked)?.ok();
    assert_eq!(
        scene.inside("archive", &["ls", "/kept", "/open/d"]),
        "/kept:\nd.tgz\n\n/open/d:\nin"
    );
    Ok(())
}

#[test]
fn a_file_that_is_another_one_or_none_stops_the_build() -> Result<()> {
    let Some(scene) = Scene::start()? else {
        return Ok(());
    };
    let web = tempfile::tempdir()?;
    fs::write(web.path().join("tool"), "one")?;
    let server = Server::start(web.path())?;
    let sum = "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed";
    let add = |checksum: &str, path: &str| {
        format!(
            "FROM {BASE}\nADD --checksum=sha256:{checksum} {} /x\n",
            server.url(path)
        )
    };
    scene.build("right", &add(sum, "tool"))?.ok();
    let wrong = scene.build("wrong", &add(&"0".repeat(64), "tool"))?;
    let said = wrong.fails(1);
    assert!(said.contains("line 2") && said.contains(sum), "{said}");
    let missing = scene.build("wrong", &add(sum, "nothing"))?;
    assert!(missing.fails(1).contains("404"), "{missing:?}");
    let nobody = format!("FROM {BASE}\nADD http://127.0.0.1:1/x /x\n");
    assert!(scene.build("wrong", &nobody)?.fails(1).contains("refused"));
    assert_eq!(scene.host.docker(&["images", "-q", "wrong"]).ok(), "");
    Ok(())
}

#[test]
fn a_repository_is_taken_by_branch_tag_commit_and_folder() -> Result<()> {
    let Some(scene) = Scene::start()? else {
        return Ok(());
    };
    let web = tempfile::tempdir()?;
    let commit = shell(
        web.path(),
        "git init -q -b main work; cd work; mkdir -p docs; echo one > file; echo doc > docs/a
         printf '#!/bin/sh\\n' > run; chmod 755 run; ln -s file link
         printf 'file export-ignore\\n' > .gitattributes
         git add -A; git commit -q -m one; git tag v1; git rev-parse HEAD; echo two > file; git commit -q -a -m two
         git clone -q --bare . ../repo.git; cd ../repo.git; git update-server-info",
    )?;
    let server = Server::start(web.path())?;
    let url = server.url("repo.git");
    let text = format!(
        "FROM {BASE}\nADD {url} /head\nADD {url}#v1 /tag/\nADD {url}#{commit} /commit\n\
         ADD --checksum={} {url}#v1:docs /docs/\n",
        &commit[..12]
    );
    scene.build("git", &text)?.ok();
    assert_eq!(
        scene.inside(
            "git",
            &["cat", "/head/file", "/tag/file", "/commit/file", "/docs/a"]
        ),
        "two\none\none\ndoc"
    );
    assert_eq!(
        scene.inside(
            "git",
            &[
                "stat",
                "-c",
                "%n %a %u",
                "/head/run",
                "/head/file",
                "/head/docs"
            ]
        ),
        "/head/run 755 0\n/head/file 644 0\n/head/docs 755 0"
    );
    let kept = scene.inside("git", &["ls", "-a", "/head"]);
    assert!(!kept.lines().any(|name| name == ".git"), "{kept}");

    for (source, why) in [
        (format!("{url}#nothing"), "nothing"),
        (format!("{url}#--upload-pack=x"), "is no reference"),
        (server.url("none.git"), "not found"),
        ("git://127.0.0.1:1/x".to_owned(), "Connection refused"),
    ] {
        let ran = scene.build("wrong", &format!("FROM {BASE}\nADD {source} /x\n"))?;
        assert!(ran.fails(1).contains(why), "{source}: {ran:?}");
    }
    let left = fs::read_dir(scene.host.data_root().join("builds"))?;
    let left: Vec<_> = left.flatten().map(|entry| entry.file_name()).collect();
    assert!(
        left.iter()
            .all(|name| !name.to_string_lossy().starts_with("git-")),
        "{left:?}"
    );
    Ok(())
}
