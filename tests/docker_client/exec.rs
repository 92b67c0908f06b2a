use crate::with_alpine;

#[test]
fn exec_runs_one_more_process_and_hands_its_exit_code_on() {
    let Some(setup) = with_alpine() else { return };
    setup.sleeper("c1", &["-e", "OWN=1"]);
    assert_eq!(setup.ok(&["exec", "c1", "echo", "hi"]), "hi");
    let ran = setup
        .host
        .docker(&["exec", "c1", "sh", "-c", "echo err >&2; exit 7"]);
    assert_eq!(ran.fails(7), "err");
    let show = [
        "exec",
        "-e",
        "ADDED=2",
        "-w",
        "/tmp",
        "-u",
        "1000",
        "c1",
        "sh",
        "-c",
        "echo $OWN $ADDED $(pwd) $(id -u)",
    ];
    assert_eq!(setup.ok(&show), "1 2 /tmp 1000");
}

#[test]
fn exec_sends_its_input_to_the_end() {
    let Some(setup) = with_alpine() else { return };
    setup.sleeper("c1", &[]);
    let input = "line\n".repeat(20_000);
    assert_eq!(
        setup
            .host
            .docker_with(&["exec", "-i", "c1", "wc", "-l"], &input)
            .ok(),
        "20000"
    );
}

#[test]
fn exec_detached_goes_on_alone() {
    let Some(setup) = with_alpine() else { return };
    setup.sleeper("c1", &[]);
    setup.ok(&["exec", "-d", "c1", "sh", "-c", "echo done > /tmp/mark"]);
    let wait = "while ! grep done /tmp/mark; do sleep 0.05; done 2>/dev/null";
    assert_eq!(setup.ok(&["exec", "c1", "sh", "-c", wait]), "done");
}

#[test]
fn exec_of_a_command_that_is_not_there_ends_with_127() {
    let Some(setup) = with_alpine() else { return };
    setup.sleeper("c1", &[]);
    let ran = setup.host.docker(&["exec", "c1", "nope"]);
    assert_eq!(ran.code, Some(127), "{ran:#?}");
    let said = format!("{}{}", ran.stdout, ran.stderr);
    assert!(
        said.contains("executable file not found in $PATH"),
        "{said}"
    );
}

#[test]
fn exec_needs_a_container_that_runs() {
    let Some(setup) = with_alpine() else { return };
    setup.ok(&["create", "--name", "c1", "alpine"]);
    let said = setup.fails(1, &["exec", "c1", "true"]);
    assert!(said.contains("is not running"), "{said}");
    let said = setup.fails(1, &["exec", "lost", "true"]);
    assert!(said.contains("No such container: lost"), "{said}");
}
