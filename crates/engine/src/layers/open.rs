//! Merging the layers of what is looked at, and keeping the result for the next question.

use std::{
    collections::VecDeque,
    io::Write,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    thread,
    time::{Duration, Instant},
};

use terrarium_api::{Error, ErrorCode, FilesOf};
use terrarium_store::{
    Name, Store,
    index::{LayerIndex, Stack, Sums, View},
};

use crate::{Engine, Result, blocking::blocking, error::quoted, images::store_failed};

/// Images whose layers are kept merged: two, to compare them.
const KEPT: usize = 2;
/// Views that are kept of each: that of the tree, and the topmost, in which a search looks.
const VIEWS: usize = 2;
/// Layers that are listed beside each other.
const BESIDE: usize = 4;
/// Nobody looks any more; the memory is worth more.
const IDLE: Duration = Duration::from_secs(60);

/// What was looked at lately.
#[derive(Debug, Default)]
pub(crate) struct Explored {
    kept: Mutex<VecDeque<Arc<Layers>>>,
    /// A page asks for the tree and for its sums at once: whoever comes second waits for the first.
    merging: tokio::sync::Mutex<()>,
}

/// Merged layers, with the snapshot of each.
#[derive(Debug)]
pub(super) struct Layers {
    /// Bottom first.
    pub(super) snapshots: Vec<Name>,
    /// The only layer, where it is a folder of its own and no snapshot.
    folder: Option<PathBuf>,
    pub(super) stack: Stack,
    /// The views that were asked for last: the next question is mostly about the same layer.
    views: Mutex<VecDeque<Arc<View>>>,
    sums: OnceLock<Sums>,
    /// When someone asked last.
    asked: Mutex<Instant>,
}

impl Layers {
    fn new(snapshots: Vec<Name>, stack: Stack) -> Self {
        Self {
            snapshots,
            folder: None,
            stack,
            views: Mutex::default(),
            sums: OnceLock::new(),
            asked: Mutex::new(Instant::now()),
        }
    }

    fn asked(&self) -> MutexGuard<'_, Instant> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The tree after a layer. Blocks for a moment.
    pub(super) fn view(&self, layer: u32) -> Result<Arc<View>> {
        let layer = u16::try_from(layer).ok();
        let Some(layer) = layer.filter(|layer| *layer < self.stack.layers()) else {
            return Err(no_such_layer());
        };
        let mut views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = views.iter().position(|view| view.top() == layer);
        let view = kept.and_then(|at| views.remove(at));
        let view = view.unwrap_or_else(|| Arc::new(View::new(&self.stack, layer)));
        views.push_front(Arc::clone(&view));
        views.truncate(VIEWS);
        Ok(view)
    }

    /// What each layer does. Blocks for a moment, the first time.
    pub(super) fn sums(&self) -> &Sums {
        self.sums.get_or_init(|| Sums::new(&self.stack))
    }

    /// Writes the content of a file as a layer has it into `sink`, and returns its size. Blocks.
    pub(super) fn read_file(
        &self,
        store: &Store,
        (layer, path): (u32, &Path),
        limit: u64,
        sink: impl Write + Send,
    ) -> Result<u64> {
        let read = match &self.folder {
            Some(folder) => store.read_in_tree(folder, path, limit, sink),
            None => {
                let snapshot = self.snapshots.get(layer as usize);
                let snapshot = snapshot.ok_or_else(no_such_layer)?;
                store.snapshots().read_file(snapshot, path, limit, sink)
            }
        };
        let shown = path.display().to_string();
        read.map_err(|error| store_failed(format!("read {} of the layer", quoted(&shown)), &error))
    }
}

impl Explored {
    fn find(&self, snapshots: &[Name]) -> Option<Arc<Layers>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept
            .iter()
            .position(|layers| layers.snapshots == snapshots)?;
        let found = kept.remove(at)?;
        *found.asked() = Instant::now();
        kept.push_front(Arc::clone(&found));
        Some(found)
    }

    fn keep(&self, layers: Arc<Layers>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_front(layers);
        kept.truncate(KEPT);
    }

    /// Forgets what nobody looks at any more.
    fn forget(&self, snapshots: &[Name]) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|layers| layers.snapshots != snapshots);
    }
}

