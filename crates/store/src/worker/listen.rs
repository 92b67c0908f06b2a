//! What the host answers while a worker is at work.

use std::ops::ControlFlow;

use super::protocol::Progress;
use crate::error::Result;
use crate::layer::live::PathStat;
use crate::view::Sight;

pub(crate) type OnProgress<'a> = &'a mut dyn FnMut(Progress) -> ControlFlow<()>;
pub(crate) type OnParents<'a> = &'a mut dyn FnMut() -> Result<Vec<String>>;

/// Hears a worker out; an error ends the work.
pub(super) trait Listener {
    /// It goes on.
    fn progress(&mut self, _: Progress) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    /// It asks for the layers below.
    fn parents(&mut self) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    /// It found what it packs.
    fn found(&mut self, _: PathStat) -> Result<()> {
        Ok(())
    }
}

/// Has nothing to say.
pub(super) struct Silent;

impl Listener for Silent {}

/// Knows the layers below.
pub(super) struct Below<'a>(pub(super) OnParents<'a>);

impl Listener for Below<'_> {
    fn parents(&mut self) -> Result<Vec<String>> {
        (self.0)()
    }
}

/// Follows a layer that is unpacked.
pub(super) struct Unpacking<'a> {
    pub(super) progress: OnProgress<'a>,
    pub(super) parents: OnParents<'a>,
}

impl Listener for Unpacking<'_> {
    fn progress(&mut self, now: Progress) -> ControlFlow<()> {
        (self.progress)(now)
    }

    fn parents(&mut self) -> Result<Vec<String>> {
        (self.parents)()
    }
}

/// Watches a tree in use that is packed.
pub(super) struct Watching<'a>(pub(super) &'a mut dyn FnMut(Sight) -> Result<()>);

impl Listener for Watching<'_> {
    fn parents(&mut self) -> Result<Vec<String>> {
        (self.0)(Sight::Tree).map(|()| Vec::new())
    }

    fn found(&mut self, stat: PathStat) -> Result<()> {
        (self.0)(Sight::Path(stat))
    }
}
