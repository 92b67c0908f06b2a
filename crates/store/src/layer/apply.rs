//! Unpacking one layer.

use std::io;

use terrarium_sys::tree::Tree;

use super::archive::Archive;
use super::error::{Error, Result};
use super::limits::Limits;
use super::lowers::Lowers;
use super::marks::Marks;
use super::source::Source;
use super::write::Writer;
use crate::config::Ids;
use crate::worker::{Progress, Report};

/// How a layer is unpacked.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// What is too much.
    pub limits: Limits,
    /// How removals are marked for overlay.
    pub marks: Marks,
    /// Whose the files become.
    pub ownership: Ownership,
}

/// Whose the files of a layer become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ownership {
    /// The owner that the layer says.
    Layer,
    /// Root: there is no other id in the user namespace.
    Root,
}

/// Who has the layer unpacked.
pub trait Host {
    /// Is told how far it is, often.
    fn progress(&mut self, progress: Progress);

    /// Opens the layers below, at the first entry that refers to one.
    ///
    /// # Errors
    /// When they cannot be opened; the layer is then given up.
    fn parents(&mut self) -> io::Result<Lowers>;
}

impl Options {
    /// The options that go with the ids of a store.
    pub fn of(ids: &Ids) -> Self {
        let (marks, ownership) = match ids {
            Ids::Host => (Marks::Trusted, Ownership::Layer),
            Ids::Mapped(maps) if maps.is_single() => (Marks::User, Ownership::Root),
            Ids::Mapped(_) => (Marks::User, Ownership::Layer),
        };
        Self {
            limits: Limits::default(),
            marks,
            ownership,
        }
    }
}

/// Unpacks a layer into `root`, the empty folder of a snapshot. On an error the folder is of no
/// use and is to be removed.
///
/// Follows image-spec, layer, "Applying changesets"; see the module for the rules.
///
/// # Errors
/// See [`Error`]. Nothing outside `root` is changed in any case.
pub fn apply(
    root: &Tree,
    source: Source,
    options: &Options,
    host: &mut dyn Host,
) -> Result<Report> {
    let mut archive = Archive::new(source);
    let mut writer = Writer::new(root, options, host)?;
    let mut entries = 0_u64;
    while let Some(member) = archive.next()? {
        entries += 1;
        if entries > options.limits.entries {
            return Err(Error::Limit {
                what: "entries",
                limit: options.limits.entries,
            });
        }
        writer.put(&mut archive, &member, entries)?;
        check_size(archive.source(), &options.limits)?;
    }
    let (whiteouts, notes) = writer.finish()?;
    let summary = archive.into_source().finish()?;
    let size = root
        .usage()
        .map_err(|error| Error::system("measure", b"/", error))?
        .into();
    let (diff_id, tar_bytes) = (summary.diff_id, summary.tar_bytes);
    Ok(Report {
        diff_id,
        tar_bytes,
        entries,
        whiteouts,
        size,
        notes,
    })
}

/// Stops a stream that grows out of all proportion.
pub(super) fn check_size(source: &Source, limits: &Limits) -> Result<()> {
    let (tar_bytes, compressed) = source.counts();
    if tar_bytes > limits.bytes {
        return Err(Error::Limit {
            what: "bytes",
            limit: limits.bytes,
        });
    }
    let bomb =
        tar_bytes > limits.ratio_from_bytes && tar_bytes > compressed.saturating_mul(limits.ratio);
    if bomb {
        return Err(Error::Limit {
            what: "times its compressed size",
            limit: limits.ratio,
        });
    }
    Ok(())
}
