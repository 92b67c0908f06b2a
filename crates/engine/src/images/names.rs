//! Names of images: how they are taken apart, moved and kept.

use terrarium_api::{DissectName, Dissection, NamePart, NamePartKind};
use terrarium_oci::{Descriptor, PartKind, Reference};
use terrarium_store::Store;

use super::error::{invalid_reference, store_failed};
use crate::{Engine, Result};

/// References that begin so keep images without a name until the user removes them. No name of an
/// image begins so: names are kept in their canonical form, which begins with a registry.
const UNNAMED: &str = "unnamed@";

impl Engine {
    /// Takes an image name apart.
    ///
    /// # Errors
    /// `InvalidReference`, with the reason and how to write it.
    pub async fn dissect_name(&self, request: DissectName) -> Result<Dissection> {
        dissect(&request.text)
    }
}

/// Takes a name as typed apart.
pub(super) fn dissect(text: &str) -> Result<Dissection> {
    let dissected = Reference::dissect(text.trim()).map_err(|error| invalid_reference(&error))?;
    let part = |part: terrarium_oci::Part| NamePart {
        kind: match part.kind {
            PartKind::Registry => NamePartKind::Registry,
            PartKind::Namespace => NamePartKind::Namespace,
            PartKind::Repository => NamePartKind::Repository,
            PartKind::Tag => NamePartKind::Tag,
            PartKind::Digest => NamePartKind::Digest,
        },
        text: part.text,
        implied: part.typed.is_none(),
    };
    Ok(Dissection {
        familiar: dissected.reference.familiar(),
        canonical: dissected.reference.canonical(),
        parts: dissected.parts.into_iter().map(part).collect(),
    })
}

/// Reads a name as typed.
pub(crate) fn parse(text: &str) -> Result<Reference> {
    text.trim()
        .parse()
        .map_err(|error| invalid_reference(&error))
}

/// Whether a reference only keeps an image that has lost its name.
pub(super) fn is_unnamed(name: &str) -> bool {
    name.starts_with(UNNAMED)
}

/// The reference that keeps what `target` points to without a name.
pub(crate) fn unnamed(target: &Descriptor) -> String {
    match &target.platform {
        None => format!("{UNNAMED}{}", target.digest),
        Some(platform) => format!("{UNNAMED}{}/{platform}", target.digest),
    }
}

/// Points `name` to `target`. What it pointed to before stays, without a name if this was its last.
///
/// The caller holds the lock on names.
pub(crate) fn point(store: &Store, name: &str, target: &Descriptor) -> Result<()> {
    let references = store.references();
    let failed =
        |error: &terrarium_store::Error| store_failed(format!("write the name {name}"), error);
    let before = references.get(name).filter(|before| before != target);
    if let Some(before) = before {
        let still_named =
            |(other, pointed): &(String, Descriptor)| other != name && *pointed == before;
        if !references.list().iter().any(still_named) {
            // First the new keeper, then the move: a crash in between loses nothing.
            references
                .put(&unnamed(&before), &before)
                .map_err(|error| failed(&error))?;
        }
    }
    references
        .put(name, target)
        .map_err(|error| failed(&error))?;
    let keeper = unnamed(target);
    if references.get(&keeper).is_some() {
        references.remove(&keeper).map_err(|error| failed(&error))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dissected_name_says_what_was_implied() {
        let told = dissect(" ubuntu:24.04 ").unwrap();
        assert_eq!(told.familiar, "ubuntu:24.04");
        let implied: Vec<_> = told
            .parts
            .iter()
            .map(|part| (part.text.as_str(), part.implied))
            .collect();
        assert_eq!(
            implied,
            [
                ("docker.io", true),
                ("library", true),
                ("ubuntu", false),
                ("24.04", false)
            ]
        );
    }

    #[test]
    fn a_name_that_cannot_be_read_comes_with_a_hint() {
        let error = dissect("Ubuntu").unwrap_err();
        assert_eq!(
            error.causes,
            ["the repository `Ubuntu` has upper-case letters"]
        );
        assert_eq!(error.hint.as_deref(), Some("write `ubuntu`"));
    }

    #[test]
    fn what_keeps_unnamed_images_is_no_name_itself() {
        let target = Descriptor::of(terrarium_oci::MediaType::OciManifest, b"x");
        assert!(is_unnamed(&unnamed(&target)));
        assert!(!is_unnamed("docker.io/library/unnamed:latest"));
    }
}
