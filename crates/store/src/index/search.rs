//! Finding files by name in all layers at once.

use super::merge::{NodeId, Stack};

/// What a search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// How many names fit.
    pub total: usize,
    /// The first of them, in the order of the tree's making: lower layers first.
    pub nodes: Vec<NodeId>,
}

impl Stack {
    /// Finds names that contain `text`, upper and lower case alike; with a slash in it, paths. At
    /// most `limit` of them are returned.
    pub fn search(&self, text: &[u8], limit: usize) -> Found {
        let wanted = text.to_ascii_lowercase();
        let mut found = Found {
            total: 0,
            nodes: Vec::new(),
        };
        if wanted.is_empty() {
            return found;
        }
        let by_path = wanted.contains(&b'/');
        let mut path = Vec::new();
        for id in 1..self.nodes.len() as u32 {
            let node = NodeId(id);
            let fits = match by_path {
                true => {
                    self.path_into(node, &mut path);
                    contains(&path, &wanted)
                }
                false => contains(self.name(node), &wanted),
            };
            if fits {
                found.total += 1;
                if found.nodes.len() < limit {
                    found.nodes.push(node);
                }
            }
        }
        found
    }
}

/// `wanted` is in lower case.
fn contains(text: &[u8], wanted: &[u8]) -> bool {
    let first = wanted[0];
    let Some(last) = text.len().checked_sub(wanted.len()) else {
        return false;
    };
    (0..=last).any(|at| {
        text[at].to_ascii_lowercase() == first
            && text[at..at + wanted.len()].eq_ignore_ascii_case(wanted)
    })
}
