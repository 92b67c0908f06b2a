//! Long work on streams of bytes that a window shows and can cancel.

use std::{
    io::{self, Read, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use terrarium_api::{ActivityKind, Error, ErrorCode, Progress};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::{Engine, Result};

/// Every window follows the list of activities, so it changes only a few times a second.
const TICK: Duration = Duration::from_millis(250);

/// How many bytes went through, and whether more may.
#[derive(Debug, Clone, Default)]
pub(super) struct Meter {
    done: Arc<AtomicU64>,
    /// 0 while nobody knows.
    total: Arc<AtomicU64>,
    token: CancellationToken,
}

impl Meter {
    pub(super) fn expect(&self, total_bytes: u64) {
        self.total.store(total_bytes, Ordering::Relaxed);
    }

    /// Counts what goes through `inner`, which fails when the work is canceled.
    pub(super) fn count<T>(&self, inner: T) -> Metered<T> {
        let meter = self.clone();
        Metered { inner, meter }
    }

    /// The same without counting: for bytes that were counted before.
    pub(super) fn guard<T>(&self, inner: T) -> Metered<T> {
        let meter = Self {
            token: self.token.clone(),
            ..Self::default()
        };
        Metered { inner, meter }
    }

    fn progress(&self) -> Option<Progress> {
        let (done_bytes, total_bytes) = (
            self.done.load(Ordering::Relaxed),
            self.total.load(Ordering::Relaxed),
        );
        (total_bytes > 0).then(|| Progress {
            done_bytes: done_bytes.min(total_bytes),
            total_bytes,
        })
    }

    fn pass(&self, len: usize) {
        self.done.fetch_add(len as u64, Ordering::Relaxed);
    }

    fn check(&self) -> io::Result<()> {
        match self.token.is_cancelled() {
            // Of a kind that nobody tries again.
            true => Err(io::Error::other("canceled")),
            false => Ok(()),
        }
    }
}

/// A stream with a [`Meter`].
#[derive(Debug)]
pub(super) struct Metered<T> {
    inner: T,
    meter: Meter,
}

impl<T: Read> Read for Metered<T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.meter.check()?;
        let len = self.inner.read(buffer)?;
        self.meter.pass(len);
        Ok(len)
    }
}

impl<T: Write> Write for Metered<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.meter.check()?;
        let len = self.inner.write(bytes)?;
        self.meter.pass(len);
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl Engine {
    /// Does `work` as an activity: it shows how far the meter is, and can be canceled. It has ended
    /// when this returns, with nothing half done that it would have to tidy up later.
    pub(super) async fn metered<T, F: Future<Output = Result<T>>>(
        &self,
        (kind, subject): (ActivityKind, &str),
        work: impl FnOnce(Meter) -> F,
    ) -> Result<T> {
        let running = self.activities().begin(kind, subject);
        let meter = Meter {
            token: running.token().clone(),
            ..Meter::default()
        };
        let mut work = std::pin::pin!(work(meter.clone()));
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut told = None;
        let result = loop {
            tokio::select! {
                result = &mut work => break result,
                _ = ticks.tick() => {
                    let progress = meter.progress();
                    if progress != told {
                        running.update(|activity| activity.progress = progress);
                        told = progress;
                    }
                }
            }
        };
        let canceled = running.token().is_cancelled();
        running.end(result.map_err(|error| match canceled {
            true => Error::new(ErrorCode::Canceled, "canceled"),
            false => error,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_counted_until_the_work_is_canceled() {
        let meter = Meter::default();
        meter.expect(10);
        let mut all = Vec::new();
        meter.count(&[7; 4][..]).read_to_end(&mut all).unwrap();
        meter.guard(&[7; 4][..]).read_to_end(&mut all).unwrap();
        let progress = meter.progress().unwrap();
        assert_eq!((progress.done_bytes, progress.total_bytes), (4, 10));
        meter.token.cancel();
        assert!(meter.count(&[7; 4][..]).read(&mut [0; 4]).is_err());
        assert!(meter.guard(Vec::new()).write(&[7]).is_err());
    }
}
