//! The container's log: Docker's json-file format, rotated by size.
//!
//! One batch is one `write(2)`, so a reader sees whole lines and a burst costs little. A write that
//! fails (a full disk) is cut back to its last whole line; what is lost is counted and the container
//! runs on.

mod line;
mod rotate;

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;

pub(super) use line::Splitter;
use rotate::Compression;

use super::protocol::{LogConfig, Stream};

pub(crate) use rotate::gzip_stdin;

/// The open log of a container.
#[derive(Debug)]
pub(super) struct Log {
    config: LogConfig,
    attrs: String,
    file: File,
    size: u64,
    /// Encoded lines that are not yet in the file.
    batch: Vec<u8>,
    lost: Lost,
    compression: Option<Compression>,
}

/// What could not be written.
#[derive(Debug, Default)]
pub(super) struct Lost {
    /// Lines since the shim started.
    pub(super) lines: u64,
    /// What the first failed write of the present streak said; None while all is well.
    pub(super) cause: Option<String>,
    /// Whether a streak began or ended since [`Log::take_change`] was asked.
    changed: bool,
}

impl Log {
    /// Opens the log for appending and creates it if need be.
    pub(super) fn open(config: LogConfig) -> io::Result<Self> {
        let file = open(&config)?;
        let size = file.metadata()?.len();
        Ok(Self {
            attrs: line::encode_attrs(&config.attrs),
            config,
            file,
            size,
            batch: Vec::new(),
            lost: Lost::default(),
            compression: None,
        })
    }

    /// Adds one line, or a part of one without its newline, to the batch.
    pub(super) fn append(&mut self, stream: Stream, text: &[u8], time: &str) {
        let start = self.batch.len();
        line::encode(&mut self.batch, text, stream, &self.attrs, time);
        let Some(limit) = self.config.max_size_bytes else {
            return;
        };
        let fits = self.size + self.batch.len() as u64 <= limit;
        if fits || self.size + start as u64 == 0 {
            return;
        }
        let line = self.batch.split_off(start);
        self.commit();
        self.rotate();
        self.batch.extend_from_slice(&line);
    }

    /// Writes the batch.
    pub(super) fn commit(&mut self) {
        let mut written = 0;
        let mut outcome = Ok(());
        while outcome.is_ok() && written < self.batch.len() {
            match self.file.write(&self.batch[written..]) {
                Ok(0) => outcome = Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => outcome = Err(error),
            }
        }
        match outcome {
            Ok(()) => {
                self.size += written as u64;
                self.lost.changed |= !self.batch.is_empty() && self.lost.cause.take().is_some();
            }
            Err(error) => self.keep_whole_lines(written, &error),
        }
        self.batch.clear();
    }

    /// What was lost, if that changed between well and ill since the last call.
    pub(super) fn take_change(&mut self) -> Option<&Lost> {
        std::mem::take(&mut self.lost.changed).then_some(&self.lost)
    }

    /// Lines that could not be written.
    pub(super) fn lost_lines(&self) -> u64 {
        self.lost.lines
    }

    /// Takes note of a child that was reaped; true if it was the log's.
    pub(super) fn reaped(&mut self, pid: i32, success: bool) -> bool {
        if self
            .compression
            .as_ref()
            .is_none_or(|running| running.pid() != pid)
        {
            return false;
        }
        if let Some(done) = self.compression.take() {
            done.finish(success);
        }
        true
    }

    /// Gives memory back that only a burst needed.
    pub(super) fn rest(&mut self) {
        self.batch = Vec::new();
    }

    fn keep_whole_lines(&mut self, written: usize, error: &io::Error) {
        let whole = self.batch[..written]
            .iter()
            .rposition(|&byte| byte == b'\n');
        let kept = whole.map_or(0, |last| last + 1);
        self.size += kept as u64;
        // A torn line would hide the next one from a reader. The truncation needs no space; if even
        // that fails there is nothing better to do.
        let _ = self.file.set_len(self.size);
        let lost = self.batch[kept..]
            .iter()
            .filter(|&&byte| byte == b'\n')
            .count();
        self.lost.lines += lost as u64;
        if self.lost.cause.is_none() {
            self.lost.cause = Some(error.to_string());
            self.lost.changed = true;
        }
    }

