//! Layers: from a tar stream to a folder in the format of overlay, and back.
//!
//! Start at [`apply`], which a worker process calls in its sandbox. The stages are [`Source`]
//! (decompression and the diff ID, each in a thread), the tar reader, the resolver of names in the
//! merged view of this layer and those below, and the writer.
//!
//! Rules: names are walked by descriptor, one component at a time, and stay inside the root as if
//! it were `/`. A layer is refused as a whole when it is malformed; what cannot be represented but
//! does no harm is left out with a note.

mod apply;
mod archive;
mod diff;
mod emit;
mod error;
#[cfg(test)]
mod fuzz;
mod gzip;
mod header;
mod hide;
mod limits;
mod link;
pub mod live;
mod lowers;
mod marks;
mod note;
mod path;
mod pax;
mod resolve;
mod source;
mod sparse;
mod write;
mod xattrs;

pub use apply::{Host, Options, Ownership, apply};
pub use diff::diff;
pub use error::{Error, Result};
pub use gzip::ParallelGzip;
pub use limits::Limits;
pub use lowers::Lowers;
pub(crate) use lowers::is_whiteout;
pub use marks::Marks;
pub use source::{Source, Summary};

pub(crate) use archive::Archive as TarMembers;
pub(crate) use header::MemberKind;
