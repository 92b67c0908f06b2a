//! The files of a log, oldest first, as one sequence of lines that may grow and be rotated.

use std::{
    collections::VecDeque,
    ffi::OsString,
    fs::File,
    io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use flate2::read::MultiGzDecoder;
use terrarium_api::LogLine;

use super::line;
use crate::{Result, error::Context as _};

/// How much is read at once when lines are counted from the end.
pub(super) const BLOCK_BYTES: u64 = 64 * 1024;
/// The shim ends a line of the container after 16 KiB; escaped it is at most six times as long.
pub(super) const LONGEST_LINE_BYTES: u64 = 1 << 20;

/// A position in the files of a log.
pub(super) struct LogFiles {
    path: PathBuf,
    rotated: VecDeque<Box<dyn io::BufRead + Send>>,
    current: Option<Current>,
}

struct Current {
    reader: BufReader<File>,
    inode: u64,
    /// The begin of a line whose end has not been written yet.
    partial: Vec<u8>,
}

impl LogFiles {
    /// Opens the log at `path`, at its start or before its last `tail` lines.
    pub(super) fn open(path: &Path, tail: Option<u64>) -> Result<Self> {
        let mut files = Self {
            path: path.to_owned(),
            rotated: VecDeque::new(),
            current: None,
        };
        files.open_current(SeekFrom::Start(0))?;
        let mut missing = tail;
        if let (Some(wanted), Some(current)) = (tail, &mut files.current) {
            let found = current.seek_to_last(wanted).context(|| files.reading())?;
            missing = Some(wanted - found);
        }
        if missing != Some(0) {
            files.open_rotated(missing)?;
        }
        Ok(files)
    }

    /// The next lines, at most `limit`; none at the end of what has been written so far.
    pub(super) fn read(&mut self, limit: usize) -> Result<Vec<LogLine>> {
        let mut lines = Vec::new();
        while lines.len() < limit {
            let Some(text) = self.next_line().context(|| self.reading())? else {
                break;
            };
            lines.extend(line::parse(&text));
        }
        Ok(lines)
    }

    fn next_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        while let Some(oldest) = self.rotated.front_mut() {
            let mut text = Vec::new();
            if oldest
                .take(LONGEST_LINE_BYTES)
                .read_until(b'\n', &mut text)?
                > 0
            {
                return Ok(Some(text));
            }
            self.rotated.pop_front();
        }
        loop {
            if let Some(current) = &mut self.current
                && let Some(text) = current.next_line()?
            {
                return Ok(Some(text));
            }
            // At the end: a file that was rotated away has been read to its end, go on in the new.
            if !self.was_replaced() {
                return Ok(None);
            }
            self.reopen()?;
        }
    }

    fn was_replaced(&self) -> bool {
        let Ok(metadata) = self.path.metadata() else {
            return false;
        };
        self.current
            .as_ref()
            .is_none_or(|current| current.inode != metadata.ino())
    }

    fn reopen(&mut self) -> io::Result<()> {
        self.current = Current::open(&self.path, SeekFrom::Start(0))?;
        Ok(())
    }

    fn open_current(&mut self, at: SeekFrom) -> Result<()> {
        self.current = Current::open(&self.path, at).context(|| self.reading())?;
        Ok(())
    }

    /// Opens older files as far as lines are missing, all of them for `None`.
    fn open_rotated(&mut self, mut missing: Option<u64>) -> Result<()> {
        for number in 1.. {
            let Some(mut reader) = self.open_number(number).context(|| self.reading())? else {
                break;
            };
            let Some(wanted) = missing else {
                self.rotated.push_front(reader);
                continue;
            };
            let (found, last) = last_lines(&mut reader, wanted).context(|| self.reading())?;
            self.rotated.push_front(Box::new(io::Cursor::new(last)));
            missing = Some(wanted - found);
            if found == wanted {
                break;
            }
        }
        Ok(())
    }

    fn open_number(&self, number: u32) -> io::Result<Option<Box<dyn io::BufRead + Send>>> {
        let plain = with_suffix(&self.path, &format!(".{number}"));
        if let Some(file) = open_if_there(&plain)? {
            return Ok(Some(Box::new(BufReader::new(file))));
        }
        let packed = open_if_there(&with_suffix(&self.path, &format!(".{number}.gz")))?;
        Ok(packed.map(|file| Box::new(BufReader::new(MultiGzDecoder::new(file))) as _))
    }

    fn reading(&self) -> String {
        format!("read log {}", self.path.display())
    }
}

impl Current {
    fn open(path: &Path, at: SeekFrom) -> io::Result<Option<Self>> {
        let Some(mut file) = open_if_there(path)? else {
            return Ok(None);
        };
        file.seek(at)?;
        let inode = file.metadata()?.ino();
        let reader = BufReader::with_capacity(BLOCK_BYTES as usize, file);
        Ok(Some(Self {
            reader,
            inode,
            partial: Vec::new(),
        }))
    }

    fn next_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let room = LONGEST_LINE_BYTES.saturating_sub(self.partial.len() as u64);
        self.reader
            .by_ref()
            .take(room)
            .read_until(b'\n', &mut self.partial)?;
        let ended =
            self.partial.ends_with(b"\n") || self.partial.len() as u64 >= LONGEST_LINE_BYTES;
        Ok(ended.then(|| std::mem::take(&mut self.partial)))
    }

    /// Moves before the last `wanted` complete lines and says how many there are, at most `wanted`.
    fn seek_to_last(&mut self, wanted: u64) -> io::Result<u64> {
        let file = self.reader.get_mut();
        let end = file.seek(SeekFrom::End(0))?;
        let (found, start) = find_last_lines(file, end, wanted)?;
        self.reader.seek(SeekFrom::Start(start))?;
        Ok(found)
    }
}

/// Looks backward from `end` for the start of the last `wanted` lines.
fn find_last_lines(file: &mut File, end: u64, wanted: u64) -> io::Result<(u64, u64)> {
    let mut block = vec![0; BLOCK_BYTES as usize];
    let (mut position, mut breaks) = (end, 0);
    while position > 0 {
        let size = position.min(BLOCK_BYTES);
        position -= size;
        let block = &mut block[..size as usize];
        file.seek(SeekFrom::Start(position))?;
        file.read_exact(block)?;
        for (offset, _) in block
            .iter()
            .enumerate()
            .rev()
            .filter(|(_, byte)| **byte == b'\n')
        {
            // The break that ends the line before the wanted ones is where they start.
            if breaks == wanted {
                return Ok((wanted, position + offset as u64 + 1));
            }
            breaks += 1;
        }
    }
    Ok((breaks, 0))
}

/// The last `wanted` lines of a reader that cannot seek.
fn last_lines(reader: &mut dyn io::BufRead, wanted: u64) -> io::Result<(u64, Vec<u8>)> {
    let mut last: VecDeque<Vec<u8>> = VecDeque::new();
    loop {
        let mut text = Vec::new();
        if reader.read_until(b'\n', &mut text)? == 0 {
            break;
        }
        last.push_back(text);
        if last.len() as u64 > wanted {
            last.pop_front();
        }
    }
    let found = last.len() as u64;
    Ok((found, last.into_iter().flatten().collect()))
}

fn open_if_there(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}
