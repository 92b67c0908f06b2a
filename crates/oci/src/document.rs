use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::{DocumentFault, Error, Index, Manifest, MediaType, Result};

/// The largest manifest, index or config that is read: the size that every registry has to take.
pub const MAX_DOCUMENT_BYTES: usize = 4 << 20;

/// What a reference points to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Document {
    /// One image.
    Manifest(Box<Manifest>),
    /// Images for several platforms.
    Index(Index),
}

/// The members that tell what a document is, read before anything else of it is believed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Probe {
    schema_version: Option<u64>,
    media_type: Option<MediaType>,
    manifests: Option<IgnoredAny>,
    layers: Option<IgnoredAny>,
    config: Option<IgnoredAny>,
    fs_layers: Option<IgnoredAny>,
}

impl Document {
    /// Reads a manifest or an index that was announced as `announced`: by a registry's `Content-Type` or by a descriptor.
    ///
    /// The bytes, the announcement and the document's own `mediaType` have to agree (CVE-2021-41190: a document that is
    /// both a manifest and an index is two images under one digest).
    ///
    /// # Errors
    /// [`Error::Document`] with the reason.
    pub fn parse(announced: Option<&MediaType>, bytes: &[u8]) -> Result<Self> {
        read(announced, bytes).map_err(|why| Error::Document {
            kind: "manifest",
            why,
        })
    }
}

fn read(
    announced: Option<&MediaType>,
    bytes: &[u8],
) -> std::result::Result<Document, DocumentFault> {
    if announced == Some(&MediaType::DockerSchema1) {
        return Err(DocumentFault::Schema1);
    }
    let probe: Probe = from_json(bytes)?;
    if probe.schema_version == Some(1) || probe.fs_layers.is_some() {
        return Err(DocumentFault::Schema1);
    }
    let is_manifest = probe.layers.is_some() || probe.config.is_some();
    if is_manifest && probe.manifests.is_some() {
        return Err(DocumentFault::Ambiguous);
    }
    let media_type = agree(announced, probe.media_type, is_manifest)?;
    if media_type.is_index() {
        let index: Index = from_json(bytes)?;
        index.check()?;
        Ok(Document::Index(index))
    } else if media_type.is_manifest() {
        let manifest: Manifest = from_json(bytes)?;
        manifest.check()?;
        Ok(Document::Manifest(Box::new(manifest)))
    } else {
        Err(DocumentFault::MediaType(media_type.to_string()))
    }
}

/// Settles what a document is, from the announcement, its own word and its members.
fn agree(
    announced: Option<&MediaType>,
    stated: Option<MediaType>,
    is_manifest: bool,
) -> std::result::Result<MediaType, DocumentFault> {
    // A registry of plain files serves every document as `application/json`: that announces nothing.
    let announced = announced.filter(|kind| kind.is_index() || kind.is_manifest());
    match (announced, stated) {
        (Some(announced), Some(stated)) if *announced != stated => Err(DocumentFault::Confused {
            announced: announced.to_string(),
            found: stated.to_string(),
        }),
        (Some(announced), _) if announced.is_index() == is_manifest => {
            Err(DocumentFault::Confused {
                announced: announced.to_string(),
                found: if is_manifest {
                    "a manifest"
                } else {
                    "an index"
                }
                .to_owned(),
            })
        }
        (Some(announced), _) => Ok(announced.clone()),
        (None, Some(stated)) if stated.is_index() == is_manifest => Err(DocumentFault::Confused {
            announced: stated.to_string(),
            found: if is_manifest {
                "a manifest"
            } else {
                "an index"
            }
            .to_owned(),
        }),
        (None, Some(stated)) => Ok(stated),
        (None, None) if is_manifest => Ok(MediaType::OciManifest),
        (None, None) => Ok(MediaType::OciIndex),
    }
}

