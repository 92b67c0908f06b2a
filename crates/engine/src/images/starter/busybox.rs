use std::{fs, os::unix::fs::MetadataExt as _, path::Path, process::Command};

use terrarium_api::{Error, ErrorCode};

use crate::{Result, error::Context as _};

/// Where distributions put it.
const PLACES: &[&str] = &[
    "/bin/busybox",
    "/usr/bin/busybox",
    "/bin/busybox.static",
    "/usr/bin/busybox.static",
    "/bin/busybox-static",
];

/// A busybox that runs without the libraries of this machine.
#[derive(Debug)]
pub(super) struct Busybox {
    /// The program.
    pub(super) bytes: Vec<u8>,
    /// What it can be called as, as paths without the slash in front, sorted.
    pub(super) applets: Vec<String>,
    /// When it was built, in seconds since 1970: the time of everything in the image.
    pub(super) built_at: u64,
}

impl Busybox {
    /// Finds the busybox of this machine.
    pub(super) fn find() -> Result<Self> {
        for place in PLACES.iter().map(Path::new) {
            let Ok(bytes) = fs::read(place) else { continue };
            if is_static(&bytes) {
                return Self::read(place, bytes);
            }
        }
        Err(Error::new(
            ErrorCode::Unsupported,
            "this machine has no busybox that runs on its own",
        )
        .hint("install the package busybox-static"))
    }

    fn read(path: &Path, bytes: Vec<u8>) -> Result<Self> {
        let context = |verb: &str| format!("{verb} {}", path.display());
        let built = fs::metadata(path).context(|| context("look at"))?.mtime();
        let output = Command::new(path).arg("--list-full").env_clear().output();
        let listed = output.context(|| context("run"))?.stdout;
        let listed = String::from_utf8_lossy(&listed);
        let mut applets: Vec<String> = listed
            .lines()
            .filter(|line| is_applet(line))
            .map(str::to_owned)
            .collect();
        applets.sort_unstable();
        applets.dedup();
        Ok(Self {
            bytes,
            applets,
            built_at: u64::try_from(built).unwrap_or_default(),
        })
    }

    /// When it was built, RFC 3339.
    pub(super) fn created(&self) -> String {
        let seconds = i64::try_from(self.built_at).unwrap_or_default();
        jiff::Timestamp::from_second(seconds)
            .unwrap_or_default()
            .to_string()
    }

    #[cfg(test)]
    pub(super) fn of_bytes(bytes: Vec<u8>, applets: &[&str]) -> Self {
        let applets = applets.iter().map(ToString::to_string).collect();
        Self {
            bytes,
            applets,
            built_at: 1_700_000_000,
        }
    }
}

/// Whether a line of the list is a path that we link, and not busybox itself.
fn is_applet(line: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'-' | b'_' | b'.' | b'[');
    let name = line.rsplit('/').next().unwrap_or_default();
    let known = ["bin/", "sbin/", "usr/bin/", "usr/sbin/"]
        .iter()
        .any(|folder| line.strip_prefix(folder).is_some_and(|rest| rest == name));
    known
        && !name.is_empty()
        && !name.starts_with('.')
        && name != "busybox"
        && line.bytes().all(plain)
}

/// Whether an ELF program names no interpreter, so that it needs no library (elf(5)).
fn is_static(program: &[u8]) -> bool {
    const INTERPRETER: u32 = 3;
    let is_elf64 = program.starts_with(&[0x7f, b'E', b'L', b'F', 2, 1]);
    let number = |at: usize, len: usize| -> Option<usize> {
        let bytes = program.get(at..at.checked_add(len)?)?;
        bytes.iter().rev().try_fold(0_usize, |value, byte| {
            value.checked_mul(256)?.checked_add(usize::from(*byte))
        })
    };
    let headers = || -> Option<bool> {
        let (table, size, count) = (number(32, 8)?, number(54, 2)?, number(56, 2)?);
        for header in 0..count {
            let kind = number(table.checked_add(header * size)?, 4)?;
            if kind == INTERPRETER as usize {
                return Some(false);
            }
        }
        Some(true)
    };
    is_elf64 && headers().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_applets_are_linked() {
        for good in [
            "bin/sh",
            "usr/bin/[",
            "usr/bin/[[",
            "sbin/init",
            "usr/sbin/httpd",
        ] {
            assert!(is_applet(good), "{good}");
        }
        for bad in [
            "bin/busybox",
            "sh",
            "bin/",
            "../bin/sh",
            "bin/../../x",
            "lib/x",
            "bin/a b",
            "",
        ] {
            assert!(!is_applet(bad), "{bad}");
        }
    }

    #[test]
    fn a_program_that_is_cut_off_is_not_taken_for_a_static_one() {
        let own = fs::read("/proc/self/exe").unwrap();
        assert!(!is_static(&own), "tests are linked to libraries");
        for length in [0, 4, 63, 64, 100] {
            assert!(!is_static(&own[..length]));
        }
        if let Ok(busybox) = Busybox::find() {
            assert!(busybox.applets.iter().any(|applet| applet == "bin/sh"));
        }
    }
}
