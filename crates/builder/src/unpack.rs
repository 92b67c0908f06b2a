//! Archives that `ADD` unpacks: known by their content, not by their name.

use std::io::Read;
use std::sync::Arc;

use crate::build::Inflate;
use crate::copy::Packer;
use crate::files::join;
use crate::pack::tempfile;
use crate::{Content, Entry, Executor, Fault, Files, Kind};

impl<E: Executor> Packer<'_, E> {
    /// Whether a file of the build is unpacked where it is an archive.
    pub(crate) fn unpacks(&self, entry: &Entry) -> bool {
        let wanted = self
            .transfer
            .unpack
            .unwrap_or(self.transfer.adds && self.transfer.from.is_none());
        wanted && self.transfer.adds && matches!(entry.kind, Kind::File(_))
    }

    /// Puts what is in an archive, where the file is one.
    pub(crate) async fn archive(&mut self, entry: &Entry) -> Result<bool, Fault> {
        let Kind::File(content) = &entry.kind else {
            return Ok(false);
        };
        let Some(tar) = plain_tar(content, &self.build.request.inflate)? else {
            return Ok(false);
        };
        let Ok(files) = Files::of_tars([tar]) else {
            return Ok(false);
        };
        let base = self.destination_folder().await?;
        let files = Arc::new(files);
        let chown = self.transfer.chown.is_some();
        for (path, entry) in files.iter() {
            let is_folder = matches!(entry.kind, Kind::Folder);
            let to = self.through_links(&join(&base, path), is_folder).await?;
            // An archive says whose its files are, unless somebody says otherwise.
            let entry = if chown {
                self.owned(entry.clone(), is_folder)
            } else {
                entry.clone()
            };
            self.pack
                .put(to, entry, Some((Arc::clone(&files), path.to_owned())));
        }
        Ok(true)
    }
}

/// The tar in a file, unpacked where it is compressed; nothing where there is none.
fn plain_tar(content: &Content, inflate: &Inflate) -> Result<Option<std::fs::File>, Fault> {
    let failed = || Fault::io("an archive");
    let mut start = Vec::new();
    content
        .open()
        .take(512)
        .read_to_end(&mut start)
        .map_err(failed())?;
    let is_tar = |start: &[u8]| start.len() >= 262 && &start[257..262] == b"ustar";
    let mut file = tempfile().map_err(failed())?;
    if is_tar(&start) {
        std::io::copy(&mut content.open(), &mut file).map_err(failed())?;
    } else if let Some(name) = compression(&start) {
        let Some(mut plain) = inflate(name, content.open()) else {
            return Err(Fault::Unsupported {
                what: format!("unpacking an archive in {name}"),
            });
        };
        // What only looks compressed is a file like any other.
        if std::io::copy(&mut plain, &mut file).is_err() {
            return Ok(None);
        }
        let mut inner = [0; 512];
        let read = std::os::unix::fs::FileExt::read_at(&file, &mut inner, 0).map_err(failed())?;
        if !is_tar(&inner[..read]) {
            return Ok(None);
        }
    } else {
        return Ok(None);
    }
    Ok(Some(file))
}

/// The compression that some bytes begin like; nothing for none.
#[must_use]
pub fn compression(start: &[u8]) -> Option<&'static str> {
    match start {
        [0x1f, 0x8b, ..] => Some("gzip"),
        [b'B', b'Z', b'h', ..] => Some("bzip2"),
        [0xfd, b'7', b'z', b'X', b'Z', ..] => Some("xz"),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some("zstd"),
        _ => None,
    }
}
