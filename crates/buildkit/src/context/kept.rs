//! Files as they came last: what has not changed since need not come again.

use std::{cmp::Ordering, fs::File, os::unix::fs::FileExt as _, sync::Arc};

use super::{Stat, archive::Archive, order::compare};
use crate::{Error, Result};

/// Larger lists are not kept: they would cost more memory than they save time.
const MOST: usize = 1 << 18;
const PIECE: usize = 256 << 10;

/// Files of a client, and what it said of each.
#[derive(Debug)]
pub struct Kept {
    tar: File,
    /// In the order of a walk, with the place of the bytes.
    files: Vec<(Stat, u64)>,
}

/// What comes, beside what came before.
#[derive(Debug, Default)]
pub(super) struct Since {
    before: Option<Arc<Kept>>,
    /// The next one of those before.
    at: usize,
    files: Vec<(Stat, u64)>,
    copies: Vec<Copy>,
    changed: bool,
}

/// Bytes that are here already.
#[derive(Debug)]
struct Copy {
    from: u64,
    to: u64,
    size: u64,
}

impl Since {
    pub(super) fn new(before: Option<Arc<Kept>>) -> Self {
        Self {
            before,
            ..Self::default()
        }
    }

    /// Notes a file, whose bytes belong at `start`; whether they are here.
    pub(super) fn note(&mut self, stat: &Stat, start: u64, size: u64) -> bool {
        let known = self.known(stat);
        self.changed |= known.is_none();
        if self.files.len() <= MOST {
            self.files.push((stat.clone(), start));
        }
        if let Some(from) = known.filter(|_| size > 0) {
            self.copies.push(Copy {
                from,
                to: start,
                size,
            });
        }
        known.is_some()
    }

    /// Where the bytes of the very same file are. Both lists have the same order.
    fn known(&mut self, stat: &Stat) -> Option<u64> {
        let before = self.before.as_ref()?;
        while let Some((known, start)) = before.files.get(self.at) {
            match compare(&known.path, &stat.path) {
                Ordering::Less => self.changed = true,
                Ordering::Equal => {
                    self.at += 1;
                    return (known == stat).then_some(*start);
                }
                Ordering::Greater => return None,
            }
            self.at += 1;
        }
        None
    }

    /// All are listed: takes over what is here. Nothing is copied where nothing has changed.
    pub(super) fn take_over(&mut self, archive: &Archive) -> Result<()> {
        let Some(before) = &self.before else {
            return Ok(());
        };
        self.changed |= self.at < before.files.len();
        if !self.changed {
            return Ok(());
        }
        let mut buffer = vec![0; PIECE];
        for Copy { from, to, size } in self.copies.drain(..) {
            let mut done = 0;
            while done < size {
                let length = usize::try_from(size - done).unwrap_or(PIECE).min(PIECE);
                let piece = &mut buffer[..length];
                let read = before.tar.read_exact_at(piece, from + done);
                read.map_err(Error::io("read the files that a client sent before"))?;
                archive.write(piece, to + done)?;
                done += length as u64;
            }
        }
        Ok(())
    }

    /// What is to be kept until the client comes again; nothing of too much.
    pub(super) fn end(self, archive: Archive) -> Result<(File, Option<Arc<Kept>>)> {
        let again = |tar: &File| {
            tar.try_clone()
                .map_err(Error::io("keep the files of a client"))
        };
        if let Some(before) = self.before.filter(|_| !self.changed) {
            return Ok((again(&before.tar)?, Some(before)));
        }
        let tar = archive.finish()?;
        if self.files.len() > MOST {
            return Ok((tar, None));
        }
        let kept = Kept {
            tar: again(&tar)?,
            files: self.files,
        };
        Ok((tar, Some(Arc::new(kept))))
    }
}
