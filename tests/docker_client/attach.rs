//! `attach`, and everything on a terminal.

use terrarium_tests::Terminal;

use crate::{Setup, with_alpine};

/// A docker command on a terminal of its own.
fn open(setup: &Setup, arguments: &[&str]) -> Terminal {
    Terminal::open(&mut setup.host.command(arguments))
}

#[test]
fn a_shell_runs_on_a_terminal_of_the_clients_size() {
    let Some(setup) = with_alpine() else { return };
    let mut terminal = open(&setup, &["run", "-it", "--rm", "alpine", "sh"]);
    terminal.await_text("# ");
    terminal
        .types("tty; echo $TERM; while ! stty size | grep '33 77'; do sleep 0.1; done; exit 5\n");
    terminal.await_text("/dev/pts/0");
    terminal.await_text("xterm");
    terminal.await_text("33 77");
    terminal.ends_with(5);
}

#[test]
fn ctrl_c_reaches_the_foreground_process_on_a_terminal() {
    let Some(setup) = with_alpine() else { return };
    let mut terminal = open(&setup, &["run", "-it", "--rm", "alpine", "sh"]);
    terminal.await_text("# ");
    // Not before the shell has given the terminal to its child.
    terminal.types("sh -c 'echo rea''dy; exec sleep 1000'\n");
    terminal.await_text("ready");
    terminal.types("\x03");
    terminal.types("echo code:$?\n");
    terminal.await_text("code:130");
    terminal.types("exit\n");
    terminal.ends_with(0);
}

#[test]
fn the_detach_keys_leave_the_container_running() {
    let Some(setup) = with_alpine() else { return };
    let mut terminal = open(&setup, &["run", "-it", "--name", "shell", "alpine", "sh"]);
    terminal.await_text("# ");
    terminal.types("\x10\x11");
    terminal.ends_with(0);
    assert_eq!(setup.field("shell", "{{.State.Running}}"), "true");

    let mut terminal = open(&setup, &["attach", "shell"]);
    terminal.types("echo again:$((1+1))\n");
    terminal.await_text("again:2");
    terminal.types("exit 4\n");
    terminal.ends_with(4);
}

#[test]
fn attach_sees_what_is_written_from_then_on_and_the_exit_code() {
    let Some(setup) = with_alpine() else { return };
    let script = "read line; echo bye $line; exit 6";
    setup.ok(&["run", "-di", "--name", "c1", "alpine", "sh", "-c", script]);
    let ran = setup.host.docker_with(&["attach", "c1"], "now\n");
    ran.fails(6);
    assert_eq!(ran.stdout, "bye now\n");
}

#[test]
fn start_attached_shows_the_output_of_a_created_container() {
    let Some(setup) = with_alpine() else { return };
    setup.ok(&[
        "create",
        "--name",
        "c1",
        "alpine",
        "sh",
        "-c",
        "echo hi; exit 2",
    ]);
    let ran = setup.host.docker(&["start", "-a", "c1"]);
    ran.fails(2);
    assert_eq!(ran.stdout, "hi\n");
    let again = setup.host.docker(&["start", "-a", "c1"]);
    again.fails(2);
    assert_eq!(again.stdout, "hi\n");
}
