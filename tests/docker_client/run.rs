use crate::with_alpine;

#[test]
fn run_attaches_to_both_outputs_and_hands_the_exit_code_on() {
    let Some(setup) = with_alpine() else { return };
    assert_eq!(setup.ok(&["run", "--rm", "alpine", "echo", "hi"]), "hi");
    let ran = setup.host.docker(&[
        "run",
        "--rm",
        "alpine",
        "sh",
        "-c",
        "echo out; echo err >&2; exit 3",
    ]);
    assert_eq!(ran.fails(3), "err");
    assert_eq!(ran.stdout, "out\n");
    assert_eq!(setup.ok(&["ps", "-aq"]), "", "--rm removes");
}

#[test]
fn run_pulls_an_image_that_is_not_here() {
    let Some(setup) = crate::setup() else { return };
    let ran = setup.host.docker(&["run", "--rm", "busybox", "true"]);
    ran.ok();
    assert!(
        ran.stderr
            .contains("Unable to find image 'busybox:latest' locally"),
        "{ran:#?}"
    );
    assert!(ran.stderr.contains("Pull complete"), "{ran:#?}");
    assert!(
        ran.stderr
            .contains("Status: Downloaded newer image for busybox:latest"),
        "{ran:#?}"
    );
}

#[test]
fn run_sends_its_input_to_the_end() {
    let Some(setup) = with_alpine() else { return };
    let long = "line\n".repeat(50_000);
    let counted = setup
        .host
        .docker_with(&["run", "-i", "--rm", "alpine", "wc", "-l"], &long);
    assert_eq!(counted.ok(), "50000");
    let echoed = setup
        .host
        .docker_with(&["run", "-i", "--rm", "alpine", "cat"], &long);
    assert_eq!(echoed.stdout.len(), long.len());
}

#[test]
fn a_command_that_is_not_there_ends_with_127_and_a_folder_with_126() {
    let Some(setup) = with_alpine() else { return };
    let said = setup.fails(127, &["run", "--rm", "alpine", "nope"]);
    assert!(
        said.contains("executable file not found in $PATH"),
        "{said}"
    );
    setup.fails(127, &["run", "--rm", "alpine", "/no/such/file"]);
    setup.fails(126, &["run", "--rm", "alpine", "/etc/passwd"]);
    assert_eq!(setup.ok(&["ps", "-aq"]), "");
}

#[test]
fn run_detached_prints_the_id_of_a_container_that_runs() {
    let Some(setup) = with_alpine() else { return };
    let id = setup.sleeper("web", &[]);
    assert_eq!(id.len(), 64);
    assert_eq!(setup.ok(&["ps", "-q", "--no-trunc"]), id);
    assert_eq!(
        setup.field("web", "{{.State.Status}} {{.Name}}"),
        "running /web"
    );
}

#[test]
fn a_name_is_taken_once() {
    let Some(setup) = with_alpine() else { return };
    let id = setup.ok(&["create", "--name", "web", "alpine"]);
    let said = setup.fails(1, &["create", "--name", "web", "alpine"]);
    let expect =
        format!("Conflict. The container name \"/web\" is already in use by container \"{id}\"");
    assert!(said.contains(&expect), "{said}");
    setup.ok(&["rename", "web", "old"]);
    setup.ok(&["create", "--name", "web", "alpine"]);
    assert_eq!(
        setup.ok(&["ps", "-a", "--format", "{{.Names}}"]),
        "web\nold"
    );
}
