use std::{collections::BTreeSet, fs, os::unix::fs::symlink, path::Path, process::Command};

use terrarium_tests::run;

use crate::with_alpine;

/// Runs a program that must end well; what it printed.
#[track_caller]
fn tool(program: &str, arguments: &[&str]) -> String {
    let ran = Command::new(program).args(arguments).output();
    let ran = ran.expect("it is installed");
    assert!(ran.status.success(), "{program} {arguments:?}: {ran:?}");
    String::from_utf8_lossy(&ran.stdout).into_owned()
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).expect("it was copied")
}

#[test]
fn files_are_copied_out_of_a_container_and_into_it_whether_it_runs_or_not() {
    let Some(setup) = with_alpine() else { return };
    let here = setup.host.scratch().join("copies");
    fs::create_dir_all(here.join("tree/sub")).expect("folders");
    fs::write(here.join("tree/sub/file"), "from here").expect("a file");
    symlink("sub/file", here.join("tree/link")).expect("a link");
    let at = |name: &str| here.join(name).display().to_string();
    setup.sleeper("box", &["-v", "kept:/data"]);
    let write = "mkdir -p /srv/a; echo inside > /srv/a/b; busybox ln -s a/b /srv/l";
    setup.ok(&["exec", "box", "sh", "-c", write]);

    for state in ["running", "stopped"] {
        let out = at(state);
        setup.ok(&["cp", "box:/srv", &out]);
        let copied = Path::new(&out);
        assert_eq!(text(&copied.join("a/b")), "inside\n", "{state}");
        let link = fs::read_link(copied.join("l")).expect("a link stays one");
        assert_eq!(link, Path::new("a/b"));
        setup.ok(&["cp", "-L", "box:/srv/l", &at(&format!("{state}-followed"))]);
        assert_eq!(text(&here.join(format!("{state}-followed"))), "inside\n");

        setup.ok(&["cp", &at("tree"), &format!("box:/srv/{state}")]);
        // What goes into a volume is in the volume, and not in the layer below it.
        let inside = format!("box:/data/{state}");
        setup.ok(&["cp", &at("tree/sub/file"), &inside]);
        if state == "running" {
            setup.ok(&["stop", "box"]);
        }
    }
    setup.ok(&["start", "box"]);
    let read = "cat /srv/running/link /srv/stopped/sub/file /data/running /data/stopped";
    let said = setup.ok(&["exec", "box", "sh", "-c", read]);
    assert_eq!(said, "from here".repeat(4));
}

#[test]
fn a_path_that_cannot_be_copied_says_why() {
    let Some(setup) = with_alpine() else { return };
    setup.sleeper("box", &[]);
    let here = setup.host.scratch().join("out");
    let here = here.display().to_string();
    let said = setup.fails(1, &["cp", "box:/lost", &here]);
    assert!(
        said.contains("Could not find the file /lost in container box"),
        "{said}"
    );
    let said = setup.fails(1, &["cp", "box:/proc/meminfo", &here]);
    assert!(said.contains("the kernel makes what is there"), "{said}");
    fs::create_dir_all(format!("{here}/folder")).expect("a folder");
    fs::write(format!("{here}/file"), "x").expect("a file");
    setup.ok(&["exec", "box", "mkdir", "-p", "/srv/file"]);
    let said = setup.fails(1, &["cp", &format!("{here}/folder"), "box:/etc/passwd"]);
    assert!(said.contains("cannot copy directory"), "{said}");
    let read_only = ["create", "--name", "sealed", "--read-only", "alpine"];
    setup.ok(&read_only);
    let said = setup.fails(1, &["cp", &format!("{here}/file"), "sealed:/etc/x"]);
    assert!(said.contains("read-only"), "{said}");
}

