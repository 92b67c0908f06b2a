//! `attach`, and everything on a terminal.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    os::fd::AsFd as _,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    pty::{Winsize, openpty},
};

use crate::{Setup, with_alpine};

/// How long a terminal may be silent on a busy machine.
const PATIENCE_MS: u16 = 20_000;

/// A docker command on a terminal of its own.
struct Terminal {
    ours: File,
    child: Child,
    said: String,
}

impl Terminal {
    fn open(setup: &Setup, arguments: &[&str]) -> Self {
        let size = Winsize {
            ws_row: 33,
            ws_col: 77,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        let pair = openpty(Some(&size), None).expect("there are terminals");
        let theirs = File::from(pair.slave);
        let stdio = || Stdio::from(theirs.try_clone().expect("there are descriptors"));
        let child = setup
            .host
            .command(arguments)
            .stdin(stdio())
            .stdout(stdio())
            .stderr(stdio())
            .spawn()
            .expect("docker starts");
        Self {
            ours: File::from(pair.master),
            child,
            said: String::new(),
        }
    }

    fn types(&mut self, text: &str) {
        self.ours
            .write_all(text.as_bytes())
            .expect("the terminal is open");
    }

    /// Reads until this text has come.
    #[track_caller]
    fn await_text(&mut self, text: &str) {
        let mut buffer = [0; 4096];
        while !self.said.contains(text) {
            let mut ready = [PollFd::new(self.ours.as_fd(), PollFlags::POLLIN)];
            let polled =
                poll(&mut ready, PollTimeout::from(PATIENCE_MS)).expect("it can be polled");
            assert!(polled > 0, "{text:?} does not come: {:?}", self.said);
            match self.ours.read(&mut buffer) {
                Ok(length @ 1..) => self
                    .said
                    .push_str(&String::from_utf8_lossy(&buffer[..length])),
                // A terminal whose other side is closed has no more to say.
                _ => panic!("{text:?} did not come: {:?}", self.said),
            }
        }
    }

    #[track_caller]
    fn ends_with(mut self, code: i32) {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                assert_eq!(status.code(), Some(code), "{:?}", self.said);
                return;
            }
            assert!(
                started.elapsed() < Duration::from_secs(30),
                "it goes on: {:?}",
                self.said
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_shell_runs_on_a_terminal_of_the_clients_size() {
    let Some(setup) = with_alpine() else { return };
    let mut terminal = Terminal::open(&setup, &["run", "-it", "--rm", "alpine", "sh"]);
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
    let mut terminal = Terminal::open(&setup, &["run", "-it", "--rm", "alpine", "sh"]);
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
    let mut terminal = Terminal::open(&setup, &["run", "-it", "--name", "shell", "alpine", "sh"]);
    terminal.await_text("# ");
    terminal.types("\x10\x11");
    terminal.ends_with(0);
    assert_eq!(setup.field("shell", "{{.State.Running}}"), "true");

    let mut terminal = Terminal::open(&setup, &["attach", "shell"]);
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
