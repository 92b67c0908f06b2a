//! The files that clients sent last, so that only changes travel when they come again.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use terrarium_buildkit::{Session, context::Kept};

/// So many folders; the one that was used longest ago gives way. Their files have no names and go with the host.
const MOST: usize = 8;

/// The name that a client has for files, and what came of them.
type Known = (String, Arc<Kept>);

/// Files of clients, the latest last.
#[derive(Debug, Clone, Default)]
pub(super) struct Contexts(Arc<Mutex<VecDeque<Known>>>);

impl Contexts {
    /// What a client sent of a folder before. It is taken out, and put back as it is then.
    pub(super) fn take(&self, session: &Session, folder: &str) -> Option<Arc<Kept>> {
        let key = key(session, folder)?;
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = all.iter().position(|(known, _)| *known == key)?;
        all.remove(place).map(|(_, kept)| kept)
    }

    pub(super) fn put(&self, session: &Session, folder: &str, kept: Option<Arc<Kept>>) {
        let (Some(key), Some(kept)) = (key(session, folder), kept) else {
            return;
        };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|(known, _)| *known != key);
        all.push_back((key, kept));
        if all.len() > MOST {
            all.pop_front();
        }
    }
}

/// A client that gives no name is not recognized.
fn key(session: &Session, folder: &str) -> Option<String> {
    Some(format!("{}\0{folder}", session.shared_key()?))
}
