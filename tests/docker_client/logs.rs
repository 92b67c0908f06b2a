use crate::with_alpine;

#[test]
fn logs_keep_both_outputs_apart_and_in_order() {
    let Some(setup) = with_alpine() else { return };
    let script = "for n in 1 2 3; do echo out$n; done; echo err >&2";
    setup.ok(&["run", "--name", "c1", "alpine", "sh", "-c", script]);
    let ran = setup.host.docker(&["logs", "c1"]);
    assert_eq!(
        (ran.ok(), ran.stderr.as_str()),
        ("out1\nout2\nout3", "err\n")
    );
    let last = setup.host.docker(&["logs", "--tail", "2", "c1"]);
    assert_eq!(
        (last.stdout.as_str(), last.stderr.as_str()),
        ("out3\n", "err\n")
    );
}

#[test]
fn logs_are_stamped_and_bounded_by_time() {
    let Some(setup) = with_alpine() else { return };
    setup.ok(&["run", "--name", "c1", "alpine", "echo", "hi"]);
    let stamped = setup.ok(&["logs", "-t", "c1"]);
    let (stamp, text) = stamped.split_once(' ').expect("a stamp stands in front");
    assert_eq!((stamp.len(), text), (30, "hi"), "{stamped}");
    assert_eq!(setup.ok(&["logs", "--since", "1h", "c1"]), "hi");
    assert_eq!(setup.ok(&["logs", "--until", "1h", "c1"]), "");
    assert_eq!(setup.ok(&["logs", "--since", stamp, "c1"]), "hi");
}

#[test]
fn following_ends_with_the_container() {
    let Some(setup) = with_alpine() else { return };
    let script = "for n in 1 2 3; do echo $n; sleep 0.2; done";
    setup.ok(&["run", "-d", "--name", "c1", "alpine", "sh", "-c", script]);
    assert_eq!(setup.ok(&["logs", "-f", "c1"]), "1\n2\n3");
}

#[test]
fn a_terminals_log_comes_without_frames() {
    let Some(setup) = with_alpine() else { return };
    setup.ok(&["run", "-dt", "--name", "c1", "alpine", "echo", "hi"]);
    setup.ok(&["wait", "c1"]);
    assert_eq!(setup.host.docker(&["logs", "c1"]).stdout, "hi\r\n");
}

#[test]
fn a_log_that_is_switched_off_keeps_nothing() {
    let Some(setup) = with_alpine() else { return };
    let run = [
        "run",
        "--name",
        "c1",
        "--log-driver",
        "none",
        "alpine",
        "echo",
        "hi",
    ];
    assert_eq!(setup.ok(&run), "hi");
    assert_eq!(setup.field("c1", "{{.HostConfig.LogConfig.Type}}"), "none");
    let said = setup.fails(1, &["logs", "c1"]);
    assert!(said.contains("does not support reading"), "{said}");
}
