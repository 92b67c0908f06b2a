//! Bodies that flow: raw streams of a container's process, and lines of JSON.

mod channel;
mod detach;
mod frames;
mod hijack;
mod lines;

pub(crate) use channel::ChannelWriter;
pub(crate) use detach::DetachKeys;
pub(crate) use frames::{Deframer, Source, frame};
pub(crate) use hijack::{Hijack, Wires, raw_type};
pub(crate) use lines::{json_lines, streaming};
