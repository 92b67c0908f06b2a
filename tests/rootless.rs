//! The real docker client of an ordinary user, against a host that this user runs.

use std::fs;

use anyhow::Result;
use terrarium_tests::{
    Host, Image, Options, Registry, Terminal, User, can_run_containers, run, skip,
};

/// Runs a test as an ordinary user with a host, and busybox pulled as `busybox`.
fn as_a_user(test: impl FnOnce(&User, &mut Host) -> Result<()> + Send) -> Result<()> {
    if !can_run_containers() {
        return Ok(());
    }
    User::with(|user| {
        let registry = Registry::with_busybox()?;
        registry.push(&Image {
            settings: &["--config.user=1000"],
            files: &[("/of-the-image", "kept\n")],
            ..Image::busybox("library/plain:latest")
        })?;
        let mirrors = vec![registry.url()];
        let mut host = Host::start_as(user, Options { mirrors })?;
        host.docker(&["pull", "-q", "busybox"]).ok();
        test(user, &mut host)
    })
}

#[test]
fn containers_are_root_inside_and_the_user_outside() -> Result<()> {
    as_a_user(|user, host| {
        let options = host.docker(&["info", "-f", "{{.SecurityOptions}}"]);
        assert!(options.ok().contains("name=rootless"), "{options:?}");
        let owner = fs::metadata(format!("/proc/{}", host.pid()))?;
        assert_eq!(std::os::unix::fs::MetadataExt::uid(&owner), user.uid);

        let show = "id -u; cut -c -22 /proc/self/uid_map; echo new > /file && cat /file";
        let ran = host.docker(&["run", "--rm", "busybox", "sh", "-c", show]);
        let words: Vec<&str> = ran.ok().split_whitespace().collect();
        let uid = user.uid.to_string();
        assert_eq!(words[..3], ["0", "0", &uid], "root is the user outside");
        assert_eq!(words.last(), Some(&"new"));
        assert!(words.len() > 5, "there are more users than one: {words:?}");

        let plain = [
            "run",
            "--rm",
            "plain",
            "sh",
            "-c",
            "id -u; cat /of-the-image",
        ];
        assert_eq!(host.docker(&plain).ok(), "1000\nkept");
        let refused = host.docker(&["run", "--rm", "plain", "touch", "/of-the-image"]);
        assert!(refused.fails(1).contains("Permission denied"));
        Ok(())
    })
}

#[test]
fn a_container_is_watched_entered_stopped_and_removed() -> Result<()> {
    as_a_user(|_, host| {
        let tick = "trap 'exit 3' TERM; while :; do echo tick; sleep 0.1; done";
        host.docker(&["run", "-d", "--name", "c1", "busybox", "sh", "-c", tick])
            .ok();
        let mut terminal = Terminal::open(&mut host.command(&["exec", "-it", "c1", "sh"]));
        terminal.await_text("# ");
        terminal.types("stty size; echo $((6*7)); exit 5\n");
        terminal.await_text("33 77");
        terminal.await_text("42");
        terminal.ends_with(5);

        let mut follow = Terminal::open(&mut host.command(&["logs", "-f", "c1"]));
        follow.await_text("tick\r\ntick");
        let stats = [
            "stats",
            "--no-stream",
            "--format",
            "{{.Name}} {{.MemUsage}}",
        ];
        let stats = host.docker(&stats);
        assert!(stats.ok().starts_with("c1 "), "{stats:?}");
        assert!(
            !stats.stdout.contains(" 0B /"),
            "memory is known: {stats:?}"
        );
        assert!(host.docker(&["top", "c1"]).ok().contains("sleep"));

        // Containers are no children of the host, without root as with it.
        host.kill()?;
        host.restart()?;
        assert_eq!(host.docker(&["exec", "c1", "echo", "still"]).ok(), "still");
        host.docker(&["stop", "c1"]).ok();
        let code = host.docker(&["inspect", "-f", "{{.State.ExitCode}}", "c1"]);
        assert_eq!(code.ok(), "3");
        host.docker(&["rm", "c1"]).ok();
        assert_eq!(host.docker(&["ps", "-aq"]).ok(), "");
        Ok(())
    })
}

