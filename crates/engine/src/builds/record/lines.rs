//! The output of a build: the latest lines in memory, all of them in a file.

use std::{
    collections::{BTreeMap, VecDeque},
    fs::{self, File},
    io::{BufRead as _, BufReader, BufWriter, Write as _},
    path::Path,
};

use terrarium_api::{BuildLine, BuildOutput};

/// So many lines stay in memory, and are read back from a file.
const KEPT: usize = 20_000;
/// A line that is longer goes on in the next one.
const LINE_BYTES: usize = 4096;
/// A message to a window holds at most so many.
const AT_ONCE: usize = 2_000;
const FILE: &str = "output.jsonl";

/// Lines as they come.
#[derive(Debug)]
pub(super) struct Lines {
    latest: VecDeque<BuildLine>,
    /// How many have been left behind.
    before: u64,
    /// The beginning of the next line of each instruction.
    open: BTreeMap<u32, Vec<u8>>,
    /// Without a file the output is only not kept.
    file: Option<BufWriter<File>>,
}

impl Lines {
    pub(super) fn open(folder: &Path) -> Self {
        let made = fs::create_dir_all(folder).and_then(|()| File::create(folder.join(FILE)));
        if let Err(error) = &made {
            tracing::warn!(%error, "the output of a build is not kept");
        }
        Self {
            latest: VecDeque::new(),
            before: 0,
            open: BTreeMap::new(),
            file: made.ok().map(BufWriter::new),
        }
    }

    pub(super) fn write(&mut self, node: u32, at_usec: u64, bytes: &[u8]) {
        let mut open = self.open.remove(&node).unwrap_or_default();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            open.extend_from_slice(piece);
            if open.ends_with(b"\n") || open.len() >= LINE_BYTES {
                self.push(node, at_usec, &std::mem::take(&mut open));
            }
        }
        if !open.is_empty() {
            self.open.insert(node, open);
        }
    }

    /// Lines that never ended are lines now.
    pub(super) fn end(&mut self, at_usec: u64) {
        for (node, bytes) in std::mem::take(&mut self.open) {
            self.push(node, at_usec, &bytes);
        }
        self.file = None;
    }

    fn push(&mut self, node: u32, at_usec: u64, bytes: &[u8]) {
        let line = BuildLine {
            node,
            at_usec,
            text: shown(bytes),
        };
        if let Some(file) = &mut self.file {
            let written = serde_json::to_writer(&mut *file, &line).map_err(std::io::Error::from);
            if written.and_then(|()| file.write_all(b"\n")).is_err() {
                // A full disk costs the output, not the build.
                self.file = None;
            }
        }
        self.latest.push_back(line);
        if self.latest.len() > KEPT {
            self.latest.pop_front();
            self.before += 1;
        }
    }

    pub(super) fn all(&self) -> BuildOutput {
        BuildOutput {
            lines: self.latest.iter().cloned().collect(),
            skipped_lines: u32::try_from(self.before).unwrap_or(u32::MAX),
        }
    }

    /// The lines after those that somebody has seen, and how many of them are left out.
    pub(super) fn after(&self, seen: &mut u64) -> (Vec<BuildLine>, u32) {
        let end = self.before + self.latest.len() as u64;
        let first = (*seen)
            .max(self.before)
            .max(end.saturating_sub(AT_ONCE as u64));
        let skipped = first - *seen;
        *seen = end;
        let from = usize::try_from(first - self.before).unwrap_or(usize::MAX);
        let lines = self.latest.iter().skip(from).cloned().collect();
        (lines, u32::try_from(skipped).unwrap_or(u32::MAX))
    }
}

/// What a terminal would show of a line: what comes after the last return to its start.
fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let line = text.trim_end_matches(['\n', '\r']);
    line.rsplit('\r').next().unwrap_or(line).to_owned()
}

/// The output of a build that has ended.
pub(crate) fn read(folder: &Path) -> BuildOutput {
    let mut output = BuildOutput {
        lines: Vec::new(),
        skipped_lines: 0,
    };
    let Ok(file) = File::open(folder.join(FILE)) else {
        return output;
    };
    let mut latest = VecDeque::new();
    for line in BufReader::new(file).lines().map_while(Result::ok) {
        // The last line of a killed host may be cut.
        latest.extend(serde_json::from_str::<BuildLine>(&line));
        if latest.len() > KEPT {
            latest.pop_front();
            output.skipped_lines += 1;
        }
    }
    output.lines = latest.into();
    output
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_becomes_lines_wherever_it_is_cut() {
        let folder = tempfile::tempdir().unwrap();
        let mut lines = Lines::open(folder.path());
        lines.write(1, 5, b"a\nb");
        lines.write(2, 6, b"other\n");
        lines.write(1, 7, b"c\r\n10%\r20%\n\xec\x95");
        lines.write(1, 8, b"\x88\n\xff");
        lines.end(9);
        let texts = |output: BuildOutput| -> Vec<(u32, String)> {
            output
                .lines
                .into_iter()
                .map(|line| (line.node, line.text))
                .collect()
        };
        let expect = [
            (1, "a"),
            (2, "other"),
            (1, "bc"),
            (1, "20%"),
            (1, "안"),
            (1, "\u{fffd}"),
        ];
        let expect: Vec<_> = expect.map(|(node, text)| (node, text.to_owned())).to_vec();
        assert_eq!(texts(lines.all()), expect);
        assert_eq!(texts(read(folder.path())), expect);
    }

    #[test]
    fn who_reads_slowly_is_told_what_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let mut lines = Lines::open(folder.path());
        for number in 0..AT_ONCE + 5 {
            lines.write(0, 0, format!("{number}\n").as_bytes());
        }
        let mut seen = 0;
        let (first, skipped) = lines.after(&mut seen);
        assert_eq!(
            (first.len(), skipped, first[0].text.as_str()),
            (AT_ONCE, 5, "5")
        );
        assert_eq!(lines.after(&mut seen), (Vec::new(), 0));
        lines.write(0, 0, b"last\n");
        assert_eq!(lines.after(&mut seen).0[0].text, "last");
    }
}
