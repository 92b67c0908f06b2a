//! Names that whoever builds gives something else to stand for.

use std::sync::Arc;

use terrarium_oci::{Platform, Reference};

use crate::build::Build;
use crate::state::State;
use crate::{Base, Executor, Fault, Files, Request};

/// What stands for an image or a stage.
#[derive(Debug, Clone)]
pub enum NamedContext {
    /// Another image.
    Image(String),
    /// Files.
    Files(Arc<Files>),
}

impl Request {
    /// What stands for a name. An image is meant by each of its names: `alpine` is `docker.io/library/alpine:latest`.
    pub(crate) fn named(&self, name: &str) -> Option<&NamedContext> {
        if self.contexts.is_empty() {
            return None;
        }
        let whole = |name: &str| Reference::dissect(name).map(|found| found.reference.canonical());
        let wanted = whole(name).ok();
        let same = |known: &str| {
            known.eq_ignore_ascii_case(name) || (wanted.is_some() && whole(known).ok() == wanted)
        };
        let mut known = self.contexts.iter();
        known.find_map(|(known, context)| same(known).then_some(context))
    }
}

impl<E: Executor> Build<'_, E> {
    /// The image of a name, or the one that stands for it.
    pub(crate) async fn image(&self, name: &str, platform: Option<&str>) -> Result<Base, Fault> {
        let name = match self.request.named(name) {
            Some(NamedContext::Image(image)) => image,
            _ => name,
        };
        let base = self.executor.base(name, platform).await;
        base.map_err(Fault::Executor)
    }

    /// Where a stage begins: at an image, or at files on nothing.
    pub(crate) async fn begun(&self, name: &str, platform: Option<String>) -> Result<State, Fault> {
        let Some(NamedContext::Files(files)) = self.request.named(name) else {
            return Ok(State::on(self.image(name, platform.as_deref()).await?));
        };
        let asked = platform.map(|text| text.parse()).transpose();
        let asked = asked.map_err(|error: terrarium_oci::Error| Fault::Executor(error.into()))?;
        let mut state = State::scratch(asked.unwrap_or_else(Platform::made_here));
        let pack = crate::stage::subtree(files, "");
        let (pack, key) = crate::copy::blocking(move || {
            let key = pack.key("context", "");
            (pack, key)
        })
        .await;
        let epoch = self.request.epoch;
        let key = key?;
        let layer = self.cached(&state, &key, || async move {
            let written = crate::copy::blocking(move || pack.write(epoch)).await;
            written.map_err(Fault::io("the files of a layer"))
        });
        let layer = layer.await?;
        state.note(format!("FROM {name}"), Some(layer));
        Ok(state)
    }
}
