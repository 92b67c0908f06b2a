//! One file of a log, and where its lines begin.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read as _, Seek as _, SeekFrom},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use flate2::read::MultiGzDecoder;

use super::files::{BLOCK_BYTES, LONGEST_LINE_BYTES};

/// Of every so many lines the place is kept: 16 kB for a million.
const STRIDE: u64 = 512;

/// A file whose lines have been counted as far as it was written.
#[derive(Debug, Clone)]
pub(super) struct NumberedFile {
    pub(super) path: PathBuf,
    pub(super) inode: u64,
    /// Complete lines.
    pub(super) lines: u64,
    /// Up to where they have been counted.
    counted_bytes: u64,
    /// Where lines 0, [`STRIDE`], … begin; of a plain file only.
    marks: Vec<u64>,
}

impl NumberedFile {
    pub(super) fn new(path: &Path, inode: u64) -> Self {
        Self {
            path: path.to_owned(),
            inode,
            lines: 0,
            counted_bytes: 0,
            marks: vec![0],
        }
    }

    fn is_packed(&self) -> bool {
        self.path.extension().is_some_and(|suffix| suffix == "gz")
    }

    /// Counts what was written since the last time; false when the file has become shorter.
    pub(super) fn count(&mut self) -> io::Result<bool> {
        let mut file = File::open(&self.path)?;
        let written_bytes = file.metadata()?.len();
        if self.is_packed() {
            // A packed file does not change.
            if self.counted_bytes == 0 {
                self.count_in(&mut MultiGzDecoder::new(file), u64::MAX)?;
            }
            return Ok(true);
        }
        if written_bytes < self.counted_bytes {
            return Ok(false);
        }
        file.seek(SeekFrom::Start(self.counted_bytes))?;
        self.count_in(&mut file, written_bytes - self.counted_bytes)?;
        Ok(true)
    }

    fn count_in(&mut self, reader: &mut dyn io::Read, limit: u64) -> io::Result<()> {
        let mut reader = reader.take(limit);
        let mut block = vec![0; BLOCK_BYTES as usize];
        let mut position = self.counted_bytes;
        loop {
            let size = reader.read(&mut block)?;
            if size == 0 {
                break;
            }
            for end in memchr::memchr_iter(b'\n', &block[..size]) {
                self.lines += 1;
                self.counted_bytes = position + end as u64 + 1;
                if self.lines.is_multiple_of(STRIDE) {
                    self.marks.push(self.counted_bytes);
                }
            }
            position += size as u64;
        }
        Ok(())
    }

    /// Calls `each` with the lines from the one with this number on, until it has had enough.
    pub(super) fn read(
        &self,
        from: u64,
        each: &mut dyn FnMut(u64, &[u8]) -> bool,
    ) -> io::Result<()> {
        let (mut reader, mut number) = self.open_near(from)?;
        let mut text = Vec::new();
        while number < self.lines {
            text.clear();
            let mut limited = reader.by_ref().take(LONGEST_LINE_BYTES);
            if limited.read_until(b'\n', &mut text)? == 0 {
                break;
            }
            if number >= from && !each(number, &text) {
                break;
            }
            number += 1;
        }
        Ok(())
    }

    /// Opens the file at the last mark before a line, and says which line that is.
    fn open_near(&self, line: u64) -> io::Result<(Box<dyn BufRead>, u64)> {
        let mut file = File::open(&self.path)?;
        // It may have been rotated since it was counted: a line of another file is no answer.
        if file.metadata()?.ino() != self.inode {
            return Err(io::Error::from(io::ErrorKind::NotFound));
        }
        if self.is_packed() {
            return Ok((Box::new(BufReader::new(MultiGzDecoder::new(file))), 0));
        }
        let mark = usize::try_from(line / STRIDE).unwrap_or(usize::MAX);
        let mark = mark.min(self.marks.len() - 1);
        file.seek(SeekFrom::Start(self.marks[mark]))?;
        let reader = BufReader::with_capacity(BLOCK_BYTES as usize, file);
        Ok((Box::new(reader), mark as u64 * STRIDE))
    }
}
