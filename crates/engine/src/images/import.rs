//! An image of a file system that comes as a tar, or is a folder.

use std::{
    io::{self, PipeReader, Read},
    sync::{Arc, mpsc},
};

use terrarium_api::{ActivityKind, Error, ErrorCode, ImageSummary, ImportImage, Traced};
use terrarium_oci::{ChainId, Descriptor, ExecConfig, HistoryEntry, ImageConfig, RootFs};
use terrarium_store::{At, Lease, View, layer::live::Crossing};

use super::{
    commit::{changed, names, now},
    keep, made,
    meter::Meter,
    pull::{lease, platform},
    store_failed,
};
use crate::{
    Engine, Result, Tracer,
    blocking::blocking,
    engine::Inner,
    error::{Context as _, quoted},
};

impl Engine {
    /// Makes an image of a tar on disk, or of a folder, as an activity.
    ///
    /// # Errors
    /// `InvalidArgument` if it cannot be opened, else as [`Engine::import_tar`].
    pub async fn import_image(&self, request: ImportImage) -> Result<Traced<ImageSummary>> {
        let path = request.path.clone();
        let opened = blocking(move || {
            let metadata = std::fs::metadata(&path);
            let file = metadata.and_then(|found| match found.is_dir() {
                true => Ok(None),
                false => std::fs::File::open(&path).map(|file| Some((file, found.len()))),
            });
            file.map_err(|error| {
                let text = format!("open {}", quoted(&path));
                Error::new(ErrorCode::InvalidArgument, text).because(&error)
            })
        });
        let (opened, subject) = (opened.await?, request.path.clone());
        self.metered(
            (ActivityKind::ImportImage, &subject),
            async |meter| match opened {
                Some((file, size_bytes)) => {
                    meter.expect(size_bytes);
                    self.take_tar(meter.count(file), request, meter).await
                }
                None => self.import_folder(request, meter).await,
            },
        )
        .await
    }

    async fn import_folder(
        &self,
        request: ImportImage,
        meter: Meter,
    ) -> Result<Traced<ImageSummary>> {
        let (reader, writer) = std::io::pipe().context(|| "make a pipe".to_owned())?;
        let (store, view) = (
            self.store().clone(),
            View::Folder(request.path.clone().into()),
        );
        let (sender, is_whole) = mpsc::channel();
        let packing = blocking(move || {
            let packed = store.pack(At::new(view, "/"), ("", Crossing::Stay), |_| Ok(()), writer);
            let _ = sender.send(packed.is_ok());
            packed.map_err(|error| store_failed("read the folder", &error))
        });
        let tar = Packed {
            reader,
            is_whole: Some(is_whole),
        };
        let (packed, imported) =
            tokio::join!(packing, self.take_tar(meter.guard(tar), request, meter));
        match (packed, imported) {
            // Whoever reads a tar no further is why it could not be written.
            (Err(packed), Err(imported)) if packed.code == ErrorCode::Internal => Err(imported),
            (Err(packed), _) => Err(packed),
            (Ok(_), imported) => imported,
        }
    }

    /// Makes an image of one layer of a tar, plain or compressed with gzip or zstd.
    ///
    /// # Errors
    /// `InvalidReference`; `InvalidArgument` for a change or a platform; `UnsafeLayer` for what is no
    /// tar, or a hostile one.
    pub async fn import_tar(
        &self,
        tar: impl Read + Send + 'static,
        request: ImportImage,
    ) -> Result<Traced<ImageSummary>> {
        self.take_tar(tar, request, Meter::default()).await
    }

    async fn take_tar(
        &self,
        tar: impl Read + Send + 'static,
        request: ImportImage,
        meter: Meter,
    ) -> Result<Traced<ImageSummary>> {
        let names = names(request.reference.as_deref())?;
        let config = changed(ExecConfig::default(), &request.changes)?;
        let platform = platform(request.platform.as_deref())?;
        let subject = request.reference.clone().unwrap_or_else(|| "image".into());
        let mut tracer = Tracer::new("image.import", &subject, format!("docker import {subject}"));
        let lease = Arc::new(lease(self.store()).await?);
        let inner = Arc::clone(&self.inner);
        let comment = request.comment.filter(|comment| !comment.is_empty());
        let config = ImageConfig {
            platform,
            config,
            ..ImageConfig::default()
        };
        let work = blocking(move || {
            let (config, layer) = with_layer(&inner, tar, (config, comment), (&lease, &meter))?;
            let (id, manifest) = made::write(&inner.images.store, &config, vec![layer], &lease)?;
            made::name(&inner.images, &names, &manifest)?;
            Ok(id)
        });
        let id = tracer.step("read tar", "layer", work).await?;
        self.image_event("import", id.as_str(), &subject);
        let summary = self.published_image(id.as_str()).await?;
        Ok(tracer.finish(summary))
    }
}

/// Keeps the tar as the only layer of an image.
fn with_layer(
    inner: &Inner,
    tar: impl Read + Send + 'static,
    (mut config, comment): (ImageConfig, Option<String>),
    (lease, meter): (&Lease, &Meter),
) -> Result<(ImageConfig, Descriptor)> {
    let store = &inner.images.store;
    let failed = |error: terrarium_store::Error| store_failed("read the tar", &error);
    let (blob, diff_id) = store.take_layer(tar, lease).map_err(failed)?;
    let chain = ChainId::on(None, &diff_id);
    let kept = store.content().blob(&blob.digest).map_err(failed)?;
    let kept = meter.guard(kept.file);
    keep::unpack(store, &chain, None, kept, lease).map_err(failed)?;
    let created = now();
    config.history.push(HistoryEntry {
        created: Some(created.clone()),
        comment: comment.or_else(|| Some("Imported from -".to_owned())),
        ..HistoryEntry::default()
    });
    config.created = Some(created);
    config.rootfs = RootFs::new(vec![diff_id]);
    Ok((config, blob))
}

/// A tar on its way, which ends well only if all of it was written: a reader of tars takes one that stops
/// after a file for whole.
struct Packed {
    reader: PipeReader,
    is_whole: Option<mpsc::Receiver<bool>>,
}

impl Read for Packed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.reader.read(buffer)?;
        if len == 0
            && !buffer.is_empty()
            && self
                .is_whole
                .take()
                .is_some_and(|told| told.recv() != Ok(true))
        {
            return Err(io::Error::other("the folder could not be read to its end"));
        }
        Ok(len)
    }
}
