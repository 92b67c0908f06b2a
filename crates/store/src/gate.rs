//! The gate between the garbage collector and everybody else.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Many operations pass at once; the collector passes alone. It is held only for steps that take
/// milliseconds (a rename, a record), never for a download or an unpack: a lease covers those.
///
/// Not reentrant: nothing that is called inside `enter` may enter again.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gate {
    lock: Arc<RwLock<()>>,
}

impl Gate {
    /// Passes together with other operations.
    pub(crate) fn enter(&self) -> RwLockReadGuard<'_, ()> {
        self.lock.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Passes alone.
    pub(crate) fn close(&self) -> RwLockWriteGuard<'_, ()> {
        self.lock.write().unwrap_or_else(PoisonError::into_inner)
    }
}
