//! Where errors and warnings go: to standard error, and to the file that an engine reads.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;

use super::args::LogFormat;
use crate::error::Error;

/// `--log` and `--log-format`.
#[derive(Debug)]
pub(super) struct Log {
    pub(super) path: Option<PathBuf>,
    pub(super) format: LogFormat,
}

impl Log {
    /// Tells why the command failed.
    pub(super) fn fail(&self, error: &Error) {
        let text = chain(error);
        let _ = writeln!(std::io::stderr(), "terrarium-runtime: {text}");
        self.append("error", &text);
    }

    /// Tells what was weakened. Not on standard error where there is a file: that of `create` and
    /// `exec` is the container's as well, and an engine would take it for what the program said.
    pub(super) fn warn(&self, notes: &[crate::Note]) {
        for note in notes {
            let text = format!("{}: {}", note.subject, note.text);
            if self.path.is_some() {
                self.append("warning", &text);
            } else {
                let _ = writeln!(std::io::stderr(), "terrarium-runtime: warning: {text}");
            }
        }
    }

    fn append(&self, level: &str, text: &str) {
        let Some(path) = &self.path else { return };
        let Ok(mut file) = OpenOptions::new().append(true).create(true).open(path) else {
            return;
        };
        let time = jiff::Timestamp::now().to_string();
        let line = match self.format {
            LogFormat::Json => {
                serde_json::json!({"level": level, "msg": text, "time": time}).to_string()
            }
            LogFormat::Text => format!("time=\"{time}\" level={level} msg={text:?}"),
        };
        let _ = writeln!(file, "{line}");
    }
}

/// The error with its causes, one line.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}