#[test]
fn folders_and_volumes_belong_to_the_user_and_to_its_containers() -> Result<()> {
    as_a_user(|user, host| {
        let folder = user.home.join("shared");
        fs::create_dir(&folder)?;
        user.give(&folder)?;
        let bind = format!("{}:/data", folder.display());
        let write = "echo mine > /data/file; stat -c %u /data/file";
        let ran = host.docker(&["run", "--rm", "-v", &bind, "busybox", "sh", "-c", write]);
        assert_eq!(ran.ok(), "0");
        let file = fs::metadata(folder.join("file"))?;
        assert_eq!(std::os::unix::fs::MetadataExt::uid(&file), user.uid);

        // A secret of the machine's root stays one, whoever the container believes to be.
        let secret = user.home.join("secret");
        fs::write(&secret, "of root")?;
        fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        let bind = format!("{}:/secret", secret.display());
        let read = host.docker(&["run", "--rm", "-v", &bind, "busybox", "cat", "/secret"]);
        assert!(read.fails(1).contains("Permission denied"));

        let keep = ["run", "--rm", "-v", "kept:/data", "busybox", "sh", "-c"];
        host.docker(&[&keep[..], &["echo for later > /data/file"]].concat())
            .ok();
        let again = host.docker(&[&keep[..], &["cat /data/file"]].concat());
        assert_eq!(again.ok(), "for later");
        host.docker(&["volume", "rm", "kept"]).ok();
        Ok(())
    })
}

#[test]
fn files_are_copied_and_images_made_with_the_ids_of_the_container() -> Result<()> {
    as_a_user(|user, host| {
        let own = "echo mine > /home/mine; busybox chown 1000:2000 /home/mine; sleep 1000";
        let run = [
            "run",
            "-d",
            "--name",
            "box",
            "-v",
            "kept:/data",
            "busybox",
            "sh",
            "-c",
            own,
        ];
        host.docker(&run).ok();
        let wait = [
            "exec",
            "box",
            "sh",
            "-c",
            "until [ -s /home/mine ]; do :; done",
        ];
        host.docker(&wait).ok();
        let file = user.home.join("file");
        fs::write(&file, "from outside")?;
        user.give(&file)?;
        let (file, out) = (file.display().to_string(), user.home.join("out"));
        for state in ["running", "stopped"] {
            host.docker(&["cp", &file, &format!("box:/home/{state}")])
                .ok();
            host.docker(&["cp", &file, &format!("box:/data/{state}")])
                .ok();
            let to = out.display().to_string();
            host.docker(&["cp", "box:/home/mine", &to]).ok();
            assert_eq!(fs::read_to_string(&out)?, "mine\n", "{state}");
            fs::remove_file(&out)?;
            if state == "running" {
                host.docker(&["kill", "box"]).ok();
            }
        }
        host.docker(&["commit", "box", "made:1"]).ok();
        let show = "cat /home/running /home/stopped; stat -c ' %u:%g' /home/mine";
        let ran = host.docker(&["run", "--rm", "made:1", "sh", "-c", show]);
        assert_eq!(ran.ok(), "from outsidefrom outside 1000:2000");
        let kept = ["run", "--rm", "-v", "kept:/data", "busybox", "ls", "/data"];
        assert_eq!(host.docker(&kept).ok(), "running\nstopped");
        let tar = user.home.join("root.tar").display().to_string();
        host.docker(&["export", "-o", &tar, "box"]).ok();
        host.docker(&["import", &tar, "again:1"]).ok();
        let read = ["run", "--rm", "again:1", "/bin/cat", "/home/running"];
        assert_eq!(host.docker(&read).ok(), "from outside");
        Ok(())
    })
}

#[test]
fn containers_reach_out_and_are_reached_through_published_ports() -> Result<()> {
    as_a_user(|_, host| {
        if let Some(reason) = no_uplink(host) {
            skip(&reason);
            return Ok(());
        }
        let serve = "nc -ll -p 80 -e echo a page of ours";
        let options = ["run", "-d", "--name", "web", "-p", "127.0.0.1::80"];
        host.docker(&[&options[..], &["busybox", "sh", "-c", serve]].concat())
            .ok();
        let port = host.docker(&["port", "web", "80/tcp"]);
        let (_, port) = port.ok().rsplit_once(':').unwrap_or_default();
        // The same port, from a container on the machine's own network: a user's way in and out.
        let ask = format!(
            "for i in $(seq 50); do nc 127.0.0.1 {port} </dev/null | grep ours && exit; sleep 0.1; done; exit 1"
        );
        let ran = host.docker(&[
            "run",
            "--rm",
            "--network",
            "host",
            "busybox",
            "sh",
            "-c",
            &ask,
        ]);
        assert_eq!(ran.ok(), "a page of ours");
        let links = host.docker(&["exec", "web", "ip", "link"]);
        assert!(links.ok().contains("eth0"), "{links:?}");
        let taken = format!("127.0.0.1:{port}:80");
        let taken = host.docker(&["run", "-d", "-p", &taken, "busybox", "sleep", "9"]);
        assert!(
            taken.fails(125).contains("in use by container"),
            "{taken:?}"
        );
        Ok(())
    })
}

