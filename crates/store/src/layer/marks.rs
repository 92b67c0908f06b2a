//! Overlay's marks on folders.

use std::ffi::CStr;
use std::io;
use std::os::fd::AsFd;

use terrarium_sys::{caps, xattr};

/// The namespace of overlay's marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marks {
    /// `trusted.overlay.*`, which takes `CAP_SYS_ADMIN` of the host.
    Trusted,
    /// `user.overlay.*`, for mounts with `userxattr`; and no device can be made.
    User,
}

const CAP_SYS_ADMIN: u8 = 21;

impl Marks {
    fn opaque(self) -> &'static CStr {
        match self {
            Self::Trusted => c"trusted.overlay.opaque",
            Self::User => c"user.overlay.opaque",
        }
    }

    /// Makes a folder hide what lies below it.
    pub(super) fn set_opaque(self, folder: impl AsFd) -> io::Result<()> {
        self.privileged(|| xattr::set(&folder, self.opaque(), b"y"))
    }

    /// Whether a folder hides what lies below it.
    pub(crate) fn is_opaque(self, folder: impl AsFd) -> io::Result<bool> {
        let value = self.privileged(|| xattr::get(&folder, self.opaque()))?;
        Ok(value.is_some_and(|value| value == b"y"))
    }

    /// Acts with `CAP_SYS_ADMIN`, which a worker keeps permitted but not effective: while it
    /// handles entries it must not be able to use it by mistake.
    fn privileged<T>(self, act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let (effective, permitted, inheritable) = caps::get()?;
        let raise = self == Self::Trusted
            && !effective.contains(CAP_SYS_ADMIN)
            && permitted.contains(CAP_SYS_ADMIN);
        if !raise {
            return act();
        }
        let raised = caps::CapSet(effective.0 | 1 << CAP_SYS_ADMIN);
        caps::set(raised, permitted, inheritable)?;
        let result = act();
        caps::set(effective, permitted, inheritable)?;
        result
    }
}
