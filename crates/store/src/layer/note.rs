//! What was left out of a layer, and why.

use super::error::quote;

/// So many notes are kept; a hostile layer could cause millions.
const MAX_NOTES: usize = 50;

/// The first few notes.
#[derive(Debug, Default)]
pub(super) struct Notes {
    notes: Vec<String>,
    dropped: u64,
}

impl Notes {
    pub(super) fn add(&mut self, entry: &[u8], what: &str) {
        if self.notes.len() < MAX_NOTES {
            self.notes.push(format!("{}: {what}", quote(entry)));
        } else {
            self.dropped += 1;
        }
    }

    pub(super) fn finish(mut self) -> Vec<String> {
        if self.dropped > 0 {
            self.notes.push(format!("and {} more", self.dropped));
        }
        self.notes
    }
}
