//! Programs that are run to their end.

use std::{
    io::Write as _,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

/// No command of a test takes longer on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A program that ended.
#[derive(Debug, Clone)]
pub struct Ran {
    /// The line that was run, for messages.
    pub line: String,
    /// Its exit code; none after a signal.
    pub code: Option<i32>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Ran {
    /// Its output without white space around it, if it ended with 0.
    ///
    /// # Panics
    /// With everything it said, if it did not.
    #[track_caller]
    pub fn ok(&self) -> &str {
        assert_eq!(self.code, Some(0), "{self:#?}");
        self.stdout.trim()
    }

    /// What it said on standard error, if it ended with this code.
    ///
    /// # Panics
    /// With everything it said, if it did not.
    #[track_caller]
    pub fn fails(&self, code: i32) -> &str {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self.stderr.trim()
    }
}

/// Runs a program with this input to its end, and kills it after a minute.
///
/// # Errors
/// When it cannot be started or takes too long.
pub fn run(command: &mut Command, input: &str) -> Result<Ran> {
    run_within(command, input, TIMEOUT)
}

/// Runs a program with this input to its end, and kills it after this time.
///
/// # Errors
/// When it cannot be started or takes too long.
pub fn run_within(command: &mut Command, input: &str, timeout: Duration) -> Result<Ran> {
    let line = format!("{command:?}");
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("start {line}"))?;
    let mut stdin = child.stdin.take().context("it has a pipe")?;
    // A program that does not read its input is none of our business.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let stdout = drain(child.stdout.take().context("it has a pipe")?);
    let stderr = drain(child.stderr.take().context("it has a pipe")?);
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if started.elapsed() > timeout {
            child.kill()?;
            child.wait()?;
            let (out, err) = (stdout.join(), stderr.join());
            bail!("{line} took too long; it said {out:?} and {err:?}");
        }
        thread::sleep(Duration::from_millis(5));
    };
    let text = |thread: thread::JoinHandle<String>| thread.join().unwrap_or_default();
    Ok(Ran {
        line,
        code: status.code(),
        stdout: text(stdout),
        stderr: text(stderr),
    })
}

fn drain(mut pipe: impl std::io::Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
