//! Taking in an image archive: one tar with the files of an OCI layout, or of `docker save`.
//!
//! Every regular file becomes a blob, under its own digest; names are only keys of a map and never
//! touch the file system. What of it is an image, the caller decides; the rest is garbage.

use std::collections::BTreeMap;
use std::io::{Read, Write as _};
use std::path::Path;

use terrarium_oci::Digest;

use crate::content::Content;
use crate::error::{Context, Error, Result};
use crate::layer::{MemberKind, Source, TarMembers};
use crate::lease::Lease;

/// An image has some hundred layers, and an archive some images. Each file is noted in the lease, so
/// their number must stay small.
const MAX_FILES: usize = 10_000;

/// The files of an archive, all of them blobs now.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Archived {
    files: BTreeMap<String, (Digest, u64)>,
    links: BTreeMap<String, String>,
}

impl Archived {
    /// Digest and size of a file; a link is followed once, as old archives have them between layers.
    pub fn file(&self, name: &str) -> Option<(&Digest, u64)> {
        let name = clean(name);
        let name = self.links.get(&name).unwrap_or(&name);
        let (digest, size_bytes) = self.files.get(name)?;
        Some((digest, *size_bytes))
    }

    /// Whether there is no file at all.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

impl Content {
    /// Takes in an archive, plain or compressed with gzip or zstd.
    ///
    /// # Errors
    /// [`Error::Archive`] if it is none or a malformed one; what could not be written.
    pub fn take_in(&self, archive: impl Read + Send + 'static, lease: &Lease) -> Result<Archived> {
        let mut members = TarMembers::new(Source::open(archive));
        let mut taken = Archived::default();
        while let Some(member) = members.next().map_err(Error::Archive)? {
            if taken.files.len() + taken.links.len() >= MAX_FILES {
                return Err(Error::Archive(crate::layer::Error::Limit {
                    what: "files",
                    limit: MAX_FILES as u64,
                }));
            }
            let name = clean(&String::from_utf8_lossy(&member.path));
            let link = String::from_utf8_lossy(&member.link).into_owned();
            match member.kind {
                MemberKind::File => {
                    let mut writer = self.writer()?;
                    loop {
                        let bytes = members.data(u64::MAX).map_err(Error::Archive)?;
                        if bytes.is_empty() {
                            break;
                        }
                        let len = bytes.len();
                        writer
                            .write_all(bytes)
                            .context("write", Path::new("blob"))?;
                        members.consume(len);
                    }
                    taken.files.insert(name, writer.commit(lease)?);
                }
                MemberKind::Symlink => {
                    let target = beside(&name, &link);
                    taken.links.insert(name, target);
                }
                MemberKind::Link => {
                    taken.links.insert(name, clean(&link));
                }
                _ => {}
            }
        }
        Ok(taken)
    }
}

/// A name without `.` and empty parts; `..` takes a part away.
fn clean(name: &str) -> String {
    let mut parts = Vec::new();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// What a symbolic link at `name` leads to.
fn beside(name: &str, target: &str) -> String {
    let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
    match target.starts_with('/') {
        true => clean(target),
        false => clean(&format!("{folder}/{target}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_keys_and_lead_nowhere_else() {
        assert_eq!(clean("./blobs//sha256/ab"), "blobs/sha256/ab");
        assert_eq!(clean("../../etc/passwd"), "etc/passwd");
        assert_eq!(beside("one/layer.tar", "../two/layer.tar"), "two/layer.tar");
        assert_eq!(beside("layer.tar", "/abs"), "abs");
    }
}
