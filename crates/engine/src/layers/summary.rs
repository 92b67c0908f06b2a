//! What each layer does, and what is wasted.

use terrarium_api::{FilesQuery, FilesSummary, LayerFiles, WastedFile};
use terrarium_store::index::{LayerSums, Stack, Sums, Wasted};

use super::name;
use crate::{Engine, Result, blocking::blocking};

impl Engine {
    /// What each layer of an image or a container does, and how much nobody can see.
    ///
    /// # Errors
    /// `NoSuchImage`, `NoSuchContainer`, or what could not be read.
    pub async fn files_summary(&self, query: FilesQuery) -> Result<FilesSummary> {
        let layers = self.layers(&query.of).await?;
        blocking(move || Ok(told(&layers.stack, layers.sums()))).await
    }
}

fn told(stack: &Stack, sums: &Sums) -> FilesSummary {
    FilesSummary {
        layers: sums.layers.iter().map(layer).collect(),
        size_bytes: sums.size_bytes,
        wasted_bytes: sums.wasted_bytes,
        efficiency: sums.efficiency(),
        files: sums.files,
        wasteful_names: u32::try_from(sums.wasteful_names).unwrap_or(u32::MAX),
        wasted: sums.wasted.iter().map(|one| wasted(stack, one)).collect(),
    }
}

fn layer(sums: &LayerSums) -> LayerFiles {
    LayerFiles {
        added: sums.added,
        modified: sums.modified,
        deleted: sums.deleted,
        size_bytes: sums.size_bytes,
        hidden_bytes: sums.hidden_bytes,
    }
}

fn wasted(stack: &Stack, one: &Wasted) -> WastedFile {
    WastedFile {
        path: name::escape(&stack.path(one.node)),
        size_bytes: one.size_bytes,
        layers: one.layers.iter().map(|layer| u32::from(*layer)).collect(),
        removed: one.removed,
    }
}
