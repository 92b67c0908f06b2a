//! What a transfer asks for once its variables are replaced, and how it is recognized without a look at its files.

use terrarium_dockerfile::{Ignore, Transfer};
use terrarium_oci::ChainId;

use crate::build::Build;
use crate::key::{Key, KeyParts};
use crate::permissions::Permissions;
use crate::state::State;
use crate::{Executor, Fault, NamedContext};

/// A transfer with its variables replaced.
pub(crate) struct Order {
    pub(crate) sources: Vec<String>,
    pub(crate) documents: Vec<(String, String)>,
    pub(crate) destination: String,
    /// None where nobody is named.
    pub(crate) owner: Option<(u32, u32)>,
    pub(crate) permissions: Option<Permissions>,
    pub(crate) exclude: Ignore,
    /// Whether the destination is a folder by how it is written.
    pub(crate) into_folder: bool,
}

impl<E: Executor> Build<'_, E> {
    /// Recognizes a transfer from layers by their names, which say what is in them.
    pub(crate) async fn sooner(
        &self,
        state: &State,
        transfer: &Transfer,
        order: &Order,
        on: Option<&ChainId>,
    ) -> Result<Option<Key>, Fault> {
        let Some(from) = &transfer.from else {
            return Ok(None);
        };
        let from = state.expand(from, self.request.escape())?;
        // Files that stand for something have no layers to recognize them by.
        if let Some(NamedContext::Files(_)) = self.request.named(&from) {
            return Ok(None);
        }
        let exclude = transfer.exclude.iter();
        let exclude = exclude.map(|text| state.expand(text, self.request.escape()));
        let exclude: Vec<String> = exclude.collect::<Result<_, _>>()?;
        let layers = self.layers_of(&from, state.stage).await?;
        let source = layers.last().map(|layer| layer.chain.to_string());
        let mut parts = KeyParts::new("copy from");
        parts
            .named("below", &on.map_or_else(String::new, ChainId::to_string))
            .named("from", &source.unwrap_or_default())
            .named("to", &order.destination)
            .all(&order.sources)
            .all(&exclude)
            .add(format!(
                "{:?} {:?} {:?} {} {} {}",
                order.documents,
                order.owner,
                order.permissions,
                order.into_folder,
                transfer.parents,
                transfer.link
            ));
        Ok(Some(parts.finish()))
    }

    pub(crate) async fn order(&self, state: &State, transfer: &Transfer) -> Result<Order, Fault> {
        let escape = self.request.escape();
        let expand = |text: &String| state.expand(text, escape);
        let sources: Result<Vec<_>, _> = transfer.sources.iter().map(expand).collect();
        let destination = expand(&transfer.destination)?;
        let exclude: Result<Vec<_>, _> = transfer.exclude.iter().map(expand).collect();
        let mut documents = Vec::new();
        for document in &transfer.documents {
            let content = if document.expands {
                state.expand_document(&document.content, escape)?
            } else {
                document.content.clone()
            };
            documents.push((document.name.clone(), content));
        }
        let owner = match transfer.chown.as_ref().map(expand).transpose()? {
            Some(user) => {
                let found = self.executor.owner(state.chain(), &user).await;
                Some(found.map_err(Fault::Executor)?)
            }
            None => None,
        };
        let permissions = transfer.chmod.as_ref().map(expand).transpose()?;
        let sources = sources?;
        let many = sources.len() + documents.len() > 1;
        Ok(Order {
            into_folder: many
                || destination.ends_with('/')
                || destination.ends_with("/.")
                || destination == ".",
            destination: state.absolute(&destination),
            permissions: permissions
                .map(|text| Permissions::parse(&text))
                .transpose()?,
            exclude: Ignore::of(exclude?.iter().map(String::as_str)),
            owner,
            sources,
            documents,
        })
    }
}