/// CVE-2018-15664 and its kin: a container that leads a copy out of its root.
#[test]
fn links_of_a_container_lead_a_copy_nowhere_outside() {
    let Some(setup) = with_alpine() else { return };
    let secret = setup.host.scratch().join("secret");
    let here = setup.host.scratch().join("loot");
    fs::create_dir_all(&secret).expect("a folder");
    fs::write(secret.join("key"), "the host's").expect("a file");
    fs::create_dir_all(&here).expect("a folder");
    setup.sleeper("box", &[]);
    let up = "../".repeat(20);
    let outside = secret.display().to_string();
    let tricks = format!(
        "L='busybox ln -s'; $L {outside} /absolute; $L {up}{outside} /relative; \
         $L /proc/1/root /magic; $L /proc/self/cwd /own"
    );
    setup.ok(&["exec", "box", "sh", "-c", &tricks]);
    let out = here.join("key").display().to_string();
    fs::write(here.join("mine"), "x").expect("a file");
    let mine = here.join("mine").display().to_string();
    for trick in ["absolute", "relative", "magic", "own"] {
        for from in [
            format!("box:/{trick}/key"),
            format!("box:/{trick}{outside}/key"),
        ] {
            setup.fails(1, &["cp", &from, &out]);
        }
        setup.fails(1, &["cp", &mine, &format!("box:/{trick}/planted")]);
    }
    assert!(!here.join("key").exists());
    let left: Vec<_> = fs::read_dir(&secret).expect("it is there").collect();
    assert_eq!(left.len(), 1, "nothing was planted");
}

#[test]
fn a_copy_beside_a_container_that_swaps_a_folder_for_a_link_stays_inside() {
    let Some(setup) = with_alpine() else { return };
    let secret = setup.host.scratch().join("secret");
    fs::create_dir_all(&secret).expect("a folder");
    fs::write(secret.join("key"), "the host's").expect("a file");
    let outside = secret.display().to_string();
    let swap = format!(
        "mkdir /a /b; echo own > /a/key; busybox ln -s {outside} /l; touch /ready; M='busybox mv'; \
         while true; do busybox sleep 0.01; $M /a /s; $M /l /a; $M /a /l; $M /s /a; done"
    );
    setup.ok(&["run", "-d", "--name", "racer", "alpine", "sh", "-c", &swap]);
    setup.ok(&[
        "exec",
        "racer",
        "sh",
        "-c",
        "until [ -e /ready ]; do :; done",
    ]);
    let out = setup.host.scratch().join("out");
    let planted = setup.host.scratch().join("planted");
    fs::write(&planted, "x").expect("a file");
    let (mut tries, mut reached) = (0, 0);
    // The folder has to stand there each of the three times that a copy looks.
    while tries < 40 || reached == 0 {
        tries += 1;
        assert!(tries < 400, "the race was never won by the copy");
        let _ = fs::remove_file(&out);
        let from = ["cp", "racer:/a/key", &out.display().to_string()].map(str::to_owned);
        let from: Vec<&str> = from.iter().map(String::as_str).collect();
        setup.host.docker(&from);
        // Where the path went between looking at it and reading it, nothing comes.
        if let Ok(copied) = fs::read_to_string(&out) {
            reached += 1;
            assert_eq!(copied, "own\n");
        }
        let planted = planted.display().to_string();
        let _ = setup.host.docker(&["cp", &planted, "racer:/a/planted"]);
        assert!(!secret.join("planted").exists());
    }
    setup.ok(&["rm", "-f", "racer"]);
}

/// What the header of an archive tells of its path.
fn told(headers: &Path) -> serde_json::Value {
    let headers = fs::read_to_string(headers).expect("they were written");
    let stat = headers.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        let is_stat = name.eq_ignore_ascii_case("x-docker-container-path-stat");
        is_stat.then(|| value.trim().to_owned())
    });
    let stat = stat.unwrap_or_else(|| panic!("no header in {headers}"));
    let mut decoder = Command::new("base64");
    let decoded = run(decoder.arg("-d"), &stat).expect("base64 runs");
    serde_json::from_str(decoded.ok()).expect("it is JSON")
}

