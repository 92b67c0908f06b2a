use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Read, Write},
    path::PathBuf,
    sync::Arc,
};

use terrarium_api::{ActivityKind, Error, ErrorCode, SaveImages, Traced};
use terrarium_oci::{Descriptor, Digest, MediaType, Reference};
use terrarium_store::Store;

use super::{DockerEntry, LayoutEntry, LayoutIndex, NAME, REF_NAME};
use crate::{
    Engine, Result, Tracer,
    blocking::blocking,
    files::{begin_file, end_file},
    images::{Catalog, Image, store_failed},
};

impl Engine {
    /// Writes images into one archive. Blobs go in as they are stored, so digests stay what they
    /// are; the same images give the same bytes.
    ///
    /// # Errors
    /// `NoSuchImage` before the first byte; what could not be read or written.
    pub async fn write_archive(
        &self,
        names: Vec<String>,
        sink: impl Write + Send + 'static,
    ) -> Result<Traced<()>> {
        let subject = names.join(" ");
        let mut tracer = Tracer::new("image.save", &subject, format!("docker save {subject}"));
        let chosen = self.images_to_save(names).await?;
        let store = self.inner.images.store.clone();
        let ids: Vec<String> = chosen.iter().map(|one| one.image.id.to_string()).collect();
        let work = blocking(move || write(&store, &chosen, sink));
        tracer.step("write archive", subject.clone(), work).await?;
        for id in ids {
            self.image_event("save", &id, &subject);
        }
        Ok(tracer.finish(()))
    }

    /// Writes images into a file, which appears when it is whole; an activity.
    ///
    /// # Errors
    /// `InvalidArgument` if the path is not absolute or something is there already, else as
    /// [`Engine::write_archive`].
    pub async fn save_images(&self, request: SaveImages) -> Result<Traced<()>> {
        let path = PathBuf::from(&request.path);
        let chosen = self.images_to_save(request.images.clone()).await?;
        let (aside, file) = blocking({
            let path = path.clone();
            move || begin_file(&path)
        })
        .await?;
        let activity = (ActivityKind::SaveImages, request.images.join(" "));
        let written = self.metered((activity.0, &activity.1), |meter| {
            meter.expect(blob_bytes(&chosen));
            self.write_archive(request.images, meter.count(io::BufWriter::new(file)))
        });
        let written = written.await;
        blocking(move || end_file(&aside, &path, written)).await
    }

    /// Checks that there are such images, before anything is written.
    ///
    /// # Errors
    /// `NoSuchImage`.
    pub async fn can_save(&self, names: Vec<String>) -> Result<()> {
        self.images_to_save(names).await.map(drop)
    }

    async fn images_to_save(&self, names: Vec<String>) -> Result<Vec<Chosen>> {
        let inner = Arc::clone(&self.inner);
        blocking(move || {
            let catalog = Catalog::read(&inner.images.store);
            let mut chosen: BTreeMap<Digest, Chosen> = BTreeMap::new();
            for name in &names {
                for (image, tags) in choose(&catalog, name)? {
                    let one = chosen.entry(image.id.clone()).or_insert_with(|| Chosen {
                        image: image.clone(),
                        tags: BTreeSet::new(),
                    });
                    one.tags.extend(tags);
                }
            }
            Ok(chosen.into_values().collect())
        })
        .await
    }
}

/// Writes one image, with its own names. Blocks.
pub(crate) fn write_image(store: &Store, image: Image, sink: &mut dyn Write) -> Result<()> {
    let tags = image.tags.clone();
    write(store, &[Chosen { image, tags }], sink)
}

/// An image to save, with the names that go with it.
struct Chosen {
    image: Image,
    tags: BTreeSet<Reference>,
}

/// Bytes of all blobs of the images, those that they share once.
fn blob_bytes(chosen: &[Chosen]) -> u64 {
    let blobs = chosen.iter().flat_map(|one| {
        let layers = one.image.layers.iter();
        layers.map(|layer| (&layer.digest, layer.size_bytes))
    });
    blobs.collect::<BTreeMap<_, _>>().into_values().sum()
}

