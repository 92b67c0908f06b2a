//! Which extended attributes of an entry are set.

use std::ffi::CString;
use std::io;
use std::os::fd::AsFd;

use nix::errno::Errno;
use terrarium_sys::xattr;

use super::error::{Error, Result};
use super::note::Notes;

/// What is done with an attribute.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    Set,
    /// Left out, for the reason.
    Skip(&'static str),
    /// The layer is refused.
    Refuse,
}

fn fate(name: &[u8]) -> Fate {
    match name {
        // With these a layer could make overlay show files of other layers, or hide its own.
        _ if name.starts_with(b"trusted.overlay.") || name.starts_with(b"user.overlay.") => {
            Fate::Refuse
        }
        b"security.capability" | b"system.posix_acl_access" | b"system.posix_acl_default" => {
            Fate::Set
        }
        _ if name.starts_with(b"user.") => Fate::Set,
        _ if name.starts_with(b"security.") => Fate::Skip("labels are the host's to give"),
        _ => Fate::Skip("its namespace is not the image's to use"),
    }
}

/// Sets the attributes of an open file or directory. The capabilities come last: a change of the
/// owner, and on some file systems of other attributes, clears them.
pub(super) fn set(
    file: impl AsFd,
    entry: &[u8],
    xattrs: &[(Vec<u8>, Vec<u8>)],
    notes: &mut Notes,
) -> Result<()> {
    let last = |name: &[u8]| name == b"security.capability";
    let ordered = xattrs.iter().filter(|(name, _)| !last(name));
    for (name, value) in ordered.chain(xattrs.iter().filter(|(name, _)| last(name))) {
        match fate(name) {
            Fate::Refuse => {
                return Err(Error::entry(
                    entry,
                    "it has an attribute that overlay acts on",
                ));
            }
            Fate::Skip(why) => notes.add(entry, why),
            Fate::Set => set_one(&file, entry, (name, value), notes)?,
        }
    }
    Ok(())
}

/// Refuses as [`set`] does, and sets nothing.
pub(super) fn check(entry: &[u8], xattrs: &[(Vec<u8>, Vec<u8>)]) -> Result<()> {
    match xattrs.iter().find(|(name, _)| fate(name) == Fate::Refuse) {
        Some(_) => Err(Error::entry(
            entry,
            "it has an attribute that overlay acts on",
        )),
        None => Ok(()),
    }
}

/// Refuses as [`set`] does, for an entry that takes no attributes.
pub(super) fn skip(entry: &[u8], xattrs: &[(Vec<u8>, Vec<u8>)], notes: &mut Notes) -> Result<()> {
    check(entry, xattrs)?;
    if !xattrs.is_empty() {
        notes.add(entry, "only files and folders keep attributes");
    }
    Ok(())
}

/// Whether an attribute of a file becomes part of a layer.
pub(super) fn belongs(name: &[u8]) -> bool {
    fate(name) == Fate::Set && name.is_ascii() && !name.contains(&b'=')
}

/// Copies what a layer may have from one open file to another.
pub(super) fn copy(from: impl AsFd, to: impl AsFd) -> io::Result<()> {
    let mut names = xattr::list(&from)?;
    names.sort_by_key(|name| name == b"security.capability");
    for name in names.iter().filter(|name| fate(name) == Fate::Set) {
        let name = CString::new(name.as_slice())?;
        if let Some(value) = xattr::get(&from, &name)? {
            xattr::set(&to, &name, &value)?;
        }
    }
    Ok(())
}

fn set_one(
    file: impl AsFd,
    entry: &[u8],
    (name, value): (&[u8], &[u8]),
    notes: &mut Notes,
) -> Result<()> {
    let name =
        CString::new(name).map_err(|_| Error::entry(entry, "an attribute's name has NUL"))?;
    match xattr::set(file, &name, value) {
        Ok(()) => Ok(()),
        Err(error) => match error.raw_os_error().map(Errno::from_raw) {
            Some(Errno::ENOTSUP | Errno::EPERM) => {
                notes.add(entry, "an attribute is not supported here");
                Ok(())
            }
            Some(Errno::EINVAL | Errno::ERANGE | Errno::E2BIG) => {
                Err(Error::entry(entry, "an attribute has a malformed value"))
            }
            _ => Err(Error::system("set attribute of", entry, error)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::{Fate, fate};

    #[test]
    fn attributes_of_overlay_refuse_the_layer_and_labels_are_left_out() {
        let check = |name: &str| fate(name.as_bytes());
        assert_eq!(check("trusted.overlay.redirect"), Fate::Refuse);
        assert_eq!(check("user.overlay.opaque"), Fate::Refuse);
        assert_eq!(check("security.capability"), Fate::Set);
        assert_eq!(check("user.mime_type"), Fate::Set);
        for skipped in [
            "security.selinux",
            "security.ima",
            "trusted.other",
            "system.nfs4_acl",
        ] {
            assert!(matches!(check(skipped), Fate::Skip(_)), "{skipped}");
        }
    }
}
