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
        for id in 1..self.nodes.len() as u32 {
            let node = NodeId(id);
            let fits = match by_path {
                true => contains(&self.path(node), &wanted),
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

fn contains(text: &[u8], wanted: &[u8]) -> bool {
    let first = wanted[0];
    text.windows(wanted.len())
        .any(|part| part[0].eq_ignore_ascii_case(&first) && part.eq_ignore_ascii_case(wanted))
}