#[test]
fn the_header_of_an_archive_is_about_what_is_in_it_whatever_takes_its_name_meanwhile() {
    let Some(setup) = with_alpine() else { return };
    let swap = "echo own > /file; busybox dd if=/dev/zero of=/larger bs=1k count=300 2>/dev/null; \
                mkdir /folder; busybox ln -s file /link; cd /; M='busybox mv'; \
                while true; do for o in larger folder link; do \
                $M file kept; $M $o file; $M file $o; $M kept file; done; done";
    setup.ok(&["run", "-d", "--name", "racer", "alpine", "sh", "-c", swap]);
    let scratch = setup.host.scratch();
    let (headers, body) = (scratch.join("headers"), scratch.join("body.tar"));
    let socket = setup.host.socket();
    let mut kinds = BTreeSet::new();
    let mut tries = 0;
    while kinds.len() < 2 || tries < 40 {
        tries += 1;
        assert!(tries < 600, "only {kinds:?} in {tries} tries");
        let mut curl = Command::new("curl");
        curl.args(["-sS", "-w", "%{http_code}", "--unix-socket"]);
        curl.arg(&socket)
            .arg("-D")
            .arg(&headers)
            .arg("-o")
            .arg(&body);
        curl.arg("http://docker/containers/racer/archive?path=/file");
        let asked = run(&mut curl, "").expect("curl runs");
        if asked.ok() != "200" {
            continue;
        }
        let told = told(&headers);
        let mode = told["mode"].as_u64().expect("a number");
        let mut archive = tar::Archive::new(fs::File::open(&body).expect("a tar"));
        let entry = archive.entries().expect("a tar").next();
        let entry = entry.expect("it has an entry").expect("a whole one");
        let header = entry.header();
        let kind = match ((mode >> 31) & 1, (mode >> 27) & 1) {
            (1, _) => tar::EntryType::Directory,
            (_, 1) => tar::EntryType::Symlink,
            _ => tar::EntryType::Regular,
        };
        assert_eq!(header.entry_type(), kind, "{told}");
        if kind == tar::EntryType::Regular {
            assert_eq!(told["size"].as_u64(), header.size().ok(), "{told}");
        }
        kinds.insert(format!("{kind:?} {}", header.size().expect("a size")));
    }
    setup.ok(&["rm", "-f", "racer"]);
}

#[test]
fn changes_of_a_container_are_listed_as_docker_lists_them() {
    let Some(setup) = with_alpine() else { return };
    let work = "echo x > /etc/passwd; rm /etc/group; mkdir -p /srv/a; echo y > /srv/a/b";
    setup.ok(&["run", "--name", "box", "alpine", "sh", "-c", work]);
    let mut said: Vec<String> = setup
        .ok(&["diff", "box"])
        .lines()
        .map(str::to_owned)
        .collect();
    said.sort();
    let expect = [
        "A /srv",
        "A /srv/a",
        "A /srv/a/b",
        "C /etc",
        "C /etc/passwd",
        "D /etc/group",
    ];
    assert_eq!(said, expect);
    setup.ok(&["create", "--name", "new", "alpine"]);
    assert_eq!(setup.ok(&["diff", "new"]), "");
}

#[test]
fn an_image_of_a_container_has_its_changes_and_the_settings_that_were_asked_for() {
    let Some(setup) = with_alpine() else { return };
    setup.sleeper("box", &["-e", "A=1", "-w", "/etc"]);
    setup.ok(&[
        "exec",
        "box",
        "sh",
        "-c",
        "echo new > /etc/motd; rm /etc/group",
    ]);
    let commit = [
        "commit",
        "-a",
        "somebody",
        "-m",
        "a remark",
        "-c",
        "CMD [\"cat\", \"motd\"]",
        "-c",
        "ENV B=$A",
        "box",
        "made:1",
    ];
    let id = setup.ok(&commit);
    assert!(id.starts_with("sha256:"), "{id}");
    assert_eq!(
        setup.field("box", "{{.State.Status}}"),
        "running",
        "it goes on"
    );
    assert_eq!(setup.ok(&["run", "--rm", "made:1"]), "new");
    setup.fails(1, &["run", "--rm", "made:1", "cat", "/etc/group"]);
    assert_eq!(
        setup.ok(&["run", "--rm", "made:1", "sh", "-c", "echo $B"]),
        "1"
    );
    let shown = setup.field(
        "made:1",
        "{{.Author}} {{.Config.WorkingDir}} {{len .RootFS.Layers}}",
    );
    assert_eq!(shown, "somebody /etc 2");
    assert!(setup.ok(&["history", "made:1"]).contains("a remark"));
    let said = setup.fails(1, &["commit", "-c", "RUN true", "box"]);
    assert!(said.contains("RUN true"), "{said}");
    setup.ok(&["rm", "-f", "box"]);
    // It stands by itself: pushed, removed, and pulled.
    let away = format!("{}/made:1", setup.registry.address());
    setup.ok(&["tag", "made:1", &away]);
    setup.ok(&["push", "-q", &away]);
    setup.ok(&["rmi", "made:1", &away]);
    assert_eq!(setup.ok(&["run", "--rm", &away]), "new");
}

