//! What the commands of `RUN` see and may do.

use anyhow::Result;

use crate::{BASE, Scene};

#[test]
fn caches_are_shared_private_or_locked() -> Result<()> {
    let Some(scene) = Scene::start()? else {
        return Ok(());
    };
    // Two stages at the same time: each waits until the other one is there, for so long as may be.
    let meet = |sharing: &str, name: &str| {
        format!(
            "RUN --mount=type=cache,id={sharing},target=/c,sharing={sharing} \
             --mount=type=cache,id=meet-{sharing},target=/m \
             touch /m/{name}; echo {name} >> /c/names; \
             for i in $(seq 30); do test $(ls /m | wc -l) = 2 && break; sleep 0.1; done; cp /c/names /names\n"
        )
    };
    let text = |sharing: &str| {
        format!(
            "FROM {BASE} AS one\n{}FROM {BASE} AS two\n{}FROM {BASE}\n\
             COPY --from=one /names /one\nCOPY --from=two /names /two\n",
            meet(sharing, "one"),
            meet(sharing, "two")
        )
    };
    let lines = |sharing: &str| -> Result<Vec<usize>> {
        scene.build(sharing, &text(sharing))?.ok();
        let count = |file: &str| scene.inside(sharing, &["cat", file]).lines().count();
        let mut counts = vec![count("/one"), count("/two")];
        counts.sort_unstable();
        Ok(counts)
    };
    assert_eq!(lines("shared")?, [2, 2], "both see both");
    assert_eq!(lines("private")?, [1, 1], "each has its own");
    assert_eq!(lines("locked")?, [1, 2], "one comes after the other");
    Ok(())
}

#[test]
fn a_mount_that_can_be_written_changes_neither_the_files_nor_the_next_command() -> Result<()> {
    let Some(scene) = Scene::start()? else {
        return Ok(());
    };
    let mount = "--mount=type=bind,source=dir,target=/in";
    let text = format!(
        "FROM {BASE}\nRUN {mount},rw echo new > /in/one && rm -r /in/sub && ls /in > /first\n\
         RUN {mount} cat /in/one > /second && ls /in/sub >> /second; touch /in/x 2>/dev/null || echo refused >> /second\n\
         RUN {mount},rw cat /in/one > /third\n"
    );
    scene.build("written", &text)?.ok();
    assert_eq!(
        scene.inside("written", &["cat", "/first"]),
        "empty\none\ntwo.log"
    );
    assert_eq!(
        scene.inside("written", &["cat", "/second", "/third"]),
        "one\nthree\nrefused\none"
    );
    Ok(())
}

#[test]
fn limits_of_the_command_line_are_those_of_the_commands() -> Result<()> {
    let Some(scene) = Scene::start()? else {
        return Ok(());
    };
    let text = format!(
        "FROM {BASE}\nRUN ulimit -n > /files; grep shm /proc/mounts | grep -o size=[0-9]*k > /shm; \
         grep given /etc/hosts > /hosts; cat /proc/self/cgroup > /cgroup; \
         cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null > /memory; true\n"
    );
    let options = [
        "--ulimit",
        "nofile=77:99",
        "--shm-size",
        "1m",
        "--add-host",
        "given:10.9.8.7",
        "--memory",
        "64m",
    ];
    scene.build_with("limited", &text, &options)?.ok();
    let shown = scene.inside("limited", &["cat", "/files", "/shm", "/hosts", "/memory"]);
    let words: Vec<&str> = shown.split_whitespace().collect();
    assert_eq!(words, ["77", "size=1024k", "10.9.8.7", "given", "67108864"]);
    Ok(())
}

#[test]
fn what_is_not_done_is_refused_at_its_line() -> Result<()> {
    let Some(scene) = Scene::start()? else {
        return Ok(());
    };
    for (line, why) in [
        ("RUN --device=vendor.com/device=x true", "RUN --device"),
        ("RUN --security=insecure true", "RUN --security=insecure"),
        ("RUN --mount=type=ssh,required=true true", "ssh"),
        ("RUN --mount=type=secret,id=x,required=true true", "secret"),
        (
            "ADD --keep-git-dir=true https://127.0.0.1:1/x.git /x",
            "--keep-git-dir",
        ),
    ] {
        let ran = scene.build("refused", &format!("FROM {BASE}\n{line}\n"))?;
        let said = ran.fails(1);
        assert!(
            said.contains("line 2") && said.contains(why),
            "{line}: {said}"
        );
    }
    Ok(())
}
