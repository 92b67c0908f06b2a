//! The file system of a container as a whole: what it changed, and all of it as a tar.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use terrarium_api::{ExportContainer, Traced};
use terrarium_store::{At, View, layer::live::Crossing};

use super::copy::for_reading;
use crate::{
    Engine, Result, Tracer,
    blocking::blocking,
    files::{begin_file, end_file},
    images::store_failed,
};

impl Engine {
    /// Writes all files of a container into `sink` as a tar, without what is mounted in it. Of a
    /// running container it is what the files are at the moment each is read.
    ///
    /// # Errors
    /// `NoSuchContainer`, or what could not be read or written.
    pub async fn write_container(
        &self,
        name: &str,
        sink: impl Write + Send + 'static,
    ) -> Result<Traced<()>> {
        let container = self.inner.containers.find(name)?;
        let record = container.record();
        let command = format!("docker export {}", record.name);
        let mut tracer = Tracer::new("container.export", &record.name, command);
        let view = View::Mounted(for_reading(self.overlay(&record)?), Vec::new());
        let store = self.store().clone();
        let work = blocking(move || {
            let packed = store.pack(At::new(view, "/"), ("", Crossing::Stay), |_| Ok(()), sink);
            packed.map_err(|error| store_failed("read the files of the container", &error))
        });
        tracer.step("write tar", "files", work).await?;
        self.container_event(&container, "export", &[]);
        Ok(tracer.finish(()))
    }

    /// Writes them into a file, which appears when it is whole.
    ///
    /// # Errors
    /// `InvalidArgument` if the path is not absolute or something is there already, else as
    /// [`Engine::write_container`].
    pub async fn export_container(&self, request: ExportContainer) -> Result<Traced<()>> {
        let path = PathBuf::from(&request.path);
        self.inner.containers.find(&request.container)?;
        let (aside, file) = blocking({
            let path = path.clone();
            move || begin_file(&path)
        })
        .await?;
        let sink = io::BufWriter::new(file);
        let written = self.write_container(&request.container, sink).await;
        blocking(move || end_file(&aside, &path, written)).await
    }
}
