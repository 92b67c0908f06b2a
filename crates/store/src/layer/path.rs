//! Names of entries, made harmless before anything is done with them.

use super::error::{Error, Result};

/// Linux takes no longer path in one call, so no tool could have made an entry with one.
const MAX_PATH_BYTES: usize = 4096;

/// A path inside the root, cleaned as text: no empty component, no `.`, no `..`. An absolute path
/// and one that climbs above the root stay at the root, as they would under `chroot`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct CleanPath {
    components: Vec<Vec<u8>>,
}

impl CleanPath {
    /// Cleans the name of an entry or the target of a hard link. Cleaning comes before symbolic
    /// links are looked at, as in Go's `path.Clean`, which is what made and reads these archives.
    pub(super) fn parse(name: &[u8]) -> Result<Self> {
        if name.len() > MAX_PATH_BYTES {
            return Err(Error::entry(name, "its name is too long"));
        }
        if name.contains(&0) {
            return Err(Error::entry(name, "its name contains NUL"));
        }
        let mut components: Vec<Vec<u8>> = Vec::new();
        for component in name.split(|byte| *byte == b'/') {
            match component {
                b"" | b"." => {}
                b".." => drop(components.pop()),
                component => components.push(component.to_vec()),
            }
        }
        Ok(Self { components })
    }

    /// As text again, relative to the root.
    pub(super) fn joined(&self) -> Vec<u8> {
        self.components.join(&b'/')
    }

    /// The folder and the name in it; none for the root itself.
    pub(super) fn split(&self) -> Option<(&[Vec<u8>], &[u8])> {
        let (name, parent) = self.components.split_last()?;
        Some((parent, name))
    }
}

/// What the name of an entry says beyond itself (image-spec, layer, "Whiteouts").
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meaning<'a> {
    /// An entry as any other.
    Plain,
    /// The name is removed from the layers below.
    Whiteout(&'a [u8]),
    /// Everything in this folder is removed from the layers below.
    Opaque,
    /// Bookkeeping of aufs, without meaning here.
    Aufs,
}

pub(super) fn meaning<'a>(entry: &[u8], name: &'a [u8]) -> Result<Meaning<'a>> {
    let Some(removed) = name.strip_prefix(b".wh.") else {
        return Ok(Meaning::Plain);
    };
    match removed {
        b".wh..opq" => Ok(Meaning::Opaque),
        b"" | b"." | b".." => Err(Error::entry(entry, "a whiteout has to name something")),
        _ if removed.starts_with(b".wh.") => Ok(Meaning::Aufs),
        _ => Ok(Meaning::Whiteout(removed)),
    }
}

/// The components of a symbolic link's target, `..` included since what is above depends on where
/// it is met.
pub(super) fn link_components(target: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    target
        .split(|byte| *byte == b'/')
        .filter(|part| !part.is_empty() && *part != b".")
}

#[cfg(test)]
mod tests {
    use super::{CleanPath, Meaning, meaning};

    fn clean(name: &str) -> String {
        let path = CleanPath::parse(name.as_bytes()).expect("cleans");
        let parts: Vec<_> = path
            .components
            .iter()
            .map(|c| String::from_utf8_lossy(c))
            .collect();
        parts.join("/")
    }

    #[test]
    fn a_name_never_climbs_above_the_root() {
        for (name, expect) in [
            ("a/b", "a/b"),
            ("/a//b/./", "a/b"),
            ("./", ""),
            ("..", ""),
            ("../../x", "x"),
            ("/./.././../etc/passwd", "etc/passwd"),
            ("a/../../b", "b"),
            ("dne/../.wh.etc", ".wh.etc"),
        ] {
            assert_eq!(clean(name), expect, "{name}");
        }
        assert!(CleanPath::parse(b"a\0b").is_err());
        assert!(CleanPath::parse(&[b'a'; 4097]).is_err());
    }

    #[test]
    fn a_whiteout_names_something_else_than_a_folder_itself() {
        for bad in [".wh.", ".wh..", ".wh..."] {
            assert!(meaning(b"", bad.as_bytes()).is_err(), "{bad}");
        }
        let check = |name: &'static str| meaning(b"", name.as_bytes()).expect("valid");
        assert_eq!(check(".wh.a"), Meaning::Whiteout(b"a"));
        assert_eq!(check(".wh..wh..opq"), Meaning::Opaque);
        assert_eq!(check(".wh..wh.plnk"), Meaning::Aufs);
        assert_eq!(check("wh.a"), Meaning::Plain);
    }
}