/// What a name stands for: one tag, all tags of a repository without one, or an id without names.
fn choose<'a>(catalog: &'a Catalog, name: &str) -> Result<Vec<(&'a Image, Vec<Reference>)>> {
    let dissected = Reference::dissect(name).ok();
    if let Some(dissected) = &dissected {
        let typed_tag = dissected.reference.tag().is_some()
            && dissected
                .parts
                .iter()
                .any(|part| part.kind == terrarium_oci::PartKind::Tag && part.typed.is_some());
        if !typed_tag && dissected.reference.digest().is_none() {
            let of_repository = |tag: &&Reference| tag.name() == dissected.reference.name();
            let all: Vec<_> = catalog
                .images
                .values()
                .map(|image| {
                    (
                        image,
                        image
                            .tags
                            .iter()
                            .filter(of_repository)
                            .cloned()
                            .collect::<Vec<_>>(),
                    )
                })
                .filter(|(_, tags)| !tags.is_empty())
                .collect();
            if !all.is_empty() {
                return Ok(all);
            }
        }
    }
    let image = catalog.find(name)?;
    let tag = dissected.map(|dissected| dissected.reference);
    let tags = tag.filter(|tag| image.tags.contains(tag));
    Ok(vec![(image, tags.into_iter().collect())])
}

fn write(store: &Store, chosen: &[Chosen], sink: impl Write) -> Result<()> {
    let mut tar = tar::Builder::new(sink);
    let mut put = |name: &str, bytes: &[u8]| append(&mut tar, name, bytes.len() as u64, bytes);
    let json = |error: serde_json::Error| {
        Error::new(ErrorCode::Internal, "write the index of the archive").because(&error)
    };
    let index = LayoutIndex {
        schema_version: 2,
        media_type: Some(MediaType::OciIndex.as_str().to_owned()),
        manifests: chosen.iter().flat_map(layout_entries).collect(),
    };
    let docker: Vec<DockerEntry> = chosen.iter().map(docker_entry).collect();
    put("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#)?;
    put("index.json", &serde_json::to_vec(&index).map_err(json)?)?;
    put("manifest.json", &serde_json::to_vec(&docker).map_err(json)?)?;
    let mut seen = BTreeSet::new();
    for one in chosen {
        let documents = [&one.image.manifest.digest, &one.image.id];
        let layers = one.image.layers.iter().map(|layer| &layer.digest);
        for digest in documents.into_iter().chain(layers) {
            if !seen.insert(digest.clone()) {
                continue;
            }
            let blob = store
                .content()
                .blob(digest)
                .map_err(|error| store_failed("read the image", &error))?;
            append(&mut tar, &path(digest), blob.size_bytes, blob.file)?;
        }
    }
    let mut sink = tar.into_inner().map_err(|error| broken(&error))?;
    sink.flush().map_err(|error| broken(&error))
}

fn layout_entries(one: &Chosen) -> Vec<LayoutEntry> {
    let Descriptor {
        media_type,
        digest,
        size_bytes,
        ..
    } = &one.image.manifest;
    let entry = |annotations| LayoutEntry {
        media_type: media_type.as_str().to_owned(),
        digest: digest.to_string(),
        size: *size_bytes,
        annotations,
    };
    let named = |tag: &Reference| {
        let ref_name = tag.tag().unwrap_or_default().to_owned();
        entry(BTreeMap::from([
            (NAME.to_owned(), tag.canonical()),
            (REF_NAME.to_owned(), ref_name),
        ]))
    };
    match one.tags.is_empty() {
        true => vec![entry(BTreeMap::new())],
        false => one.tags.iter().map(named).collect(),
    }
}

fn docker_entry(one: &Chosen) -> DockerEntry {
    let tags: Vec<String> = one.tags.iter().map(Reference::familiar).collect();
    DockerEntry {
        config: path(&one.image.id),
        repo_tags: (!tags.is_empty()).then_some(tags),
        layers: one
            .image
            .layers
            .iter()
            .map(|layer| path(&layer.digest))
            .collect(),
    }
}

fn path(digest: &Digest) -> String {
    format!("blobs/{}", digest.as_str().replace(':', "/"))
}

/// Neither a time nor an owner goes in.
fn append<W: Write>(
    tar: &mut tar::Builder<W>,
    name: &str,
    size_bytes: u64,
    data: impl Read,
) -> Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_size(size_bytes);
    header.set_mode(0o644);
    header.set_mtime(0);
    tar.append_data(&mut header, name, data)
        .map_err(|error| broken(&error))
}

fn broken(error: &io::Error) -> Error {
    Error::new(ErrorCode::Internal, "write the archive").because(error)
}
