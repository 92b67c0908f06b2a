//! What a single layer has in one folder.

use terrarium_store::{
    Name,
    index::{EntryKind, NodeId, Stack},
};

use crate::{Engine, Result};

impl Engine {
    /// The bytes and the number of files that a layer by itself has in a folder, all that is below included.
    pub(crate) async fn layer_part(&self, layer: Name, folder: &str) -> Result<(u64, u32)> {
        let layers = self.merged(vec![layer]).await?;
        let stack = &layers.stack;
        let names = folder.split('/').filter(|name| !name.is_empty());
        let Some(start) = stack.find(names.map(str::as_bytes)) else {
            return Ok((0, 0));
        };
        Ok(sums(stack, start))
    }
}

fn sums(stack: &Stack, start: NodeId) -> (u64, u32) {
    let (mut bytes, mut files) = (0, 0);
    let mut open = vec![start];
    while let Some(node) = open.pop() {
        open.extend(stack.children(node));
        let newest = stack.versions(node).next();
        if let Some((_, entry)) = newest.filter(|(_, entry)| entry.kind == EntryKind::File) {
            bytes += entry.size_bytes;
            files += 1;
        }
    }
    (bytes, files)
}
