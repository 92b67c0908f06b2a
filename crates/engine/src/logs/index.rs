//! A log as numbered lines: any of a million is read without those before it.

use std::{
    io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use terrarium_api::{FindInLog, FoundInLog, LogLine, LogSlice};

use super::{files::with_suffix, line, numbered::NumberedFile};
use crate::{Result, error::Context as _};

/// Lines of one answer.
const MOST_LINES: u64 = 1_000;
/// Found lines of one answer: nobody steps through more, and a message of more would take its time.
const MOST_FOUND: usize = 100_000;
/// Logs whose places are remembered.
const MOST_LOGS: usize = 8;

/// Every edition that any log has ever had in this host is another one.
static EDITIONS: AtomicU32 = AtomicU32::new(1);

/// Where the lines of a log are.
#[derive(Debug, Clone)]
pub(super) struct LogIndex {
    path: PathBuf,
    pub(super) edition: u32,
    /// The number of the first line that is still kept.
    pub(super) first: u64,
    /// Oldest first.
    files: Vec<NumberedFile>,
}

impl LogIndex {
    fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            edition: EDITIONS.fetch_add(1, Ordering::Relaxed),
            first: 0,
            files: Vec::new(),
        }
    }

    /// The number after the last line.
    pub(super) fn end(&self) -> u64 {
        self.first + self.files.iter().map(|file| file.lines).sum::<u64>()
    }

    /// Counts what was written since the last time.
    pub(super) fn refresh(&mut self) -> Result<()> {
        // A file may be rotated between the look at the folder and the count.
        let counted = self.recount().or_else(|_| self.recount());
        counted.context(|| reading(&self.path))
    }

    fn recount(&mut self) -> io::Result<()> {
        self.take_files()?;
        self.count()
    }

    /// Looks which files there are, and keeps what is known of those that have only moved.
    fn take_files(&mut self) -> io::Result<()> {
        let mut known = std::mem::take(&mut self.files);
        let mut dropped = 0;
        let mut in_order = true;
        for (path, inode) in files_of(&self.path)? {
            let Some(at) = known.iter().position(|file| file.inode == inode) else {
                self.files.push(NumberedFile::new(&path, inode));
                // New lines before known ones: a file was packed.
                in_order &= known.is_empty();
                continue;
            };
            // Only the oldest files go; a gap anywhere else means another log.
            let gone: u64 = known.drain(..at).map(|file| file.lines).sum();
            in_order &= gone == 0 || self.files.is_empty();
            dropped += gone;
            let mut file = known.remove(0);
            file.path = path;
            self.files.push(file);
        }
        let gone: u64 = known.iter().map(|file| file.lines).sum();
        if in_order && gone == 0 {
            self.first += dropped;
        } else {
            self.renumber();
        }
        Ok(())
    }

    fn count(&mut self) -> io::Result<()> {
        let mut shorter = false;
        for file in &mut self.files {
            if !file.count()? {
                *file = NumberedFile::new(&file.path, file.inode);
                file.count()?;
                shorter = true;
            }
        }
        if shorter {
            self.renumber();
        }
        Ok(())
    }

    fn renumber(&mut self) {
        self.edition = EDITIONS.fetch_add(1, Ordering::Relaxed);
        self.first = 0;
    }

    /// The lines from this number on, at most `count`.
    pub(super) fn slice(&self, from: u64, count: u64) -> Result<LogSlice> {
        let from = from.max(self.first);
        let count = count.min(MOST_LINES) as usize;
        let mut lines: Vec<LogLine> = Vec::new();
        self.read(from, |_, text| {
            if lines.len() < count {
                let before = lines.last().map_or(0, |line| line.at_ms);
                lines.push(line::parse(text).unwrap_or_else(|| line::unreadable(text, before)));
            }
            lines.len() < count
        })?;
        Ok(LogSlice {
            edition: self.edition,
            from,
            lines,
        })
    }

    /// The numbers of the lines that are looked for.
    pub(super) fn find(&self, wanted: &FindInLog) -> Result<FoundInLog> {
        let text = wanted.text.to_lowercase();
        let mut found = Vec::new();
        let mut end = wanted.from.max(self.first);
        self.read(end, |number, line| {
            if line::parse(line).is_some_and(|line| line::contains(&line, wanted, &text)) {
                found.push(number);
            }
            end = number + 1;
            found.len() < MOST_FOUND
        })?;
        Ok(FoundInLog {
            edition: self.edition,
            more: end < self.end(),
            lines: found,
            end,
        })
    }

    /// Calls `each` with lines and their numbers until it has had enough.
    fn read(&self, from: u64, mut each: impl FnMut(u64, &[u8]) -> bool) -> Result<()> {
        let mut first = self.first;
        let mut wants_more = true;
        for file in &self.files {
            let after = first + file.lines;
            if wants_more && from < after {
                let mut each = |number: u64, text: &[u8]| {
                    wants_more = each(first + number, text);
                    wants_more
                };
                let read = file.read(from.saturating_sub(first), &mut each);
                read.context(|| reading(&file.path))?;
            }
            first = after;
        }
        Ok(())
    }
}