#[test]
fn what_the_engine_mounts_on_is_no_part_of_a_committed_image() {
    let Some(setup) = with_alpine() else { return };
    setup.sleeper("box", &[]);
    setup.ok(&["commit", "box", "same:1"]);
    let layers = "{{.RootFS.Layers}}";
    let below = setup.field("box", "{{.Image}}");
    assert_eq!(
        setup.field("same:1", layers),
        setup.field(&below, layers),
        "it changed nothing"
    );
    setup.ok(&["exec", "box", "sh", "-c", "echo new > /etc/motd"]);
    setup.ok(&["commit", "box", "more:1"]);
    let run = [
        "run",
        "--rm",
        "--network",
        "none",
        "more:1",
        "cat",
        "/etc/motd",
    ];
    assert_eq!(setup.ok(&run), "new");
}

#[test]
fn a_file_system_goes_out_as_a_tar_and_comes_in_as_an_image() {
    let Some(setup) = with_alpine() else { return };
    let work = "echo kept > /etc/motd; busybox mkfifo /pipe; busybox ln -s motd /etc/l";
    setup.ok(&[
        "run",
        "--name",
        "box",
        "-v",
        "kept:/data",
        "alpine",
        "sh",
        "-c",
        work,
    ]);
    let tar = setup.host.scratch().join("root.tar");
    let path = tar.display().to_string();
    setup.ok(&["export", "-o", &path, "box"]);
    let listed = tool("tar", &["-tf", &path]);
    let names: Vec<&str> = listed.lines().collect();
    for name in ["etc/motd", "etc/l", "pipe", "bin/busybox", "proc/"] {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    tool("gzip", &["-kf", &path]);
    let zipped = format!("{path}.gz");
    let import = ["import", "-c", "CMD [\"cat\", \"/etc/l\"]", "-m", "again"];
    let plain = setup.ok(&[&import[..], &[&path, "plain:1"]].concat());
    let packed = setup.ok(&[&import[..], &[&zipped, "packed:1"]].concat());
    assert!(plain.starts_with("sha256:") && packed.starts_with("sha256:"));
    let layer = |name| setup.field(name, "{{index .RootFS.Layers 0}}");
    assert_eq!(layer("plain:1"), layer("packed:1"), "it is the same tar");
    assert_eq!(setup.ok(&["run", "--rm", "packed:1"]), "kept");
    let broken = setup.host.scratch().join("broken.tar");
    fs::write(&broken, "this is no tar".repeat(100)).expect("a file");
    let broken = broken.display().to_string();
    let said = setup.fails(1, &["import", &broken, "bad:1"]);
    assert!(said.contains("tar"), "{said}");
    setup.fails(1, &["inspect", "bad:1"]);
}

#[test]
fn a_registry_is_asked_without_pulling() {
    let Some(setup) = with_alpine() else { return };
    let away = format!("{}/acme/web:1", setup.registry.address());
    setup.ok(&["tag", "alpine", &away]);
    setup.ok(&["push", "-q", &away]);
    let said = setup.ok(&["manifest", "inspect", "--insecure", &away]);
    assert!(said.contains("application/vnd.oci.image"), "{said}");
    let path = format!("/distribution/{away}/json");
    let socket = setup.host.socket().display().to_string();
    let url = format!("http://docker{path}");
    let answer = tool("curl", &["-sS", "--unix-socket", &socket, &url]);
    assert!(answer.contains(r#""digest":"sha256:"#), "{answer}");
    assert!(answer.contains(r#""os":"linux""#), "{answer}");
    let said = setup.ok(&["search", &format!("{}/acme", setup.registry.address())]);
    assert!(said.contains("acme/web"), "{said}");
    let said = setup.fails(1, &["search", "nginx"]);
    assert!(
        said.contains("Docker Hub lists its repositories only"),
        "{said}"
    );
}