/// Parses JSON within the size limit. A member that is given twice is an error: readers would differ in which one counts.
pub(crate) fn from_json<'de, T: Deserialize<'de>>(
    bytes: &'de [u8],
) -> std::result::Result<T, DocumentFault> {
    if bytes.len() > MAX_DOCUMENT_BYTES {
        return Err(DocumentFault::TooLarge {
            found: bytes.len(),
            limit: MAX_DOCUMENT_BYTES,
        });
    }
    serde_json::from_slice(bytes).map_err(|error| DocumentFault::Json(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Descriptor, Digest, MAX_LAYERS, Platform};

    fn layer() -> Descriptor {
        Descriptor::of(MediaType::OciLayer(crate::Compression::Gzip), b"layer")
    }

    fn manifest(layers: usize) -> Manifest {
        Manifest::new(
            Descriptor::of(MediaType::OciConfig, b"{}"),
            vec![layer(); layers],
        )
    }

    fn fault(announced: Option<MediaType>, text: &str) -> DocumentFault {
        match Document::parse(announced.as_ref(), text.as_bytes()) {
            Err(Error::Document { why, .. }) => why,
            other => panic!("{text} gave {other:?}"),
        }
    }

    #[test]
    fn a_manifest_and_an_index_read_back_as_they_were_written() {
        let one = manifest(2);
        let read = Document::parse(Some(&MediaType::OciManifest), &one.to_bytes()).unwrap();
        assert_eq!(read, Document::Manifest(Box::new(one)));
        let index = Index::new(vec![Descriptor {
            platform: Some(Platform::new("linux", "arm64")),
            ..Descriptor::of(MediaType::OciManifest, b"m")
        }]);
        assert_eq!(
            Document::parse(None, &index.to_bytes()).unwrap(),
            Document::Index(index)
        );
    }

    #[test]
    fn a_document_that_is_not_what_it_was_announced_as_is_refused() {
        let text = String::from_utf8(manifest(1).to_bytes()).unwrap();
        let confused = |kind| matches!(fault(Some(kind), &text), DocumentFault::Confused { .. });
        assert!(confused(MediaType::OciIndex));
        assert!(confused(MediaType::DockerManifest));
        let both = text.replacen('{', r#"{"manifests":[],"#, 1);
        assert_eq!(fault(None, &both), DocumentFault::Ambiguous);
        let unnamed = r#"{"schemaVersion":2,"manifests":[]}"#;
        assert!(matches!(
            fault(Some(MediaType::OciManifest), unnamed),
            DocumentFault::Confused { .. }
        ));
    }

    #[test]
    fn schema_1_is_refused_by_name() {
        let text = r#"{"schemaVersion":1,"fsLayers":[]}"#;
        assert_eq!(fault(None, text), DocumentFault::Schema1);
        assert_eq!(
            fault(Some(MediaType::DockerSchema1), "{}"),
            DocumentFault::Schema1
        );
    }

    #[test]
    fn documents_beyond_the_limits_are_refused() {
        let text = String::from_utf8(manifest(MAX_LAYERS + 1).to_bytes()).unwrap();
        assert!(matches!(
            fault(None, &text),
            DocumentFault::TooMany { what: "layers", .. }
        ));
        let text = " ".repeat(MAX_DOCUMENT_BYTES + 1);
        assert!(matches!(fault(None, &text), DocumentFault::TooLarge { .. }));
        let huge = String::from_utf8(manifest(1).to_bytes()).unwrap().replacen(
            "\"size\":2",
            "\"size\":99999999999999",
            1,
        );
        assert!(matches!(fault(None, &huge), DocumentFault::Size { .. }));
        let negative = huge.replacen("99999999999999", "-1", 1);
        assert!(matches!(fault(None, &negative), DocumentFault::Json(_)));
    }

    #[test]
    fn a_member_that_is_given_twice_is_refused() {
        let text = String::from_utf8(manifest(1).to_bytes()).unwrap();
        let twice = text.replacen('{', r#"{"layers":[],"#, 1);
        assert!(
            matches!(fault(None, &twice), DocumentFault::Json(why) if why.contains("duplicate"))
        );
    }

    #[test]
    fn garbage_is_an_error_and_no_panic() {
        for text in [
            "",
            "null",
            "[]",
            "{}",
            "{\"schemaVersion\":2}",
            "\u{0}",
            "[[[[[[[[[[[[",
        ] {
            assert!(Document::parse(None, text.as_bytes()).is_err(), "{text}");
        }
        let deep = "[".repeat(100_000);
        assert!(Document::parse(None, deep.as_bytes()).is_err());
        let _ = Digest::sha256_of(deep.as_bytes());
    }

    #[test]
    fn the_platform_decides_which_entry_of_an_index_is_taken() {
        let entry = |text: &str, body: &str| Descriptor {
            platform: Some(text.parse().unwrap()),
            ..Descriptor::of(MediaType::OciManifest, body.as_bytes())
        };
        let index = Index::new(vec![
            entry("unknown/unknown", "a"),
            entry("linux/arm/v6", "b"),
            entry("linux/arm/v7", "c"),
            entry("linux/amd64", "d"),
        ]);
        let pick = |text: &str| {
            let wanted: Platform = text.parse().unwrap();
            index
                .select(&wanted)
                .and_then(|entry| entry.platform.clone())
                .map(|found| found.to_string())
        };
        assert_eq!(pick("linux/amd64").as_deref(), Some("linux/amd64"));
        assert_eq!(pick("linux/arm/v7").as_deref(), Some("linux/arm/v7"));
        assert_eq!(pick("linux/arm/v6").as_deref(), Some("linux/arm/v6"));
        assert_eq!(pick("linux/arm/v5"), None);
        assert_eq!(pick("linux/s390x"), None);
    }

    proptest::proptest! {
        #[test]
        fn a_manifest_with_changed_bytes_is_read_or_refused_without_a_panic(
            at in 0_usize..400,
            byte in proptest::prelude::any::<u8>(),
            cut in 0_usize..400,
        ) {
            let mut bytes = manifest(1).to_bytes();
            let at = at % bytes.len();
            bytes[at] = byte;
            bytes.truncate(bytes.len() - cut % 3);
            if let Ok(Document::Manifest(read)) = Document::parse(None, &bytes) {
                let again = Document::parse(None, &read.to_bytes());
                proptest::prop_assert_eq!(again.ok(), Some(Document::Manifest(read)));
            }
        }
    }
}
