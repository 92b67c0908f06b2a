//! Reading a blob while it is still being fetched.
//!
//! The download only ever waits for the disk, never for the one who unpacks; so two pulls that
//! share blobs and layers cannot block each other in a circle.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// How far an ingest is.
#[derive(Debug, Clone, Copy)]
struct State {
    len: u64,
    /// How often the ingest started over; a reader of an earlier start has read garbage.
    restarts: u64,
    end: Option<End>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Committed,
    Abandoned,
}

/// The writing side.
#[derive(Debug)]
pub(crate) struct Tide {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

/// Reads a blob from its start while it is being fetched: waits for bytes that are still to come
/// and ends where the blob does. If the download is given up or starts over, reading fails.
#[derive(Debug)]
pub struct Follow {
    file: File,
    shared: Arc<Shared>,
    position: u64,
    restarts: u64,
}

impl Tide {
    pub(crate) fn new(len: u64) -> Self {
        let state = Mutex::new(State {
            len,
            restarts: 0,
            end: None,
        });
        Self {
            shared: Arc::new(Shared {
                state,
                changed: Condvar::new(),
            }),
        }
    }

    pub(crate) fn rise(&self, len: u64) {
        self.change(|state| state.len = len);
    }

    pub(crate) fn restart(&self) {
        self.change(|state| {
            state.len = 0;
            state.restarts += 1;
        });
    }

    pub(crate) fn commit(&self) {
        self.change(|state| state.end = Some(End::Committed));
    }

    pub(crate) fn follow(&self, file: File) -> Follow {
        let restarts = self.shared.lock().restarts;
        Follow {
            file,
            shared: Arc::clone(&self.shared),
            position: 0,
            restarts,
        }
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.shared.lock());
        self.shared.changed.notify_all();
    }
}

impl Drop for Tide {
    fn drop(&mut self) {
        self.change(|state| {
            state.end.get_or_insert(End::Abandoned);
        });
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Read for Follow {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut state = self.shared.lock();
        loop {
            if state.restarts != self.restarts {
                return Err(io::Error::new(
                    io::ErrorKind::ConnectionReset,
                    "the download started over",
                ));
            }
            if self.position < state.len {
                break;
            }
            match state.end {
                Some(End::Committed) => return Ok(0),
                Some(End::Abandoned) => {
                    return Err(io::Error::new(
                        io::ErrorKind::ConnectionAborted,
                        "the download was given up",
                    ));
                }
                None => {
                    state = self
                        .shared
                        .changed
                        .wait(state)
                        .unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
        let there = usize::try_from(state.len - self.position).unwrap_or(usize::MAX);
        drop(state);
        let want = buffer.len().min(there);
        let read = self.file.read_at(&mut buffer[..want], self.position)?;
        self.position += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::thread;

    use super::Tide;

    #[test]
    fn a_reader_gets_what_is_written_after_it_started() {
        let mut file = tempfile::tempfile().expect("temporary file");
        let tide = Tide::new(0);
        let mut follow = tide.follow(file.try_clone().expect("clone"));
        let reader = thread::spawn(move || {
            let mut text = String::new();
            follow.read_to_string(&mut text).map(|_| text)
        });
        for (index, part) in ["one ", "two ", "three"].iter().enumerate() {
            file.write_all(part.as_bytes()).expect("write");
            tide.rise([4, 8, 13][index]);
        }
        tide.commit();
        drop(tide);
        assert_eq!(
            reader.join().expect("joins").expect("reads"),
            "one two three"
        );
    }

    #[test]
    fn a_reader_learns_that_the_download_was_given_up_or_started_over() {
        let file = tempfile::tempfile().expect("temporary file");
        let tide = Tide::new(0);
        let mut first = tide.follow(file.try_clone().expect("clone"));
        tide.restart();
        assert!(first.read(&mut [0; 4]).is_err());
        let mut second = tide.follow(file);
        drop(tide);
        assert!(second.read(&mut [0; 4]).is_err());
    }
}