    /// Moves the full file away and opens an empty one. On failure the log just grows: lines are
    /// worth more than the limit.
    fn rotate(&mut self) {
        if let Some(running) = self.compression.take() {
            running.wait();
        }
        let path = &self.config.path;
        let rotated = if self.config.max_files < 2 {
            self.file.set_len(0)
        } else {
            rotate::shift(path, self.config.max_files)
                .and_then(|()| open(&self.config).map(|file| self.file = file))
        };
        if rotated.is_ok() {
            self.size = 0;
            if self.config.compress && self.config.max_files > 1 {
                self.compression = Compression::spawn(path).ok();
            }
        }
    }
}

fn open(config: &LogConfig) -> io::Result<File> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o640)
        .open(&config.path)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;
    use std::path::Path;

    use super::*;

    const TIME: &str = "2026-01-02T03:04:05.678Z";

    fn config(path: &Path, max_size_bytes: u64, max_files: u32) -> LogConfig {
        LogConfig {
            path: path.to_owned(),
            max_size_bytes: Some(max_size_bytes),
            max_files,
            compress: false,
            attrs: BTreeMap::new(),
        }
    }

    fn texts(path: &Path) -> Vec<String> {
        let lines = fs::read_to_string(path).unwrap();
        let text = |line: &str| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            line["log"].as_str().unwrap().to_owned()
        };
        lines.lines().map(text).collect()
    }

    #[test]
    fn no_line_is_lost_or_doubled_by_a_rotation() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut log = Log::open(config(&path, 300, 50)).unwrap();
        for number in 0..40 {
            log.append(Stream::Stdout, format!("{number}\n").as_bytes(), TIME);
            if number % 7 == 0 {
                log.commit();
            }
        }
        log.commit();
        let mut seen = Vec::new();
        for file in (1..50).rev() {
            let old = folder.path().join(format!("log.{file}"));
            if old.exists() {
                assert!(fs::metadata(&old).unwrap().len() <= 300);
                seen.extend(texts(&old));
            }
        }
        seen.extend(texts(&path));
        let expect: Vec<_> = (0..40).map(|number| format!("{number}\n")).collect();
        assert_eq!(seen, expect);
    }

    #[test]
    fn only_as_many_files_stay_as_allowed() {
        for max_files in [1, 2, 3] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("log");
            let mut log = Log::open(config(&path, 200, max_files)).unwrap();
            for number in 0..40 {
                log.append(Stream::Stderr, format!("{number}\n").as_bytes(), TIME);
                log.commit();
            }
            let files = fs::read_dir(folder.path()).unwrap().count();
            assert_eq!(files, max_files as usize);
            assert_eq!(texts(&path).last().unwrap(), "39\n");
        }
    }

    #[test]
    fn a_line_beyond_the_limit_is_written_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut log = Log::open(config(&path, 10, 2)).unwrap();
        log.append(Stream::Stdout, b"longer than ten bytes\n", TIME);
        log.commit();
        assert_eq!(texts(&path), ["longer than ten bytes\n"]);
    }

    #[test]
    fn a_full_disk_is_counted_and_reported_once() {
        let mut log = Log::open(config(Path::new("/dev/full"), u64::MAX, 1)).unwrap();
        for _ in 0..3 {
            log.append(Stream::Stdout, b"one\n", TIME);
            log.append(Stream::Stdout, b"two\n", TIME);
            log.commit();
        }
        assert_eq!(log.lost_lines(), 6);
        let change = log.take_change().unwrap();
        assert!(
            change.cause.as_deref().unwrap().contains("No space left"),
            "{change:?}"
        );
        assert!(log.take_change().is_none());
    }
}
