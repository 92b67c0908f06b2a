//! `cgroupsPath` as callers write it for systemd: `slice:prefix:name`.

use crate::error::{Error, Result};

/// A unit and the slice that it lies in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) slice: String,
    pub(super) unit: String,
}

/// systemd refuses longer ones.
const LONGEST: usize = 255;

impl Name {
    /// Takes the parts of the path; without one the container lies where its user's containers do.
    pub(super) fn parse(path: Option<&str>, id: &str, default_slice: &str) -> Result<Self> {
        let path = path.filter(|path| !path.is_empty());
        let (slice, prefix, name) = match path.map(|path| path.split(':').collect::<Vec<_>>()) {
            None => ("", "terrarium", id),
            Some(parts) => match parts[..] {
                [slice, prefix, name] => (slice, prefix, name),
                _ => {
                    return Err(invalid(
                        path.unwrap_or_default(),
                        "is not `slice:prefix:name`",
                    ));
                }
            },
        };
        let slice = if slice.is_empty() {
            default_slice
        } else {
            slice
        };
        let unit = if prefix.is_empty() {
            format!("{name}.scope")
        } else {
            format!("{prefix}-{name}.scope")
        };
        check_slice(slice)?;
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b":-_.\\@".contains(&byte);
        if name.is_empty() || unit.len() > LONGEST || !unit.bytes().all(known) {
            return Err(invalid(&unit, "is no name of a unit"));
        }
        Ok(Self {
            slice: slice.to_owned(),
            unit,
        })
    }
}

/// `a-b.slice` lies in `a.slice`; an empty part has no name (systemd.slice(5)).
fn check_slice(slice: &str) -> Result<()> {
    let refuse = || Err(invalid(slice, "is no name of a slice"));
    let Some(stem) = slice.strip_suffix(".slice") else {
        return refuse();
    };
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b":_.\\@".contains(&byte);
    let is_part = |part: &str| !part.is_empty() && part.bytes().all(known);
    if stem == "-" || slice.len() <= LONGEST && stem.split('-').all(is_part) {
        return Ok(());
    }
    refuse()
}

fn invalid(text: &str, why: &str) -> Error {
    Error::InvalidSpec(format!("`linux.cgroupsPath`: {text:?} {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_say_where_and_what() {
        for (path, expect) in [
            (
                Some("machine.slice:libpod:0f"),
                Some(("machine.slice", "libpod-0f.scope")),
            ),
            (
                Some(":docker:0f"),
                Some(("system.slice", "docker-0f.scope")),
            ),
            (Some("a-b.slice::0f"), Some(("a-b.slice", "0f.scope"))),
            (Some("-.slice:x:y"), Some(("-.slice", "x-y.scope"))),
            (None, Some(("system.slice", "terrarium-one.scope"))),
            (Some("/a/b"), None),
            (Some("a:b"), None),
            (Some("a.slice:b:c:d"), None),
            (Some("a:b:c"), None),
            (Some("a--b.slice:b:c"), None),
            (Some("../x.slice:b:c"), None),
            (Some("a.slice:b:../c"), None),
            (Some("a.slice:b:"), None),
            (Some("a.slice:b:c+d"), None),
        ] {
            let name = Name::parse(path, "one", "system.slice");
            let name = name.ok();
            let name = name
                .as_ref()
                .map(|name| (name.slice.as_str(), name.unit.as_str()));
            assert_eq!(name, expect, "{path:?}");
        }
        let long = format!("a.slice:b:{}", "c".repeat(300));
        assert!(Name::parse(Some(&long), "one", "system.slice").is_err());
    }
}
