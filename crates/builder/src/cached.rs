//! Steps that need not be carried out.

use std::fs::File;

use crate::build::{Build, Report, lock};
use crate::state::State;
use crate::{Executor, Fault, Key, Layer};

impl<E: Executor> Build<'_, E> {
    /// The layer of a step: from the cache, or made now.
    pub(crate) async fn cached<F: Future<Output = Result<File, Fault>>>(
        &self,
        state: &State,
        key: &Key,
        make: impl FnOnce() -> F,
    ) -> Result<Layer, Fault> {
        let key = &self.dated(key);
        let _alone = self.executor.enter(key).await;
        if let Some(layer) = self.recalled(state, key).await {
            return Ok(layer);
        }
        self.recognized(state, key, false);
        if let Some(layer) = self.executor.suppose(key, state.chain()) {
            return Ok(layer);
        }
        let tar = make().await?;
        let mut layer = self
            .executor
            .keep(state.chain(), tar)
            .await
            .map_err(Fault::Executor)?;
        layer.created.clone_from(&self.request.created);
        self.executor.remember(key, &layer).await;
        Ok(layer)
    }

    fn recognized(&self, state: &State, key: &Key, cached: bool) {
        self.report(Report::Recognized {
            node: state.node,
            key: key.clone(),
            cached,
        });
    }

    /// What a step gave before, by a key that is whole.
    async fn recalled(&self, state: &State, key: &Key) -> Option<Layer> {
        if self.request.no_cache {
            return None;
        }
        let mut layer = self.executor.recall(key, state.chain()).await?;
        if self.request.epoch.is_some() {
            layer.created.clone_from(&self.request.created);
        }
        lock(&self.cached).insert(layer.chain.to_string());
        self.recognized(state, key, true);
        Some(layer)
    }

    /// The layer of a step that a second key recognizes sooner: what it takes need not be looked at then.
    pub(crate) async fn cached_by<F: Future<Output = Result<Layer, Fault>>>(
        &self,
        state: &State,
        sooner: Option<Key>,
        make: impl FnOnce() -> F,
    ) -> Result<Layer, Fault> {
        let Some(key) = sooner.map(|key| self.dated(&key)) else {
            return make().await;
        };
        if let Some(layer) = self.recalled(state, &key).await {
            return Ok(layer);
        }
        let layer = make().await?;
        if self.executor.knows(std::slice::from_ref(&layer)) {
            self.executor.remember(&key, &layer).await;
        }
        Ok(layer)
    }

    /// Files are as old as `SOURCE_DATE_EPOCH` lets them be, so layers of another epoch are other ones.
    fn dated(&self, key: &Key) -> Key {
        match self.request.epoch {
            Some(epoch) => key.with("epoch", &epoch.to_string()),
            None => key.clone(),
        }
    }

    pub(crate) fn was_cached(&self, layer: &Layer) -> bool {
        lock(&self.cached).contains(&layer.chain.to_string())
    }
}
