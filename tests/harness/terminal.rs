//! Programs on a terminal, as a person has them.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    os::fd::AsFd as _,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    pty::{Winsize, openpty},
};

/// How long a terminal may be silent on a busy machine.
const PATIENCE_MS: u16 = 20_000;

/// A program on a terminal of its own, with 33 rows of 77 columns. It is killed when dropped.
#[derive(Debug)]
pub struct Terminal {
    ours: File,
    child: Child,
    said: String,
}

impl Terminal {
    /// Starts a program.
    ///
    /// # Panics
    /// When it does not start.
    #[track_caller]
    pub fn open(command: &mut Command) -> Self {
        let size = Winsize {
            ws_row: 33,
            ws_col: 77,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        let pair = openpty(Some(&size), None).expect("there are terminals");
        let theirs = File::from(pair.slave);
        let stdio = || Stdio::from(theirs.try_clone().expect("there are descriptors"));
        let child = command
            .stdin(stdio())
            .stdout(stdio())
            .stderr(stdio())
            .spawn()
            .expect("the program starts");
        Self {
            ours: File::from(pair.master),
            child,
            said: String::new(),
        }
    }

    /// Types this text.
    ///
    /// # Panics
    /// When the terminal is closed.
    pub fn types(&mut self, text: &str) {
        self.ours
            .write_all(text.as_bytes())
            .expect("the terminal is open");
    }

    /// Reads until this text has come.
    ///
    /// # Panics
    /// When it does not come.
    #[track_caller]
    pub fn await_text(&mut self, text: &str) {
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

    /// Waits until the program ends with this code.
    ///
    /// # Panics
    /// When it ends with another one, or goes on.
    #[track_caller]
    pub fn ends_with(mut self, code: i32) {
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
