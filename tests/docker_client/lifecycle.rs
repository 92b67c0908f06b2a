use crate::with_alpine;

#[test]
fn a_container_is_stopped_started_restarted_and_removed() {
    let Some(setup) = with_alpine() else { return };
    setup.sleeper("c1", &[]);
    setup.ok(&["stop", "c1"]);
    assert_eq!(
        setup.field("c1", "{{.State.Status}} {{.State.ExitCode}}"),
        "exited 143"
    );
    setup.ok(&["stop", "c1"]);
    setup.ok(&["start", "c1"]);
    let first = setup.field("c1", "{{.State.Pid}}");
    setup.ok(&["start", "c1"]);
    assert_eq!(
        setup.field("c1", "{{.State.Pid}}"),
        first,
        "it runs already"
    );
    setup.ok(&["restart", "-t", "1", "c1"]);
    assert_ne!(setup.field("c1", "{{.State.Pid}}"), first);
    let said = setup.fails(1, &["rm", "c1"]);
    assert!(said.contains("container is running"), "{said}");
    setup.ok(&["rm", "-f", "c1"]);
    let said = setup.fails(1, &["start", "c1"]);
    assert!(said.contains("No such container: c"), "{said}");
}

#[test]
fn a_process_that_ignores_the_signal_is_killed_after_its_grace() {
    let Some(setup) = with_alpine() else { return };
    setup.ok(&["run", "-d", "--name", "c1", "alpine", "sleep", "1000"]);
    setup.ok(&["stop", "-t", "1", "c1"]);
    assert_eq!(setup.field("c1", "{{.State.ExitCode}}"), "137");
}

#[test]
fn signals_are_sent_by_name_and_by_number() {
    let Some(setup) = with_alpine() else { return };
    setup.sleeper("c1", &[]);
    setup.ok(&["kill", "-s", "HUP", "c1"]);
    assert_eq!(setup.ok(&["wait", "c1"]), "129");
    setup.ok(&["start", "c1"]);
    setup.ok(&["kill", "-s", "9", "c1"]);
    assert_eq!(setup.ok(&["wait", "c1"]), "137");
    let said = setup.fails(1, &["kill", "c1"]);
    assert!(said.contains("is not running"), "{said}");
    setup.ok(&["start", "c1"]);
    setup.fails(1, &["kill", "-s", "NONSENSE", "c1"]);
}

#[test]
fn a_paused_container_does_nothing_until_it_goes_on() {
    let Some(setup) = with_alpine() else { return };
    setup.sleeper("c1", &[]);
    setup.ok(&["pause", "c1"]);
    assert_eq!(setup.field("c1", "{{.State.Status}}"), "paused");
    assert!(
        setup
            .ok(&["ps", "--format", "{{.Status}}"])
            .ends_with("(Paused)")
    );
    setup.fails(1, &["exec", "c1", "true"]);
    setup.ok(&["unpause", "c1"]);
    setup.ok(&["exec", "c1", "true"]);
}

#[test]
fn wait_prints_the_exit_code() {
    let Some(setup) = with_alpine() else { return };
    setup.ok(&[
        "run",
        "-d",
        "--name",
        "c1",
        "alpine",
        "sh",
        "-c",
        "sleep 0.3; exit 9",
    ]);
    assert_eq!(setup.ok(&["wait", "c1"]), "9");
    assert_eq!(setup.ok(&["wait", "c1"]), "9");
}

#[test]
fn a_restart_policy_brings_a_failed_container_back() {
    let Some(setup) = with_alpine() else { return };
    setup.ok(&[
        "run",
        "-d",
        "--name",
        "c1",
        "--restart",
        "on-failure:2",
        "alpine",
        "false",
    ]);
    let ended = || setup.field("c1", "{{.RestartCount}} {{.State.Status}}") == "2 exited";
    for _ in 0..200 {
        if ended() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("{}", setup.field("c1", "{{json .State}} {{.RestartCount}}"));
}

#[test]
fn between_two_starts_of_its_policy_a_container_is_restarting() {
    let Some(setup) = with_alpine() else { return };
    let run = [
        "run",
        "-d",
        "--name",
        "c1",
        "--restart",
        "always",
        "alpine",
        "false",
    ];
    setup.ok(&run);
    // Pauses double, so that soon it is hardly anything else.
    let state = || {
        setup.field(
            "c1",
            "{{.State.Status}} {{.State.Running}} {{.State.Restarting}}",
        )
    };
    let listed = || setup.ok(&["ps", "--format", "{{.Status}}"]);
    let shown = || state() == "restarting true true" && listed().starts_with("Restarting (1)");
    let seen = (0..200).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(50));
        shown()
    });
    assert!(seen, "{}: {}", listed(), state());
    setup.ok(&["stop", "c1"]);
    assert_eq!(state(), "exited false false");
    assert_eq!(setup.ok(&["ps", "-q"]), "");
    setup.ok(&["rm", "c1"]);
}

#[test]
fn limits_are_changed_while_it_runs() {
    let Some(setup) = with_alpine() else { return };
    setup.sleeper("c1", &["-m", "64m"]);
    setup.ok(&[
        "update",
        "-m",
        "128m",
        "--memory-swap",
        "256m",
        "--restart",
        "always",
        "c1",
    ]);
    let shown = setup.field(
        "c1",
        "{{.HostConfig.Memory}} {{.HostConfig.RestartPolicy.Name}}",
    );
    assert_eq!(shown, format!("{} always", 128 << 20));
}

#[test]
fn prune_removes_what_does_not_run() {
    let Some(setup) = with_alpine() else { return };
    setup.sleeper("up", &[]);
    let idle = setup.ok(&["create", "--name", "idle", "alpine"]);
    let said = setup.ok(&["container", "prune", "-f"]);
    assert!(said.contains(&idle), "{said}");
    assert_eq!(setup.ok(&["ps", "-a", "--format", "{{.Names}}"]), "up");
}

#[test]
fn a_killed_container_can_be_removed_at_once() {
    let Some(setup) = with_alpine() else { return };
    for _ in 0..5 {
        setup.sleeper("c1", &[]);
        setup.ok(&["kill", "c1"]);
        setup.ok(&["rm", "c1"]);
    }
}

#[test]
fn a_wait_sees_the_end_of_what_is_started_again() {
    let Some(setup) = with_alpine() else { return };
    let policy = ["--restart", "always"];
    let run = ["run", "-d", "--name", "c1"];
    let command = ["alpine", "sh", "-c", "sleep 0.3; exit 9"];
    setup.ok(&[&run[..], &policy, &command].concat());
    assert_eq!(setup.ok(&["wait", "c1"]), "9");
    let said = setup.fails(1, &["rm", "c1"]);
    assert!(
        said.contains("stop the container before removing"),
        "{said}"
    );
    setup.ok(&["rm", "-f", "c1"]);
}