fn reading(path: &Path) -> String {
    format!("read log {}", path.display())
}

/// The files of a log, oldest first, with their inodes.
fn files_of(path: &Path) -> io::Result<Vec<(PathBuf, u64)>> {
    let mut files = Vec::new();
    for number in 1.. {
        let plain = with_suffix(path, &format!(".{number}"));
        let packed = with_suffix(path, &format!(".{number}.gz"));
        match (inode(&plain)?, inode(&packed)?) {
            (Some(inode), _) => files.push((plain, inode)),
            (None, Some(inode)) => files.push((packed, inode)),
            (None, None) => break,
        }
    }
    files.reverse();
    files.extend(inode(path)?.map(|inode| (path.to_owned(), inode)));
    Ok(files)
}

fn inode(path: &Path) -> io::Result<Option<u64>> {
    match path.metadata() {
        Ok(metadata) => Ok(Some(metadata.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The logs that somebody looks at.
#[derive(Debug, Default)]
pub(crate) struct LogIndexes(Mutex<Vec<Arc<SharedIndex>>>);

/// An index that a watcher and readers share, so that they mean the same numbers.
#[derive(Debug)]
pub(crate) struct SharedIndex {
    path: PathBuf,
    index: Mutex<LogIndex>,
}

impl LogIndexes {
    /// The index of the log at `path`; the one that was not used for longest goes when there are many.
    pub(crate) fn of(&self, path: &Path) -> Arc<SharedIndex> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let index = match kept.iter().position(|index| index.path == path) {
            Some(at) => kept.remove(at),
            None => Arc::new(SharedIndex {
                path: path.to_owned(),
                index: Mutex::new(LogIndex::new(path)),
            }),
        };
        kept.push(Arc::clone(&index));
        let many = kept.len().saturating_sub(MOST_LOGS);
        kept.drain(..many);
        index
    }
}

impl SharedIndex {
    /// The index. Blocks while another reads.
    pub(super) fn lock(&self) -> MutexGuard<'_, LogIndex> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lines by their numbers. Blocks.
    pub(crate) fn slice(&self, from: u64, count: u64) -> Result<LogSlice> {
        let mut index = self.lock();
        if from.saturating_add(count) > index.end() {
            index.refresh()?;
        }
        // A file may be rotated between the count and the read.
        index.slice(from, count).or_else(|_| {
            index.refresh()?;
            index.slice(from, count)
        })
    }

    /// Looks through the log. Blocks, and keeps nobody waiting meanwhile.
    pub(crate) fn find(&self, wanted: &FindInLog) -> Result<FoundInLog> {
        self.refreshed()?
            .find(wanted)
            .or_else(|_| self.refreshed()?.find(wanted))
    }

    fn refreshed(&self) -> Result<LogIndex> {
        let mut index = self.lock();
        index.refresh()?;
        Ok(index.clone())
    }
}