#[test]
fn images_are_built_and_belong_to_who_the_file_says() -> Result<()> {
    as_a_user(|user, host| {
        let folder = user.home.join("project");
        fs::create_dir(&folder)?;
        let dockerfile = "\
FROM busybox AS made
RUN mkdir /d && echo made > /d/file && chown -R 1000:2000 /d && rm /bin/yes
FROM busybox
WORKDIR /w
COPY --from=made /d d
COPY --chown=user:extra note .
RUN --mount=type=cache,target=/c --mount=source=note,target=/n,rw \
    id -u > who && cat /n >> who && echo changed > /n && touch /c/kept && rm /etc/group
USER user
RUN test -r note && test $(id -u) = 1000
";
        fs::write(folder.join("Dockerfile"), dockerfile)?;
        fs::write(folder.join("note"), "a note\n")?;
        user.give(&folder)?;
        let project = folder.display().to_string();
        let build = ["build", "-t", "made", &project];
        host.docker(&build).ok();
        let show = "cat who; stat -c '%n %u:%g %a' d d/file note; ls /etc /c 2>&1";
        let ran = host.docker(&["run", "--rm", "made", "sh", "-c", show]);
        let expected = "0\na note\nd 0:0 755\nd/file 1000:2000 644\nnote 1000:2000 644";
        assert!(ran.stdout.starts_with(expected), "{ran:?}");
        assert!(
            !ran.stdout.contains("group") && !ran.stdout.contains("kept"),
            "{ran:?}"
        );
        let again = host.docker(&build);
        assert_eq!(again.ok().matches("Using cache").count(), 6, "{again:?}");
        let failing = host.docker(&["build", "--target", "nothing", &project]);
        failing.fails(1);
        assert_eq!(host.docker(&["ps", "-aq"]).ok(), "");
        host.docker(&["builder", "prune", "-f"]).ok();
        Ok(())
    })
}

/// Why containers of this user have no way out of their own; none where they have one.
fn no_uplink(host: &Host) -> Option<String> {
    let warnings = host.docker(&["info", "-f", "{{.Warnings}}"]);
    let warnings = warnings.ok();
    warnings.contains("network:").then(|| warnings.to_owned())
}

#[test]
fn what_needs_a_delegated_cgroup_is_refused_or_said() -> Result<()> {
    as_a_user(|_, host| {
        let limits = [
            "run",
            "-d",
            "--name",
            "c1",
            "-m",
            "64m",
            "--pids-limit",
            "9",
        ];
        let ran = host.docker(&[&limits[..], &["busybox", "sleep", "1000"]].concat());
        ran.ok();
        let delegated = host.docker(&["info", "-f", "{{.MemoryLimit}}"]).ok() == "true";
        if delegated {
            host.docker(&["pause", "c1"]).ok();
            return Ok(());
        }
        let lost = "Limits are discarded (memory, processes)";
        assert!(ran.stderr.contains(lost), "{ran:?}");
        let paused = host.docker(&["pause", "c1"]);
        assert!(paused.fails(1).contains("cgroup"), "{paused:?}");
        let state = host.docker(&["inspect", "-f", "{{.State.Status}}", "c1"]);
        assert_eq!(state.ok(), "running");
        Ok(())
    })
}

#[test]
fn the_way_from_a_client_to_the_end_is_the_same_for_many() -> Result<()> {
    as_a_user(|_, host| {
        let line = "seq 8 | xargs -P 4 -I _ docker run --rm busybox echo done";
        let ran = run(host.program("sh").args(["-c", line]), "")?;
        assert_eq!(ran.ok().lines().count(), 8, "{ran:?}");
        assert_eq!(host.docker(&["ps", "-aq"]).ok(), "");
        Ok(())
    })
}