impl Engine {
    /// The merged layers of an image, or of a container with what it wrote until now.
    pub(super) async fn layers(&self, of: &FilesOf) -> Result<Arc<Layers>> {
        let (mut snapshots, writable) = match of {
            FilesOf::Image { image } => (names(&self.resolve_image(image).await?.chain), None),
            FilesOf::Container { container } => self.container_snapshots(container).await?,
            FilesOf::Volume { volume } => return self.volume_layer(volume).await,
        };
        let below = self.merged(snapshots.clone()).await?;
        let Some(writable) = writable else {
            return Ok(below);
        };
        let store = self.store().clone();
        blocking(move || {
            let upper = list(&store, &writable)?;
            let stack = below.stack.with(&upper).map_err(|error| too_many(&error))?;
            snapshots.push(writable);
            Ok(Arc::new(Layers::new(snapshots, stack)))
        })
        .await
    }

    pub(super) async fn merged(&self, snapshots: Vec<Name>) -> Result<Arc<Layers>> {
        let explored = &self.inner.explored;
        if let Some(found) = explored.find(&snapshots) {
            return Ok(found);
        }
        let _merging = explored.merging.lock().await;
        if let Some(found) = explored.find(&snapshots) {
            return Ok(found);
        }
        let store = self.store().clone();
        let merged = blocking(move || {
            let lists = list_all(&store, &snapshots)?;
            let stack = Stack::new(&lists).map_err(|error| too_many(&error))?;
            Ok(Arc::new(Layers::new(snapshots, stack)))
        })
        .await?;
        explored.keep(Arc::clone(&merged));
        self.forget_later(&merged);
        Ok(merged)
    }

    /// Gives the memory back some time after the last question.
    fn forget_later(&self, layers: &Arc<Layers>) {
        let (inner, layers) = (Arc::downgrade(&self.inner), Arc::downgrade(layers));
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(IDLE).await;
                let (Some(inner), Some(layers)) = (inner.upgrade(), layers.upgrade()) else {
                    return;
                };
                if layers.asked().elapsed() >= IDLE {
                    inner.explored.forget(&layers.snapshots);
                }
            }
        });
    }

    /// A volume as one layer, read anew: containers write to it.
    async fn volume_layer(&self, volume: &str) -> Result<Arc<Layers>> {
        let folder = PathBuf::from(self.inspect_volume(volume).await?.mountpoint);
        let (store, named) = (self.store().clone(), volume.to_owned());
        blocking(move || {
            let listed = store.index_tree(&folder);
            let listed = listed.map_err(|error| {
                store_failed(format!("list the files of volume {named}"), &error)
            })?;
            let stack = Stack::new(&[listed]).map_err(|error| too_many(&error))?;
            let mut layers = Layers::new(Vec::new(), stack);
            layers.folder = Some(folder);
            Ok(Arc::new(layers))
        })
        .await
    }

    async fn container_snapshots(&self, container: &str) -> Result<(Vec<Name>, Option<Name>)> {
        let (writable, chain) = self.container_layers(container)?;
        let store = self.store().clone();
        blocking(move || {
            let mut below = Vec::new();
            let mut next = chain;
            while let Some(name) = next {
                next = store.snapshots().info(&name).and_then(|info| info.parent);
                below.push(name);
            }
            below.reverse();
            Ok((below, Some(writable)))
        })
        .await
    }
}

fn names(chain: &[terrarium_oci::ChainId]) -> Vec<Name> {
    chain.iter().map(Name::from).collect()
}

/// The lists of layers, made beside each other: reading one, or making it, is work for a processor.
fn list_all(store: &Store, names: &[Name]) -> Result<Vec<LayerIndex>> {
    let beside = thread::available_parallelism().map_or(1, usize::from);
    let each = names.len().div_ceil(beside.min(BESIDE)).max(1);
    let parts: Vec<Vec<LayerIndex>> = thread::scope(|scope| {
        let list_part = |part: &[Name]| part.iter().map(|name| list(store, name)).collect();
        let parts: Vec<_> = names
            .chunks(each)
            .map(|part| scope.spawn(move || list_part(part)))
            .collect();
        let ended = parts.into_iter().map(|part| {
            let joined = part.join();
            joined.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        ended.collect::<Result<_>>()
    })?;
    Ok(parts.into_iter().flatten().collect())
}

fn list(store: &Store, name: &Name) -> Result<LayerIndex> {
    let listed = store.snapshots().index(name);
    listed.map_err(|error| store_failed(format!("list the files of layer {name}"), &error))
}

fn too_many(error: &terrarium_store::index::TooMany) -> Error {
    Error::new(ErrorCode::Unsupported, "merge the layers").because(error)
}

fn no_such_layer() -> Error {
    Error::new(
        ErrorCode::InvalidArgument,
        "there is no layer of this number",
    )
}
